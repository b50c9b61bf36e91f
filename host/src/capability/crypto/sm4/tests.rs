//! The published vectors, the contract's lengths, and what a guest may get wrong.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;
use base64::{Engine, engine::general_purpose::STANDARD};

const KEY: &str = "0123456789abcdeffedcba9876543210";
const RECORD: &str = r#"{"recordId":"T20240001","studentNo":"2021001","studentName":"张三","teacherNo":"10086","talkTime":"2024-03-01 14:30:00","content":"测试谈话内容"}"#;

fn key() -> Vec<u8> {
    hex::decode(KEY).unwrap()
}

fn ecb_pkcs7(key: &[u8], text: &str) -> Vec<u8> {
    let out = encrypt(key, Mode::Ecb(Padding::Pkcs7), text.as_bytes()).unwrap();
    assert_eq!(decrypt(key, Mode::Ecb(Padding::Pkcs7), &out).unwrap(), text.as_bytes());
    out
}

#[test]
fn gbt_32907_a1_one_block() {
    let out = encrypt(&key(), Mode::Ecb(Padding::None), &key()).unwrap();
    assert_eq!(hex::encode(&out), "681edf34d206965e86b3e94f536e4246");
    assert_eq!(decrypt(&key(), Mode::Ecb(Padding::None), &out).unwrap(), key());
}

#[test]
fn gbt_32907_a2_a_million_encryptions() {
    let key = key();
    let mut block = key.clone();
    for _ in 0..1_000_000 {
        block = encrypt(&key, Mode::Ecb(Padding::None), &block).unwrap();
    }
    assert_eq!(hex::encode(block), "595298c7c6fd271f0402f804c33d3f66");
}

