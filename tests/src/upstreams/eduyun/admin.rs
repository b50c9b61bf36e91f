//! What the profile adds below `/_sim/`: reads of what it knows, the platform's URLs, who is logged in, and a call of
//! the hook by hand. Shows people and phone codes in clear: they are synthetic, and the surface is for loopback.

use bytes::Bytes;
use http::Method;
use serde_json::json;

use super::super::admin::{text_member, wanted};
use super::super::hook;
use super::super::profile::Reply;
use super::{Eduyun, Person};

/// For the front page.
pub(super) const SURFACE: &str = "\
    GET    /_sim/people                 who is known\n\
    GET    /_sim/verifications          accepted validateUser calls\n\
    GET    /_sim/exchanges              session exchanges, and what was wrong with the hook's answer\n\
    GET    /_sim/phone-codes/{phone}    the last code sent\n\
    POST   /_sim/hook                   {\"url\":…}: where sessions are checked\n\
    POST   /_sim/redirect-uri           {\"url\":…}: what return addresses must begin with\n\
    POST   /_sim/login                  {\"userId\":…}: who is logged in at /bmp-oauth\n\
    POST   /_sim/people                 add or replace a person\n\
    POST   /_sim/sessions/end           end all users' sessions\n\
    POST   /_sim/check-session          {\"localSession\":…}: call the hook now, outside an exchange\n";

impl Eduyun {
    pub(super) fn read(&self, path: &str) -> Option<Reply> {
        let value = match path {
            "people" => json!(self.people.list()),
            "verifications" => json!(self.verifications()),
            "exchanges" => json!(self.exchanges()),
            _ => json!({"code": self.phones.last(path.strip_prefix("phone-codes/")?)?}),
        };
        Some(Reply::json(&value))
    }

    pub(super) async fn write(&self, method: &Method, path: &str, body: &Bytes) -> Option<Reply> {
        if method != Method::POST {
            return None;
        }
        Some(match path {
            "hook" => self.hook.told(body),
            "redirect-uri" => match text_member(body, "url") {
                Some(url) => {
                    self.set_redirect_uri(url);
                    Reply::json(&json!({"redirectUri": "set"}))
                }
                None => wanted("url"),
            },
            "login" => match text_member(body, "userId") {
                Some(user_id) if self.log_in(&user_id) => Reply::json(&json!({"loggedIn": true})),
                Some(_) => Reply::text("userId: nobody has it\n").status(404),
                None => wanted("userId"),
            },
            "people" => match serde_json::from_slice::<Person>(body) {
                Ok(person) => Reply::json(&json!({"put": self.put_person(person)})),
                Err(error) => Reply::text(format!("{error}\n")).status(400),
            },
            "sessions/end" => Reply::json(&json!({"ended": self.end_sessions()})),
            "check-session" => match text_member(body, "localSession") {
                Some(local_session) => hook::shown(self.check_session(&local_session).await),
                None => wanted("localSession"),
            },
            _ => return None,
        })
    }
}
