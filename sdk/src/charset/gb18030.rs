//! The decoder of GB18030 as the WHATWG Encoding Standard describes it (§10.2.1), over the tables of a crate that has
//! nothing but them. It costs a connector 50 KiB; the whole of encoding_rs, which the tests compare it with, 170 KiB.

use encoding_index_simpchinese::{gb18030, gb18030_ranges};

/// What GB 18030-2005 and -2022 moved out of the private use area after the tables were made; by pointer.
const MOVED: [(u16, char); 19] = [
    (7182, '\u{fe10}'),
    (7183, '\u{fe12}'),
    (7184, '\u{fe11}'),
    (7185, '\u{fe13}'),
    (7186, '\u{fe14}'),
    (7187, '\u{fe15}'),
    (7188, '\u{fe16}'),
    (7201, '\u{fe17}'),
    (7202, '\u{fe18}'),
    (7208, '\u{fe19}'),
    (7533, '\u{1e3f}'),
    (23775, '\u{9fb4}'),
    (23783, '\u{9fb5}'),
    (23788, '\u{9fb6}'),
    (23789, '\u{9fb7}'),
    (23795, '\u{9fb8}'),
    (23812, '\u{9fb9}'),
    (23829, '\u{9fba}'),
    (23845, '\u{9fbb}'),
];

/// The text; `None` when any byte fits nowhere.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let (character, after) = match rest {
            [] => return Some(text),
            [ascii @ 0..=0x7f, after @ ..] => (char::from(*ascii), after),
            // The euro sign as Windows wrote it before there was a better place.
            [0x80, after @ ..] => ('€', after),
            [a @ 0x81..=0xfe, b @ 0x30..=0x39, c @ 0x81..=0xfe, d @ 0x30..=0x39, after @ ..] => {
                let (a, b) = (u32::from(a - 0x81), u32::from(b - 0x30));
                let (c, d) = (u32::from(c - 0x81), u32::from(d - 0x30));
                (four(((a * 10 + b) * 126 + c) * 10 + d)?, after)
            }
            [lead @ 0x81..=0xfe, trail @ (0x40..=0x7e | 0x80..=0xfe), after @ ..] => {
                let trail = if *trail < 0x7f { trail - 0x40 } else { trail - 0x41 };
                (two(u16::from(lead - 0x81) * 190 + u16::from(trail))?, after)
            }
            _ => return None,
        };
        text.push(character);
        rest = after;
    }
}

fn two(pointer: u16) -> Option<char> {
    if let Some((_, moved)) = MOVED.iter().find(|(known, _)| *known == pointer) {
        return Some(*moved);
    }
    char::from_u32(gb18030::forward(pointer)).filter(|&c| c != '\u{ffff}')
}

fn four(pointer: u32) -> Option<char> {
    // The one place that the ranges leave out.
    if pointer == 7457 {
        return Some('\u{e7c7}');
    }
    char::from_u32(gb18030_ranges::forward(pointer))
}

#[cfg(test)]
mod tests {
    use super::decode;

    fn theirs(bytes: &[u8]) -> Option<String> {
        let text = encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(bytes);
        text.map(std::borrow::Cow::into_owned)
    }

    #[test]
    fn every_code_of_two_bytes_is_read_as_others_read_it() {
        let mut different = Vec::new();
        for lead in 0x80..=0xff {
            for trail in 0..=0xff {
                let bytes = [lead, trail, b'0'];
                if decode(&bytes) != theirs(&bytes) {
                    different.push(bytes);
                }
            }
        }
        assert!(different.is_empty(), "{different:x?}");
    }

    #[test]
    fn every_code_of_four_bytes_is_read_as_others_read_it() {
        let mut different = Vec::new();
        for pointer in 0..126_u32 * 10 * 126 * 10 {
            let byte = |divisor: u32, count: u32, first: u32| u8::try_from(pointer / divisor % count + first).unwrap();
            let bytes = [byte(12_600, 126, 0x81), byte(1260, 10, 0x30), byte(10, 126, 0x81), byte(1, 10, 0x30)];
            if decode(&bytes) != theirs(&bytes) {
                different.push((bytes, decode(&bytes), theirs(&bytes)));
            }
        }
        assert!(different.is_empty(), "{different:x?}");
    }
}
