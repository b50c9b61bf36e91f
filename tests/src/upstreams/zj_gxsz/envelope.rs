//! Opens `{"data": BASE64(SM4-ECB-PKCS#7(record))}`. Never says in a refusal what was inside.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ecb::cipher::block_padding::Pkcs7;
use ecb::cipher::{BlockModeDecrypt, KeyInit};
use serde_json::{Map, Value};
use sm4::Sm4;

use super::super::profile::Received;
use super::{Refusal, codes};

/// `application/json`, in UTF-8 if a charset is named.
pub(super) fn check_content_type(received: &Received) -> Result<(), Refusal> {
    let value = received.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let charset = value.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("charset="));
    let utf8 = charset.is_none_or(|charset| charset.trim_matches('"') == "utf-8");
    if received.media_type() == "application/json" && utf8 {
        return Ok(());
    }
    Err(Refusal::new(codes::CONTENT_TYPE, "Content-Type 应为 application/json; charset=utf-8"))
}

/// The record's bytes. Members of the envelope besides `data` are taken as they come.
pub(super) fn open(body: &[u8], key: &[u8; 16]) -> Result<Vec<u8>, Refusal> {
    let envelope: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| Refusal::new(codes::ENVELOPE, "请求体不是 JSON 对象"))?;
    let data = envelope.get("data").and_then(Value::as_str);
    let data = data.ok_or_else(|| Refusal::new(codes::ENVELOPE_DATA, "缺少字符串字段 data"))?;
    let ciphertext = STANDARD.decode(data).map_err(|_| Refusal::new(codes::BASE64, "data 不是标准 BASE64"))?;
    decrypt(key, &ciphertext).ok_or_else(|| Refusal::new(codes::DECRYPT, "data 解密失败"))
}

/// The record's fields.
pub(super) fn parse(plaintext: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let text = std::str::from_utf8(plaintext).map_err(|_| Refusal::new(codes::UTF8, "业务数据不是 UTF-8"))?;
    serde_json::from_str(text).map_err(|_| Refusal::new(codes::RECORD, "业务数据不是 JSON 对象"))
}

fn decrypt(key: &[u8; 16], ciphertext: &[u8]) -> Option<Vec<u8>> {
    ecb::Decryptor::<Sm4>::new(key.into()).decrypt_padded_vec::<Pkcs7>(ciphertext).ok()
}

/// The reverse, for tests that play the college.
#[cfg(test)]
pub(super) fn seal(key: &[u8; 16], plaintext: &[u8]) -> String {
    use ecb::cipher::BlockModeEncrypt;
    STANDARD.encode(ecb::Encryptor::<Sm4>::new(key.into()).encrypt_padded_vec::<Pkcs7>(plaintext))
}
