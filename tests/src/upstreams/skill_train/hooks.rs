//! What the platform calls on the learning platform: 1.12 pushes a class and reads the accounts made for it, 1.14
//! pulls courses by pages. Never calls but where it was told; never retries.
//! Bounds: 1000 students a class; the accounts of 10 000 classes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::caller::{CallError, Called, call};
use super::class::{self, STUDENTS_MAX};
use super::{Mode, SkillTrain};

const CLASSES_MAX: usize = 10_000;

/// One of the two calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hook {
    /// 1.12 `pushClassInfo`.
    ClassPush,
    /// 1.14 `thirdCoursePull`.
    CoursePull,
}

/// The paging of 1.14 in the ways it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// As declared: numbers. In quirky mode they are sent as strings.
    Numbered {
        /// From 1.
        page_no: u32,
        /// Courses a page.
        page_size: u32,
    },
    /// As in the document's example: two strings of 32 hexadecimal digits.
    AsPrinted,
}

/// Why a hook's answer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The simulator was not told where to call.
    #[error("no URL is set for {0:?}")]
    NoUrl(Hook),
    /// More students than a class may have, or none.
    #[error("a class has 1 to {STUDENTS_MAX} students")]
    Students,
    /// No complete answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// An answer that is not of the document's form; says what is wrong with it.
    #[error("HTTP {status}: {reason}")]
    Answer {
        /// HTTP status.
        status: u16,
        /// Names members, never their values.
        reason: String,
    },
}

/// A complete answer to 1.12.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassAnswer {
    /// `"0"`, or a refusal.
    pub return_code: String,
    /// Its text.
    pub return_msg: String,
    /// What learners are told about their passwords.
    pub password_rules: Option<String>,
    /// Account by identity number: one for each student, or none after a refusal.
    pub accounts: BTreeMap<String, String>,
}

/// A complete answer to 1.14.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoursePage {
    /// `"0"`, or a refusal.
    pub return_code: String,
    /// Its text.
    pub return_msg: String,
    /// The page's number; none after a refusal.
    pub page_no: Option<u64>,
    /// Courses a page.
    pub page_size: Option<u64>,
    /// How many pages there are.
    pub total_page: Option<u64>,
    /// The courses.
    pub courses: Vec<Value>,
}

impl SkillTrain {
    /// Where the platform calls from now on.
    pub fn set_hook_url(&self, hook: Hook, url: impl Into<String>) {
        self.live.lock().hooks.insert(hook, url.into());
    }

    /// 1.12: pushes a class of so many synthetic students and takes the accounts made for them. The same class code and
    /// number make the same class. Strict: as the document's example; quirky: numbers for strings and other spellings.
    ///
    /// # Errors
    /// [`HookError`]. A refusal (`returnCode` not 0) is an answer.
    pub async fn push_class(&self, students: usize, class_code: &str, mode: Mode) -> Result<ClassAnswer, HookError> {
        if !(1..=STUDENTS_MAX).contains(&students) {
            return Err(HookError::Students);
        }
        let data = class::data(students, class_code, mode);
        let (status, answer) = self.call_hook(Hook::ClassPush, &data, mode).await?;
        let cards: BTreeSet<String> = (0..students).map(super::identity_number).collect();
        let answer = read_class(&answer, &cards).map_err(|reason| HookError::Answer { status, reason })?;
        if answer.return_code == "0" {
            let accounts = &mut self.live.lock().accounts;
            if accounts.len() >= CLASSES_MAX && !accounts.contains_key(class_code) {
                accounts.pop_first();
            }
            accounts.insert(class_code.to_owned(), answer.accounts.clone());
        }
        Ok(answer)
    }

    /// 1.14: pulls one page of courses.
    ///
    /// # Errors
    /// [`HookError`]. A refusal (`returnCode` not 0) is an answer.
    pub async fn pull_courses(&self, page: &Page) -> Result<CoursePage, HookError> {
        let mode = self.settings.mode;
        let data = match (page, mode) {
            (Page::Numbered { page_no, page_size }, Mode::Strict) => json!({"pageNo": page_no, "pageSize": page_size}),
            (Page::Numbered { page_no, page_size }, Mode::Quirky) => {
                json!({"pageNo": page_no.to_string(), "pageSize": page_size.to_string()})
            }
            (Page::AsPrinted, _) => {
                let printed = "acbcf014f50741b5a6d41ef341918f1f";
                json!({"pageNo": printed, "pageSize": printed})
            }
        };
        let (status, answer) = self.call_hook(Hook::CoursePull, &data, mode).await?;
        read_page(&answer).map_err(|reason| HookError::Answer { status, reason })
    }

