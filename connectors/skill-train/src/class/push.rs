//! The hook `class-push` (1.12): read the class → ask the platform, or make the accounts → answer one account for each
//! learner, or none at all. The same class again gets the same accounts, whatever the platform says by then.

use std::collections::BTreeSet;

use duijie_sdk::{
    Failure, HookRequest, HookResponse, Link,
    crypto::{self, Algorithm},
    encode,
    forward::{self, ForwardError},
    kv, log,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Class, accounts,
    memory::{self, Memory},
    read,
};
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
    hook::answer(link, &request, &|data| answer(&link.config().push_class, read::class(data)?))
}

/// A learner as remembered, and the identity number as received.
struct Learner {
    hash: String,
    card_no: String,
}

fn answer(config: &PushClass, mut class: Class) -> Result<Value, Refused> {
    let _lock = kv::lock(&memory::lock_name(&class.class_code)?, HOLD_MS).map_err(Failure::from)?;
    let mut known = memory::of(&class.class_code)?;
    let learners = learners(&class)?;
    let text = serde_json::to_string(&class).map_err(|error| Failure::internal(error.to_string()))?;
    let told = memory::hash(&text)?;
    let is_repeated = known.told == told && learners.iter().all(|it| known.accounts.contains_key(&it.hash));
    if !is_repeated {
        let given = match config.mode {
            PushMode::Forward => ask(&class)?,
            PushMode::Derive => derive(config, &mut class, &known)?,
        };
        take(&mut known, &learners, &given).map_err(|reason| {
            log::warn("a class was not taken", &[("class", &class.class_code), ("why", reason)]);
            Refused::Because(reason.to_owned())
        })?;
        let rules = given.password_rules.filter(|rules| !rules.trim().is_empty());
        known.password_rules = rules.or(known.password_rules);
        known.told = told;
        memory::keep(&class.class_code, &known)?;
    }
    let account = |it: &Learner| json!({ "cardNo": it.card_no, "studentUserAccount": known.accounts.get(&it.hash) });
    Ok(json!({
        "returnCode": "0",
        "returnMsg": "success",
        "passwordRules": known.password_rules.as_ref().unwrap_or(&config.password_rules),
        "returnData": learners.iter().map(account).collect::<Vec<_>>(),
    }))
}

/// Everybody once, however often listed.
fn learners(class: &Class) -> Result<Vec<Learner>, Failure> {
    let mut seen = BTreeSet::new();
    let mut learners = Vec::with_capacity(class.students.len());
    for student in &class.students {
        let hash = memory::learner(&class.class_code, &student.card_no)?;
        if seen.insert(hash.clone()) {
            learners.push(Learner { hash, card_no: student.card_no.clone() });
        }
    }
    Ok(learners)
}

/// An account for each learner who has none yet; all of them, and no two the same.
fn take(known: &mut Memory, learners: &[Learner], given: &Answer) -> Result<(), &'static str> {
    let mut taken = BTreeSet::new();
    for learner in learners {
        let account = match known.accounts.get(&learner.hash) {
            Some(account) => account.clone(),
            None => given.account_of(&learner.card_no).ok_or("有学员未能开通账号,本班未受理")?,
        };
        if !taken.insert(account.clone()) {
            return Err("有学员账号重复,本班未受理");
        }
        known.accounts.insert(learner.hash.clone(), account);
    }
    Ok(())
}

/// The platform's accounts.
fn ask(class: &Class) -> Result<Answer, Failure> {
    Ok(forward::ask(EVENT, Some(&key(class)?), class)?)
}

/// What tells a repetition: the class and what is told of it, so that a changed class is another event.
fn key(class: &Class) -> Result<String, Failure> {
    let told =
        serde_json::to_string(class).map_err(|error| Failure::internal(format!("a class is not JSON: {error}")))?;
    let digest = crypto::hash(Algorithm::Sha256, told)?;
    Ok(format!("{:.128}/{}", class.class_code, encode::hex(digest)))
}

/// Accounts by the template, save those that are known. The platform is told of them, if the link has one; it must not
/// miss a class, so that it does not answer is a failure.
fn derive(config: &PushClass, class: &mut Class, known: &Memory) -> Result<Answer, Failure> {
    let mut given = Answer::default();
    for student in &mut class.students {
        let account = match known.accounts.get(&memory::learner(&class.class_code, &student.card_no)?) {
            Some(account) => account.clone(),
            None => accounts::derive(&config.account_template, &class.class_code, student)
                .map_err(|message| Failure::config(format!("push_class.account_template {message}")))?,
        };
        given.accounts.push(Account { card_no: student.card_no.clone(), account: account.clone() });
        student.account = Some(account);
    }
    match forward::ask::<Value>(EVENT, Some(&key(class)?), class) {
        Ok(_) => {}
        Err(ForwardError::Denied(why)) => log::warn("the platform was not told of a class", &[("why", &why)]),
        Err(error) => return Err(error.into()),
    }
    Ok(given)
}

impl Answer {
    /// A learner's account, if it is one.
    fn account_of(&self, card_no: &str) -> Option<String> {
        let found = self.accounts.iter().find(|it| it.card_no.trim().eq_ignore_ascii_case(card_no))?;
        let account = found.account.trim();
        let fits = (1..=ACCOUNT_CHARS_MAX).contains(&account.chars().count()) && !account.contains(char::is_control);
        fits.then(|| account.to_owned())
    }
}
