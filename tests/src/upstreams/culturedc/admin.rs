//! The profile's part of the admin surface: keys and their lives, reviews, numbers, pages. Reads records back in clear.

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::super::asked::{Unable, decoded, parsed};
use super::super::exchange::now_ms;
use super::super::profile::Reply;
use super::{Culturedc, State};

/// What this adds, for `GET /_sim/`.
pub(super) const HELP: &str = "\
GET    /_sim/keys                access keys: certified, issued, expires
POST   /_sim/keys                {\"accessKey\":…,\"action\":\"expire|renew|certify|decertify\"} or {\"accessKey\":…,\"issuedAtMs\":…}
POST   /_sim/rate                {\"perMinute\":60}; null for no limit
GET    /_sim/resources           resources pushed, with their states
GET    /_sim/resources/{extId}   one of them
POST   /_sim/review              {\"extId\":…,\"state\":\"published|rejected|submitted\",\"note\":…}
GET    /_sim/stats               numbers by day
GET    /_sim/pages               names of the pages below /pages/
POST   /_sim/pages               {\"name\":…,\"links\":[…]} or {\"name\":…,\"html\":…}
";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeyChange {
    access_key: String,
    action: Option<Action>,
    issued_at_ms: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Expire,
    Renew,
    Certify,
    Decertify,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rate {
    per_minute: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Review {
    ext_id: String,
    state: State,
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    name: String,
    links: Option<Vec<String>>,
    html: Option<String>,
}

impl Culturedc {
    pub(super) fn inspect_below(&self, path: &str) -> Option<Reply> {
        let found = match path {
            "keys" => json!(self.keys.list()),
            "resources" => json!(self.resources()),
            "stats" => json!(self.days.list()),
            "pages" => json!(self.pages.names()),
            _ => json!(self.resource(&decoded(path.strip_prefix("resources/")?))?),
        };
        Some(Reply::json(&found))
    }

    pub(super) fn act_below(&self, method: &Method, path: &str, body: &Bytes) -> Option<Reply> {
        if method != Method::POST {
            return None;
        }
        let done = match path {
            "keys" => parsed(body).and_then(|change| self.change_key(&change)),
            "rate" => parsed(body).map(|rate: Rate| self.set_rate_per_min(rate.per_minute)),
            "review" => parsed(body).and_then(|review: Review| {
                let reviewed = self.review(&review.ext_id, review.state, &review.note);
                if reviewed { Ok(()) } else { Err(Unable { status: 404, reason: "no such resource".to_owned() }) }
            }),
            "pages" => parsed(body).and_then(|page| self.set_page_asked(page)),
            _ => return None,
        };
        let reply = |()| Reply::json(&json!({"done": true}));
        Some(done.map_or_else(Reply::from, reply))
    }

    fn change_key(&self, change: &KeyChange) -> Result<(), Unable> {
        let access_key = &change.access_key;
        let known = match (&change.action, change.issued_at_ms) {
            (Some(Action::Expire), None) => self.keys.expire(access_key),
            (Some(Action::Renew), None) => self.keys.issue_at(access_key, now_ms()),
            (Some(Action::Certify), None) => self.keys.certify(access_key, true),
            (Some(Action::Decertify), None) => self.keys.certify(access_key, false),
            (None, Some(issued_ms)) => self.keys.issue_at(access_key, issued_ms),
            _ => return Err(Unable::bad("either action or issuedAtMs")),
        };
        if known { Ok(()) } else { Err(Unable { status: 404, reason: "no such key".to_owned() }) }
    }

    fn set_page_asked(&self, page: Page) -> Result<(), Unable> {
        let set = match (page.links, page.html) {
            (Some(links), None) => self.set_page(&page.name, &links),
            (None, Some(html)) => self.set_page_html(&page.name, html),
            _ => return Err(Unable::bad("either links or html")),
        };
        set.map_err(Unable::bad)
    }
}
