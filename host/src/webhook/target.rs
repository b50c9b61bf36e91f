//! Which platform hears of its jobs, where, and signed with what. Reads secrets when told to, never by itself; sends nothing.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use http::{HeaderName, HeaderValue, Method};
use ipnet::IpNet;
use jiff::Timestamp;
use tokio::time::Instant;
use url::Url;

use super::data::Data;
use crate::{
    capability::{
        cloudevent::{EventError, Signed, Signer, Told},
        http::{
            client::{ClientPool, Outgoing, Outlet, TlsError},
            policy::{
                AllowRule, Egress, Origin, OriginError,
                request::{self, Invalid},
            },
        },
    },
    id::PlatformName,
    secret::source::SecretSource,
    store::{At, Event, Job},
};

/// How long a platform may take for one event.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of an answer, which nobody looks at: only one that is complete is one.
const ANSWER_MAX: usize = 1 << 20;

/// A webhook that cannot be used. Quotes no secret and no address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebhookError {
    /// Not a URL that can be asked.
    #[error(transparent)]
    Url(#[from] Invalid),
    /// Not a URL with an origin.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The secret could not be read.
    #[error("the webhook of platform {platform}: its secret: {why}")]
    Secret {
        /// Whose.
        platform: PlatformName,
        /// Why.
        why: String,
    },
    /// The secret is no key.
    #[error("the webhook of platform {platform}: its secret: {error}")]
    Key {
        /// Whose.
        platform: PlatformName,
        /// Why.
        error: EventError,
    },
    /// No connection could ever be trusted.
    #[error("the webhook of platform {platform}: {error}")]
    Tls {
        /// Whose.
        platform: PlatformName,
        /// Why.
        error: TlsError,
    },
}

/// A webhook as configured.
#[derive(Clone, Debug)]
pub(crate) struct WebhookOptions {
    /// Whose jobs are told of.
    pub(crate) platform: PlatformName,
    url: Url,
    rule: AllowRule,
    secret: SecretSource,
}

impl WebhookOptions {
    /// To this address; `cidr` are the networks in which it may be found if it is not public.
    ///
    /// # Errors
    /// When the address is none.
    pub(crate) fn new(
        platform: PlatformName,
        url: &str,
        cidr: Vec<IpNet>,
        secret: SecretSource,
    ) -> Result<Self, WebhookError> {
        let url = request::check_url(url)?;
        let rule = AllowRule::new(Origin::of(&url)?, cidr);
        Ok(Self { platform, url, rule, secret })
    }
}

/// Every platform that hears of its jobs; replaceable while events are delivered.
pub(crate) struct Webhooks {
    clients: Arc<ClientPool>,
    targets: ArcSwap<Targets>,
}

type Targets = HashMap<PlatformName, Arc<Target>>;

impl Webhooks {
    /// Of these webhooks. Blocks: reads their secrets.
    ///
    /// # Errors
    /// Names the platform whose webhook cannot be used.
    pub(crate) fn new(all: &[WebhookOptions], clients: Arc<ClientPool>) -> Result<Self, WebhookError> {
        let targets = ArcSwap::from_pointee(targets(all, &clients)?);
        Ok(Self { clients, targets })
    }

    /// Knows these from now on, and no others; deliveries under way go on with what they have. Blocks: reads their secrets
    /// again.
    ///
    /// # Errors
    /// As [`Self::new`]; those known before stay.
    pub(crate) fn replace(&self, all: &[WebhookOptions]) -> Result<(), WebhookError> {
        self.targets.store(Arc::new(targets(all, &self.clients)?));
        Ok(())
    }

    /// Does this platform want to hear of its jobs?
    pub(crate) fn wants(&self, platform: &PlatformName) -> bool {
        self.targets.load().contains_key(platform)
    }

    pub(super) fn target(&self, platform: &PlatformName) -> Option<Arc<Target>> {
        self.targets.load().get(platform).cloned()
    }
}

fn targets(all: &[WebhookOptions], clients: &ClientPool) -> Result<Targets, WebhookError> {
    let target = |options: &WebhookOptions| {
        let platform = || options.platform.clone();
        let outlet = clients.outlet(&Egress::new([options.rule.clone()]), None);
        let outlet = outlet.map_err(|error| WebhookError::Tls { platform: platform(), error })?;
        let secret = options.secret.read().map_err(|why| WebhookError::Secret { platform: platform(), why })?;
        let signer = Signer::new(&secret).map_err(|error| WebhookError::Key { platform: platform(), error })?;
        Ok((platform(), Arc::new(Target { url: options.url.clone(), outlet, signer })))
    };
    all.iter().map(target).collect()
}

/// A platform that hears of its jobs, and how to reach and convince it.
pub(super) struct Target {
    url: Url,
    pub(super) outlet: Outlet,
    signer: Signer,
}

impl Target {
    /// The request that tells of this event. Its id is the same in every delivery. The number alone would not do: a store
    /// that is set back to a copy gives numbers a second time.
    pub(super) fn outgoing(&self, event: &Event, job: &Job, now: At) -> Result<Outgoing, EventError> {
        let told = Told {
            id: &format!("evt_{}_{}", job.id.0.simple(), event.id),
            source: &format!("/v1/jobs/{}", job.id),
            kind: &format!("duijie.job.{}", event.state.as_str()),
            time: &event.at.to_string(),
            data: Data::new(event, job),
        };
        let Signed { mut headers, body } = self.signer.sign(told, Timestamp::from(now))?;
        if let Ok(request_id) = HeaderValue::from_str(&job.request_id) {
            headers.push((HeaderName::from_static("x-request-id"), request_id));
        }
        let (method, url, deadline) = (Method::POST, self.url.clone(), Instant::now() + TIMEOUT);
        Ok(Outgoing { method, url, headers, body, deadline, response_max: ANSWER_MAX })
    }
}
