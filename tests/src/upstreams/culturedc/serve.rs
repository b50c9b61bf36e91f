//! Signed requests: which operation, and what becomes of it. Never looks at a signature itself; [`super::keys`] does.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::asked::decoded;
use super::super::ledger::{Ledger, key_hash};
use super::super::profile::{Received, Reply};
use super::resources::{Resource, State};
use super::{
    CATEGORIES, Culturedc, EXCHANGE_PATH, ITEMS_MAX, LICENSED_PATH, Mode, RESOURCES_PATH, Refusal, STATS_PATH, codes,
    item, licensed, stats,
};

/// What came of a signed request.
struct Accepted {
    data: Value,
    key: String,
}

impl Accepted {
    fn new(data: Value, key: &str) -> Self {
        Self { data, key: key.to_owned() }
    }
}

impl Culturedc {
    /// Answers a signed request.
    pub(super) fn serve(&self, received: &Received, ledger: &Ledger) -> Result<Reply, Refusal> {
        let access_key = self.keys.check(received, &self.settings)?;
        let method = received.method.as_str();
        let accepted = match (method, received.path.as_str()) {
            ("POST", RESOURCES_PATH) => self.push(&access_key, &self.body(received)?, ledger)?,
            ("GET", LICENSED_PATH) => {
                let total = self.licensed.load(Ordering::Relaxed);
                let page = licensed::page(received, total, self.settings.mode)?;
                return Ok(self.tagged(received, page));
            }
            ("POST", STATS_PATH) => {
                let day = stats::read(&self.body(received)?, self.settings.mode)?;
                let key = day.date.clone();
                stored(ledger, self.days.put(&access_key, day)?);
                Accepted::new(json!({}), &key)
            }
            ("POST", EXCHANGE_PATH) => {
                Accepted::new(self.exchange(&access_key, &self.body(received)?, received.now_ms)?, "")
            }
            ("GET" | "DELETE", path) => match ext_id(path) {
                Some(ext_id) if method == "GET" => {
                    Accepted::new(self.resources.get(Some(&access_key), &ext_id)?.status(), &ext_id)
                }
                Some(ext_id) => {
                    self.resources.delete(&access_key, &ext_id)?;
                    Accepted::new(json!({}), &ext_id)
                }
                None => return Ok(self.wrong_method()),
            },
            _ => return Ok(self.wrong_method()),
        };
        let key_hash = (!accepted.key.is_empty()).then(|| key_hash(&accepted.key));
        Ok(Reply { key_hash, ..self.style().accept(accepted.data) })
    }

    /// C2: every item is judged for itself.
    fn push(&self, access_key: &str, body: &Value, ledger: &Ledger) -> Result<Accepted, Refusal> {
        let category = body.get("type").and_then(Value::as_str).filter(|category| CATEGORIES.contains(category));
        let category = category.ok_or_else(|| Refusal::parameter("字段 type 取值不在范围内"))?;
        let items = match body.get("items") {
            Some(Value::Array(items)) => items.as_slice(),
            Some(item @ Value::Object(_)) if self.settings.mode == Mode::Quirky => std::slice::from_ref(item),
            _ => return Err(Refusal::parameter("字段 items 应为数组")),
        };
        if !(1..=ITEMS_MAX).contains(&items.len()) {
            return Err(Refusal::parameter(format!("字段 items 应有 1 至 {ITEMS_MAX} 个元素")));
        }
        let mut results = Vec::with_capacity(items.len());
        let mut keys = Vec::with_capacity(items.len());
        for item in items {
            let given = item.get("extId").cloned().unwrap_or_default();
            let put = item::check(item, self.settings.mode)
                .and_then(|ext_id| self.resources.put(access_key, category, &ext_id, item));
            results.push(match put {
                Ok(Resource { ext_id, id, state, versions, .. }) => {
                    stored(ledger, versions);
                    let result = json!({"extId": &ext_id, "id": id, "state": state, "code": codes::OK, "message": ""});
                    keys.push(ext_id);
                    result
                }
                Err(refusal) => {
                    ledger.count(|counters| counters.records_rejected += 1);
                    let state = match refusal.code {
                        codes::PUBLISHED => json!(State::Published),
                        _ => json!(""),
                    };
                    let Refusal { code, message } = refusal;
                    json!({"extId": given, "id": "", "state": state, "code": code, "message": message})
                }
            });
        }
        Ok(Accepted::new(json!({"results": results}), &keys.join(",")))
    }

    /// The object in a request's body.
    fn body(&self, received: &Received) -> Result<Value, Refusal> {
        if self.settings.mode == Mode::Strict && received.media_type() != "application/json" {
            return Err(Refusal::parameter("Content-Type 应为 application/json"));
        }
        let body = serde_json::from_slice(&received.body).ok().filter(Value::is_object);
        body.ok_or_else(|| Refusal::parameter("请求体不是 JSON 对象"))
    }

    /// A reply with its entity tag; without a body for a caller who has it.
    fn tagged(&self, received: &Received, page: Value) -> Reply {
        let reply = self.style().accept(page);
        let etag = licensed::etag(&reply.body);
        let reply = match received.header("if-none-match") {
            Some(known) if known == etag => Reply { body: Bytes::new(), ..reply.status(304) },
            _ => reply,
        };
        reply.header("etag", etag)
    }

    pub(super) fn wrong_method(&self) -> Reply {
        self.style().refuse(&Refusal::parameter("不支持的请求方法")).status(405)
    }
}

/// Counts a record that was stored as this version.
fn stored(ledger: &Ledger, version: u64) {
    ledger.count(|counters| {
        counters.records_accepted += 1;
        counters.overwrites += u64::from(version > 1);
    });
}

/// The extId in the path of C5 and C6.
pub(super) fn ext_id(path: &str) -> Option<String> {
    let segment = path.strip_prefix(RESOURCES_PATH)?.strip_prefix('/')?;
    (!segment.is_empty() && !segment.contains('/')).then(|| decoded(segment))
}
