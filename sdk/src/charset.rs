//! Text of systems that may still write GB18030 (which contains GBK and GB 2312). UTF-8 always comes first; what is
//! neither is an error, never text with holes. Only for reading: what is written is always UTF-8.

mod gb18030;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;

/// How to read what is not UTF-8.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fallback {
    /// As GB18030 (GB 18030-2022 as the WHATWG Encoding Standard has it).
    #[default]
    Gb18030,
    /// Not at all.
    None,
}

/// Bytes that are no text in any of the encodings tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither UTF-8 nor the fallback encoding")]
pub struct NotText;

/// The text without a byte order mark. A word or two of GB18030 may happen to be valid UTF-8 (谈 is); a whole answer is not.
///
/// ```
/// use duijie_sdk::charset::{Fallback, decode};
///
/// assert_eq!(decode("密码".as_bytes(), Fallback::None).unwrap(), "密码");
/// assert_eq!(decode(b"\xc3\xdc\xc2\xeb", Fallback::Gb18030).unwrap(), "密码");
/// assert!(decode(b"\xc3\xdc\xc2\xeb", Fallback::None).is_err());
/// ```
///
/// # Errors
/// [`NotText`].
pub fn decode(bytes: &[u8], fallback: Fallback) -> Result<Cow<'_, str>, NotText> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match (std::str::from_utf8(bytes), fallback) {
        (Ok(text), _) => Ok(Cow::Borrowed(text)),
        (Err(_), Fallback::None) => Err(NotText),
        (Err(_), Fallback::Gb18030) => gb18030::decode(bytes).map(Cow::Owned).ok_or(NotText),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_8_wins_and_its_byte_order_mark_is_passed_over() {
        assert_eq!(decode(b"\xef\xbb\xbf{}", Fallback::None), Ok(Cow::Borrowed("{}")));
        assert_eq!(decode("密码认证失败".as_bytes(), Fallback::Gb18030).unwrap(), "密码认证失败");
    }

    #[test]
    fn gbk_and_the_four_byte_forms_are_read() {
        assert_eq!(
            decode(b"\xc3\xdc\xc2\xeb\xc8\xcf\xd6\xa4\xca\xa7\xb0\xdc", Fallback::Gb18030).unwrap(),
            "密码认证失败"
        );
        // A character of names that GBK does not have: U+20087 in four bytes.
        assert_eq!(decode(b"\x95\x32\x90\x31", Fallback::Gb18030).unwrap(), "\u{20087}");
    }

    #[test]
    fn what_is_neither_is_refused_whole() {
        assert_eq!(decode(b"ok\xff\xff", Fallback::Gb18030), Err(NotText));
        assert_eq!(decode(b"ok\xc3", Fallback::Gb18030), Err(NotText));
    }
}
