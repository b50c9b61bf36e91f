//! Injection through method, URL and headers is refused, and ordinary requests are not.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

#[test]
fn methods() {
    for good in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        assert_eq!(check_method(good).unwrap().as_str(), good);
    }
    for bad in ["", "get", "CONNECT", "TRACE", "PRI", "GET ", "GET /x HTTP/1.1\r\n", "POST\0", "FOO", "ＧＥＴ"] {
        assert_eq!(check_method(bad), Err(Invalid::Method), "{bad:?}");
    }
}

#[test]
fn urls() {
    for (text, want) in [
        ("https://h/p?q=1", "https://h/p?q=1"),
        ("https://h", "https://h/"),
        ("HTTP://H/p#fragment", "http://h/p"),
        ("https://h?at=@", "https://h/?at=@"),
        ("https://h/a@b\\c", "https://h/a@b/c"),
        ("https://h/谈心 x", "https://h/%E8%B0%88%E5%BF%83%20x"),
        ("https://h/?u=https://other", "https://h/?u=https://other"),
    ] {
        assert_eq!(check_url(text).unwrap().as_str(), want);
    }
    for bad in [
        "",
        "/p",
        "h/p",
        "https:h",
        "https:/h",
        "https://",
        "https:///p",
        "ftp://h/",
        "file:///p",
        "javascript:alert(1)",
        "https://u@h/",
        "https://u:p@h/",
        "https://@h/",
        "https://a\\@h/",
        "https://a\\b",
        "https://h\t/",
        "https://h/\r\nX: y",
        "https://h/a\0b",
        "https://h:port/",
        "https://h:99999/",
        "https://a b/",
        "https://[::1/",
        " https://h/",
        "//h/",
        "https://h/\u{7f}",
        "https://h/\u{85}",
    ] {
        assert!(check_url(bad).is_err(), "{bad:?}");
    }
    let long = format!("https://h/{}", "a".repeat(URL_MAX));
    assert_eq!(check_url(&long), Err(Invalid::UrlLength(long.len())));
    // Short as written, long as sent.
    assert!(matches!(check_url(&format!("https://h/{}", "谈".repeat(1_000))), Err(Invalid::UrlLength(9_010))));
}

#[test]
fn the_authority_ends_where_a_path_a_query_or_a_fragment_begins() {
    for (text, end) in [
        ("https://h/p", Some(9)),
        ("http://h:80?q", Some(11)),
        ("https://h#f", Some(9)),
        ("https://h", Some(9)),
        ("https://", None),
        ("https:///p", None),
        ("https://?q", None),
        ("ftp://h/", None),
        ("h/p://x", None),
    ] {
        assert_eq!(authority_end(text), end, "{text}");
    }
}

#[test]
fn headers_that_frame_or_route_are_refused() {
    for name in [
        "Host",
        "host",
        "Content-Length",
        "Transfer-Encoding",
        "transfer_encoding",
        "Content_Length",
        "Connection",
        "Keep-Alive",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Proxy-Foo",
        "proxy_authorization",
        "TE",
        "Trailer",
        "Upgrade",
        "Expect",
        "HTTP2-Settings",
    ] {
        let error = check_header(name, b"x").unwrap_err();
        assert!(matches!(error, Invalid::HeaderRefused(_)), "{name}");
        assert!(error.to_string().contains(&name.to_lowercase()), "{error}");
    }
    for name in ["", "a b", "a:b", "a\r\nHost", "a\0", "头", ":authority", "a\t"] {
        assert!(matches!(check_header(name, b"x"), Err(Invalid::HeaderName(_))), "{name:?}");
    }
}

#[test]
fn header_values_hold_no_control_characters() {
    for value in ["a\r\nHost: evil", "a\nb", "a\rb", "a\0", "\x1b[31m", "a\tb", "\x7f"] {
        let error = check_header("X-Test", value.as_bytes()).unwrap_err();
        assert_eq!(error, Invalid::HeaderValue("x-test".into()), "{value:?}");
        assert!(!error.to_string().contains("evil"));
    }
    for value in ["", "plain", "Bearer abc==", "text/plain; charset=\"utf-8\"", "谈心"] {
        let (name, out) = check_header("Authorization", value.as_bytes()).unwrap();
        assert_eq!((name.as_str(), out.as_bytes()), ("authorization", value.as_bytes()));
        assert!(!format!("{out:?}").contains("abc"), "values are sensitive");
    }
    for name in ["Accept", "Content-Type", "Cookie", "X-Signature", "User-Agent", "Accept-Encoding", "Referer"] {
        assert!(check_header(name, b"x").is_ok(), "{name}");
    }
}

#[test]
fn headers_are_few_and_short() {
    let check = |count: usize, len: usize| {
        let headers: Vec<_> =
            (0..count).map(|n| check_header(&format!("x-{n:02}"), &vec![b'x'; len]).unwrap()).collect();
        check_size(headers.iter().map(|(name, value)| (name, value)))
    };
    assert_eq!(check(64, 8), Ok(()));
    assert_eq!(check(65, 8), Err(Invalid::HeaderCount));
    assert_eq!(check(1, HEADER_BYTES_MAX - 4), Ok(()));
    assert_eq!(check(1, HEADER_BYTES_MAX), Err(Invalid::HeaderCount));
}
