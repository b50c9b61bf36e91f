//! C7: licensed national resources by pages, with an ETag. All made up from their numbers; never stored.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::profile::{Mode, Received};
use super::Refusal;
use super::item::CATEGORIES;

const PAGE: u32 = 1;
const SIZE: u32 = 50;
const SIZE_MAX: u32 = 100;

/// The page that is asked for, of so many resources.
pub(super) fn page(received: &Received, total: u32, mode: Mode) -> Result<Value, Refusal> {
    let query: BTreeMap<_, _> = url::form_urlencoded::parse(received.query.as_bytes()).into_owned().collect();
    let number = |name: &str, default: u32, max: u32| match query.get(name) {
        None => Ok(default),
        Some(text) => match (text.parse::<u32>().ok().filter(|number| (1..=max).contains(number)), mode) {
            (Some(number), _) => Ok(number),
            (None, Mode::Quirky) => Ok(default),
            (None, Mode::Strict) => Err(Refusal::parameter(format!("参数 {name} 应为 1 至 {max}"))),
        },
    };
    let (page, size) = (number("page", PAGE, u32::MAX)?, number("size", SIZE, SIZE_MAX)?);
    let first = (page - 1).saturating_mul(size);
    let items: Vec<Value> = (first..first.saturating_add(size).min(total)).map(item).collect();
    Ok(json!({"total": total, "items": items}))
}

/// An entity tag that changes with the page.
pub(super) fn etag(body: &[u8]) -> String {
    let mut digest = hex::encode(Sha256::digest(body));
    digest.truncate(32);
    format!("\"{digest}\"")
}

fn item(n: u32) -> Value {
    let category = usize::try_from(n).ok().and_then(|n| CATEGORIES.get(n % CATEGORIES.len()));
    json!({
        "id": format!("L{n:08}"),
        "type": category,
        "title": format!("模拟资源{n}"),
        "url": format!("https://resources.example.com/{n}"),
        "licenseUntil": "2035-12-31",
    })
}
