//! Lists that come in pages counted from 1: which page is wanted, what it is in, and going through all of them within
//! a bound.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Failure;

/// Which page of a list; for inputs, flattened or alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// From 1.
    #[serde(default = "first_page")]
    #[schemars(range(min = 1))]
    pub page: u32,
    /// Items of a page; the upstream may take fewer.
    #[serde(default = "page_size")]
    #[schemars(range(min = 1, max = 1000))]
    pub size: u32,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Page<T> {
    /// The page's items.
    pub items: Vec<T>,
    /// Items of the whole list, as the upstream says.
    pub total: u64,
    /// Which page this is.
    pub page: u32,
    /// Is there another after it?
    pub has_more: bool,
}

impl<T> Page<T> {
    /// A page of the list that has `total` items.
    pub fn new(items: Vec<T>, total: u64, query: PageQuery) -> Self {
        let before = u64::from(query.page.saturating_sub(1)).saturating_mul(u64::from(query.size));
        let has_more = !items.is_empty() && before.saturating_add(items.len() as u64) < total;
        Self { items, total, page: query.page, has_more }
    }
}

/// Every item of a list, page after page, until there are no more or `items_max` are reached.
///
/// # Errors
/// The first page's that failed.
pub fn all<T>(
    size: u32,
    items_max: usize,
    mut fetch: impl FnMut(PageQuery) -> Result<Page<T>, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut items = Vec::new();
    let mut query = PageQuery { page: 1, size };
    loop {
        let page = fetch(query)?;
        items.extend(page.items);
        if !page.has_more || items.len() >= items_max {
            items.truncate(items_max);
            return Ok(items);
        }
        query.page += 1;
    }
}

fn first_page() -> u32 {
    1
}

fn page_size() -> u32 {
    10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pages_are_read_and_the_bound_is_kept() {
        let fetch = |query: PageQuery| {
            let start = (query.page - 1) * query.size;
            Ok(Page::new((start..(start + query.size).min(25)).collect(), 25, query))
        };
        assert_eq!(all(10, 100, fetch).unwrap(), (0..25).collect::<Vec<_>>());
        assert_eq!(all(10, 12, fetch).unwrap().len(), 12);
    }

    #[test]
    fn an_empty_page_ends_a_list_whose_total_is_wrong() {
        let fetch = |query: PageQuery| Ok(Page::new(if query.page == 1 { vec![1] } else { vec![] }, 99, query));
        assert_eq!(all(1, 100, fetch).unwrap(), [1]);
    }
}