#[test]
fn talk_record_vectors() {
    for (text, hex_want, base64_want) in [
        ("", "002a8a4efa863ccad024ac0300bb40d2", "ACqKTvqGPMrQJKwDALtA0g=="),
        ("a", "6c17f0abcf4ea86add6345764f1d3976", "bBfwq89OqGrdY0V2Tx05dg=="),
        (r#"{"a":1}"#, "db8f98866dc8b812680b04a54db32cba", "24+Yhm3IuBJoCwSlTbMsug=="),
        ("谈心谈话", "f59f7367f48a3f4dfe8c48e712b7092b", "9Z9zZ/SKP03+jEjnErcJKw=="),
        (
            "0123456789abcdef",
            "e6887b77dbabb572ffa07fed7548b192002a8a4efa863ccad024ac0300bb40d2",
            "5oh7d9urtXL/oH/tdUixkgAqik76hjzK0CSsAwC7QNI=",
        ),
    ] {
        let out = ecb_pkcs7(&key(), text);
        assert_eq!(hex::encode(&out), hex_want, "{text}");
        assert_eq!(STANDARD.encode(&out), base64_want, "{text}");
    }
}

#[test]
fn a_whole_talk_record() {
    assert_eq!(RECORD.len(), 153);
    let key = STANDARD.decode("EBESExQVFhcYGRobHB0eHw==").unwrap();
    let want = "RyMAofrk0jyQRZgzv1F5dAdZUq4mYLFawa5WLnNepOsKd8Ko7BNek72i9aP/RIskV4SwVLn4t0BoHc88Ix3URd9cSNZRRAqfkD5DPLB4D8zv0oZ5HhDhqKSIM4GPoUfW2nc5SWfc308sDLOcTxEB5OVdloobpC3pwjBpm2yKAegdYQS3Rm5OYQpbaSt9BAFvEHwXOyUX3MDwhabS5dSatg==";
    assert_eq!(STANDARD.encode(ecb_pkcs7(&key, RECORD)), want);
}

/// RFC 8998 appendix A.1.
#[test]
fn gcm_vector() {
    let aad = hex::decode("feedfacedeadbeeffeedfacedeadbeefabaddad2").unwrap();
    let nonce = hex::decode("00001234567800000000abcd").unwrap();
    let plain = hex::decode(concat!(
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd",
        "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
    ))
    .unwrap();
    let mode = Mode::Gcm { nonce: &nonce, aad: &aad };
    let out = encrypt(&key(), mode, &plain).unwrap();
    let (cipher, tag) = out.split_at(plain.len());
    assert_eq!(
        hex::encode(cipher),
        concat!(
            "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735",
            "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        )
    );
    assert_eq!(hex::encode(tag), "83de3541e4c2b58177e065a9bf7b62ec");
    assert_eq!(decrypt(&key(), mode, &out).unwrap(), plain);
}

#[test]
fn gcm_refuses_any_change() {
    let (nonce, aad) = ([7; 12], b"head".as_slice());
    let good = encrypt(&key(), Mode::Gcm { nonce: &nonce, aad }, b"a talk record").unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert_eq!(decrypt(&key(), Mode::Gcm { nonce: &nonce, aad }, &bad), Err(Sm4Error::Verification));
    }
    assert_eq!(decrypt(&key(), Mode::Gcm { nonce: &nonce, aad: b"haed" }, &good), Err(Sm4Error::Verification));
    assert_eq!(decrypt(&key(), Mode::Gcm { nonce: &[8; 12], aad }, &good), Err(Sm4Error::Verification));
}

#[test]
fn ctr_counts_128_bits_and_wraps() {
    let counter = [0xff; 16];
    let stream = encrypt(&key(), Mode::Ctr { counter: &counter }, &[0; 32]).unwrap();
    let mut blocks = encrypt(&key(), Mode::Ecb(Padding::None), &counter).unwrap();
    blocks.extend(encrypt(&key(), Mode::Ecb(Padding::None), &[0; 16]).unwrap());
    assert_eq!(stream, blocks);
}

#[test]
fn ctr_takes_any_length() {
    for len in [0, 1, 15, 16, 17, 33] {
        let data = vec![0x5a; len];
        let out = encrypt(&key(), Mode::Ctr { counter: &[1; 16] }, &data).unwrap();
        assert_eq!(out.len(), len);
        assert_eq!(decrypt(&key(), Mode::Ctr { counter: &[1; 16] }, &out).unwrap(), data);
    }
}

#[test]
fn wrong_padding_says_nothing_more() {
    // Decrypts to a block that ends in 0x00, in 0x11 and in an unequal run: all the same answer.
    for last in [vec![0; 16], vec![0x11; 16], [vec![9; 14], vec![3, 2]].concat()] {
        let cbc = Mode::Cbc { iv: &[0; 16], padding: Padding::None };
        let data = encrypt(&key(), cbc, &last).unwrap();
        let pkcs7 = Mode::Cbc { iv: &[0; 16], padding: Padding::Pkcs7 };
        assert_eq!(decrypt(&key(), pkcs7, &data), Err(Sm4Error::Verification));
        let data = encrypt(&key(), Mode::Ecb(Padding::None), &last).unwrap();
        assert_eq!(decrypt(&key(), Mode::Ecb(Padding::Pkcs7), &data), Err(Sm4Error::Verification));
    }
}

#[test]
fn lengths_are_refused_with_what_is_right() {
    let key = key();
    let all = |key: &[u8], mode: Mode<'_>, data: &[u8]| {
        let (one, other) = (encrypt(key, mode, data).unwrap_err(), decrypt(key, mode, data).unwrap_err());
        assert_eq!(one, other);
        one.to_string()
    };
    for short in [0, 15, 17, 32] {
        for mode in [
            Mode::Ecb(Padding::None),
            Mode::Cbc { iv: &[0; 16], padding: Padding::None },
            Mode::Ctr { counter: &[0; 16] },
            Mode::Gcm { nonce: &[0; 12], aad: b"" },
        ] {
            let text = all(&vec![1; short], mode, &[0; 16]);
            assert!(text.contains("16 bytes") && text.contains(&short.to_string()), "{text}");
        }
        assert!(check_key(&vec![1; short]).is_err());
    }
    assert!(all(&key, Mode::Cbc { iv: &[0; 12], padding: Padding::None }, &[0; 16]).contains("a CBC IV is 16 bytes"));
    assert!(all(&key, Mode::Ctr { counter: &[0; 8] }, b"").contains("a CTR counter block is 16 bytes"));
    assert!(all(&key, Mode::Gcm { nonce: &[0; 16], aad: b"" }, b"").contains("a GCM nonce is 12 bytes"));
    assert!(all(&key, Mode::Ecb(Padding::None), &[0; 17]).contains("multiple of 16"));
    let long_aad = vec![0; AAD_MAX + 1];
    assert!(all(&key, Mode::Gcm { nonce: &[0; 12], aad: &long_aad }, b"").contains("at most 65536"));
    let pkcs7 = Mode::Ecb(Padding::Pkcs7);
    assert!(matches!(decrypt(&key, pkcs7, b""), Err(Sm4Error::DataLength { .. })));
    assert!(matches!(decrypt(&key, pkcs7, &[0; 15]), Err(Sm4Error::DataLength { .. })));
    let gcm = Mode::Gcm { nonce: &[0; 12], aad: b"" };
    assert!(matches!(decrypt(&key, gcm, &[0; 15]), Err(Sm4Error::DataLength { got: 15, .. })));
}

#[test]
fn the_bound_is_four_mebibytes_of_plaintext() {
    let data = vec![0; DATA_MAX];
    for mode in [Mode::Ecb(Padding::Pkcs7), Mode::Ctr { counter: &[0; 16] }, Mode::Gcm { nonce: &[0; 12], aad: b"" }] {
        let out = encrypt(&key(), mode, &data).unwrap();
        assert_eq!(decrypt(&key(), mode, &out).unwrap().len(), DATA_MAX);
        let over = vec![0; DATA_MAX + 1];
        assert!(matches!(encrypt(&key(), mode, &over), Err(Sm4Error::DataLength { .. })));
        let over = vec![0; DATA_MAX + 2 * BLOCK];
        assert!(matches!(decrypt(&key(), mode, &over), Err(Sm4Error::DataLength { .. })));
    }
}
