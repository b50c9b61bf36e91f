//! `/bmp-oauth`, the page where a browser logs in: the chosen person is always logged in already, so it answers at once
//! with the way back. Never shows a form.

use url::Url;

use super::super::profile::{Mode, Received, Reply};
use super::gateway::about;
use super::people::SessionForm;
use super::{Eduyun, Refusal, codes};

impl Eduyun {
    pub(super) fn login(&self, received: &Received) -> Reply {
        self.way_back(received).unwrap_or_else(|refusal| {
            let page = format!(
                "<!DOCTYPE html>\n<html><head><title>登录失败</title></head><body><h1>{}</h1></body></html>\n",
                refusal.message
            );
            Reply::new("text/html;charset=UTF-8", page).status(400).code(refusal.code)
        })
    }

    fn way_back(&self, received: &Received) -> Result<Reply, Refusal> {
        let (mut ticket, mut back, mut more) = (None, None, false);
        for (name, value) in url::form_urlencoded::parse(received.query.as_bytes()) {
            let repeated = match name.as_ref() {
                "accessTicket" => ticket.replace(value.into_owned()).is_some(),
                "redirect_uri" => back.replace(value.into_owned()).is_some(),
                _ => true,
            };
            more |= repeated;
        }
        // Public clients add their accessToken here, which leaves it in the browser's history.
        if more && self.settings.mode == Mode::Strict {
            return Err(Refusal::new(codes::WRONG, "只能有 accessTicket 和 redirect_uri 各一个"));
        }
        let back = back.ok_or_else(|| Refusal::empty("redirect_uri"))?;
        let ticket = ticket.ok_or_else(|| Refusal::empty("accessTicket"))?;
        let registered = self.redirect_uri.lock().clone();
        let url = Url::parse(&back).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let known = registered.is_none_or(|registered| back.starts_with(&registered));
        let Some(mut url) = url.filter(|_| known) else {
            return Err(Refusal::wrong("redirect_uri", "与登记的平台地址不符"));
        };
        if !self.tickets.redeem_access(&ticket) {
            return Err(Refusal::new(codes::SESSION, "accessTicket 失效"));
        }
        let person = self.people.at_login().ok_or_else(|| Refusal::new(codes::FAILED, "没有已登录的用户"))?;
        let session_id = self.open(&person, SessionForm::Uuid, received.now_ms);
        url.query_pairs_mut().append_pair("usessionid", &session_id).append_pair("userId", &person.user_id);
        let reply = Reply::new("text/html;charset=UTF-8", "").status(302).header("location", url.as_str());
        Ok(about(&person, reply.header("cache-control", "no-store").code(codes::OK)))
    }

    /// Registers the platform URL that return addresses must begin with.
    pub fn set_redirect_uri(&self, registered: impl Into<String>) {
        *self.redirect_uri.lock() = Some(registered.into());
    }
}
