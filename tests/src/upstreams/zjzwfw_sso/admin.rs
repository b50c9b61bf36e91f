//! What the profile adds below `/_sim/`: reads of what it knows, where the platform is, who is logged in, tickets
//! without a browser, and calls of the hook. Shows users in clear: they are synthetic, and the surface is for loopback.

use bytes::Bytes;
use http::Method;
use serde_json::json;

use super::super::admin::{text_member, wanted};
use super::super::hook;
use super::super::profile::Reply;
use super::{UserPush, ZjzwfwSso};

/// For the front page.
pub(super) const SURFACE: &str = "\
    GET    /_sim/users          the SSO's own users\n\
    GET    /_sim/pushed         users that resources pushed by synchronizeUser\n\
    GET    /_sim/methods        how often each method was called\n\
    POST   /_sim/hook           {\"url\":…}: where user changes are sent\n\
    POST   /_sim/landing        {\"url\":…}: the registered address that the login page returns to\n\
    POST   /_sim/login          {\"userid\":…}: who is logged in at the login page\n\
    POST   /_sim/ticket         {\"userid\":…}: a ticket for the first resource, without a browser\n\
    POST   /_sim/push-user      {\"method\",\"servicecode\",\"verb\",\"datatype\",\"signature\",\"args\"}, all optional: call the hook\n\
    POST   /_sim/repeat-push    send the last call again, to the letter\n";

impl ZjzwfwSso {
    pub(super) fn read(&self, path: &str) -> Option<Reply> {
        Some(Reply::json(&match path {
            "users" => json!(self.directory.users()),
            "pushed" => json!(self.pushed()),
            "methods" => json!(self.method_counts()),
            _ => return None,
        }))
    }

    pub(super) async fn write(&self, method: &Method, path: &str, body: &Bytes) -> Option<Reply> {
        if method != Method::POST {
            return None;
        }
        Some(match path {
            "hook" => self.hook.told(body),
            "landing" => match text_member(body, "url") {
                Some(url) => {
                    self.set_landing_url(url);
                    Reply::json(&json!({"landing": "set"}))
                }
                None => wanted("url"),
            },
            "login" => match text_member(body, "userid") {
                Some(userid) if self.log_in(&userid) => Reply::json(&json!({"loggedin": true})),
                Some(_) => Reply::text("userid: nobody has it\n").status(404),
                None => wanted("userid"),
            },
            "ticket" => match text_member(body, "userid") {
                Some(userid) => match self.ticket(&userid) {
                    Some(ticket) => Reply::json(&json!({"ticket": ticket})),
                    None => Reply::text("userid: nobody has it\n").status(404),
                },
                None => wanted("userid"),
            },
            "push-user" => {
                let push = if body.is_empty() { Ok(UserPush::default()) } else { serde_json::from_slice(body) };
                match push {
                    Ok(push) => hook::shown(self.push_user(&push).await),
                    Err(error) => Reply::text(format!("{error}\n")).status(400),
                }
            }
            "repeat-push" => hook::shown(self.repeat_push().await),
            _ => return None,
        })
    }
}
