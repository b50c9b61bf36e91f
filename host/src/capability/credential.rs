//! Credentials that end by themselves: since when and until when the secret in a slot is valid. The operator writes it
//! beside the secret, and a renewal that was confirmed later is kept in the state directory. Holds no secret.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::RwLock;

use super::{Context, Phase};
use crate::{
    bindings::duijie::link::credential::{self as wit, Error},
    file,
    id::LinkId,
};

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;
/// Bytes of the file of renewals: some hundred thousand of them.
const FILE_MAX: u64 = 32 << 20;
/// Its name in the state directory.
const FILE: &str = "credentials.json";

/// How long a credential is valid, as its link states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    issued_at_ms: u64,
    valid_days: u32,
    warn_days: Vec<u32>,
}

/// When a credential is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    /// From then on, in milliseconds since 1970.
    pub(crate) issued_at_ms: u64,
    /// Until then.
    pub(crate) expires_at_ms: u64,
}

impl Term {
    /// From this day on for so many days, with warnings so many days before its end.
    pub(crate) fn new(issued_at_ms: u64, valid_days: u32, warn_days: Vec<u32>) -> Self {
        Self { issued_at_ms, valid_days, warn_days }
    }

    fn from(&self, issued_at_ms: u64) -> Validity {
        let life_ms = u64::from(self.valid_days).saturating_mul(DAY_MS);
        Validity { issued_at_ms, expires_at_ms: issued_at_ms.saturating_add(life_ms) }
    }

    /// The smallest number of warning days that the time left is within; 0 when it is over.
    pub(crate) fn warning(&self, validity: Validity, now_ms: u64) -> Option<u32> {
        let left_ms = validity.expires_at_ms.saturating_sub(now_ms);
        if left_ms == 0 {
            return Some(0);
        }
        self.warn_days.iter().copied().filter(|days| left_ms <= u64::from(*days).saturating_mul(DAY_MS)).min()
    }
}

/// Renewals by link and slot: when the credential was issued again.
type Renewed = BTreeMap<LinkId, BTreeMap<String, u64>>;

/// The renewals that were confirmed, over restarts.
#[derive(Default)]
pub(crate) struct Renewals {
    renewed: RwLock<Renewed>,
    /// None: they can be read only.
    file: Option<PathBuf>,
    writing: tokio::sync::Mutex<()>,
}

impl Renewals {
    /// Those kept in this state directory.
    ///
    /// # Errors
    /// When the file is there and cannot be read: to forget a renewal would stop a link that may go on.
    pub(crate) fn open(state: &Path) -> io::Result<Self> {
        let file = state.join(FILE);
        Ok(Self { file: Some(file.clone()), ..Self::read(&file)? })
    }

    /// The same for whoever may not change them, because another process has them open.
    ///
    /// # Errors
    /// As [`Renewals::open`].
    pub(crate) fn look(state: &Path) -> io::Result<Self> {
        Self::read(&state.join(FILE))
    }

    fn read(file: &Path) -> io::Result<Self> {
        let renewed = match file::read(file, FILE_MAX) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", file.display())))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Renewed::new(),
            Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", file.display()))),
        };
        Ok(Self { renewed: RwLock::new(renewed), ..Self::default() })
    }

    /// When the credential of this slot is valid: by the term, or by a later renewal.
    pub(crate) fn validity(&self, link: &LinkId, slot: &str, term: &Term) -> Validity {
        let renewed = self.renewed.read().get(link).and_then(|slots| slots.get(slot).copied());
        term.from(renewed.unwrap_or(0).max(term.issued_at_ms))
    }

    async fn note(&self, link: &LinkId, slot: &str, issued_at_ms: u64) -> io::Result<()> {
        let Some(path) = self.file.clone() else {
            return Err(io::Error::other(
                "a renewal is confirmed to the running host: call the operation over its API",
            ));
        };
        // One writer at a time, so that the file never goes back to an older state.
        let _writing = self.writing.lock().await;
        let mut next = self.renewed.read().clone();
        next.entry(link.clone()).or_default().insert(slot.to_owned(), issued_at_ms);
        let bytes = serde_json::to_vec(&next).map_err(io::Error::other)?;
        tokio::task::spawn_blocking(move || file::replace(&path, &bytes)).await.map_err(io::Error::other)??;
        *self.renewed.write() = next;
        Ok(())
    }
}

/// The credentials of one link that end, and the renewals they are judged by.
pub(crate) struct Credentials {
    pub(super) terms: BTreeMap<String, Term>,
    pub(super) renewals: Arc<Renewals>,
}

