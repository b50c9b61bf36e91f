//! Each spelling, wherever it stands; overlaps; what is cut; what is left alone.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use base64::{Engine, engine::general_purpose};

use super::*;
use crate::secret::KeyEncoding;

/// Bytes that every encoding must escape or that base64 writes differently in its two alphabets.
const NASTY: &str = "k?>~ü/+ \"\\&='<%é张三§";

fn masker(secrets: &[(&str, KeyEncoding)]) -> Arc<Masker> {
    let secret =
        |(text, encoding): &(&str, KeyEncoding)| Arc::new(Secret::new(text.as_bytes().to_vec(), *encoding).unwrap());
    Arc::new(Masker::new(secrets.iter().map(secret)))
}

fn utf8(text: &str) -> Arc<Masker> {
    masker(&[(text, KeyEncoding::Utf8)])
}

fn over(masker: &Arc<Masker>) -> Overlay {
    Overlay::new(masker.clone())
}

fn masked(masker: &Arc<Masker>, bytes: impl AsRef<[u8]>) -> String {
    let mut bytes = bytes.as_ref().to_vec();
    let len = bytes.len();
    over(masker).mask(&mut bytes);
    assert_eq!(bytes.len(), len, "lengths stay");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// At the start, at the end, in the middle, twice in a row: nothing of it may be left.
fn gone_everywhere(masker: &Arc<Masker>, spelled: &[u8]) {
    let stars = "*".repeat(spelled.len());
    let shown = String::from_utf8_lossy(spelled).into_owned();
    assert_eq!(masked(masker, spelled), stars, "{shown}");
    assert_eq!(masked(masker, [spelled, b" |"].concat()), format!("{stars} |"), "{shown}");
    assert_eq!(masked(masker, [b"| ", spelled].concat()), format!("| {stars}"), "{shown}");
    assert_eq!(masked(masker, [spelled, spelled].concat()), stars.repeat(2), "{shown}");
    assert_eq!(masked(masker, [b"{\"", spelled, b"\"}"].concat()), format!("{{\"{stars}\"}}"), "{shown}");
}

#[test]
fn every_spelling_of_the_text() {
    let bytes = NASTY.as_bytes();
    let form: String = url::form_urlencoded::byte_serialize(bytes).collect();
    let mut url = url::Url::parse("https://h/").unwrap();
    url.set_query(Some("k?>~ü/+ \"\\&='<%é张三§"));
    let ascii_json = r#"k?>~\u00fc/+ \"\\&='<%\u00e9\u5f20\u4e09\u00a7"#;
    let gson = r#"k?\u003e~ü/+ \"\\\u0026\u003d\u0027\u003c%é张三§"#;
    let masker = utf8(NASTY);
    for spelled in [
        NASTY.to_owned(),
        hex::encode(bytes),
        hex::encode_upper(bytes),
        general_purpose::STANDARD.encode(bytes),
        general_purpose::STANDARD_NO_PAD.encode(bytes),
        general_purpose::URL_SAFE.encode(bytes),
        general_purpose::URL_SAFE_NO_PAD.encode(bytes),
        form.clone(),
        form.replace('+', "%20"),
        percent_encoding::percent_encode(bytes, percent_encoding::NON_ALPHANUMERIC).to_string(),
        url.query().unwrap().to_owned(),
        serde_json::to_string(NASTY).unwrap().trim_matches('"').to_owned(),
        ascii_json.to_owned(),
        ascii_json
            .replace("00fc", "00FC")
            .replace("00e9", "00E9")
            .replace("5f20", "5F20")
            .replace("4e09", "4E09")
            .replace("00a7", "00A7"),
        ascii_json.replace('/', "\\/"),
        gson.to_owned(),
    ] {
        gone_everywhere(&masker, spelled.as_bytes());
    }
    let lower = "k%3f%3e%7e%c3%bc%2f%2b+%22%5c%26%3d%27%3c%25%c3%a9%e5%bc%a0%e4%b8%89%c2%a7";
    gone_everywhere(&masker, lower.as_bytes());
}

#[test]
fn every_spelling_of_the_key() {
    let text = "ASNFZ4mrze/+3LqYdlQyEA==";
    let key = hex::decode("0123456789abcdeffedcba9876543210").unwrap();
    let masker = masker(&[(text, KeyEncoding::Base64)]);
    for spelled in [
        text.as_bytes().to_vec(),
        text.trim_matches('=').as_bytes().to_vec(),
        text.replace('+', "-").replace('/', "_").into_bytes(),
        text.replace('/', "\\/").into_bytes(),
        text.replace('=', "\\u003d").into_bytes(),
        b"ASNFZ4mrze%2F%2B3LqYdlQyEA%3D%3D".to_vec(),
        b"ASNFZ4mrze%2f%2b3LqYdlQyEA%3d%3d".to_vec(),
        key.clone(),
        hex::encode(&key).into_bytes(),
        hex::encode_upper(&key).into_bytes(),
        general_purpose::STANDARD.encode(text).into_bytes(),
    ] {
        gone_everywhere(&masker, &spelled);
    }
}

/// `id:secret` and what follows, at all three alignments and with every kind of end: no bit of the secret is left, so
/// what is left is the same whatever the secret was.
#[test]
fn base64_of_something_longer() {
    let one = "q7Zp-4Xk2Lm9Wd3T";
    for engine in [general_purpose::STANDARD, general_purpose::URL_SAFE] {
        for front in ["", "a", "ab", "abc", "abcd", "user:"] {
            for back in ["", "z", "zy", "zyx", "\u{ff}tail"] {
                let left = |secret: &str| masked(&utf8(secret), engine.encode(format!("{front}{secret}{back}")));
                let first = left(one);
                for other in ["1RvL_0bH8cF5uN6y", "~8$/j;A\"y#Kt-Gbl", "0HfYq~sEnOi&xPc+"] {
                    assert_eq!(first, left(other), "{front}|{back}");
                }
                assert!(first.matches('*').count() >= one.len() * 4 / 3, "{first}");
                // Whole groups that hold none of its bits stay readable.
                let kept = engine.encode(front);
                assert!(first.starts_with(&kept[..front.len() / 3 * 4]), "{first}");
            }
        }
    }
}

#[test]
fn overlapping_and_nested_secrets_are_all_masked() {
    let two = masker(&[("abcdefgh", KeyEncoding::Utf8), ("efghijkl", KeyEncoding::Utf8), ("fg", KeyEncoding::Utf8)]);
    assert_eq!(masked(&two, ".abcdefghijkl."), ".************.");
    assert_eq!(masked(&two, ".fg.abcdefgh.efghijkl."), ".**.********.********.");
    assert_eq!(masked(&utf8("ababab"), "xababababx"), "x********x", "one that overlaps itself");
    let prefix = masker(&[("secret", KeyEncoding::Utf8), ("secretlonger", KeyEncoding::Utf8)]);
    assert_eq!(masked(&prefix, "secretlong secretlonger"), "******long ************");
}

#[test]
fn short_secrets() {
    let pin = utf8("1234");
    assert_eq!(masked(&pin, "pin 1234, hex 31323334, base64 MTIzNA=="), "pin ****, hex ********, base64 ********");
    // Six bytes is the shortest encoding looked for.
    let tiny = utf8("ab");
    assert_eq!(masked(&tiny, "ab 6162 YWI="), "** 6162 YWI=");
}

#[test]
fn long_secrets_whole_and_cut() {
    let long: String = (0..4_000).map(|n: u32| char::from(b'a' + u8::try_from(n * n % 26).unwrap())).collect();
    let masker = utf8(&long);
    gone_everywhere(&masker, long.as_bytes());
    gone_everywhere(&masker, hex::encode(&long).as_bytes());
    let cut = &long[..1_000];
    assert_eq!(masked(&masker, format!("{cut}...")), format!("{}...", "*".repeat(1_000)));
    assert!(masker.finder.get().unwrap().memory_usage() < 64 << 10);
}

#[test]
fn ordinary_text_is_left_alone() {
    let masker = utf8("dGhpcyBpcyBhIHNlY3JldA");
    let mut body = br#"{"code":0,"message":"ok","data":"dGhpcyBpcyBub3Qgb25l"}"#.to_vec();
    let before = body.clone();
    assert!(!over(&masker).mask(&mut body));
    assert_eq!(body, before);
    assert!(!over(&utf8("x")).mask(&mut []));
    assert!(!over(&masker_of_nothing()).mask(&mut body));
}

fn masker_of_nothing() -> Arc<Masker> {
    Arc::new(Masker::new([]))
}

#[test]
fn text_stays_text() {
    let key = masker(&[("bcbf00112233", KeyEncoding::Hex)]);
    let text = String::from_utf8([b"\xe5\xbc\xbf".as_slice(), b"\0\x11\x22\x33."].concat()).unwrap();
    assert_eq!(over(&key).mask_text(text), "\u{fffd}******.");
    assert_eq!(over(&key).mask_text("plain".into()), "plain");
}

#[test]
fn an_overlay_masks_what_a_call_composed() {
    let base = utf8("open-sesame");
    let mut call = Overlay::new(base.clone());
    let credential = general_purpose::STANDARD.encode("client-7:open-sesame");
    assert!(call.add(credential.as_bytes()));
    let mut body = format!("Basic {credential} / {} / open-sesame", hex::encode(&credential)).into_bytes();
    assert!(call.mask(&mut body));
    let want = format!("Basic {} / {} / ***********", "*".repeat(credential.len()), "*".repeat(credential.len() * 2));
    assert_eq!(String::from_utf8(body).unwrap(), want);
    // The next call does not know it.
    let mut front = credential.as_bytes()[..8].to_vec();
    assert!(!Overlay::new(base).mask(&mut front));
}

#[test]
fn an_overlay_finds_what_the_base_masks_a_part_of() {
    let mut call = Overlay::new(utf8("sesame"));
    assert!(call.add(b"user=7;sesame;x"));
    assert_eq!(call.mask_text("(user=7;sesame;x)".into()), "(***************)");
}

#[test]
fn an_overlay_is_bounded() {
    let mut call = Overlay::new(utf8("sesame"));
    for n in 0..EXTRA_MAX {
        assert!(call.add(format!("credential {n}").as_bytes()));
    }
    assert!(call.add(b"credential 0"), "known already");
    assert!(!call.add(b"one more"));
    assert_eq!(call.mask_text("credential 255".into()), "**************");
}
