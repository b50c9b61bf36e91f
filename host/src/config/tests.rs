//! What is read, what is refused, and where it says the fault is.

use super::*;

fn read(text: &str) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("duijie.toml");
    fs::write(&file, text).unwrap();
    Config::read(&file)
}

#[test]
fn an_empty_file_is_a_good_one() {
    let config = read("").unwrap();
    assert_eq!(config.api.to_string(), "127.0.0.1:8080");
    assert!(config.reload.links.ends_with("links.d"));
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let text = read("[listen]\napi = \"127.0.0.1:1\"\nadmn = \"x\"\n").unwrap_err().to_string();
    assert!(text.contains("duijie.toml:3: unknown field `admn`"), "{text}");
}

#[test]
fn a_number_out_of_its_range_is_named_with_line_and_key() {
    for (section, key, least, most) in [
        ("limits", "calls", 1_i64, 10_000_i64),
        ("limits", "hooks", 1, 10_000),
        ("limits", "memory_mib", 1, 1024),
        ("limits", "connections", 1, 1_000_000),
        ("limits", "drain_s", 0, 3600),
        ("reload", "rescan_s", 1, 86_400),
        ("rollout", "share", 0, 100),
        ("rollout", "clean_calls", 1, 1_000_000_000),
        ("rollout", "trial_s", 1, 604_800),
    ] {
        for good in [least, most] {
            assert!(read(&format!("[{section}]\n{key} = {good}")).is_ok(), "{key} = {good}");
        }
        for bad in [least - 1, most + 1, i64::MAX, i64::MIN] {
            let wanted = format!("duijie.toml:3: key `{section}.{key}`: {least} to {most} is accepted, not {bad}");
            let text = read(&format!("[{section}]\n# {key}\n{key} = {bad}")).unwrap_err().to_string();
            assert!(text.ends_with(&wanted), "{text}");
            let text = read(&format!("\n\n{section}.{key} = {bad}")).unwrap_err().to_string();
            assert!(text.ends_with(&wanted), "{text}");
        }
        let text = read(&format!("[{section}]\n{key} = \"x\"")).unwrap_err().to_string();
        assert!(text.contains("duijie.toml:2: ") && text.contains(key), "{text}");
    }
}

#[test]
fn an_address_without_an_ip_is_named_with_line_and_key() {
    for key in ["api", "admin"] {
        for bad in ["localhost:80", "127.0.0.1", ":8080", ""] {
            let text = read(&format!("[listen]\n{key} = \"{bad}\"")).unwrap_err().to_string();
            let wanted = format!("duijie.toml:2: key `listen.{key}`: write an IP address and a port");
            assert!(text.contains(&wanted), "{text}");
        }
        assert!(read(&format!("[listen]\n{key} = \"[::1]:0\"")).is_ok());
    }
}

#[test]
fn a_pattern_or_a_signing_key_that_is_none_is_named_with_its_line() {
    let text = read("[rollout]\ncanary = [\n\"zj.*\",\n\"z*\"]").unwrap_err().to_string();
    assert!(text.contains("duijie.toml:4: key `rollout.canary`"), "{text}");
    let text = read("[signatures]\nrequired = true\nkeys = [\"x\"]").unwrap_err().to_string();
    assert!(text.contains("duijie.toml:3: key `signatures.keys`") && text.contains("minisign"), "{text}");
    assert!(read("[signatures]\nrequired = true").unwrap_err().to_string().contains("no key is listed"));
}

#[test]
fn a_missing_file_says_how_to_give_one() {
    let text = Config::read(Path::new("/nonexistent/duijie.toml")).unwrap_err().to_string();
    assert!(text.contains("--config"), "{text}");
}
