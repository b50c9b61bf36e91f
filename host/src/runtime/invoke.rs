//! One run of a guest: a fresh store, one deadline over everything from instantiation to the last byte, and every way
//! of not returning turned into a failure with an honest outcome. Never reuses a store; never runs without bounds.

use std::{net::IpAddr, time::Duration};

use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};
use wasmtime::Store;

use super::{
    engine::Runtime,
    error::{broken, timed_out, trap_text, trapped},
    limits::CallLimits,
    prepared::{Prepared, Violation},
    state::{State, new_store},
};
use crate::{
    bindings::{Connector, ConnectorPre, duijie::connector::types as wit},
    capability::{Context, Sent},
    failure::{CODE_MAX, Class, DETAIL_MAX, Failure, MESSAGE_MAX, Outcome, RETRY_AFTER_MAX, cut},
};

/// Problems kept of one `check` (wit/connector.wit).
const PROBLEMS_MAX: usize = 100;

/// Runs one operation; the input must already be valid.
pub(crate) async fn call(
    prepared: &Prepared,
    context: Context,
    limits: &CallLimits,
    operation: &str,
    input: String,
) -> Result<Box<RawValue>, Failure> {
    within_deadline(prepared, context, limits, async |store, instance, sent| {
        match instance.duijie_connector_handler().call_call(&mut *store, operation, &input).await {
            Ok(Ok(json)) => output(json, limits.body_bytes).map_err(|text| broken(text, sent.get())),
            Ok(Err(failure)) => Err(convert(failure, store.data())),
            Err(error) => Err(trapped(&error, store.data().out_of_memory(), sent.get())),
        }
    })
    .await
}

/// An inbound request for a guest.
pub(crate) struct HookRequest {
    /// The hook's name.
    pub(crate) hook: String,
    /// Upper case.
    pub(crate) method: String,
    /// What follows the hook's name in the path, not decoded.
    pub(crate) path: String,
    /// Without the question mark, not decoded.
    pub(crate) query: String,
    /// Names in lower case, in the order received.
    pub(crate) headers: Vec<(String, String)>,
    /// As received.
    pub(crate) body: Vec<u8>,
    /// Who asks.
    pub(crate) remote: IpAddr,
}

/// A guest's answer to an inbound request, as it gave it save that its size is bounded.
#[derive(Debug)]
pub(crate) struct HookAnswer {
    /// Any number.
    pub(crate) status: u16,
    /// Any names and values.
    pub(crate) headers: Vec<(String, String)>,
    /// At most the hook's bound.
    pub(crate) body: Vec<u8>,
}

/// Has one inbound request answered.
pub(crate) async fn receive(
    prepared: &Prepared,
    context: Context,
    limits: &CallLimits,
    request: HookRequest,
) -> Result<HookAnswer, Failure> {
    let HookRequest { hook, method, path, query, headers, body, remote } = request;
    let request = wit::HookRequest { hook, method, path, query, headers, body, remote: remote.to_string() };
    within_deadline(prepared, context, limits, async |store, instance, sent| {
        match instance.duijie_connector_handler().call_receive(&mut *store, &request).await {
            Ok(Ok(answer)) if answer.body.len() > limits.body_bytes => {
                let text = format!("the answer has {} bytes; the hook allows {}", answer.body.len(), limits.body_bytes);
                Err(broken(text, sent.get()))
            }
            Ok(Ok(wit::HookResponse { status, headers, body })) => Ok(HookAnswer { status, headers, body }),
            Ok(Err(failure)) => Err(convert(failure, store.data())),
            Err(error) => Err(trapped(&error, store.data().out_of_memory(), sent.get())),
        }
    })
    .await
}

/// A fresh instance, one run of it, and one deadline over both.
async fn within_deadline<T>(
    prepared: &Prepared,
    context: Context,
    limits: &CallLimits,
    run: impl AsyncFnOnce(&mut Store<State>, &Connector, &Sent) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let sent = context.sent();
    let whole = async {
        let ready = instantiate(&prepared.runtime, &prepared.pre, limits, context).await;
        let (mut store, instance) = ready.map_err(|failed| failed.into_failure(&sent))?;
        run(&mut store, &instance, &sent).await
    };
    match timeout_at(Instant::now() + limits.deadline, whole).await {
        Ok(result) => result,
        Err(_) => Err(timed_out(limits.deadline, sent.get())),
    }
}

