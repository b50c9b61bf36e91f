//! What can be said of a photo without decoding it: how many bytes it has, and how many pixels if its first bytes say
//! so. Single bytes are read out of the base64 where they stand; nothing of a photo is copied.

use duijie_sdk::input::Violations;

use super::CompareMode;
use crate::{config::Face, input::check_url};

/// Segments of a JPEG that are looked at before giving up.
const SEGMENTS_MAX: usize = 64;

/// Is the target of a comparison an address?
pub(super) fn is_url(target: &str) -> bool {
    target.starts_with("http://") || target.starts_with("https://")
}

/// Does a target fit its mode and the link's limits?
pub(super) fn check(limits: &Face, mode: CompareMode, target: &str, wrong: &mut Violations) {
    match (mode, is_url(target)) {
        (CompareMode::Url, _) | (CompareMode::Mixed, true) => check_url(wrong, "/target", target),
        (CompareMode::Base64 | CompareMode::Mixed, _) => {
            if let Err(message) = check_photo(limits, target) {
                wrong.add("/target", &message);
            }
        }
    }
}

fn check_photo(limits: &Face, target: &str) -> Result<(), String> {
    let photo = Base64::of(target)
        .ok_or("must be standard base64 with padding, without line breaks and without \"data:\" before it")?;
    let max = limits.max_bytes;
    if photo.len() > usize::try_from(max).unwrap_or(usize::MAX) {
        return Err(format!("must be at most {max} bytes after decoding (face.max_bytes)"));
    }
    let (width_max, height_max) = limits.max_px;
    let (longer, shorter) = (width_max.max(height_max), width_max.min(height_max));
    // A telephone held upright takes upright photos.
    match photo.pixels() {
        Some((width, height)) if width.max(height) > longer || width.min(height) > shorter => {
            Err(format!("must be at most {longer} by {shorter} pixels (face.max_px)"))
        }
        _ => Ok(()),
    }
}

/// Base64 whose bytes are computed where they are asked for.
struct Base64<'a> {
    digits: &'a [u8],
}

impl<'a> Base64<'a> {
    /// Of standard base64 with its padding; `None` if it is anything else.
    fn of(text: &'a str) -> Option<Self> {
        let text = text.as_bytes();
        let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
        let fits =
            !digits.is_empty() && text.len().is_multiple_of(4) && digits.iter().all(|&digit| value(digit).is_some());
        fits.then_some(Self { digits })
    }

    /// Bytes after decoding.
    fn len(&self) -> usize {
        self.digits.len() / 4 * 3 + (self.digits.len() % 4).saturating_sub(1)
    }

    /// The byte at this place after decoding.
    fn byte(&self, at: usize) -> Option<u8> {
        let first = at / 3 * 4 + at % 3;
        let (high, low) = (value(*self.digits.get(first)?)?, value(*self.digits.get(first + 1)?)?);
        Some(match at % 3 {
            0 => high << 2 | low >> 4,
            1 => high << 4 | low >> 2,
            _ => high << 6 | low,
        })
    }

    fn two(&self, at: usize) -> Option<u32> {
        Some(u32::from(self.byte(at)?) << 8 | u32::from(self.byte(at + 1)?))
    }

    /// Width and height of a PNG or JPEG; `None` where they cannot be found.
    fn pixels(&self) -> Option<(u32, u32)> {
        match (self.two(0)?, self.two(2)?) {
            // PNG: the header chunk comes first; sizes of four bytes.
            (0x8950, 0x4e47) => {
                let four = |at| Some(self.two(at)? << 16 | self.two(at + 2)?);
                Some((four(16)?, four(20)?))
            }
            // JPEG: segments until a frame's header, whose height comes before its width.
            (0xffd8, _) => {
                let mut at = 2;
                for _ in 0..SEGMENTS_MAX {
                    let marker = self.two(at)?;
                    if matches!(marker, 0xffc0..=0xffcf) && !matches!(marker, 0xffc4 | 0xffc8 | 0xffcc) {
                        return Some((self.two(at + 7)?, self.two(at + 5)?));
                    }
                    at += 2 + usize::try_from(self.two(at + 2).filter(|_| marker >= 0xff00)?).ok()?;
                }
                None
            }
            _ => None,
        }
    }
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use duijie_sdk::encode;

    use super::*;

    fn pixels(bytes: &[u8]) -> Option<(u32, u32)> {
        Base64::of(&encode::base64(bytes)).unwrap().pixels()
    }

    #[test]
    fn bytes_are_those_of_a_decoder() {
        for len in 1..40 {
            let bytes: Vec<u8> = (0..len).map(|at| (at * 37 + 11) as u8).collect();
            let text = encode::base64(&bytes);
            let read = Base64::of(&text).unwrap();
            assert_eq!(read.len(), bytes.len());
            assert_eq!((0..len).map(|at| read.byte(at).unwrap()).collect::<Vec<_>>(), bytes);
            assert_eq!(read.byte(len), None);
        }
    }

    #[test]
    fn the_sizes_of_the_document_are_counted_without_decoding() {
        let of = |chars: usize| Base64::of(&"A".repeat(chars)).unwrap().len();
        assert_eq!(Base64::of(&("A".repeat(2_666_666) + "==")).unwrap().len(), 1_999_999);
        assert_eq!(Base64::of(&("A".repeat(2_666_667) + "=")).unwrap().len(), 2_000_000);
        assert_eq!((of(4), of(2_796_204)), (3, 2_097_153));
    }

    #[test]
    fn what_is_no_base64_is_none() {
        for bad in ["", "A", "AAA", "AA=A", "====", "AA-_", "AAA\n", "data:image/png;base64,AAAA", "谈谈"] {
            assert!(Base64::of(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_png_and_a_jpeg_say_their_pixels() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x07\x80\0\0\x04\x38\x08\x02";
        assert_eq!(pixels(png), Some((1920, 1080)));
        let jpeg = [
            b"\xff\xd8".as_slice(),
            b"\xff\xe0\0\x06JFIF",
            b"\xff\xc4\0\x04\x01\x02",
            b"\xff\xc2\0\x11\x08\x04\x38\x07\x80\x03",
        ]
        .concat();
        assert_eq!(pixels(&jpeg), Some((1920, 1080)));
    }

    #[test]
    fn what_is_cut_off_or_unknown_says_nothing() {
        assert_eq!(pixels(b"\xff\xd8\xff\xe0"), None);
        assert_eq!(pixels(b"\xff\xd8\0\0\0\0\0\0\0\0"), None);
        assert_eq!(pixels(b"GIF89a"), None);
        assert_eq!(pixels(b"\x89PNG"), None);
    }
}