    /// The accounts last given for a class that the platform pushed, by identity number.
    pub fn accounts(&self, class_code: &str) -> Option<BTreeMap<String, String>> {
        self.live.lock().accounts.get(class_code).cloned()
    }

    async fn call_hook(&self, hook: Hook, data: &Value, mode: Mode) -> Result<(u16, Value), HookError> {
        let url = self.live.lock().hooks.get(&hook).cloned().ok_or(HookError::NoUrl(hook))?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (timestamp, content_type) = match mode {
            Mode::Strict => (since.as_secs().to_string(), "application/json"),
            Mode::Quirky => (since.as_millis().to_string(), "text/plain;charset=UTF-8"),
        };
        let headers = json!({
            "deviceType": "TYPE_PC",
            "timestamp": timestamp,
            "deviceId": "127.0.0.1",
            "userToken": self.settings.hook_token,
        });
        let body = json!({"headers": headers, "data": data}).to_string();
        let headers = [("content-type", content_type)];
        let Called { status, body, .. } = call(Method::POST, &url, &headers, body, self.settings.hook_timeout).await?;
        let answer = serde_json::from_slice(&body)
            .map_err(|_| HookError::Answer { status, reason: "the body is not JSON".to_owned() })?;
        Ok((status, answer))
    }
}

fn read_class(answer: &Value, cards: &BTreeSet<String>) -> Result<ClassAnswer, String> {
    let (return_code, return_msg) = outcome(answer)?;
    let password_rules = match answer.get("passwordRules") {
        None => None,
        Some(Value::String(rules)) => Some(rules.clone()),
        Some(_) => return Err("passwordRules is not a string".to_owned()),
    };
    let mut accounts = BTreeMap::new();
    match answer.get("returnData") {
        Some(Value::Array(rows)) if return_code == "0" => {
            for row in rows {
                let card = text(row, "cardNo")?;
                if !cards.contains(&card) {
                    return Err("returnData has a cardNo that is not of the class".to_owned());
                }
                if accounts.insert(card, text(row, "studentUserAccount")?).is_some() {
                    return Err("returnData has a cardNo twice".to_owned());
                }
            }
        }
        _ if return_code == "0" => return Err("returnData is not an array".to_owned()),
        None => {}
        Some(_) => return Err("a refusal has returnData: it is all or nothing".to_owned()),
    }
    if return_code == "0" && accounts.len() != cards.len() {
        return Err(format!("returnData has {} accounts for {} students", accounts.len(), cards.len()));
    }
    Ok(ClassAnswer { return_code, return_msg, password_rules, accounts })
}

fn read_page(answer: &Value) -> Result<CoursePage, String> {
    let (return_code, return_msg) = outcome(answer)?;
    if return_code != "0" {
        let (page_no, page_size, total_page) = (None, None, None);
        return Ok(CoursePage { return_code, return_msg, page_no, page_size, total_page, courses: Vec::new() });
    }
    let number = |name: &str| {
        let found = answer.get(name).and_then(Value::as_u64);
        found.map(Some).ok_or_else(|| format!("{name} is not a number beside returnCode"))
    };
    let (page_no, page_size, total_page) = (number("pageNo")?, number("pageSize")?, number("totalPage")?);
    let courses = answer.get("data").and_then(Value::as_array).ok_or("data is not an array beside returnCode")?;
    Ok(CoursePage { return_code, return_msg, page_no, page_size, total_page, courses: courses.clone() })
}

fn outcome(answer: &Value) -> Result<(String, String), String> {
    Ok((text(answer, "returnCode")?, text(answer, "returnMsg")?))
}

fn text(value: &Value, name: &str) -> Result<String, String> {
    let text = value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| format!("{name} is missing, empty or not a string"))
}