/// Asks a connector to describe itself.
pub(super) async fn describe(
    runtime: &Runtime,
    pre: &ConnectorPre<State>,
    limits: &CallLimits,
) -> Result<String, String> {
    bounded(limits.deadline, async {
        let (mut store, instance) =
            instantiate(runtime, pre, limits, Context::describing()).await.map_err(|failed| failed.text())?;
        let result = instance.duijie_connector_handler().call_describe(&mut store).await;
        result.map_err(|error| trap_text(&error, store.data().out_of_memory()))
    })
    .await
}

/// Asks a connector whether a link's config is fit.
pub(super) async fn check(
    prepared: &Prepared,
    context: Context,
    limits: &CallLimits,
) -> Result<Vec<Violation>, String> {
    bounded(limits.deadline, async {
        let (mut store, instance) =
            instantiate(&prepared.runtime, &prepared.pre, limits, context).await.map_err(|failed| failed.text())?;
        let result = instance.duijie_connector_handler().call_check(&mut store).await;
        let problems = result.map_err(|error| trap_text(&error, store.data().out_of_memory()))?;
        Ok(problems.into_iter().take(PROBLEMS_MAX).map(violation).collect())
    })
    .await
}

async fn bounded<T>(deadline: Duration, run: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    match timeout_at(Instant::now() + deadline, run).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer within {} ms", deadline.as_millis())),
    }
}

/// A guest that did not even start.
struct NotStarted {
    error: wasmtime::Error,
    out_of_memory: bool,
}

impl NotStarted {
    fn text(&self) -> String {
        trap_text(&self.error, self.out_of_memory)
    }

    fn into_failure(self, sent: &Sent) -> Failure {
        if self.error.is::<wasmtime::PoolConcurrencyLimitError>() {
            let message = "no instance is free: the host runs as many calls as it is sized for";
            return Failure::new(Class::Unavailable, Outcome::NotSent, message);
        }
        trapped(&self.error, self.out_of_memory, sent.get())
    }
}

async fn instantiate(
    runtime: &Runtime,
    pre: &ConnectorPre<State>,
    limits: &CallLimits,
    context: Context,
) -> Result<(Store<State>, Connector), NotStarted> {
    let mut store = new_store(runtime, limits, context);
    match pre.instantiate_async(&mut store).await {
        Ok(instance) => Ok((store, instance)),
        Err(error) => Err(NotStarted { error, out_of_memory: store.data().out_of_memory() }),
    }
}

/// The output as it goes to the caller: bounded and well-formed. Whether it fits the output schema is the SDK's
/// promise and not checked again on every call (decision 0005).
fn output(json: String, max: usize) -> Result<Box<RawValue>, String> {
    if json.len() > max {
        return Err(format!("the connector's output has {} bytes; the link allows {max}", json.len()));
    }
    RawValue::from_string(json).map_err(|_| "the connector's output is not JSON".into())
}

fn violation(problem: wit::Problem) -> Violation {
    let mut message = problem.message;
    cut(&mut message, MESSAGE_MAX);
    Violation { pointer: problem.pointer.chars().take(256).collect(), message }
}

/// A failure as the connector tells it, bounded and redacted.
fn convert(failure: wit::Failure, state: &State) -> Failure {
    let capability = &state.capability;
    let detail = failure.detail.filter(|json| json.len() <= DETAIL_MAX);
    Failure {
        class: class(failure.class),
        outcome: outcome(failure.outcome),
        message: capability.clean(failure.message, MESSAGE_MAX),
        upstream_code: failure.upstream_code.map(|code| capability.clean(code, CODE_MAX)),
        retry_after: failure.retry_after_ms.map(|ms| Duration::from_millis(ms).min(RETRY_AFTER_MAX)),
        detail: detail.and_then(|json| capability.clean_json(&json)),
    }
}

fn class(class: wit::FailureClass) -> Class {
    use wit::FailureClass as From;
    match class {
        From::InvalidInput => Class::InvalidInput,
        From::Config => Class::Config,
        From::AuthFailed => Class::AuthFailed,
        From::AuthExpired => Class::AuthExpired,
        From::SessionInvalid => Class::SessionInvalid,
        From::IdentityUnverified => Class::IdentityUnverified,
        From::UpstreamRejected => Class::UpstreamRejected,
        From::RateLimited => Class::RateLimited,
        From::Unavailable => Class::Unavailable,
        From::Timeout => Class::Timeout,
        From::Protocol => Class::Protocol,
        From::Denied => Class::Denied,
        From::Internal => Class::Internal,
        From::Other => Class::Other,
    }
}

fn outcome(outcome: wit::Outcome) -> Outcome {
    match outcome {
        wit::Outcome::NotSent => Outcome::NotSent,
        wit::Outcome::Rejected => Outcome::Rejected,
        wit::Outcome::Unknown => Outcome::Unknown,
        wit::Outcome::Done => Outcome::Done,
    }
}
