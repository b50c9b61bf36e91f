//! The login page: the chosen user is always logged in already, so it answers at once with the way back. Never shows a
//! form.

use url::Url;

use super::super::ledger::key_hash;
use super::super::profile::{Mode, Received, Reply};
use super::{Refusal, ZjzwfwSso, codes, later};

impl ZjzwfwSso {
    pub(super) fn login(&self, received: &Received) -> Reply {
        self.way_back(received).unwrap_or_else(|refusal| {
            let page = format!(
                "<!DOCTYPE html>\n<html><head><title>登录失败</title></head><body><h1>{}</h1></body></html>\n",
                refusal.message
            );
            Reply::new("text/html;charset=utf-8", page).status(400).code(refusal.code)
        })
    }

    fn way_back(&self, received: &Received) -> Result<Reply, Refusal> {
        if received.method != http::Method::GET {
            return Err(Refusal::new(codes::HTTP, "只支持 GET"));
        }
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(received.query.as_bytes()).into_owned().collect();
        let parameter = |wanted: &str| {
            let mut values = pairs.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
            // Twice is as good as not at all.
            values.next().filter(|value| !value.is_empty() && values.next().is_none())
        };
        let oauth = parameter("action") == Some("oauth") && parameter("scope") == Some("1");
        if self.settings.mode == Mode::Strict && received.path.ends_with("/mobile.do") && !oauth {
            return Err(Refusal::new(codes::MALFORMED, "参数 action 应为 oauth，scope 应为 1"));
        }
        let servicecode = parameter("servicecode").ok_or_else(|| Refusal::missing("servicecode"))?;
        if !self.settings.services.contains_key(servicecode) {
            return Err(Refusal::new(codes::SERVICE, "servicecode 不存在"));
        }
        let goto = parameter("goto").or_else(|| parameter("redirectUrl")).ok_or_else(|| Refusal::missing("goto"))?;
        let goto_url = Url::parse(goto).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let goto_url = goto_url.ok_or_else(|| Refusal::new(codes::MALFORMED, "参数 goto 应为完整地址"))?;
        let registered = self.landing.lock().clone();
        let mut back = registered.and_then(|registered| Url::parse(&registered).ok()).unwrap_or(goto_url);
        let user = self.directory.at_login().ok_or_else(|| Refusal::new(codes::USER, "没有已登录的用户"))?;
        let expires_ms = later(received.now_ms, self.settings.ticket_ttl);
        let ticket = self.directory.issue(servicecode, &user.userid, received.now_ms, expires_ms);
        back.query_pairs_mut().append_pair(&self.settings.ticket_parameter, &ticket);
        if self.settings.sp {
            back.query_pairs_mut().append_pair("sp", goto);
        }
        let reply = Reply::new("text/html;charset=utf-8", "").status(302).header("location", back.as_str());
        let reply = reply.header("cache-control", "no-store").code(codes::OK);
        Ok(Reply { key_hash: Some(key_hash(&user.userid)), ..reply })
    }
}
