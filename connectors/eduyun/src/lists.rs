//! The gateway's lists: pages counted from 1, `data.count` over all of them, `data.dataList` for this one.

use duijie_sdk::{
    Failure,
    fields::Fields,
    input::Violations,
    paging::{Page, PageQuery},
};
use serde_json::Value;

/// Items of a page at the most, as the document says.
const SIZE_MAX: u32 = 1000;

/// Goes on when the page is within its bounds and nothing else is wrong.
///
/// # Errors
/// `invalid-input` with every violation.
pub fn check(query: PageQuery, mut wrong: Violations) -> Result<(), Failure> {
    wrong.unless(query.page >= 1, "/page", "must be at least 1");
    wrong.unless((1..=SIZE_MAX).contains(&query.size), "/size", "must be 1 to 1000");
    wrong.none()
}

/// The page in a reply.
///
/// # Errors
/// `protocol` without a count, or when an item lacks what it must have.
pub fn page<T>(
    reply: &Value,
    query: PageQuery,
    item: impl Fn(Fields<'_>) -> Result<T, Failure>,
) -> Result<Page<T>, Failure> {
    let data = Fields::of(reply).object("data");
    let count = data.integer(&["count"]).and_then(|count| u64::try_from(count).ok());
    let total = count.ok_or_else(|| Failure::protocol("the upstream's list has no count"))?;
    let items = data.list("dataList").into_iter().map(item).collect::<Result<_, _>>()?;
    Ok(Page::new(items, total, query))
}
