//! Real-name verification: a code to the person's phone, then the person's data with that code. Everything that can be
//! wrong with an input is found before anything is sent, because a wrong attempt costs the person a code.

use duijie_sdk::{
    Class, Failure, Link, Outcome,
    crypto::{self, Algorithm},
    encode,
    fields::Fields,
    identity,
    input::Violations,
    kv, log, time,
};
use serde::Serialize;
use serde_json::json;

use crate::{
    APP_KEY,
    config::Config,
    gateway,
    model::{
        Certificate, Certificates, CodeSent, Identity, PhoneInput, SessionInput, SessionQuery, Validation, Verified,
        Verify,
    },
};

/// The upstream sends a phone no second code within this time.
const RESEND_MS: u64 = 120_000;

/// `phone.send-code`.
///
/// # Errors
/// `invalid-input` for what is no mobile number; `rate-limited` within two minutes of the last code; the gateway's.
pub fn send_code(link: &Link<Config>, input: PhoneInput) -> Result<CodeSent, Failure> {
    let mut wrong = Violations::default();
    wrong.unless(identity::is_mobile(&input.phone), "/phone", "must be a mobile number of 11 digits");
    wrong.none()?;
    let turn = take_turn(&input.phone)?;
    match gateway::post(link.config(), "/cert/sendPhoneVerifyCode", &json!({ "phone": input.phone })) {
        Ok(_) => Ok(CodeSent { sent: true, next_in_s: RESEND_MS / 1000 }),
        Err(failure) => {
            // Nothing has left, so the person need not wait.
            if failure.outcome == Outcome::NotSent
                && let Err(error) = kv::delete(&turn)
            {
                log::warn("a phone's turn could not be given back", &[("error", &error.to_string())]);
            }
            Err(failure)
        }
    }
}

/// Takes this phone's one turn in two minutes; its key. A keyed hash, because numbers are few enough to try them all.
fn take_turn(phone: &str) -> Result<String, Failure> {
    let digest = crypto::hmac(Algorithm::Sha256, APP_KEY, phone)?;
    let key = format!("phone/{}", encode::hex(digest.get(..16).unwrap_or(&digest)));
    let now_ms = time::now_ms();
    if kv::add(&key, now_ms.to_string(), Some(RESEND_MS))? {
        return Ok(key);
    }
    let taken_ms = kv::get(&key)?.and_then(|taken| String::from_utf8(taken).ok()?.parse::<u64>().ok());
    let wait_ms = taken_ms.map_or(1, |taken_ms| taken_ms.saturating_add(RESEND_MS).saturating_sub(now_ms));
    let message = "this phone was sent a code less than two minutes ago";
    Err(Failure::rate_limited(message).retry_after_ms(wait_ms.max(1)))
}

/// The body in the document's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    verify_code: String,
    phone: String,
    name: String,
    id_card_no: String,
    user_identity: Identity,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_code: Option<String>,
    login_account: String,
}

/// `user.verify`.
///
/// # Errors
/// `invalid-input` with everything that is wrong; the gateway's.
pub fn verify(link: &Link<Config>, input: Verify) -> Result<Verified, Failure> {
    let id_card_no = identity::id_number(&input.id_card_no);
    let is_code = input.verify_code.len() == 6 && input.verify_code.bytes().all(|byte| byte.is_ascii_digit());
    let has_org = input.org_code.as_ref().is_some_and(|code| !code.is_empty());
    let mut wrong = Violations::default();
    wrong.unless(is_code, "/verifyCode", "must be 6 digits");
    wrong.unless(identity::is_mobile(&input.phone), "/phone", "must be a mobile number of 11 digits");
    wrong.unless(!input.name.trim().is_empty(), "/name", "is required");
    wrong.unless(id_card_no.is_some(), "/idCardNo", "must be an identity number of 18 characters; check each of them");
    wrong.unless(has_org || !input.user_identity.needs_org(), "/orgCode", "is required for this userIdentity");
    wrong.unless(!input.login_account.trim().is_empty(), "/loginAccount", "is required");
    wrong.none()?;
    let body = Body {
        verify_code: input.verify_code,
        phone: input.phone,
        name: input.name,
        id_card_no: id_card_no.unwrap_or_default(),
        user_identity: input.user_identity,
        org_code: input.org_code,
        login_account: input.login_account,
    };
    gateway::post(link.config(), "/cert/validateUser", &body)?;
    Ok(Verified { verified: true })
}

/// `session.validate`: is a user verified? Not being so is the answer that was asked for.
///
/// # Errors
/// The gateway's, save `identity-unverified`.
pub fn validate_session(link: &Link<Config>, input: SessionQuery) -> Result<Validation, Failure> {
    let body = json!({ "userId": input.user_id, "loginAccount": input.login_account });
    match gateway::post(link.config(), "/userSession/validateSession", &body) {
        Ok(_) => Ok(Validation { verified: true, cert_url: None }),
        Err(failure) if failure.class == Class::IdentityUnverified => {
            Ok(Validation { verified: false, cert_url: Fields::of(&failure.detail_json()).text(&["certUrl"]) })
        }
        Err(failure) => Err(failure),
    }
}

/// `cert.info`.
///
/// # Errors
/// `session-invalid` for a session that is over; the gateway's.
pub fn certificates(link: &Link<Config>, input: SessionInput) -> Result<Certificates, Failure> {
    let reply = gateway::post(link.config(), "/cert/getCertInfo", &json!({ "usessionId": input.usession_id }))?;
    let certificate = |fields: Fields<'_>| Certificate {
        create_time: fields.text(&["createTime"]),
        name: fields.text(&["name"]),
        sys_code: fields.text(&["sysCode"]),
        login_account: fields.text(&["loginAccount"]),
        come_from: fields.text(&["comeFrom"]),
    };
    Ok(Certificates { certificates: Fields::of(&reply).list("data").into_iter().map(certificate).collect() })
}
