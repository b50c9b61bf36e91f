//! What a link may use: its config, its secrets by slot, the origins it may reach, its key-value space. Made once when
//! the link is bound, shared by every call, dropped when the link changes. The only place that holds secrets.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    credential::Credentials,
    forward::Platform,
    http::{client::Outlet, policy::Origin},
    kv::space::Space,
};
use crate::{
    id::LinkId,
    secret::{Masker, Secret, Use, Uses},
};

/// A filled slot.
pub(crate) struct Slot {
    secret: Arc<Secret>,
    uses: Uses,
    send_to: Vec<Origin>,
}

impl Slot {
    /// A secret with what the link lets its connector do with it.
    pub(crate) fn new(secret: Secret, uses: Uses, send_to: Vec<Origin>) -> Self {
        Self { secret: Arc::new(secret), uses, send_to }
    }
}

/// What a link that serves may use besides its secrets; a guest that describes itself has none of it.
pub(super) struct Reach {
    pub(super) outlet: Outlet,
    pub(super) space: Arc<Space>,
}

/// Everything granted to one link.
pub(crate) struct Grant {
    pub(super) link: Option<LinkId>,
    pub(super) config: Arc<str>,
    pub(super) masker: Arc<Masker>,
    pub(super) reach: Option<Reach>,
    pub(super) platform: Option<Arc<Platform>>,
    pub(super) credentials: Credentials,
    slots: BTreeMap<String, Slot>,
}

/// What a link is granted, to be made a [`Grant`] of.
pub(crate) struct Granted {
    /// Whose it is.
    pub(crate) link: LinkId,
    /// Its config table as JSON.
    pub(crate) config: Arc<str>,
    /// Its secrets.
    pub(crate) slots: BTreeMap<String, Slot>,
    /// Which of them end, and when.
    pub(crate) credentials: Credentials,
    /// Where it may send.
    pub(crate) outlet: Outlet,
    /// What it keeps.
    pub(crate) space: Arc<Space>,
    /// Whom it may ask.
    pub(crate) platform: Option<Platform>,
}

impl Grant {
    /// For a guest that describes itself: nothing.
    pub(crate) fn none() -> Self {
        Self {
            link: None,
            config: Arc::from("{}"),
            masker: Arc::new(Masker::new([])),
            reach: None,
            platform: None,
            credentials: Credentials::new(BTreeMap::new(), Arc::default()),
            slots: BTreeMap::new(),
        }
    }

    /// For a link.
    pub(crate) fn new(granted: Granted) -> Self {
        let Granted { link, config, slots, credentials, outlet, space, platform } = granted;
        let masker = Arc::new(Masker::new(slots.values().map(|slot| slot.secret.clone())));
        let reach = Some(Reach { outlet, space });
        Self { link: Some(link), config, masker, reach, platform: platform.map(Arc::new), credentials, slots }
    }

    /// The credentials that end.
    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The secret in this slot, for this use.
    ///
    /// # Errors
    /// Says which slot or use is not granted, and what to do about it.
    pub(super) fn secret(&self, slot: &str, needs: Use) -> Result<&Secret, String> {
        let shown: String = slot.chars().take(64).collect();
        let slot = self.slots.get(slot).ok_or_else(|| {
            format!("secret slot {shown:?} is not declared in the connector's manifest or not filled by the link ([secrets.{shown}])")
        })?;
        if slot.uses.allows(needs) {
            return Ok(&slot.secret);
        }
        Err(format!("secret slot {shown:?} may be used for {}, not for {}", slot.uses, needs.name()))
    }

    /// The secret in this slot, to be sent to this origin.
    ///
    /// # Errors
    /// Says which slot, use or origin is not granted, and what to do about it.
    pub(super) fn secret_for(&self, slot: &str, origin: &Origin) -> Result<&Secret, String> {
        let secret = self.secret(slot, Use::Send)?;
        let bound = self.slots.get(slot).is_some_and(|slot| slot.send_to.contains(origin));
        if bound {
            return Ok(secret);
        }
        Err(format!(
            "secret slot {slot:?} is not bound to {origin}; add it to [secrets.{slot}] send_to if that is meant"
        ))
    }
}
