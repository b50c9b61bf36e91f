//! Checks of what identifies people in China, so that a slip of the pen is found before anything is sent. A value that
//! passes is well-formed, no more; none is ever written into a message.

/// Weights of the first 17 digits (GB 11643-1999, which takes them from ISO 7064 MOD 11-2).
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// Check characters by the remainder of the weighted sum.
const CHECK: [u8; 11] = *b"10X98765432";

/// An identity number of 18 characters with the check character in upper case; `None` when it is none.
///
/// ```
/// use duijie_sdk::identity::id_number;
///
/// assert_eq!(id_number("99999920000101002x").as_deref(), Some("99999920000101002X"));
/// assert_eq!(id_number("999999200001010021"), None);
/// ```
pub fn id_number(text: &str) -> Option<String> {
    let text = text.to_ascii_uppercase();
    let (check, digits) = text.as_bytes().split_last()?;
    if digits.len() != WEIGHTS.len() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let expected = CHECK.get(usize::try_from(sum % 11).ok()?)?;
    (check == expected).then_some(text)
}

/// Is this a mobile number of the mainland: 11 digits, `1` and then `3` to `9`?
pub fn is_mobile(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 11 && bytes.iter().all(u8::is_ascii_digit) && matches!(bytes, [b'1', b'3'..=b'9', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthetic_numbers_pass_and_a_changed_digit_does_not() {
        for good in ["999999199001010016", "99999920000101002X", "999999198506150036", "999999200312110044"] {
            assert_eq!(id_number(good).as_deref(), Some(good));
        }
        for bad in ["999999200312110041", "99999919900101001", "9999991990010100160", "99999919900101001Ａ", ""] {
            assert_eq!(id_number(bad), None, "{bad}");
        }
    }

    #[test]
    fn mobiles_have_eleven_digits() {
        assert!(is_mobile("13800000001"));
        for bad in ["12800000001", "1380000000", "138000000011", "1380000000a"] {
            assert!(!is_mobile(bad), "{bad}");
        }
    }
}
