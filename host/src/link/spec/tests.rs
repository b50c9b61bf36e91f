//! Link files, right and wrong, as an operator writes them.

use std::fs;

use super::*;
use crate::secret::source::SecretSource;

const GOOD: &str = r#"
connector = "zj-gxsz"
version = "^0.1"
[config]
base_url = "https://api.zj-gxsz.cn"
[secrets.client_secret]
env = "NBUFE_CLIENT_SECRET"
encoding = "base64"
[allow]
http = ["https://api.zj-gxsz.cn", { origin = "http://intranet.example:8080", cidr = ["10.0.0.0/8"] }]
[limits]
deadline_ms = 20000
"#;

fn read(text: &str) -> Result<LinkSpec, SpecError> {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("zj")).unwrap();
    let file = root.path().join("zj/nbufe.toml");
    fs::write(&file, text).unwrap();
    LinkSpec::read(root.path(), &file)
}

fn refusal(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn a_good_link_is_read_whole() {
    let spec = read(GOOD).unwrap();
    assert_eq!(&*spec.id, "zj.nbufe");
    assert_eq!(&*spec.connector, "zj-gxsz");
    assert_eq!(spec.allow.len(), 2);
    assert_eq!(spec.limits.deadline, Duration::from_secs(20));
    assert_eq!(spec.concurrency, CONCURRENCY_DEFAULT);
    assert_eq!(spec.secrets["client_secret"].source, SecretSource::Env("NBUFE_CLIENT_SECRET".into()));
}

#[test]
fn an_unknown_key_is_named_with_file_and_line() {
    let text = refusal("connector = \"x\"\n[limits]\ndedline_ms = 5\n");
    assert!(text.starts_with("zj/nbufe.toml:3: key `limits.dedline_ms`: unknown field"), "{text}");
    let text = refusal("connector = \"x\"\nconfg = 1\n");
    assert!(text.starts_with("zj/nbufe.toml:2: key `confg`: unknown field"), "{text}");
    let text = refusal("connector = \"x\"\n[secrets.a]\nvalue = \"inline\"\n");
    assert!(text.starts_with("zj/nbufe.toml:3: key `secrets.a.value`"), "{text}");
}

#[test]
fn a_wrong_value_is_named_with_file_and_line() {
    let text = refusal("connector = \"x\"\n[limits]\ndeadline_ms = \"soon\"\n");
    assert!(text.starts_with("zj/nbufe.toml:3: key `limits.deadline_ms`"), "{text}");
    let text = refusal("connector = \"x\"\n[limits]\ndeadline_ms = 0\n");
    assert!(text.contains(":3: key `limits.deadline_ms`: 0 is out of range; 1 to 600000"), "{text}");
    let text = refusal("connector = \"x\"\n[allow]\nhttp = [\"ftp://a\"]\n");
    assert!(text.starts_with("zj/nbufe.toml:3: key `allow.http"), "{text}");
}

#[test]
fn a_missing_connector_is_named() {
    let text = refusal("[config]\n");
    assert!(text.contains("missing field `connector`"), "{text}");
}

#[test]
fn a_secret_comes_from_one_place() {
    let text = refusal("connector = \"x\"\n[secrets.a]\nenv = \"A\"\nfile = \"a\"\n");
    assert!(text.contains("key `secrets.a`: give either `env` or `file`"), "{text}");
}

#[test]
fn a_file_with_a_name_that_makes_no_id_is_refused() {
    let root = tempfile::tempdir().unwrap();
    for (name, said) in [("A.toml", "link id"), ("a b.toml", "link id"), ("a.b.toml", "a name with a dot")] {
        let file = root.path().join(name);
        fs::write(&file, GOOD).unwrap();
        let text = LinkSpec::read(root.path(), &file).map(|s| s.id).unwrap_err().to_string();
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn a_secret_written_inline_is_never_quoted() {
    const SECRET: &str = "ASNFZ4mrze/+3LqYdlQyEA==";
    for text in [
        format!("secrets = \"{SECRET}\"\nconnector = \"x\"\n"),
        format!("connector = \"x\"\n[secrets]\nclient_secret = \"{SECRET}\"\n"),
        format!("connector = \"x\"\n[secrets.client_secret]\nenv = \"{SECRET}\"\n"),
        format!("connector = \"x\"\n[secrets.client_secret]\nenv = \"A\"\nencoding = \"{SECRET}\"\n"),
        format!("connector = \"x\"\n[secrets.client_secret]\nenv = \"A\"\nsend_to = [\"{SECRET}\"]\n"),
        format!("connector = \"x\"\n[secrets.client_secret]\nvalue = \"{SECRET}\"\n"),
    ] {
        let said = refusal(&text);
        assert!(!said.contains("ASNF") && said.contains("secrets"), "{said}");
    }
}

#[test]
fn a_link_takes_no_more_memory_than_the_host_has() {
    let spec = read("connector = \"x\"\n").unwrap();
    assert_eq!(spec.limits_within(32 << 20).unwrap().memory_bytes, 32 << 20);
    let spec = read("connector = \"x\"\n[limits]\nmemory_mib = 64\n").unwrap();
    let said = spec.limits_within(32 << 20).unwrap_err().to_string();
    assert!(said.contains(":3: key `limits.memory_mib`: is over the host's own"), "{said}");
}

#[test]
fn a_record_that_failed_is_kept_for_a_month_unless_the_link_says_otherwise() {
    let hours = |text: &str| read(&format!("{GOOD}{text}")).unwrap().push.keep_failed.as_secs() / 3600;
    assert_eq!((hours(""), hours("[push]\nkeep_failed_h = 24\n")), (720, 24));
    for wrong in [0, 8761] {
        let text = refusal(&format!("{GOOD}[push]\nkeep_failed_h = {wrong}\n"));
        assert!(text.contains("`push.keep_failed_h`: ") && text.contains("1 to 8760"), "{text}");
    }
}
