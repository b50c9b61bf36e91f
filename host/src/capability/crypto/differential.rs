//! The ciphers and digests against the system's OpenSSL: 10,000 random cases of each.
//!
//! One OpenSSL process checks many cases, because starting 10,000 of them takes minutes: blocks are independent under ECB,
//! a CBC block depends on the one before it only (so each message, behind its own IV, decrypts rightly in the middle of a
//! stream), a CTR stream may be entered at any counter, and `dgst` takes many files. Cases are random; the seed is in the
//! message of a failure. A machine without the `openssl` command fails these tests, it does not skip them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{ffi::OsString, fs, io::ErrorKind, path::PathBuf, process::Command};

use super::{
    hash::{Algorithm, hash, hmac},
    sm4::{Mode, Padding, decrypt, encrypt},
};

const KEYS: usize = 100;
const MESSAGES: usize = 100;

#[test]
fn sm4_ecb_agrees() {
    let mut random = Random::new();
    let oracle = Oracle::new();
    for _ in 0..KEYS {
        let key = random.bytes(16);
        let (mut sent, mut want) = (Vec::new(), Vec::new());
        for _ in 0..MESSAGES {
            let message = random.message(200);
            let mode = Mode::Ecb(Padding::Pkcs7);
            let cipher = encrypt(&key, mode, &message).unwrap();
            assert_eq!(decrypt(&key, mode, &cipher).unwrap(), message, "seed {}", random.seed);
            sent.extend(cipher);
            want.extend(padded(&message));
        }
        assert!(oracle.sm4(&["-sm4-ecb", "-d"], &key, None, &sent) == want, "seed {}", random.seed);
    }
}

#[test]
fn sm4_cbc_agrees() {
    let mut random = Random::new();
    let oracle = Oracle::new();
    for _ in 0..KEYS {
        let key = random.bytes(16);
        let (mut sent, mut want) = (Vec::new(), Vec::new());
        for _ in 0..MESSAGES {
            let (iv, message) = (random.bytes(16), random.message(200));
            let mode = Mode::Cbc { iv: &iv, padding: Padding::Pkcs7 };
            let cipher = encrypt(&key, mode, &message).unwrap();
            assert_eq!(decrypt(&key, mode, &cipher).unwrap(), message, "seed {}", random.seed);
            sent.extend(&iv);
            sent.extend(cipher);
            want.push(padded(&message));
        }
        let plain = oracle.sm4(&["-sm4-cbc", "-d"], &key, Some(&[0; 16]), &sent);
        let mut at = 0;
        for want in want {
            // The block that stands where the IV was fed in means nothing.
            at += 16;
            assert!(plain[at..at + want.len()] == want, "seed {}", random.seed);
            at += want.len();
        }
        assert_eq!(at, plain.len());
    }
}

#[test]
fn sm4_ctr_agrees() {
    let mut random = Random::new();
    let oracle = Oracle::new();
    for round in 0..KEYS {
        let key = random.bytes(16);
        let mut start = u128::from_be_bytes(random.bytes(16).try_into().unwrap());
        // Every fourth stream runs over the end of 32, 64 or 128 bits.
        match round % 12 {
            0 => start |= u128::from(u32::MAX) - 50,
            4 => start |= u128::from(u64::MAX) - 50,
            8 => start = u128::MAX - 50,
            _ => {}
        }
        let (mut counter, mut sent, mut got) = (start, Vec::new(), Vec::new());
        for _ in 0..MESSAGES {
            let message = random.message(200);
            let block = counter.to_be_bytes();
            let cipher = encrypt(&key, Mode::Ctr { counter: &block }, &message).unwrap();
            assert_eq!(decrypt(&key, Mode::Ctr { counter: &block }, &cipher).unwrap(), message, "seed {}", random.seed);
            let blocks = message.len().div_ceil(16);
            sent.extend(&message);
            sent.resize(sent.len().next_multiple_of(16), 0);
            got.push((message.len(), cipher));
            counter = counter.wrapping_add(blocks as u128);
        }
        let stream = oracle.sm4(&["-sm4-ctr"], &key, Some(&start.to_be_bytes()), &sent);
        let mut at = 0;
        for (len, cipher) in got {
            assert!(stream[at..at + len] == cipher, "seed {}", random.seed);
            at += len.next_multiple_of(16);
        }
        assert_eq!(at, stream.len());
    }
}

#[test]
fn digests_agree() {
    let mut random = Random::new();
    let oracle = Oracle::new();
    let messages: Vec<_> = (0..KEYS * MESSAGES).map(|_| random.message(300)).collect();
    let files = oracle.files(&messages);
    for (algorithm, option) in ALGORITHMS {
        let mut theirs = Vec::new();
        for some in files.chunks(2_500) {
            theirs.extend(oracle.digests(&[option], some));
        }
        assert_eq!(theirs.len(), messages.len());
        for (message, theirs) in messages.iter().zip(theirs) {
            let (front, back) = message.split_at(message.len() / 3);
            assert_eq!(hex::encode(hash(algorithm, [front, back])), theirs, "{option}, seed {}", random.seed);
        }
    }
}

