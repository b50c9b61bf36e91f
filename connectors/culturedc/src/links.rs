//! The mutual links (layer ①): fetches the configured pages, looks for a link to one of the targets, and tells what has
//! changed since the last look. That a link is missing or a page down is a result, not an error. Only a page's address
//! and links are kept, never its text.

mod address;
mod html;

use duijie_sdk::{
    Failure,
    class::ClassName,
    crypto::{self, Algorithm},
    encode,
    http::{self, HttpError, Request, Response},
    kv, time, typed,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Config, Page};

const HOUR_MS: u64 = 3_600_000;
/// Time for one page.
const TIMEOUT_MS: u32 = 8_000;
/// A page that is no longer configured is forgotten after this time.
const REMEMBER_MS: u64 = 90 * 24 * HOUR_MS;
/// Links of a page that are told and kept.
const LINKS_MAX: usize = 8;
/// Characters of such a link.
const LINK_CHARS_MAX: usize = 512;
/// How times are written out.
const RFC3339: &str = "yyyy-MM-ddTHH:mm:ss+08:00";

/// Which pages to look at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Look {
    /// Only pages whose last look is `links.period` hours ago; of the others, what was found then.
    #[serde(default)]
    pub only_due: bool,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// Has anything changed since the look before?
    pub changed: bool,
    /// Does every page carry its link?
    pub all_present: bool,
    /// One result a page, in the order of the config.
    pub pages: Vec<PageFound>,
}

/// What was found on one page.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageFound {
    /// The page's name in the config.
    pub name: String,
    /// Its address.
    pub url: String,
    /// Does it carry the link?
    pub state: PageState,
    /// Is this another state, or are these other links, than at the look before? Told once.
    pub changed: bool,
    /// The state at the look before, if there was one.
    pub previous: Option<PageState>,
    /// Since when it is in this state (RFC 3339).
    pub since: String,
    /// When it was looked at (RFC 3339).
    pub checked_at: String,
    /// When it should be looked at again (RFC 3339).
    pub due_at: String,
    /// The links to a target, as written on the page.
    pub links: Vec<String>,
    /// The status of the page's answer, if there was one.
    pub http_status: Option<u16>,
    /// Why there was none.
    pub class: Option<ClassName>,
    /// Why it is unreachable.
    pub message: Option<String>,
}

/// Does a page carry its link?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PageState {
    /// It does.
    Present,
    /// It does not.
    Missing,
    /// The page did not answer with success; the host follows no redirect.
    Unreachable,
}

/// A page as it was at the last look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    state: PageState,
    links: Vec<String>,
    since_ms: u64,
    checked_ms: u64,
}

/// Looks at the pages.
///
/// # Errors
/// `config` without pages; the store's. Never what a page does.
pub fn check(config: &Config, look: &Look) -> Result<Found, Failure> {
    if config.links.pages.is_empty() {
        return Err(Failure::config("links.pages names no page to look at"));
    }
    let now_ms = time::now_ms();
    let period_ms = u64::from(config.links.period) * HOUR_MS;
    let mut kept = Vec::new();
    for page in &config.links.pages {
        kept.push(kept_of(page)?);
    }
    let is_fresh = |kept: &Option<Kept>| {
        look.only_due && kept.as_ref().is_some_and(|kept| now_ms < kept.checked_ms.saturating_add(period_ms))
    };
    let due = config.links.pages.iter().zip(&kept).filter(|(_, kept)| !is_fresh(kept));
    let mut answers = http::send_all(due.map(|(page, _)| request_of(page))).into_iter();
    let mut pages = Vec::new();
    for (page, before) in config.links.pages.iter().zip(kept) {
        let found = match before {
            Some(before) if is_fresh(&Some(before.clone())) => told(page, &before, None, period_ms),
            before => {
                let Some(answer) = answers.next() else {
                    return Err(Failure::internal("a page got no answer and no error"));
                };
                let seen = seen(config, page, answer);
                let now = noted(page, &seen, before.as_ref(), now_ms)?;
                PageFound {
                    changed: before
                        .as_ref()
                        .is_some_and(|before| (before.state, &before.links) != (now.state, &now.links)),
                    http_status: seen.http_status,
                    class: seen.failure.as_ref().map(|failure| ClassName(failure.class)),
                    message: seen.failure.map(|failure| failure.message),
                    ..told(page, &now, before.as_ref(), period_ms)
                }
            }
        };
        pages.push(found);
    }
    let changed = pages.iter().any(|page| page.changed);
    let all_present = pages.iter().all(|page| page.state == PageState::Present);
    Ok(Found { changed, all_present, pages })
}

