//! The check digit of an 18-character identity number (GB 11643). Never keeps or prints one.

/// Whether the text has the shape of a number and the right check digit, `X` in upper case.
pub(super) fn is_number(text: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: &str = "10X98765432";
    let characters: Vec<char> = text.chars().collect();
    let [body @ .., check] = characters.as_slice() else { return false };
    let digits: Option<Vec<u32>> = body.iter().map(|character| character.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| digits.len() == WEIGHTS.len()) else { return false };
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    usize::try_from(sum % 11).ok().and_then(|at| CHECKS.chars().nth(at)) == Some(*check)
}
