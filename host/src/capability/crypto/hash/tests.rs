//! The standards' own vectors, the upstreams' vectors, and that pieces are only concatenated.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use base64::{Engine, engine::general_purpose::STANDARD};

fn hash_hex(algorithm: Algorithm, pieces: &[&[u8]]) -> String {
    hex::encode(hash(algorithm, pieces.iter().copied()))
}

fn hmac_hex(algorithm: Algorithm, key: &[u8], pieces: &[&[u8]]) -> String {
    hex::encode(hmac(algorithm, key, pieces.iter().copied()).unwrap())
}

/// GB/T 32905-2016 appendix A.
#[test]
fn sm3_vectors() {
    let abc = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
    assert_eq!(hash_hex(Algorithm::Sm3, &[b"abc"]), abc);
    assert_eq!(
        hash_hex(Algorithm::Sm3, &[&b"abcd".repeat(16)]),
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    );
}

#[test]
fn digest_vectors() {
    for (algorithm, want) in [
        (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
        (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            Algorithm::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ] {
        assert_eq!(hash_hex(algorithm, &[b"abc"]), want);
        assert_eq!(hash_hex(algorithm, &[b"", b"a", b"", b"bc"]), want, "pieces are only concatenated");
    }
    assert_eq!(hash_hex(Algorithm::Md5, &[]), "d41d8cd98f00b204e9800998ecf8427e");
}

/// RFC 2202 (MD5, SHA-1) and RFC 4231 (SHA-2), cases 1, 2 and 6 or 3: short key, odd key, key longer than a block.
#[test]
fn hmac_vectors() {
    let jefe = (b"Jefe".as_slice(), b"what do ya want for nothing?".as_slice());
    for (algorithm, want) in [
        (Algorithm::Md5, "750c783e6ab0b503eaa86e310a5db738"),
        (Algorithm::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (Algorithm::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            Algorithm::Sha512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ] {
        assert_eq!(hmac_hex(algorithm, jefe.0, &[jefe.1]), want);
        let (front, back) = jefe.1.split_at(9);
        assert_eq!(hmac_hex(algorithm, jefe.0, &[front, b"", back]), want);
    }
    let long = b"Test Using Larger Than Block-Size Key - Hash Key First".as_slice();
    assert_eq!(hmac_hex(Algorithm::Md5, &[0xaa; 80], &[long]), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    assert_eq!(hmac_hex(Algorithm::Sha1, &[0xaa; 80], &[long]), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
    assert_eq!(
        hmac_hex(Algorithm::Sha256, &[0xaa; 131], &[long]),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
    assert_eq!(
        hmac_hex(Algorithm::Sha256, &[0x0b; 20], &[b"Hi There"]),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    );
}

#[test]
fn eduyun_key_info() {
    let (id, key) = (b"demoAppId000000000000000000000001".as_slice(), b"demoAppKey00000000000000000000002".as_slice());
    let sign = |algorithm, time: &[u8]| hmac_hex(algorithm, key, &[id, key, time]).to_uppercase();
    assert_eq!(sign(Algorithm::Sha1, b"1700000000000"), "6F9F74415F88E51F0BC47B9C8721A6172AF83251");
    assert_eq!(sign(Algorithm::Sha1, b"1700000000"), "274DC16D1608C091DE94AA320300AF79AADCE7CB");
    assert_eq!(sign(Algorithm::Md5, b"1700000000000"), "799CB02464D0D82CAD3A7AFADBA35EBE");
    assert_eq!(
        sign(Algorithm::Sha256, b"1700000000000"),
        "156FCF6A0C908788E060275AE15D36B4AFFA6033DD4816714D9419BADDF8EBAD"
    );
}

#[test]
fn zhejiang_signatures() {
    assert_eq!(
        hash_hex(Algorithm::Md5, &[b"demosvc", b"demosvcpwd", b"20240102030405"]),
        "5950c275d9fa9fc74ce40053f223d793"
    );
    let text =
        "POST\n/restapi/prod/IC33000020220228000002/sso/servlet/simpleauth\n\ndemoak\nTue, 02 Jan 2024 03:04:05 GMT\n";
    let mac = hmac(Algorithm::Sha256, b"demosk", [text.as_bytes()]).unwrap();
    assert_eq!(STANDARD.encode(mac), "0OEPZxMDM9B4YNjYusbhuRjw4gPctig4XVW7AWM7Im8=");
}

#[test]
fn talk_record_digest() {
    let record = r#"{"recordId":"T20240001","studentNo":"2021001","studentName":"张三","teacherNo":"10086","talkTime":"2024-03-01 14:30:00","content":"测试谈话内容"}"#;
    assert_eq!(
        hash_hex(Algorithm::Sha256, &[record.as_bytes()]),
        "b1aeafcaf9629286609b02b5618c23883848b48897c902e6886cd724cbb43f5d"
    );
}

#[test]
fn comparison_is_of_the_whole() {
    assert!(equal(b"abc", b"abc"));
    assert!(equal(b"", b""));
    for other in [b"abd".as_slice(), b"ab", b"abcd", b""] {
        assert!(!equal(b"abc", other));
    }
}
