//! Accounts that this connector makes itself, by a template over a learner's fields.

use duijie_sdk::template;

use super::Student;

const NAMES: [&str; 6] = ["studentUserCode", "cardNo", "cardNo6", "studentName", "studentPhone", "classCode"];
/// Of these at least one differs from learner to learner.
const DISTINCT: [&str; 2] = ["${studentUserCode}", "${cardNo}"];

/// A learner's account.
///
/// # Errors
/// What is wrong with the template; `check` of the link would have said so.
pub(super) fn derive(template: &str, class_code: &str, student: &Student) -> Result<String, String> {
    let value = |name: &str| {
        Some(match name {
            "studentUserCode" => student.student_user_code.clone(),
            "cardNo" => student.card_no.clone(),
            "cardNo6" => student.card_no.chars().skip(student.card_no.chars().count().saturating_sub(6)).collect(),
            "studentName" => student.student_name.clone(),
            "studentPhone" => student.student_phone.clone(),
            "classCode" => class_code.to_owned(),
            _ => return None,
        })
    };
    template::render(template, &NAMES, value, |value| value)
}

/// Does a template know its variables, and does it tell learners apart?
///
/// # Errors
/// What is wrong.
pub(crate) fn check_template(template: &str) -> Result<(), String> {
    let known = |name: &str| NAMES.contains(&name).then(String::new);
    template::render(template, &NAMES, known, |value| value)?;
    if DISTINCT.iter().any(|name| template.contains(name)) {
        return Ok(());
    }
    Err("must hold ${studentUserCode} or ${cardNo}, or two learners could get one account".to_owned())
}
