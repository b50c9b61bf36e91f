//! Does a link lead to a target? http and https are the same, so are their usual ports and a page below the target;
//! what stands in the query does not matter. Whatever is not certainly the target's host is not the target.

/// Where an address leads, without its scheme.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    authority: String,
    path: String,
}

/// Does this `href` on this page lead to this target?
pub(super) fn leads_to(page: &str, href: &str, target: &str) -> bool {
    let (Some(place), Some(target)) = (resolved(page, href), place_of(target)) else {
        return false;
    };
    let below = place.path.strip_prefix(&target.path);
    place.authority == target.authority && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn resolved(page: &str, href: &str) -> Option<Place> {
    if without_scheme(href).is_some() {
        return place_of(href);
    }
    if let Some(rest) = href.strip_prefix("//") {
        return place_of(&format!("http://{rest}"));
    }
    let (before, _) = href.split_at(href.find(['/', '?', '#']).unwrap_or(href.len()));
    if before.contains(':') || href.is_empty() || href.starts_with(['?', '#']) {
        return None;
    }
    let base = place_of(page)?;
    let directory = base.path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let directory = if has_trailing_slash(page) { base.path.as_str() } else { directory };
    let path = if href.starts_with('/') { href.to_owned() } else { format!("{directory}/{href}") };
    place_of(&format!("http://{}{path}", base.authority))
}

fn place_of(address: &str) -> Option<Place> {
    let rest = without_scheme(address)?;
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.is_empty() || authority.contains(['@', '\\']) {
        return None;
    }
    let authority = authority.to_ascii_lowercase();
    let authority = authority.strip_suffix(":80").or_else(|| authority.strip_suffix(":443")).unwrap_or(&authority);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    let path = segments.iter().flat_map(|segment| ["/", segment]).collect();
    Some(Place { authority: authority.to_owned(), path })
}

fn without_scheme(address: &str) -> Option<&str> {
    ["https://", "http://"].iter().find_map(|scheme| {
        let begins = address.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
        if begins { address.get(scheme.len()..) } else { None }
    })
}

fn has_trailing_slash(page: &str) -> bool {
    page.split(['?', '#']).next().is_some_and(|page| page.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = "http://www.culturedc.cn";

    #[test]
    fn every_spelling_of_the_home_page_leads_there() {
        for href in [
            "http://www.culturedc.cn",
            "https://www.culturedc.cn/",
            "HTTPS://WWW.Culturedc.CN:443/index.html?from=campus#top",
            "//www.culturedc.cn/new1/",
            "http://www.culturedc.cn:80",
        ] {
            assert!(leads_to("https://campus.example/", href, HOME), "{href}");
        }
    }

    #[test]
    fn what_only_looks_like_the_target_does_not_lead_there() {
        for href in [
            "http://www.culturedc.cn.evil.example/",
            "http://www.culturedc.cn@evil.example/",
            "http://evil.example/?http://www.culturedc.cn",
            "http://evil.example/www.culturedc.cn",
            "http://culturedc.cn",
            "http://www.culturedc.cn:8080",
            "javascript:location='http://www.culturedc.cn'",
            "mailto:a@www.culturedc.cn",
            "www.culturedc.cn",
            "#",
            "",
        ] {
            assert!(!leads_to("https://campus.example/", href, HOME), "{href}");
        }
    }

    #[test]
    fn relative_links_are_read_from_the_page_they_are_on() {
        let target = "https://campus.example/culture/cloud";
        for (page, href) in [
            ("http://campus.example/", "/culture/cloud"),
            ("http://campus.example/culture/", "cloud/x?y"),
            ("http://campus.example/culture/index.html", "./cloud"),
            ("http://campus.example/a/b", "../culture/cloud"),
        ] {
            assert!(leads_to(page, href, target), "{page} {href}");
        }
        assert!(!leads_to("http://campus.example/", "/culture/cloudy", target));
        assert!(!leads_to("http://campus.example/x/", "culture/cloud", target));
    }
}
