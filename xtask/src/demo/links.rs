//! The links of the demo as an operator would write them: one file each, every secret in a file of its own. Keys that are
//! left out have the connectors' defaults. What is secret here is the simulators' and nobody's.

use jiff::{SignedDuration, Timestamp, tz};

/// Where the upstream finds the hook that a link serves: the secret of its path.
pub(super) const LOCAL_SESSION_PATH: &str = "demo-path-of-local-session";
/// The same for the class push.
pub(super) const CLASS_PUSH_PATH: &str = "demo-path-of-class-push";
/// The same for user changes.
pub(super) const USER_SYNC_PATH: &str = "demo-path-of-user-sync";
/// What browsers see in their address bar, so no upstream's hook may share it.
pub(super) const LANDING_PATH: &str = "demo-path-of-login-landing";

/// Each file below `secrets/`, with its content.
pub(super) const SECRETS: [(&str, &str); 9] = [
    ("eduyun_app_key", "demoAppKey00000000000000000000002"),
    ("skill_train_password", "demo-password-0000"),
    ("culturedc_secret_key", "SKDEMO000000000000000000000000001"),
    ("zjzwfw_servicepwd", "demosvcpwd"),
    // That of the platform double in the tests: `whsec_` and the base64 of 24 bytes.
    ("platform", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"),
    ("local_session_path", LOCAL_SESSION_PATH),
    ("class_push_path", CLASS_PUSH_PATH),
    ("user_sync_path", USER_SYNC_PATH),
    ("landing_path", LANDING_PATH),
];

/// The access key of culturedc's simulator.
pub(super) const ACCESS_KEY: &str = "AKDEMO0000000001";
/// Its key was issued so long ago, of the 30 days that it is good for.
const ISSUED_DAYS_AGO: i64 = 25;
const DAY_HOURS: i64 = 24;

/// eduyun: the platform itself is asked who is logged in.
pub(super) fn eduyun(upstream: &str, platform: &str) -> String {
    format!(
        r#"connector = "eduyun"

[config]
base_url = "{upstream}"
app_id = "demoAppId000000000000000000000001"
sys_code = "999999"
hook.identity_source = "platform"

[secrets.app_key]
file = "../secrets/eduyun_app_key"

[hooks.local-session]
path_secret = {{ file = "../secrets/local_session_path" }}
allow = ["127.0.0.1/32"]
{}"#,
        reaches(upstream, platform)
    )
}

/// skill-train: the learning platform's half.
pub(super) fn skill_train(upstream: &str, platform: &str) -> String {
    format!(
        r#"connector = "skill-train"

[config]
role = "learning"
base_url = "{upstream}"
account = "demo-academy"
allow_plaintext = true

[secrets.password]
file = "../secrets/skill_train_password"

[hooks.class-push]
path_secret = {{ file = "../secrets/class_push_path" }}
allow = ["127.0.0.1/32"]
{}"#,
        reaches(upstream, platform)
    )
}

/// culturedc, whose key is nearly over.
pub(super) fn culturedc(upstream: &str) -> String {
    let issued = issued().to_zoned(tz::TimeZone::fixed(tz::offset(8))).strftime("%Y-%m-%d").to_string();
    format!(
        r#"connector = "culturedc"

[config]
base_url = "{upstream}"
access_key = "{ACCESS_KEY}"

[secrets.secret_key]
file = "../secrets/culturedc_secret_key"
issued_at = "{issued}"
valid_days = 30

[allow]
http = ["{upstream}"]
"#
    )
}

/// When culturedc's key was issued.
pub(super) fn issued() -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(ISSUED_DAYS_AGO * DAY_HOURS)
}

/// zjzwfw-sso: `host` is where browsers and the SSO reach us, so it is written once the host listens.
pub(super) fn zjzwfw_sso(upstream: &str, platform: &str, host: &str) -> String {
    format!(
        r#"connector = "zjzwfw-sso"

[config]
base = "{upstream}/sso"
servicecode = "demosvc"

[config.login]
landing_url = "{host}/hooks/gov.sso/{LANDING_PATH}/login-landing"
return_urls = ["{platform}/login"]

[secrets.servicepwd]
file = "../secrets/zjzwfw_servicepwd"

[hooks.login-landing]
path_secret = {{ file = "../secrets/landing_path" }}

[hooks.user-sync]
path_secret = {{ file = "../secrets/user_sync_path" }}
allow = ["127.0.0.1/32"]
{}"#,
        reaches(upstream, platform)
    )
}

/// Where a link may connect to, and whom it may ask.
fn reaches(upstream: &str, platform: &str) -> String {
    format!(
        r#"
[platform]
url = "{platform}/events"
secret = {{ file = "../secrets/platform" }}

[allow]
http = ["{upstream}"]
"#
    )
}
