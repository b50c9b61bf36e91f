//! What is read, what is refused, and where it says the fault is.

use super::{webhooks::SECRET_FORM, *};

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

fn with_platforms(webhooks: &str) -> Result<Config, ConfigError> {
    let platform = |name: &str| {
        format!("[[platforms]]\nname = \"{name}\"\nkey_id = \"\"\nkey_sha256 = \"\"\nlinks = []\noperations = []\n")
    };
    read(&format!("{}{}{webhooks}", platform("city"), platform("campus")))
}

#[test]
fn a_webhook_is_one_platforms_and_its_secret_is_elsewhere() {
    let config = with_platforms(
        "[[webhooks]]\nplatform = \"city\"\nurl = \"https://city.example/duijie\"\nsecret = { env = \"CITY\" }\n\
         [[webhooks]]\nplatform = \"campus\"\nurl = \"http://campus.example\"\nsecret.file = \"campus\"\ncidr = [\"10.0.0.0/8\"]",
    );
    let platforms: Vec<_> = config.unwrap().webhooks.iter().map(|webhook| webhook.platform.to_string()).collect();
    assert_eq!(platforms, ["city", "campus"]);
}

#[test]
fn a_webhook_that_cannot_be_used_is_named_with_line_and_key() {
    const GOOD: [(&str, &str); 3] =
        [("platform", "\"city\""), ("url", "\"https://city.example/duijie\""), ("secret", "{ env = \"CITY\" }")];
    let one = |key: &str, value: &str| {
        let value = |known: &str, good: &'static str| if known == key { value.to_owned() } else { good.to_owned() };
        let lines: Vec<_> = GOOD.iter().map(|(known, good)| format!("{known} = {}", value(known, good))).collect();
        format!("[[webhooks]]\n{}\n", lines.join("\n"))
    };
    // The two platforms take twelve lines, the table's head one.
    for (line, key, value, why) in [
        (14, "platform", "\"nobody\"", "no [[platforms]] has the name nobody"),
        (14, "platform", "\"No Body\"", "is not valid"),
        (15, "url", "\"ftp://city.example\"", "https:// or http://"),
        (15, "url", "\"https://user:hunter2@city.example\"", "a user, a password"),
        (16, "secret", "\"hunter2\"", SECRET_FORM),
        (16, "secret", "{ inline = \"hunter2\" }", SECRET_FORM),
        (16, "secret", "{ env = 7 }", SECRET_FORM),
        (16, "secret", "{ env = \"hunter2!\" }", "never written here"),
        (16, "secret", "{ }", "give either"),
        (16, "secret", "{ env = \"A\", file = \"a\" }", "give either"),
    ] {
        let text = with_platforms(&one(key, value)).unwrap_err().to_string();
        assert!(text.contains(&format!("duijie.toml:{line}: ")) && text.contains(key), "{text}");
        assert!(text.contains(why) && !text.contains("hunter2"), "{text}");
    }
    let twice = with_platforms(&one("", "").repeat(2)).unwrap_err().to_string();
    assert!(twice.contains("duijie.toml:18: key `webhooks.platform`: city has a webhook already"), "{twice}");
    let networks = with_platforms(&format!("{}cidr = [\"ten\"]", one("", ""))).unwrap_err().to_string();
    assert!(networks.contains("duijie.toml:17: ") && networks.contains("cidr"), "{networks}");
    assert!(with_platforms(&one("", "")).is_ok());
}
