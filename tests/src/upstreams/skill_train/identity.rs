//! Identity numbers of people who do not exist: region 999999 was never given out, the check digit holds
//! (GB 11643-1999). Never derives anything about a person from a number.

/// Weights of the first 17 digits.
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// The check digit for each remainder of the weighted sum by 11.
const CHECK_DIGITS: &[u8; 11] = b"10X98765432";

/// The identity number of simulated student `n`; different for every `n` below 1000.
pub fn identity_number(n: usize) -> String {
    let (year, month, day) = (1980 + n % 25, 1 + n / 25 % 12, 1 + n / 300 % 28);
    let mut number = format!("999999{year}{month:02}{day:02}{:03}", n % 1000);
    number.push(check_digit(&number).unwrap_or('0'));
    number
}

/// Are these 17 digits and their check digit? An `x` must be a capital one.
pub(super) fn is_identity_number(text: &str) -> bool {
    match text.char_indices().next_back() {
        Some((at, last)) => text.get(..at).and_then(check_digit) == Some(last),
        None => false,
    }
}

fn check_digit(digits: &str) -> Option<char> {
    if digits.len() != WEIGHTS.len() {
        return None;
    }
    let mut sum = 0;
    for (digit, weight) in digits.chars().zip(WEIGHTS) {
        sum += digit.to_digit(10)? * weight;
    }
    let at = usize::try_from(sum % 11).ok()?;
    CHECK_DIGITS.get(at).copied().map(char::from)
}
