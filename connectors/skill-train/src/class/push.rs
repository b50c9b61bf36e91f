//! The hook `class-push` (1.12): read the class → ask the platform, or make the accounts → answer one account for each
//! learner, or none at all. The same class again gets the same accounts, whatever the platform says by then.

use std::collections::{BTreeMap, BTreeSet};

use duijie_sdk::{
    Failure, HookRequest, HookResponse, Link,
    forward::{self, ForwardError},
    kv, log,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Class, accounts, memory, read};
use crate::{
    config::{Config, PushClass, PushMode},
    hook::{self, Refused},
};

/// What is asked of the platform.
const EVENT: &str = "class.push";
/// Longer than the platform may take.
const HOLD_MS: u32 = 30_000;
/// Characters of an account.
const ACCOUNT_CHARS_MAX: usize = 64;

/// What the platform answers.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    accounts: Vec<Account>,
    #[serde(default)]
    password_rules: Option<String>,
}

/// One learner's account.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    card_no: String,
    account: String,
}

/// 1.12: takes a class and answers the accounts of its learners.
///
/// # Errors
/// As [`hook::answer`].
pub fn push(link: &Link<Config>, request: HookRequest) -> Result<HookResponse, Failure> {
    hook::answer(link, &request, |data| answer(&link.config().push_class, read::class(data)?))
}

fn answer(config: &PushClass, mut class: Class) -> Result<Value, Refused> {
    let code = class.class_code.clone();
    let _lock = kv::lock(&memory::lock_name(&code)?, HOLD_MS).map_err(Failure::from)?;
    let mut known = memory::of(&code)?;
    let text = serde_json::to_string(&class).map_err(|error| Failure::internal(error.to_string()))?;
    let told = memory::hash(&text)?;
    let mut learners = Vec::with_capacity(class.students.len());
    for student in &class.students {
        learners.push((memory::learner(&code, &student.card_no)?, student.card_no.clone()));
    }
    let is_repeated = known.told == told && learners.iter().all(|(learner, _)| known.accounts.contains_key(learner));
    if !is_repeated {
        let given = match config.mode {
            PushMode::Forward => ask(&class)?,
            PushMode::Derive => derive(config, &mut class)?,
        };
        let accounts = given.by_card_no();
        for (learner, card_no) in &learners {
            if !known.accounts.contains_key(learner) {
                let account = accounts.get(&card_no.to_ascii_uppercase()).ok_or_else(|| {
                    log::warn("the platform has no account for a learner of a class", &[("class", &code)]);
                    Refused::Because("有学员未能开通账号,本班未受理".to_owned())
                })?;
                known.accounts.insert(learner.clone(), (*account).to_owned());
            }
        }
        let by_learner: BTreeMap<_, _> =
            learners.iter().map(|(learner, _)| (learner, known.accounts.get(learner))).collect();
        if by_learner.values().collect::<BTreeSet<_>>().len() < by_learner.len() {
            log::warn("two learners of a class have one account", &[("class", &code)]);
            return Err(Refused::Because("有学员账号重复,本班未受理".to_owned()));
        }
        known.told = told;
        let rules = given.password_rules.filter(|rules| !rules.trim().is_empty());
        known.password_rules = rules.or(known.password_rules);
        memory::keep(&code, &known)?;
    }
    let mut answered = BTreeSet::new();
    let rows: Vec<_> = learners
        .iter()
        .filter(|(learner, _)| answered.insert(learner))
        .map(|(learner, card_no)| json!({ "cardNo": card_no, "studentUserAccount": known.accounts.get(learner) }))
        .collect();
    Ok(json!({
        "returnCode": "0",
        "returnMsg": "success",
        "passwordRules": known.password_rules.as_ref().unwrap_or(&config.password_rules),
        "returnData": rows,
    }))
}

/// The platform's accounts.
fn ask(class: &Class) -> Result<Answer, Refused> {
    Ok(forward::ask(EVENT, Some(&class.class_code), class).map_err(Failure::from)?)
}

/// Accounts by the template. The platform is told of them, if the link has one; it must not miss a class, so that it does
/// not answer is a failure.
fn derive(config: &PushClass, class: &mut Class) -> Result<Answer, Refused> {
    let mut given = Answer::default();
    for student in &mut class.students {
        let account = accounts::derive(&config.account_template, &class.class_code, student)
            .map_err(|message| Failure::config(format!("push_class.account_template {message}")))?;
        given.accounts.push(Account { card_no: student.card_no.clone(), account: account.clone() });
        student.account = Some(account);
    }
    match forward::ask::<Value>(EVENT, Some(&class.class_code), class) {
        Ok(_) => {}
        Err(ForwardError::Denied(why)) => log::warn("the platform was not told of a class", &[("why", &why)]),
        Err(error) => return Err(Failure::from(error).into()),
    }
    Ok(given)
}

impl Answer {
    /// The usable accounts, by identity number in upper case.
    fn by_card_no(&self) -> BTreeMap<String, &str> {
        let of = |it: &'_ Account| it.card_no.trim().to_ascii_uppercase();
        let usable = self.accounts.iter().map(|it| (of(it), it.account.trim())).filter(|(_, account)| {
            (1..=ACCOUNT_CHARS_MAX).contains(&account.chars().count()) && !account.contains(char::is_control)
        });
        usable.collect()
    }
}
