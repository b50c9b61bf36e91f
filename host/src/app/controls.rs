//! What the admin listener may see and do of links and connectors.

use futures_util::future::BoxFuture;

use crate::{
    id::{ConnectorName, Pin},
    reload::{self, SharedStatus, Trigger, WishError},
    server::admin::{Control, Declined, Granted},
};

/// What the admin listener may see and do.
pub(super) struct Controls {
    pub(super) status: SharedStatus,
    pub(super) trigger: Trigger,
}

impl Control for Controls {
    fn published(&self) -> bool {
        self.status.load().ready
    }

    fn rollouts(&self) -> serde_json::Value {
        serde_json::to_value(&**self.status.load()).unwrap_or_default()
    }

    fn reload(&self) {
        self.trigger.now();
    }

    fn roll_back(&self, connector: ConnectorName) -> BoxFuture<'_, Result<Granted, Declined>> {
        Box::pin(async { self.trigger.roll_back(connector).await.map(granted).map_err(declined) })
    }

    fn release(&self, pin: Pin) -> BoxFuture<'_, Result<Granted, Declined>> {
        Box::pin(async { self.trigger.release(pin).await.map(granted).map_err(declined) })
    }
}

fn granted(reload::Granted { revision, links }: reload::Granted) -> Granted {
    Granted { revision, links }
}

fn declined(error: WishError) -> Declined {
    let text = error.to_string();
    match error {
        WishError::UnknownConnector(_) | WishError::NotQuarantined(_) => Declined::Unknown(text),
        WishError::NothingBefore(_) | WishError::Ended => Declined::Impossible(text),
    }
}