fn request_of(page: &Page) -> Request {
    let address = page.url.split('#').next().unwrap_or_default();
    Request::get(address).header("accept", "text/html").timeout_ms(TIMEOUT_MS)
}

/// What one look saw.
struct Seen {
    state: PageState,
    links: Vec<String>,
    http_status: Option<u16>,
    failure: Option<Failure>,
}

fn seen(config: &Config, page: &Page, answer: Result<Response, HttpError>) -> Seen {
    let unreachable = |http_status, failure| Seen {
        state: PageState::Unreachable,
        links: Vec::new(),
        http_status,
        failure: Some(failure),
    };
    let response = match answer {
        Err(error) => return unreachable(None, Failure::from(error)),
        Ok(response) if !response.is_success() => {
            let failure = Failure::unavailable(format!("the page answers with HTTP {}", response.status));
            return unreachable(Some(response.status), failure);
        }
        Ok(response) => response,
    };
    let targets = if page.targets.is_empty() { &config.links.targets } else { &page.targets };
    let hrefs = html::hrefs(&String::from_utf8_lossy(&response.body)).into_iter();
    let leading = hrefs.filter(|href| targets.iter().any(|target| address::leads_to(&page.url, href, target)));
    let mut links: Vec<String> = leading.map(|href| href.chars().take(LINK_CHARS_MAX).collect()).collect();
    // Another order on the page is no change.
    links.sort_unstable();
    links.dedup();
    links.truncate(LINKS_MAX);
    Seen {
        state: if links.is_empty() { PageState::Missing } else { PageState::Present },
        links,
        http_status: Some(response.status),
        failure: None,
    }
}

fn noted(page: &Page, seen: &Seen, before: Option<&Kept>, now_ms: u64) -> Result<Kept, Failure> {
    let since_ms = before.filter(|before| before.state == seen.state).map_or(now_ms, |before| before.since_ms);
    let kept = Kept { state: seen.state, links: seen.links.clone(), since_ms, checked_ms: now_ms };
    let text = serde_json::to_vec(&kept).map_err(|error| Failure::internal(format!("a look is not JSON: {error}")))?;
    kv::set(&key(page)?, text, Some(REMEMBER_MS))?;
    Ok(kept)
}

fn kept_of(page: &Page) -> Result<Option<Kept>, Failure> {
    let kept = kv::get(&key(page)?)?;
    Ok(kept.and_then(|kept| typed::parse(&kept).ok()))
}

/// Addresses may be longer than keys.
fn key(page: &Page) -> Result<String, Failure> {
    let digest = crypto::hash(Algorithm::Sha256, &page.url)?;
    Ok(format!("links/{}", encode::hex(digest.get(..16).unwrap_or(&digest))))
}

fn told(page: &Page, kept: &Kept, before: Option<&Kept>, period_ms: u64) -> PageFound {
    let text = |epoch_ms: u64| time::format(epoch_ms, RFC3339);
    PageFound {
        name: page.name.clone(),
        url: page.url.clone(),
        state: kept.state,
        changed: false,
        previous: before.map(|before| before.state),
        since: text(kept.since_ms),
        checked_at: text(kept.checked_ms),
        due_at: text(kept.checked_ms.saturating_add(period_ms)),
        links: kept.links.clone(),
        http_status: None,
        class: None,
        message: None,
    }
}
