//! The profile's part of the admin surface: what learners did, what was pushed, what face checks answer, and the calls
//! that the platform makes. Reads records back in clear.

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::asked::{Unable, decoded, parsed};
use super::super::profile::Reply;
use super::{Hook, HookError, Mode, Page, SkillTrain};

/// What this adds, for `GET /_sim/`.
pub(super) const HELP: &str = "\
GET    /_sim/studies                    learner by resource: sums, last position, order
GET    /_sim/studies/{student}/{res}    one of them
GET    /_sim/faces                      face checks; of photos only the size
GET    /_sim/pushed                     records that were pushed, without contents
GET    /_sim/pushed/{operation}/{key}   the last version, in clear
GET    /_sim/accounts/{classCode}       accounts that 1.12 was given
POST   /_sim/hook                       {\"classPush\":URL,\"coursePull\":URL}
POST   /_sim/push-class                 {\"classCode\":…,\"students\":3,\"mode\":\"strict\"}: 1.12, now
POST   /_sim/pull-courses               {\"pageNo\":1,\"pageSize\":20}, or {} for the document's own strings: 1.14, now
POST   /_sim/face                       {\"online\":true,\"result\":1}: what 1.5 and 1.6 answer
POST   /_sim/real-name                  {\"cardNo\":…,\"verified\":false}: what 1.2 answers
";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Hooks {
    class_push: Option<String>,
    course_pull: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PushClass {
    class_code: String,
    students: usize,
    mode: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PullCourses {
    page_no: Option<u32>,
    page_size: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Face {
    online: Option<bool>,
    result: Option<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RealName {
    card_no: String,
    verified: bool,
}

impl SkillTrain {
    pub(super) fn inspect_below(&self, path: &str) -> Option<Reply> {
        let segments: Vec<&str> = path.split('/').collect();
        let found = match segments.as_slice() {
            ["studies"] => json!({"progressSum": self.progress_sum(), "studies": self.studies()}),
            ["studies", student, resource] => json!(self.study(student, resource)?),
            ["faces"] => json!(self.face_checks()),
            ["pushed"] => json!(self.pushed_list()),
            ["pushed", operation, key] => self.pushed(operation, &decoded(key))?.record,
            // The key of a recording is learner/resource.
            ["pushed", operation, student, resource] => {
                self.pushed(operation, &format!("{student}/{resource}"))?.record
            }
            ["accounts", class_code] => json!(self.accounts(class_code)?),
            _ => return None,
        };
        Some(Reply::json(&found))
    }

    pub(super) async fn act_below(&self, method: &Method, path: &str, body: &Bytes) -> Option<Reply> {
        if method != Method::POST {
            return None;
        }
        let done = match path {
            "hook" => parsed(body).map(|hooks: Hooks| {
                let urls = [(Hook::ClassPush, hooks.class_push), (Hook::CoursePull, hooks.course_pull)];
                for (hook, url) in urls {
                    if let Some(url) = url {
                        self.set_hook_url(hook, url);
                    }
                }
                json!({"set": true})
            }),
            "push-class" => match parsed(body) {
                Ok(push) => self.push_class_asked(push).await,
                Err(unable) => Err(unable),
            },
            "pull-courses" => match parsed(body) {
                Ok(pull) => self.pull_courses_asked(pull).await,
                Err(unable) => Err(unable),
            },
            "face" => parsed(body).and_then(|face: Face| self.set_face_asked(face)),
            "real-name" => parsed(body).map(|asked: RealName| {
                self.set_real_name(&asked.card_no, asked.verified);
                json!({"set": true})
            }),
            _ => return None,
        };
        Some(done.map_or_else(Reply::from, |value| Reply::json(&value)))
    }

    async fn push_class_asked(&self, push: PushClass) -> Result<Value, Unable> {
        let mode = match push.mode.as_deref() {
            None => self.settings.mode,
            Some("strict") => Mode::Strict,
            Some("quirky") => Mode::Quirky,
            Some(_) => return Err(Unable::bad("mode is strict or quirky")),
        };
        self.push_class(push.students, &push.class_code, mode).await.map(|answer| json!(answer)).map_err(failed)
    }

    async fn pull_courses_asked(&self, pull: PullCourses) -> Result<Value, Unable> {
        let page = match (pull.page_no, pull.page_size) {
            (None, None) => Page::AsPrinted,
            (page_no, page_size) => {
                Page::Numbered { page_no: page_no.unwrap_or(1), page_size: page_size.unwrap_or(20) }
            }
        };
        self.pull_courses(&page).await.map(|page| json!(page)).map_err(failed)
    }

    fn set_face_asked(&self, face: Face) -> Result<Value, Unable> {
        let matches = match face.result {
            None => None,
            Some(1) => Some(true),
            Some(2) => Some(false),
            Some(_) => return Err(Unable::bad("result is 1 or 2")),
        };
        if let Some(matches) = matches {
            self.set_face_matches(matches);
        }
        if let Some(online) = face.online {
            self.set_online(online);
        }
        Ok(json!({"set": true}))
    }
}

/// The platform's side did not answer, or not as it must.
fn failed(error: HookError) -> Unable {
    let status = match error {
        HookError::NoUrl(_) => 409,
        HookError::Students => 400,
        HookError::Call(_) | HookError::Answer { .. } => 502,
    };
    Unable { status, reason: error.to_string() }
}
