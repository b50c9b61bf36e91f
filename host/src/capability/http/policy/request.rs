//! What a request may look like: URL, method and headers, before it is handed to the HTTP library.
//!
//! The host owns framing and routing (`Host`, `Content-Length`, `Transfer-Encoding`, `Connection` and their like), so a
//! guest cannot smuggle a second request or ask for a tunnel. It never changes what it is given, save that a fragment is
//! dropped: what it cannot send as it is, it refuses.
//!
//! Bounded by [`URL_MAX`], [`HEADERS_MAX`] and [`HEADER_BYTES_MAX`].

use http::{HeaderName, HeaderValue, Method};
use url::Url;

/// Most bytes of a URL: what servers commonly take.
pub(crate) const URL_MAX: usize = 8 << 10;

/// Most headers of one request.
pub(crate) const HEADERS_MAX: usize = 64;

/// Most bytes of all names and values of one request. Well under what the HTTP library buffers before it first flushes
/// (about 400 KiB), on which the honesty of `sent` rests.
pub(crate) const HEADER_BYTES_MAX: usize = 64 << 10;

/// The methods a guest may use: those that carry data. CONNECT would be a tunnel, TRACE an echo of what is secret.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// Framing, routing, and what belongs to one connection (RFC 9110 §7.6.1).
const REFUSED: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Not a request that can be sent. Quotes names, never values: they may hold secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Invalid {
    /// The method is not one of ours.
    #[error("the method must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")]
    Method,
    /// Over [`URL_MAX`].
    #[error("the URL is {0} bytes, at most 8192 are allowed")]
    UrlLength(usize),
    /// Not an absolute http or https URL, or one with a user, a password or control characters.
    #[error("the URL is not usable: {0}")]
    Url(&'static str),
    /// Not a token.
    #[error("{0:?} is not a header name")]
    HeaderName(String),
    /// A header that the host sets, or that nobody sets.
    #[error("the header {0} is the host's to set")]
    HeaderRefused(String),
    /// Control characters.
    #[error("the value of the header {0} holds a control character")]
    HeaderValue(String),
    /// Over [`HEADERS_MAX`] or [`HEADER_BYTES_MAX`].
    #[error("the headers are too many: at most 64, and 65536 bytes of names and values")]
    HeaderCount,
}

/// The method, if a guest may use it.
pub(crate) fn check_method(method: &str) -> Result<Method, Invalid> {
    METHODS.into_iter().find(|known| known.as_str() == method).ok_or(Invalid::Method)
}

/// The URL, without its fragment, if it says plainly where it goes.
pub(crate) fn check_url(text: &str) -> Result<Url, Invalid> {
    if text.len() > URL_MAX {
        return Err(Invalid::UrlLength(text.len()));
    }
    // URL parsers drop tabs and line ends silently; what needs that is an attack or a mistake.
    if text.chars().any(char::is_control) {
        return Err(Invalid::Url("it holds a control character"));
    }
    let end = authority_end(text).ok_or(Invalid::Url("it does not begin with https:// or http:// and a host"))?;
    if text.get(..end).unwrap_or(text).contains(['@', '\\']) {
        return Err(Invalid::Url("a user, a password or a backslash stands before its path"));
    }
    let mut url = Url::parse(text).map_err(|_| Invalid::Url("it has no valid host and port"))?;
    url.set_fragment(None);
    // Escaping may have made it longer.
    if url.as_str().len() > URL_MAX {
        return Err(Invalid::UrlLength(url.as_str().len()));
    }
    Ok(url)
}

/// Where the authority of an absolute http or https URL ends: the offset of the first `/`, `?` or `#` behind it, or the
/// length. No secret may stand before it, so a URL made of parts must have one of those three, in its text, before them.
/// `None` if there is no authority: URL parsers skip further slashes, and `https:///x` is the host `x` to them.
pub(crate) fn authority_end(text: &str) -> Option<usize> {
    let (scheme, rest) = text.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let start = text.len().saturating_sub(rest.len());
    match rest.find(['/', '?', '#']).unwrap_or(rest.len()) {
        0 => None,
        len => Some(start.saturating_add(len)),
    }
}

/// One header, if a guest may set it. The value is marked sensitive, so that no `Debug` shows it.
pub(crate) fn check_header(name: &str, value: &[u8]) -> Result<(HeaderName, HeaderValue), Invalid> {
    let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Invalid::HeaderName(shown(name)))?;
    // CGI and its heirs read `_` as `-`.
    let meant = known.as_str().replace('_', "-");
    if REFUSED.contains(&meant.as_str()) || meant.starts_with("proxy-") {
        return Err(Invalid::HeaderRefused(shown(known.as_str())));
    }
    if value.iter().any(u8::is_ascii_control) {
        return Err(Invalid::HeaderValue(shown(known.as_str())));
    }
    let mut value = HeaderValue::from_bytes(value).map_err(|_| Invalid::HeaderValue(shown(known.as_str())))?;
    value.set_sensitive(true);
    Ok((known, value))
}

/// Are these headers, each already checked, few and short enough?
pub(crate) fn check_size<'a>(
    headers: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>,
) -> Result<(), Invalid> {
    let size = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len().saturating_add(value.len());
    let (count, bytes) = headers
        .into_iter()
        .map(size)
        .fold((0_usize, 0_usize), |(count, sum), one| (count.saturating_add(1), sum.saturating_add(one)));
    if count > HEADERS_MAX || bytes > HEADER_BYTES_MAX { Err(Invalid::HeaderCount) } else { Ok(()) }
}

/// A guest's name, cut so that it fits a message.
fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests;
