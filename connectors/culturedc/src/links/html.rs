//! The links of a page: what stands in `href` of its `a` elements. No parser of HTML, but it passes over comments and
//! scripts, where a link is none, and reads attributes as browsers do. Linear in the page.

/// Elements whose text is no HTML.
const RAW: [&str; 6] = ["script", "style", "textarea", "title", "template", "noscript"];

/// Every `href` of an `a` element, in the page's order.
pub(super) fn hrefs(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once('<') {
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, beyond)| beyond);
            continue;
        }
        let (name, attributes) = split_at_first(after, |c| !c.is_ascii_alphanumeric());
        rest = attributes;
        if name.eq_ignore_ascii_case("a") {
            let (href, beyond) = href_of(attributes);
            found.extend(href);
            rest = beyond;
        } else if let Some(raw) = RAW.iter().find(|raw| name.eq_ignore_ascii_case(raw)) {
            rest = after_end_of(raw, attributes);
        }
    }
    found
}

/// The first `href` among attributes, and what follows the tag.
fn href_of(attributes: &str) -> (Option<String>, &str) {
    let mut rest = attributes;
    let mut href = None;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return (href, rest);
        }
        let (name, after) = split_at_first(rest, |c| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/'));
        let Some(value) = after.trim_start().strip_prefix('=') else {
            // An attribute without a value; a stray "=" has no name and is passed over.
            rest = if name.is_empty() { after.get(1..).unwrap_or("") } else { after };
            continue;
        };
        let value = value.trim_start();
        let (value, beyond) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let inner = value.get(1..).unwrap_or("");
                inner.split_once(quote).unwrap_or((inner, ""))
            }
            _ => split_at_first(value, |c| c.is_ascii_whitespace() || c == '>'),
        };
        if name.eq_ignore_ascii_case("href") && href.is_none() {
            href = Some(value.trim().replace("&amp;", "&"));
        }
        rest = beyond;
    }
}

fn after_end_of<'a>(name: &str, text: &'a str) -> &'a str {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("</") {
        if after.get(..name.len()).is_some_and(|end| end.eq_ignore_ascii_case(name)) {
            return after;
        }
        rest = after;
    }
    ""
}

fn split_at_first(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_however_they_are_written() {
        let page = "<A class=x HREF='http://a/'>1</A><a\nhref=http://b/?x=1&amp;y=2>2</a><a disabled href = \"//c\" href=no /><area href=no>";
        assert_eq!(hrefs(page), ["http://a/", "http://b/?x=1&y=2", "//c"]);
    }

    #[test]
    fn a_link_in_a_comment_or_a_script_is_none() {
        let page = "<!-- <a href=1> --><script>var x = '<a href=2>';</SCRIPT><style><a href=3></style><a href=4>";
        assert_eq!(hrefs(page), ["4"]);
    }

    #[test]
    fn broken_pages_end_somewhere() {
        for page in ["<", "<a", "<a href", "<a href=", "<a href='x", "<!--", "<script>", "<a ==>", "<a =href=1 谈"] {
            assert!(hrefs(page).len() <= 1, "{page}");
        }
    }
}
