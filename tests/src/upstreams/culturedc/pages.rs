//! Pages for C1: a local site's pages, or the national one's, with or without the link that should be there.
//! Not signed, and answered as HTML. Never fetches anything.
//! Bounds: 1000 pages of 1 MiB.

use std::collections::BTreeMap;
use std::fmt::Write;

use parking_lot::Mutex;

use super::super::profile::Reply;

const PAGES_MAX: usize = 1000;
const HTML_BYTES_MAX: usize = 1024 * 1024;
const HTML: &str = "text/html;charset=UTF-8";

/// Why a page is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// There are as many pages as there may be.
    #[error("at most {PAGES_MAX} pages")]
    Many,
    /// The page is too large.
    #[error("a page has at most {HTML_BYTES_MAX} bytes")]
    Large,
}

/// HTML by name.
#[derive(Debug)]
pub(super) struct Pages {
    inner: Mutex<BTreeMap<String, String>>,
}

impl Default for Pages {
    fn default() -> Self {
        Self { inner: Mutex::new(standard()) }
    }
}

impl Pages {
    pub(super) fn get(&self, name: &str) -> Reply {
        let found = self.inner.lock().get(name).cloned();
        match found {
            Some(html) => Reply::new(HTML, html),
            None => Reply::new(HTML, page("<p>页面不存在</p>")).status(404),
        }
    }

    pub(super) fn set(&self, name: &str, html: String) -> Result<(), PageError> {
        let mut inner = self.inner.lock();
        if html.len() > HTML_BYTES_MAX {
            return Err(PageError::Large);
        }
        if inner.len() >= PAGES_MAX && !inner.contains_key(name) {
            return Err(PageError::Many);
        }
        inner.insert(name.to_owned(), html);
        Ok(())
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.inner.lock().keys().cloned().collect()
    }

    pub(super) fn reset(&self) {
        *self.inner.lock() = standard();
    }
}

/// A page with the logo linked to each of these, written as they are.
pub(super) fn with_links<S: AsRef<str>>(hrefs: &[S]) -> String {
    let mut body = String::new();
    for href in hrefs {
        let href = href.as_ref().replace('&', "&amp;").replace('"', "&quot;");
        // Writing to a string cannot fail.
        let _ = writeln!(
            body,
            "<a href=\"{href}\"><img src=\"/logo.png\" width=\"230\" height=\"60\" alt=\"国家公共文化云\"></a>"
        );
    }
    page(&body)
}

/// The pages that are there at the start, each a case of its own for whoever looks for a link.
fn standard() -> BTreeMap<String, String> {
    let pages = [
        ("http", with_links(&["http://www.culturedc.cn"])),
        ("https", with_links(&["https://www.culturedc.cn/"])),
        ("h5", with_links(&["https://app.culturedc.cn"])),
        ("both", with_links(&["http://www.culturedc.cn", "https://app.culturedc.cn"])),
        ("relative", with_links(&["//www.culturedc.cn"])),
        ("missing", with_links(&["https://www.example.com/"])),
        ("comment", page("<!-- <a href=\"http://www.culturedc.cn\">国家公共文化云</a> -->\n")),
        ("text", page("<p>http://www.culturedc.cn</p>\n")),
        ("look-alike", with_links(&["http://www.culturedc.cn.example.com/"])),
    ];
    pages.into_iter().map(|(name, html)| (name.to_owned(), html)).collect()
}

fn page(body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>模拟文化馆</title></head>\n\
        <body>\n{body}</body></html>\n"
    )
}