impl Credentials {
    /// Of these slots.
    pub(crate) fn new(terms: BTreeMap<String, Term>, renewals: Arc<Renewals>) -> Self {
        Self { terms, renewals }
    }

    /// Every slot with its term and when it is valid.
    pub(crate) fn all<'c>(&'c self, link: &'c LinkId) -> impl Iterator<Item = (&'c str, &'c Term, Validity)> {
        self.terms.iter().map(|(slot, term)| (slot.as_str(), term, self.renewals.validity(link, slot, term)))
    }
}

impl wit::Host for Context {
    fn get(&mut self, slot: String) -> wasmtime::Result<Option<wit::Validity>> {
        self.enter("link.credential", Phase::Serve)?;
        let grant = &self.grant;
        let found = grant.link.as_ref().zip(grant.credentials.terms.get(&slot));
        Ok(found.map(|(link, term)| grant.credentials.renewals.validity(link, &slot, term).into()))
    }

    async fn renewed(&mut self, slot: String, issued_at_ms: u64) -> wasmtime::Result<Result<wit::Validity, Error>> {
        self.enter("link.credential", Phase::Serve)?;
        let grant = self.grant.clone();
        let shown: String = slot.chars().take(64).collect();
        let Some((link, term)) = grant.link.as_ref().zip(grant.credentials.terms.get(&slot)) else {
            let text = format!("[secrets.{shown}] states neither issued_at nor valid_days, so its end is not known");
            return Ok(Err(Error::NotTracked(text)));
        };
        let renewals = &grant.credentials.renewals;
        let known = renewals.validity(link, &slot, term);
        let latest_ms = now_ms().saturating_add(DAY_MS);
        if !(known.issued_at_ms..=latest_ms).contains(&issued_at_ms) {
            let text = "the time of issue lies before the one that is known, or more than a day ahead";
            return Ok(Err(Error::Invalid(text.into())));
        }
        Ok(match renewals.note(link, &slot, issued_at_ms).await {
            Ok(()) => {
                let validity = term.from(issued_at_ms);
                tracing::info!(%link, slot = shown, expires_at_ms = validity.expires_at_ms, "credential renewed");
                Ok(validity.into())
            }
            Err(error) => {
                tracing::error!(%link, slot = shown, %error, "a renewal cannot be kept");
                Err(Error::Unavailable(error.to_string()))
            }
        })
    }
}

impl From<Validity> for wit::Validity {
    fn from(validity: Validity) -> Self {
        Self { issued_at_ms: validity.issued_at_ms, expires_at_ms: validity.expires_at_ms }
    }
}

/// Now, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ISSUED_MS: u64 = 1_700_000_000_000;

    fn term() -> Term {
        Term::new(ISSUED_MS, 30, vec![7, 3, 1])
    }

    #[test]
    fn warnings_come_at_their_days_and_the_end_is_one() {
        let validity = term().from(ISSUED_MS);
        let at = |days_left: u64| term().warning(validity, validity.expires_at_ms - days_left * DAY_MS);
        assert_eq!(at(8), None);
        assert_eq!(at(7), Some(7));
        assert_eq!(at(4), Some(7));
        assert_eq!(at(3), Some(3));
        assert_eq!(at(1), Some(1));
        assert_eq!(at(0), Some(0));
    }

    #[tokio::test]
    async fn a_renewal_outlives_a_restart_and_an_older_date_in_the_file_does_not_undo_it() {
        let state = tempfile::tempdir().unwrap();
        let link: LinkId = "zj.one".parse().unwrap();
        let renewals = Renewals::open(state.path()).unwrap();
        renewals.note(&link, "secret_key", ISSUED_MS + DAY_MS).await.unwrap();
        let again = Renewals::open(state.path()).unwrap();
        assert_eq!(again.validity(&link, "secret_key", &term()).issued_at_ms, ISSUED_MS + DAY_MS);
        let later = Term::new(ISSUED_MS + 2 * DAY_MS, 30, vec![]);
        assert_eq!(again.validity(&link, "secret_key", &later).issued_at_ms, ISSUED_MS + 2 * DAY_MS);
        assert_eq!(again.validity(&link, "other", &term()).issued_at_ms, ISSUED_MS);
    }

    #[test]
    fn a_file_that_is_no_json_is_not_taken_for_an_empty_one() {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join(FILE), "{").unwrap();
        let error = Renewals::open(state.path()).err().unwrap();
        assert!(error.to_string().contains(FILE), "{error}");
    }
}
