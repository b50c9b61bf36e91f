//! Puts secrets in place. A guest hands over a list of parts in which secrets are names; the bytes that come out never
//! go back to it. What was composed of a secret (a Basic credential) is masked in answers like the secret itself.

use zeroize::Zeroizing;

use crate::{
    bindings::duijie::secret::parts::{Atom, Encoding as WitEncoding, Part, SecretRef},
    secret::{Encoding, Secret},
};

/// Assembled bytes; wiped when dropped, since they may hold a secret.
pub(super) type Assembled = Zeroizing<Vec<u8>>;

/// Finds the secret of a slot if it may be used here; says why not otherwise.
pub(super) type Lookup<'g> = &'g dyn Fn(&str) -> Result<&'g Secret, String>;

/// Why a message could not be assembled.
#[derive(Debug)]
pub(super) enum PartsError {
    /// A secret may not be used here.
    Denied(String),
    /// More bytes than allowed.
    TooLong(usize),
}

/// Concatenates the parts, at most `max` bytes. `composed` is told of every encoded group that holds a secret.
pub(super) fn assemble(
    parts: &[Part],
    max: usize,
    lookup: Lookup<'_>,
    composed: &mut dyn FnMut(&[u8]),
) -> Result<Assembled, PartsError> {
    // Room for all of it from the start, so that growing leaves no copy of a secret behind.
    let mut size = 0_usize;
    for part in parts {
        size = size.saturating_add(part_size(part, lookup)?);
        if size > max {
            return Err(PartsError::TooLong(max));
        }
    }
    let mut out = Zeroizing::new(Vec::with_capacity(size));
    for part in parts {
        match part {
            Part::Text(text) => out.extend_from_slice(text.as_bytes()),
            Part::Bytes(bytes) => out.extend_from_slice(bytes),
            Part::Secret(secret) => place(secret, lookup, &mut out)?,
            Part::Base64(atoms) => group(atoms, lookup, composed, &mut out)?,
        }
    }
    Ok(out)
}

fn group(
    atoms: &[Atom],
    lookup: Lookup<'_>,
    composed: &mut dyn FnMut(&[u8]),
    out: &mut Assembled,
) -> Result<(), PartsError> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let mut inner = Zeroizing::new(Vec::with_capacity(atoms_size(atoms, lookup)?));
    for atom in atoms {
        match atom {
            Atom::Text(text) => inner.extend_from_slice(text.as_bytes()),
            Atom::Bytes(bytes) => inner.extend_from_slice(bytes),
            Atom::Secret(secret) => place(secret, lookup, &mut inner)?,
        }
    }
    let encoded = Zeroizing::new(STANDARD.encode(&*inner));
    if atoms.iter().any(|atom| matches!(atom, Atom::Secret(_))) {
        composed(encoded.as_bytes());
    }
    out.extend_from_slice(encoded.as_bytes());
    Ok(())
}

fn place(secret: &SecretRef, lookup: Lookup<'_>, out: &mut Vec<u8>) -> Result<(), PartsError> {
    lookup(&secret.slot).map_err(PartsError::Denied)?.write_text(encoding(secret.encoding), out);
    Ok(())
}

fn part_size(part: &Part, lookup: Lookup<'_>) -> Result<usize, PartsError> {
    match part {
        Part::Text(text) => Ok(text.len()),
        Part::Bytes(bytes) => Ok(bytes.len()),
        Part::Secret(secret) => secret_size(secret, lookup),
        Part::Base64(atoms) => Ok(atoms_size(atoms, lookup)?.div_ceil(3).saturating_mul(4)),
    }
}

fn atoms_size(atoms: &[Atom], lookup: Lookup<'_>) -> Result<usize, PartsError> {
    atoms.iter().try_fold(0_usize, |sum, atom| {
        let size = match atom {
            Atom::Text(text) => text.len(),
            Atom::Bytes(bytes) => bytes.len(),
            Atom::Secret(secret) => secret_size(secret, lookup)?,
        };
        Ok(sum.saturating_add(size))
    })
}

fn secret_size(secret: &SecretRef, lookup: Lookup<'_>) -> Result<usize, PartsError> {
    Ok(lookup(&secret.slot).map_err(PartsError::Denied)?.written_max(encoding(secret.encoding)))
}

fn encoding(encoding: WitEncoding) -> Encoding {
    match encoding {
        WitEncoding::Raw => Encoding::Raw,
        WitEncoding::Hex => Encoding::Hex,
        WitEncoding::HexUpper => Encoding::HexUpper,
        WitEncoding::Base64 => Encoding::Base64,
        WitEncoding::Form => Encoding::Form,
        WitEncoding::Json => Encoding::Json,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::KeyEncoding;

    fn secret() -> Secret {
        Secret::new(b"a+b/c==&".to_vec(), KeyEncoding::Utf8).unwrap()
    }

    fn slot(encoding: WitEncoding) -> SecretRef {
        SecretRef { slot: "s".into(), encoding }
    }

    #[test]
    fn parts_are_concatenated_and_secrets_written_as_asked() {
        let secret = secret();
        let parts = [
            Part::Text("x=".into()),
            Part::Secret(slot(WitEncoding::Form)),
            Part::Bytes(vec![0xff]),
            Part::Secret(slot(WitEncoding::HexUpper)),
        ];
        let out = assemble(&parts, 100, &|_| Ok(&secret), &mut |_| panic!("nothing composed")).unwrap();
        assert_eq!(*out, b"x=a%2Bb%2Fc%3D%3D%26\xff612B622F633D3D26".to_vec());
    }

    #[test]
    fn basic_credentials_are_one_base64_group_and_are_masked_whole() {
        let secret = secret();
        let parts = [
            Part::Text("Basic ".into()),
            Part::Base64(vec![Atom::Text("id:".into()), Atom::Secret(slot(WitEncoding::Raw))]),
        ];
        let mut masked = Vec::new();
        let out = assemble(&parts, 100, &|_| Ok(&secret), &mut |bytes| masked.push(bytes.to_vec())).unwrap();
        assert_eq!(*out, b"Basic aWQ6YStiL2M9PSY=".to_vec());
        assert_eq!(masked, [b"aWQ6YStiL2M9PSY=".to_vec()]);
    }

    #[test]
    fn a_refused_secret_is_named_and_too_much_is_refused_before_it_is_copied() {
        let denied =
            assemble(&[Part::Secret(slot(WitEncoding::Raw))], 100, &|slot| Err(format!("not {slot}")), &mut |_| {});
        assert!(matches!(denied, Err(PartsError::Denied(text)) if text == "not s"));
        let long = assemble(&[Part::Text("x".repeat(101))], 100, &|_| Err(String::new()), &mut |_| {});
        assert!(matches!(long, Err(PartsError::TooLong(100))));
    }
}
