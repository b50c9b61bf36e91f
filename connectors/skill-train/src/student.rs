//! The learner as a person: real-name check (1.2) and photo (1.11). Keeps nothing.

use duijie_sdk::{Class, Failure, Link, input::Violations};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    call,
    config::Config,
    input::{card_no, check_card_no, check_url},
    model::Accepted,
    operation::Operation,
};

/// What `student.authenticate` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Person {
    /// Identity number.
    #[schemars(length(min = 1, max = 64))]
    pub card_no: String,
    /// Name as on the identity card.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
}

/// What `student.authenticate` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Verified {
    /// Do name and number belong together? False only for codes of `errors.not_verified_codes`; other refusals are
    /// failures.
    pub verified: bool,
}

/// What `photo.update` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Photo {
    /// Identity number of the learner.
    #[schemars(length(min = 1, max = 64))]
    pub card_no: String,
    /// Address of the new two-inch photo; the upstream fetches it.
    #[schemars(length(min = 1, max = 2048))]
    pub ercun_photo_url: String,
}

/// 1.2: do name and number belong together?
///
/// # Errors
/// As [`call::learning`].
pub fn authenticate(link: &Link<Config>, person: Person) -> Result<Verified, Failure> {
    let mut wrong = Violations::default();
    check_card_no(&mut wrong, link.config(), "/cardNo", &person.card_no);
    wrong.none()?;
    let data = json!({ "cardNo": card_no(&person.card_no), "name": person.name });
    match call::learning(link, Operation::Authenticate, &data) {
        Ok(_) => Ok(Verified { verified: true }),
        Err(Failure { class: Class::UpstreamRejected, upstream_code: Some(code), .. })
            if link.config().errors.not_verified_codes.contains(&code) =>
        {
            Ok(Verified { verified: false })
        }
        Err(failure) => Err(failure),
    }
}

/// 1.11: another photo of a learner.
///
/// # Errors
/// As [`call::learning`].
pub fn update_photo(link: &Link<Config>, photo: Photo) -> Result<Accepted, Failure> {
    let mut wrong = Violations::default();
    check_card_no(&mut wrong, link.config(), "/cardNo", &photo.card_no);
    check_url(&mut wrong, "/ercunPhotoUrl", &photo.ercun_photo_url);
    wrong.none()?;
    let data = json!({ "cardNo": card_no(&photo.card_no), "ercunPhotoUrl": photo.ercun_photo_url.trim() });
    Ok(call::learning(link, Operation::PhotoUpdate, &data)?.into())
}
