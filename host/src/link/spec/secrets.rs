//! How a link says where its secrets are: an environment variable or a file, never the secret itself, and no error
//! repeats what was written in its place.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{RawOrigin, SpecError, Wrong, term, term::RawDay};
use crate::{
    capability::{credential::Term, http::policy::Origin},
    link::layers::join,
    secret::{
        KeyEncoding, Use,
        source::{RawSource, SecretSource, SourceError},
    },
};

/// How a slot is filled.
pub(super) const SECRET_FORM: &str = "does not fit: a secret is a table with env = \"NAME\" or file = \"PATH\", and in [secrets.…] perhaps \
    encoding (utf8, base64, hex), send_to (origins), uses (digest, hmac, sm4, send), issued_at, valid_days and warn_days; \
    the secret itself is never written here";

/// How a link fills one slot.
#[derive(Debug, Clone)]
pub(crate) struct SecretSpec {
    /// Where the text is.
    pub(crate) source: SecretSource,
    /// How the key is made of the text.
    pub(crate) encoding: KeyEncoding,
    /// Origins it may be sent to; none = all that the link allows.
    pub(crate) send_to: Option<Vec<Origin>>,
    /// Uses the operator allows; none = all the connector declares.
    pub(crate) uses: Option<Vec<Use>>,
    /// How long it is valid, when the operator says so.
    pub(crate) term: Option<Term>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSecret {
    // Written out rather than flattened: only so are unknown keys refused.
    env: Option<String>,
    file: Option<PathBuf>,
    #[serde(default)]
    encoding: KeyEncoding,
    send_to: Option<Vec<RawOrigin>>,
    uses: Option<Vec<Use>>,
    pub(super) issued_at: Option<RawDay>,
    pub(super) valid_days: Option<u32>,
    pub(super) warn_days: Option<Vec<u32>>,
}

/// The source written at this key; a relative file is below the links directory.
pub(super) fn source(raw: RawSource, key: &str, root: &Path, wrong: Wrong<'_>) -> Result<SecretSource, SpecError> {
    raw.parse(root).map_err(|error| match error {
        SourceError::Variable => wrong(&join(key, "env"), error.to_string()),
        SourceError::NotOne => wrong(key, error.to_string()),
    })
}

impl RawSecret {
    /// The slot as it is to be filled; a relative file is below the links directory.
    pub(super) fn parse(self, slot: &str, root: &Path, wrong: Wrong<'_>) -> Result<SecretSpec, SpecError> {
        let term = term::parse(slot, &self, wrong)?;
        let raw = RawSource { env: self.env, file: self.file };
        let source = source(raw, &join("secrets", slot), root, wrong)?;
        let send_to = self.send_to.map(|all| all.into_iter().map(|origin| origin.0).collect());
        Ok(SecretSpec { source, encoding: self.encoding, send_to, uses: self.uses, term })
    }
}

/// May what is written at this key be a secret that an operator wrote in the wrong place?
pub(super) fn holds_secret(key: &str) -> bool {
    key.starts_with("secrets") || key.contains("path_secret") || key.starts_with("platform.secret")
}
