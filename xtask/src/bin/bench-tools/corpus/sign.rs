//! Signatures as `minisign` makes them: the host is to trust one key and not the other.

use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use minisign::{KeyPair, SecretKeyBox};
use serde_json::json;

#[derive(Args)]
pub(crate) struct KeysArgs {
    /// Where the secret key is written; nobody's, and without a password
    #[arg(long)]
    out: PathBuf,
}

#[derive(Args)]
pub(crate) struct SignArgs {
    /// The file with the secret key
    #[arg(long)]
    key: PathBuf,
    /// What is signed; the signature comes beside it
    #[arg(long)]
    file: PathBuf,
}

/// Makes a pair of keys; says the public one.
pub(crate) fn keys(args: &KeysArgs) -> Result<()> {
    let pair = KeyPair::generate_unencrypted_keypair()?;
    fs::write(&args.out, pair.sk.to_box(None)?.into_string()).with_context(|| args.out.display().to_string())?;
    println!("{}", json!({ "public": pair.pk.to_base64() }));
    Ok(())
}

/// Signs a file.
pub(crate) fn sign(args: &SignArgs) -> Result<()> {
    one(&args.key, &args.file)?;
    println!("{}", json!({}));
    Ok(())
}

/// Signs a file.
pub(super) fn one(key: &Path, file: &Path) -> Result<()> {
    let text = fs::read_to_string(key).with_context(|| key.display().to_string())?;
    let key = SecretKeyBox::from_string(&text)?.into_unencrypted_secret_key()?;
    let signature = minisign::sign(None, &key, File::open(file)?, None, None)?;
    let mut path = OsString::from(file.file_name().ok_or_else(|| anyhow!("{} has no name", file.display()))?);
    path.push(".minisig");
    fs::write(file.with_file_name(path), signature.into_string()).context("writing a signature")
}

#[cfg(test)]
mod tests {
    use minisign::{PublicKey, SignatureBox};

    use super::*;

    #[test]
    fn a_signature_is_of_its_file_and_its_key_only() {
        let dir = tempfile::tempdir().unwrap();
        let (key, file) = (dir.path().join("key"), dir.path().join("a.wasm"));
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        fs::write(&key, pair.sk.to_box(None).unwrap().into_string()).unwrap();
        fs::write(&file, "bytes").unwrap();
        one(&key, &file).unwrap();
        let signature = SignatureBox::from_file(dir.path().join("a.wasm.minisig")).unwrap();
        assert!(signature.is_prehashed());
        let verify = |key: &PublicKey, bytes: &'static str| {
            minisign::verify(key, &signature, std::io::Cursor::new(bytes), true, false, false)
        };
        assert!(pair.pk.to_base64().starts_with("RW"));
        verify(&pair.pk, "bytes").unwrap();
        assert!(verify(&pair.pk, "other").is_err());
        assert!(verify(&KeyPair::generate_unencrypted_keypair().unwrap().pk, "bytes").is_err());
    }
}
