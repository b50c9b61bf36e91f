//! Who may bring connectors: a detached minisign signature beside each, by one of the keys that the host's configuration
//! names. Verifies; never signs, and never looks at what the signed bytes are.

use std::path::{Path, PathBuf};

use minisign_verify::{PublicKey, Signature};

/// The largest signature file read, in bytes: four short lines.
pub(super) const SIGNATURE_MAX: u64 = 4 << 10;

/// Whose signatures count, and whether there must be one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signatures {
    required: bool,
    keys: Vec<PublicKey>,
}

/// A signature that does not let its connector in, or keys that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SignatureError {
    /// A key in the configuration is none.
    #[error("{0:?} is no minisign public key; take the last line of minisign.pub, 56 characters that begin with RW")]
    Key(String),
    /// Signatures are required, of nobody.
    #[error("signatures are required, but no key is listed whose they could be")]
    NoKeys,
    /// There is none.
    #[error(
        "it is not signed, and signatures.required = true; sign it (`minisign -Sm FILE.wasm`) and put FILE.wasm.minisig beside it"
    )]
    Missing,
    /// It is none.
    #[error("its .minisig is no minisign signature; make it anew with `minisign -Sm FILE.wasm`")]
    Malformed,
    /// It is somebody else's, or of other bytes.
    #[error(
        "its signature is by no key of signatures.keys, or of other bytes; sign these very bytes with a listed key"
    )]
    Untrusted,
}

impl Signatures {
    /// With these keys, as minisign prints them.
    ///
    /// # Errors
    /// When a key is none, or signatures are required and there is no key.
    pub(crate) fn new(required: bool, keys: &[String]) -> Result<Self, SignatureError> {
        let parse = |text: &String| {
            PublicKey::from_base64(text.trim()).map_err(|_| SignatureError::Key(text.chars().take(80).collect()))
        };
        let keys = keys.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        if required && keys.is_empty() {
            return Err(SignatureError::NoKeys);
        }
        Ok(Self { required, keys })
    }

    /// Must there be one?
    pub(super) fn required(&self) -> bool {
        self.required
    }

    /// May these bytes come in?
    ///
    /// # Errors
    /// Says why not, and what to do.
    pub(super) fn admit(&self, bytes: &[u8], signature: Option<&[u8]>) -> Result<(), SignatureError> {
        if !self.required {
            return Ok(());
        }
        let text = std::str::from_utf8(signature.ok_or(SignatureError::Missing)?);
        let signature = text.ok().and_then(|text| Signature::decode(text).ok()).ok_or(SignatureError::Malformed)?;
        // Old signatures, over the bytes instead of their hash, are as good.
        let good = self.keys.iter().any(|key| key.verify(bytes, &signature, true).is_ok());
        if good { Ok(()) } else { Err(SignatureError::Untrusted) }
    }
}

/// Where the signature of this file lies.
pub(super) fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".minisig");
    name.into()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use minisign::KeyPair;

    use super::*;

    fn signed(keys: &KeyPair, bytes: &[u8]) -> Vec<u8> {
        minisign::sign(None, &keys.sk, Cursor::new(bytes), None, None).unwrap().to_bytes()
    }

    fn of(keys: &[&KeyPair]) -> Signatures {
        let keys: Vec<String> = keys.iter().map(|pair| pair.pk.to_base64()).collect();
        Signatures::new(true, &keys).unwrap()
    }

    #[test]
    fn a_signature_by_any_listed_key_over_these_bytes_lets_in_and_nothing_else_does() {
        let [ours, also_ours, strangers] = [(); 3].map(|()| KeyPair::generate_unencrypted_keypair().unwrap());
        let signatures = of(&[&ours, &also_ours]);
        for keys in [&ours, &also_ours] {
            assert_eq!(signatures.admit(b"bytes", Some(&signed(keys, b"bytes"))), Ok(()));
        }
        let refused = |bytes: &[u8], signature: Option<&[u8]>| signatures.admit(bytes, signature).unwrap_err();
        assert_eq!(refused(b"bytes", Some(&signed(&strangers, b"bytes"))), SignatureError::Untrusted);
        assert_eq!(refused(b"bytez", Some(&signed(&ours, b"bytes"))), SignatureError::Untrusted);
        assert_eq!(refused(b"bytes", None), SignatureError::Missing);
        for bad in [&b""[..], b"untrusted comment: x\n", b"\xff\xfe", &[b'a'; 4096]] {
            assert_eq!(refused(b"bytes", Some(bad)), SignatureError::Malformed);
        }
    }

    #[test]
    fn switched_off_nothing_is_asked_for() {
        assert_eq!(Signatures::default().admit(b"bytes", None), Ok(()));
    }

    #[test]
    fn keys_are_judged_when_the_configuration_is_read() {
        assert_eq!(Signatures::new(true, &[]).unwrap_err(), SignatureError::NoKeys);
        assert_eq!(Signatures::new(false, &["RWx".into()]).unwrap_err(), SignatureError::Key("RWx".into()));
    }
}
