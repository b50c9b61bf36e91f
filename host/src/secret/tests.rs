//! What a secret is, what it refuses, how it is written, and that it is never shown.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;

fn secret(text: &str, encoding: KeyEncoding) -> Result<Secret, SecretError> {
    Secret::new(text.as_bytes().to_vec(), encoding)
}

fn written(text: &str, encoding: Encoding) -> String {
    let mut out = b">".to_vec();
    let secret = secret(text, KeyEncoding::Utf8).unwrap();
    secret.write_text(encoding, &mut out);
    assert!(out.len() - 1 <= secret.written_max(encoding));
    String::from_utf8(out).unwrap()
}

#[test]
fn the_key_is_the_decoded_text() {
    assert_eq!(secret("ab\u{e9}", KeyEncoding::Utf8).unwrap().key(), "ab\u{e9}".as_bytes());
    let key = hex::decode("0123456789abcdeffedcba9876543210").unwrap();
    for (text, encoding) in [
        ("ASNFZ4mrze/+3LqYdlQyEA==", KeyEncoding::Base64),
        ("ASNFZ4mrze/+3LqYdlQyEA", KeyEncoding::Base64),
        ("ASNFZ4mrze/+3LqYdlQyEA==\n", KeyEncoding::Base64),
        ("0123456789abcdeffedcba9876543210", KeyEncoding::Hex),
        ("0123456789ABCDEFFEDCBA9876543210\r\n", KeyEncoding::Hex),
    ] {
        assert_eq!(secret(text, encoding).unwrap().key(), key, "{text:?}");
    }
}

#[test]
fn one_line_end_is_dropped_and_no_more() {
    for (issued, text) in
        [("s\n", "s"), ("s\r\n", "s"), ("s\n\n", "s\n"), ("s\r", "s\r"), (" s ", " s "), ("\ns", "\ns")]
    {
        assert_eq!(secret(issued, KeyEncoding::Utf8).unwrap().text(), text);
    }
}

#[test]
fn what_is_no_secret_is_refused_without_quoting_it() {
    for (issued, encoding, want) in [
        ("", KeyEncoding::Utf8, SecretError::Empty),
        ("\n", KeyEncoding::Utf8, SecretError::Empty),
        ("\r\n", KeyEncoding::Hex, SecretError::Empty),
        ("hunter2!", KeyEncoding::Base64, SecretError::NotBase64),
        ("hunter2_", KeyEncoding::Base64, SecretError::NotBase64),
        ("hunter", KeyEncoding::Hex, SecretError::NotHex),
        ("abc", KeyEncoding::Hex, SecretError::NotHex),
    ] {
        let error = secret(issued, encoding).unwrap_err();
        assert_eq!(error, want);
        assert!(!error.to_string().contains("hunter"));
    }
    assert_eq!(Secret::new(vec![0xff, 0xfe], KeyEncoding::Utf8).unwrap_err(), SecretError::NotText);
    assert!(secret(&"x".repeat(SECRET_MAX), KeyEncoding::Utf8).is_ok());
    let over = secret(&"x".repeat(SECRET_MAX + 1), KeyEncoding::Utf8).unwrap_err();
    assert_eq!(over, SecretError::TooLong(SECRET_MAX + 1));
    assert!(over.to_string().contains(&SECRET_MAX.to_string()));
}

#[test]
fn it_is_written_as_asked() {
    let text = "a+b /\"\\\n\u{1}张&=~*";
    assert_eq!(written(text, Encoding::Raw), format!(">{text}"));
    assert_eq!(written("Az~", Encoding::Hex), ">417a7e");
    assert_eq!(written("Az~", Encoding::HexUpper), ">417A7E");
    assert_eq!(written("id?>~", Encoding::Base64), ">aWQ/Pn4=");
    assert_eq!(written(text, Encoding::Form), ">a%2Bb+%2F%22%5C%0A%01%E5%BC%A0%26%3D%7E*");
    assert_eq!(written(text, Encoding::Json), ">a+b /\\\"\\\\\\n\\u0001张&=~*");
    let back: String = serde_json::from_str(&format!("\"{}\"", &written(text, Encoding::Json)[1..])).unwrap();
    assert_eq!(back, text);
    let form = written(text, Encoding::Form);
    let decoded: Vec<_> = form_urlencoded::parse(&form.as_bytes()[1..]).collect();
    assert_eq!(decoded, [(text.into(), "".into())]);
}

#[test]
fn the_budget_covers_the_longest_writing() {
    for encoding in [Encoding::Raw, Encoding::Hex, Encoding::HexUpper, Encoding::Base64, Encoding::Form, Encoding::Json]
    {
        for text in ["\u{1}\u{2}\u{3}", "a", "ab", "abc", "abcd", "\u{1f512}"] {
            written(text, encoding);
        }
    }
}

#[test]
fn debug_shows_nothing() {
    let one = secret("hunter2hunter2", KeyEncoding::Utf8).unwrap();
    assert_eq!(format!("{one:?}"), "Secret(***)");
    assert_eq!(format!("{one:#?}"), "Secret(***)");
    let mut overlay = Overlay::new(std::sync::Arc::new(Masker::new([std::sync::Arc::new(one)])));
    overlay.mask(&mut b"hunter2hunter2".to_vec());
    assert!(overlay.add(b"id:hunter2hunter2"));
    overlay.mask(&mut b"x".to_vec());
    let shown = format!("{overlay:?}");
    // `Zeroizing` shows what it holds: nothing that has one may derive `Debug`.
    assert!(!shown.contains("hunter") && !shown.contains("104, 117"), "{shown}");
}

#[test]
fn uses_are_a_set() {
    let uses: Uses = [Use::Send, Use::Digest].into_iter().collect();
    assert!(uses.allows(Use::Send) && uses.allows(Use::Digest));
    assert!(!uses.allows(Use::Hmac) && !uses.allows(Use::Sm4));
    assert_eq!(uses.to_string(), "digest, send");
    assert_eq!(Uses::default().to_string(), "nothing");
    assert!(Use::ALL.iter().all(|one| !Uses::default().allows(*one)));
}

#[test]
fn names_are_those_of_manifest_and_link() {
    for one in Use::ALL {
        assert_eq!(serde_json::from_str::<Use>(&format!("\"{}\"", one.name())).unwrap(), one);
    }
    assert_eq!(serde_json::from_str::<KeyEncoding>("\"base64\"").unwrap(), KeyEncoding::Base64);
    assert!(serde_json::from_str::<KeyEncoding>("\"base32\"").is_err());
}
