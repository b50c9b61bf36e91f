//! One inbound request, from a path to an answer: snapshot → hook → secret → method → source → rate → permit → guest.
//! Its permits are not those of calls, because a call may be waiting for exactly this request. Knows nothing of HTTP.

use std::{net::IpAddr, sync::Arc, time::Instant};

use tokio::{sync::SemaphorePermit, time::timeout};

use super::{
    dispatch::{Dispatcher, LINK_WAIT},
    hook::{Hook, PathSecret, Refusal},
    table::{Entry, Link},
};
use crate::{
    capability::{CallContext, Context},
    failure::{Class, Failure, Outcome},
    runtime::{self, HookAnswer, HookRequest, manifest::Caller},
};

/// Where a request wants in.
pub(crate) struct Knock<'k> {
    /// The link's id, as given.
    pub(crate) link: &'k str,
    /// The secret part of the path, as given.
    pub(crate) secret: &'k str,
    /// The hook's name, as given.
    pub(crate) hook: &'k str,
    /// The method, upper case.
    pub(crate) method: &'k str,
    /// Who asks.
    pub(crate) source: IpAddr,
}

/// A request that may come in, bound to the state it was admitted by.
pub(crate) struct Admitted {
    link: Arc<Link>,
    hook: String,
}

impl Admitted {
    /// Bytes of body to read.
    pub(crate) fn body_max(&self) -> usize {
        self.hook().map_or(0, |hook| hook.body_max)
    }

    /// Who comes.
    pub(crate) fn caller(&self) -> Caller {
        self.hook().map_or(Caller::Upstream, Hook::caller)
    }

    fn hook(&self) -> Option<&Hook> {
        self.link.hooks.get(&self.hook)
    }
}

impl Dispatcher {
    /// May this request come in?
    ///
    /// # Errors
    /// Why not, for the log and the metrics alone.
    pub(crate) fn admit(&self, knock: &Knock<'_>) -> Result<Admitted, Refusal> {
        let table = self.table();
        let link = match table.get(knock.link) {
            Some(Entry::Serving(serving)) => Some(&serving.stable),
            Some(Entry::Refused { .. }) | None => None,
        };
        let hook = link.and_then(|link| link.hooks.get(knock.hook));
        // Where there is no hook the secret is compared all the same: time must not tell which links there are.
        let is_right = hook.map_or(&NOBODYS, |hook| &hook.secret).is(knock.secret);
        let link = link.ok_or(Refusal::Link)?;
        let hook = hook.ok_or(Refusal::Hook)?;
        if !is_right {
            return Err(Refusal::Secret);
        }
        hook.admit(knock.method, knock.source)?;
        Ok(Admitted { link: link.clone(), hook: hook.name().to_owned() })
    }

    /// Has the guest answer.
    ///
    /// # Errors
    /// The guest's failure, trap or deadline, or that the hook or the host has as many requests open as it may.
    pub(crate) async fn receive(
        &self,
        admitted: &Admitted,
        request_id: Arc<str>,
        mut request: HookRequest,
    ) -> Result<HookAnswer, Failure> {
        let Some(hook) = admitted.hook() else { return Err(busy()) };
        let (started, link) = (Instant::now(), &*admitted.link);
        request.hook.clone_from(&admitted.hook);
        let bytes = request.body.len();
        // As with calls: held until the request is written down.
        let mut held = None;
        let result = self.answer(link, hook, request_id.clone(), request, &mut held).await;
        observe(link, hook, &request_id, started, bytes, &result);
        result
    }

    async fn answer<'p>(
        &'p self,
        link: &Link,
        hook: &'p Hook,
        request_id: Arc<str>,
        request: HookRequest,
        held: &mut Option<[SemaphorePermit<'p>; 2]>,
    ) -> Result<HookAnswer, Failure> {
        let Ok(Ok(permit)) = timeout(LINK_WAIT, hook.gate.permits.acquire()).await else { return Err(busy()) };
        let Ok(Ok(host_permit)) = timeout(LINK_WAIT, self.hooks.acquire()).await else { return Err(busy()) };
        *held = Some([permit, host_permit]);
        let context = Context::serving(CallContext {
            grant: link.grant.clone(),
            request_id,
            deadline: hook.limits.deadline,
            body_bytes: hook.limits.body_bytes,
            http_requests: hook.limits.http_requests,
            // What is personal in an inbound request no manifest says; shapes and field names are masked anyway.
            personal: Default::default(),
        });
        let result = runtime::receive(&link.connector, context, &hook.limits, request).await;
        link.connector.tally.count(result.as_ref().err().map(|failure| failure.class));
        result
    }
}

/// Equal to the digest of no text that anybody knows.
static NOBODYS: PathSecret = PathSecret::nobodys();

/// What an operator is told of a failure. No manifest says what is personal in an inbound request or in what an upstream
/// answers meanwhile, so only words about the link and the host are: not those that may quote a person.
fn told(failure: &Failure) -> Option<&str> {
    matches!(failure.class, Class::Config | Class::Denied | Class::Internal).then_some(failure.message.as_str())
}

fn busy() -> Failure {
    Failure::new(Class::Unavailable, Outcome::NotSent, "the hook has as many requests open as it may")
}

/// One log line and one count a request. Nothing of its path, headers or body.
fn observe(
    link: &Link,
    hook: &Hook,
    request_id: &str,
    started: Instant,
    bytes: usize,
    result: &Result<HookAnswer, Failure>,
) {
    let manifest = &link.connector.manifest;
    let (class, status, message) = match result {
        Ok(answer) => ("ok", Some(answer.status), None),
        Err(failure) => (failure.class.as_str(), None, told(failure)),
    };
    let upstream_code = result.as_ref().err().and_then(|failure| failure.upstream_code.as_deref());
    let took = started.elapsed().as_secs_f64();
    let labels = [("connector", manifest.name.to_string()), ("hook", hook.name().to_owned())];
    metrics::histogram!("duijie_hook_seconds", &labels).record(took);
    let [connector, name] = labels;
    metrics::counter!("duijie_hooks_total", &[connector, name, ("class", class.to_owned())]).increment(1);
    tracing::info!(
        request_id, link = %link.id, hook = hook.name(), connector = %manifest.name, version = %manifest.version,
        revision = link.connector.revision.short(), class, status, upstream_code, message, ms = took * 1e3, bytes, "hook"
    );
}