#[test]
fn hmacs_agree() {
    let mut random = Random::new();
    let oracle = Oracle::new();
    let messages: Vec<_> = (0..KEYS * MESSAGES).map(|_| random.message(300)).collect();
    let files = oracle.files(&messages);
    // 40 keys of 1 to 200 bytes, so on both sides of the block sizes 64 and 128, with 250 messages each.
    for (messages, files) in messages.chunks(250).zip(files.chunks(250)) {
        let len = 1 + random.below(200);
        let key = random.bytes(len);
        let option_key = format!("hexkey:{}", hex::encode(&key));
        for (algorithm, option) in ALGORITHMS {
            let theirs = oracle.digests(&[option, "-mac", "HMAC", "-macopt", &option_key], files);
            assert_eq!(theirs.len(), messages.len());
            for (message, theirs) in messages.iter().zip(theirs) {
                let (front, back) = message.split_at(message.len() / 2);
                let ours = hmac(algorithm, &key, [front, back]).unwrap();
                assert_eq!(hex::encode(ours), theirs, "{option}, key of {len}, seed {}", random.seed);
            }
        }
    }
}

const ALGORITHMS: [(Algorithm, &str); 5] = [
    (Algorithm::Md5, "-md5"),
    (Algorithm::Sha1, "-sha1"),
    (Algorithm::Sha256, "-sha256"),
    (Algorithm::Sha512, "-sha512"),
    (Algorithm::Sm3, "-sm3"),
];

/// PKCS#7 as RFC 5652 §6.3 words it.
fn padded(message: &[u8]) -> Vec<u8> {
    let fill = 16 - message.len() % 16;
    [message, &vec![u8::try_from(fill).unwrap(); fill]].concat()
}

/// The `openssl` command, with a directory for what goes in and comes out.
struct Oracle {
    directory: tempfile::TempDir,
}

impl Oracle {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// Runs the data through one mode, without padding.
    fn sm4(&self, mode: &[&str], key: &[u8], iv: Option<&[u8]>, data: &[u8]) -> Vec<u8> {
        let (input, output) = (self.directory.path().join("in"), self.directory.path().join("out"));
        fs::write(&input, data).unwrap();
        let mut args: Vec<OsString> = vec!["enc".into()];
        args.extend(mode.iter().map(OsString::from));
        args.extend(["-nopad".into(), "-K".into(), hex::encode(key).into()]);
        if let Some(iv) = iv {
            args.extend(["-iv".into(), hex::encode(iv).into()]);
        }
        args.extend(["-in".into(), input.into(), "-out".into(), output.clone().into()]);
        run(args);
        fs::read(output).unwrap()
    }

    /// Writes every message to a file of its own.
    fn files(&self, messages: &[Vec<u8>]) -> Vec<PathBuf> {
        let write = |(at, message): (usize, &Vec<u8>)| {
            let path = self.directory.path().join(at.to_string());
            fs::write(&path, message).unwrap();
            path
        };
        messages.iter().enumerate().map(write).collect()
    }

    /// The digest of each file, in hex.
    fn digests(&self, options: &[&str], files: &[PathBuf]) -> Vec<String> {
        let mut args: Vec<OsString> = vec!["dgst".into(), "-r".into()];
        args.extend(options.iter().map(OsString::from));
        args.extend(files.iter().map(OsString::from));
        // With -r every line is the digest, a blank, and the file.
        run(args).lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    }
}

fn run(args: Vec<OsString>) -> String {
    match Command::new("openssl").args(args).output() {
        Ok(done) if done.status.success() => String::from_utf8(done.stdout).unwrap(),
        Ok(done) => panic!("openssl failed: {}", String::from_utf8_lossy(&done.stderr)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("the `openssl` command is missing; this test compares with it: apt-get install openssl")
        }
        Err(error) => panic!("openssl did not run: {error}"),
    }
}

/// SplitMix64: enough to spread cases, and it can be run again from the seed a failure names.
struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    fn new() -> Self {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).unwrap();
        let seed = u64::from_ne_bytes(seed);
        Self { seed, state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    /// A message of up to `max` bytes; every eighth ends on a block, where padding goes wrong first.
    fn message(&mut self, max: usize) -> Vec<u8> {
        let len = self.below(max + 1);
        let len = if self.below(8) == 0 { len.next_multiple_of(16) } else { len };
        self.bytes(len)
    }
}
