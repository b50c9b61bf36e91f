//! All of the host's cryptography, so that vectors can run through a guest, and so that a slot can be used against its
//! rules. Refusals are output, in the contract's own words.

use duijie_sdk::{
    Failure, Link, Operations,
    bindings::duijie::crypto::{digest, sm4, types::Error},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Config, Hostile,
    wire::{Bytes, Piece, parts, unhex},
};

/// Bytes of an SM4 block.
const BLOCK: usize = 16;
/// Blocks of one call: half a MiB.
const ROUNDS_AT_ONCE: usize = 32_768;

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
    Sm3,
}

/// A message to hash; with a slot, a MAC under it.
#[derive(Deserialize, JsonSchema)]
struct Message {
    algorithm: Algorithm,
    #[serde(default)]
    slot: Option<String>,
    message: Vec<Piece>,
    /// What to compare with, as hex.
    #[serde(default)]
    expected: String,
}

/// Data for SM4, as hex.
#[derive(Deserialize, JsonSchema)]
struct Block {
    slot: String,
    /// `ecb`, `ecb-none`, `cbc`, `cbc-none`, `ctr` or `gcm`.
    mode: String,
    /// IV, counter or nonce, as hex.
    #[serde(default)]
    iv: String,
    #[serde(default)]
    aad: String,
    data: String,
}

/// One block that is encrypted again and again.
#[derive(Deserialize, JsonSchema)]
struct Chain {
    slot: String,
    block: String,
    rounds: usize,
}

/// A result or a refusal.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Answer<T> {
    Ok(T),
    Refused(String),
}

pub(crate) fn register(ops: &mut Operations<Hostile>) {
    ops.add("crypto.hash", hash).summary("A digest or HMAC.", "摘要或 HMAC。").read();
    ops.add("crypto.verify", verify).summary("Compares a digest or HMAC.", "校验摘要或 HMAC。").read();
    ops.add("crypto.encrypt", encrypt).summary("SM4 encryption.", "SM4 加密。").read();
    ops.add("crypto.decrypt", decrypt).summary("SM4 decryption.", "SM4 解密。").read();
    ops.add("crypto.chain", chain).summary("SM4, again and again.", "反复 SM4 加密。").read();
}

fn hash(_: &Link<Config>, input: Message) -> Result<Answer<Bytes>, Failure> {
    let message = parts(input.message);
    let algorithm = input.algorithm.into();
    let result = match &input.slot {
        Some(slot) => digest::hmac(algorithm, slot, &message),
        None => digest::hash(algorithm, &message),
    };
    Ok(answer(result.map(Bytes::from)))
}

fn verify(_: &Link<Config>, input: Message) -> Result<Answer<bool>, Failure> {
    let (message, expected) = (parts(input.message), unhex(&input.expected));
    let algorithm = input.algorithm.into();
    Ok(answer(match &input.slot {
        Some(slot) => digest::verify_hmac(algorithm, slot, &message, &expected),
        None => digest::verify_hash(algorithm, &message, &expected),
    }))
}

fn encrypt(_: &Link<Config>, block: Block) -> Result<Answer<Bytes>, Failure> {
    apply(block, sm4::encrypt)
}

fn decrypt(_: &Link<Config>, block: Block) -> Result<Answer<Bytes>, Failure> {
    apply(block, sm4::decrypt)
}

fn apply(
    block: Block,
    cipher: impl Fn(&sm4::Mode, &str, &[u8]) -> Result<Vec<u8>, Error>,
) -> Result<Answer<Bytes>, Failure> {
    let iv = unhex(&block.iv);
    let mode = match block.mode.as_str() {
        "ecb" => sm4::Mode::LegacyEcb(sm4::Padding::Pkcs7),
        "ecb-none" => sm4::Mode::LegacyEcb(sm4::Padding::None),
        "cbc" => sm4::Mode::Cbc((iv, sm4::Padding::Pkcs7)),
        "cbc-none" => sm4::Mode::Cbc((iv, sm4::Padding::None)),
        "ctr" => sm4::Mode::Ctr(iv),
        "gcm" => sm4::Mode::Gcm(sm4::GcmParams { nonce: iv, aad: unhex(&block.aad) }),
        _ => return Err(Failure::invalid_input("no such mode")),
    };
    Ok(answer(cipher(&mode, &block.slot, &unhex(&block.data)).map(Bytes::from)))
}

/// CBC over zeros is the block cipher applied to its own result: a million encryptions in thirty calls.
fn chain(_: &Link<Config>, chain: Chain) -> Result<Answer<Bytes>, Failure> {
    let mut block = unhex(&chain.block);
    let mut left = chain.rounds;
    while left > 0 {
        let rounds = left.min(ROUNDS_AT_ONCE);
        let mode = sm4::Mode::Cbc((block, sm4::Padding::None));
        match sm4::encrypt(&mode, &chain.slot, &vec![0; rounds * BLOCK]) {
            Ok(chained) => block = chained.rchunks(BLOCK).next().unwrap_or_default().to_vec(),
            Err(error) => return Ok(answer(Err(error))),
        }
        left -= rounds;
    }
    Ok(Answer::Ok(block.into()))
}

fn answer<T>(result: Result<T, Error>) -> Answer<T> {
    match result {
        Ok(value) => Answer::Ok(value),
        Err(error) => Answer::Refused(format!("{error:?}")),
    }
}

impl From<Algorithm> for digest::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Md5 => Self::Md5,
            Algorithm::Sha1 => Self::Sha1,
            Algorithm::Sha256 => Self::Sha256,
            Algorithm::Sha512 => Self::Sha512,
            Algorithm::Sm3 => Self::Sm3,
        }
    }
}
