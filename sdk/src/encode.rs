//! Text forms of bytes: base64, hex and form encoding. Only the standard alphabets; nothing here allocates more than
//! its result.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Standard base64 with padding, without line breaks.
pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of standard base64 with padding; `None` if it is anything else.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Lower-case hex.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(bytes)
}

/// Upper-case hex.
pub fn hex_upper(bytes: impl AsRef<[u8]>) -> String {
    hex::encode_upper(bytes)
}

/// The bytes of hex in either case; `None` if it is anything else.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    hex::decode(text).ok()
}

/// Percent-encoding for form bodies and queries (application/x-www-form-urlencoded): a space becomes `+`.
pub fn form(text: &str) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => encoded.push(char::from(byte)),
            b' ' => encoded.push('+'),
            other => encoded.extend(['%', digit(other >> 4), digit(other & 15)]),
        }
    }
    encoded
}

/// The names and values of a form body or a query, decoded; what is not UTF-8 becomes U+FFFD.
pub fn form_pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (from_form(name), from_form(value))
    })
}

fn from_form(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'+', _) => decoded.push(b' '),
            (b'%', [high, low, beyond @ ..]) => {
                let mut byte = [0];
                if hex::decode_to_slice([*high, *low], &mut byte).is_ok() {
                    decoded.extend(byte);
                    rest = beyond;
                } else {
                    decoded.push(b'%');
                }
            }
            (other, _) => decoded.push(*other),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_encoding_goes_there_and_back() {
        let text = "a b+c/d=e&谈~*-._";
        assert_eq!(form(text), "a+b%2Bc%2Fd%3De%26%E8%B0%88%7E*-._");
        assert_eq!(
            form_pairs(&format!("x={}&y", form(text))).collect::<Vec<_>>(),
            [("x".to_owned(), text.to_owned()), ("y".to_owned(), String::new())]
        );
    }

    #[test]
    fn broken_percent_signs_are_kept() {
        assert_eq!(from_form("100%&%zz%4"), "100%&%zz%4");
    }
}
