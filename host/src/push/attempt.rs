//! One attempt: the record is opened, the call is made as a platform's would be, and what became of it is written, all
//! before anything else is done with the record. Logs names and classes, never content.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::Poll,
    time::Instant,
};

use bytes::Bytes;

use super::{
    Push, now, payload_of,
    place::Place,
    policy::{Decision, decide},
    result_of,
    traffic::{Begun, How},
};
use crate::{
    capability::http::policy::Origin,
    failpoint,
    failure::{Class, Failure, MESSAGE_MAX, Outcome, cut},
    link::{Answer, Call, CallError, Failed, PushSpec},
    store::{Fate, Finish, Job, Leased, Report, Sealed, StoreError, Verdict},
};

/// Makes the attempt and writes its end.
pub(super) async fn run(push: Arc<Push>, leased: Leased, place: Place) {
    let (job, n) = (leased.job.clone(), leased.n);
    to_its_end(&push, &job, n, attempt(&push, leased, place)).await;
    push.ended(job.id);
}

/// A bug of the host must not leave a record under way until its lease is over: whatever was done of it, it has an end.
async fn to_its_end(push: &Push, job: &Job, n: u32, attempt: impl Future<Output = ()>) {
    let mut attempt = Box::pin(attempt);
    let whole = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| attempt.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    });
    if whole.await.is_ok() {
        return;
    }
    // Gives up its place.
    drop(attempt);
    tracing::error!(job = %job.id, n, "an attempt panicked; what it did is not known");
    let why = "the host failed while it sent this record; this is a fault of the host";
    let failure = Failure::new(Class::Internal, Outcome::Unknown, why);
    let (report, verdict) = failed(push, job, &Failed { failure, origin: None }, None);
    finish(push, job, n, report, verdict).await;
}

async fn attempt(push: &Push, leased: Leased, mut place: Place) {
    failpoint::pass("push.sending");
    let Leased { job, n, payload } = leased;
    let called =
        match push.sealer.key(&job.link).await.and_then(|key| key.open(payload_of(&job.link, &job.id), &payload)) {
            Ok(input) => call(push, &job, Bytes::copy_from_slice(&input)).await,
            Err(error) => Err(fault(Class::Internal, format!("the stored record cannot be opened: {error}"))),
        };
    failpoint::pass("push.answered");
    let (report, verdict) = match &called {
        Ok(answer) => done(push, &job, answer, place.end()).await,
        Err(error) => failed(push, &job, error, place.end()),
    };
    finish(push, &job, n, report, verdict).await;
}

async fn finish(push: &Push, job: &Job, n: u32, report: Report, verdict: Verdict) {
    let what = describe(&verdict);
    match push.store.finish(now(), Finish { id: job.id, n, report, verdict }).await {
        Ok(fate) => {
            failpoint::pass("push.written");
            let to = if let Fate::Superseded(_) = fate { "superseded" } else { what };
            tracing::info!(job = %job.id, link = %job.link, operation = job.operation, n, to, "attempt");
            metrics::counter!("duijie_attempts_total", "connector" => job.connector.to_string(), "to" => to)
                .increment(1);
        }
        // A person took it back meanwhile, or its lease was over: what was written then stands.
        Err(StoreError::Fenced) => tracing::warn!(job = %job.id, n, "attempt ended after its time"),
        Err(error) => tracing::error!(job = %job.id, n, %error, "the end of an attempt could not be written"),
    }
}

async fn call(push: &Push, job: &Job, input: Bytes) -> Result<Answer, Failed> {
    let call =
        Call { link: &job.link, operation: &job.operation, input, request_id: Arc::from(job.request_id.as_str()) };
    push.dispatcher.call(call).await.map_err(|error| match error {
        CallError::Failed(failed) => *failed,
        // What the platform sent was good when it was accepted: its link or connector has changed since.
        CallError::UnknownLink(_) | CallError::LinkRefused(_) | CallError::UnknownOperation { .. } => {
            fault(Class::Config, error.to_string())
        }
        CallError::TooLarge { .. } | CallError::NotJson { .. } => fault(Class::InvalidInput, error.to_string()),
        CallError::Invalid { ref violations, .. } => {
            let first = violations.first().map(|wrong| format!(": {} {}", wrong.pointer, wrong.message));
            fault(Class::InvalidInput, format!("{error}, which has changed since{}", first.unwrap_or_default()))
        }
        CallError::LinkBusy(_) | CallError::HostBusy => fault(Class::Unavailable, error.to_string()),
    })
}

/// Nobody was asked.
fn fault(class: Class, message: String) -> Failed {
    Failed { failure: Failure::new(class, Outcome::NotSent, message), origin: None }
}

async fn done(push: &Push, job: &Job, answer: &Answer, begun: Option<Begun>) -> (Report, Verdict) {
    if let Some(begun) = begun {
        push.traffic.lock().ended(begun, answer.origin.as_ref(), How::Answered, None, Instant::now());
    }
    let report = Report { class: None, outcome: Outcome::Done, upstream_code: None, message: None };
    let keep = push.spec(&job.link);
    let sealed = match push.sealer.key(&job.link).await {
        Ok(key) if !keep.keep_result.is_zero() => {
            Some(key.seal(result_of(&job.link, &job.id), answer.output.get().as_bytes()))
        }
        _ => None,
    };
    (report, applied(keep, sealed.and_then(Result::ok)))
}

fn applied(keep: PushSpec, result: Option<Sealed>) -> Verdict {
    let now = now();
    Verdict::Done {
        result,
        result_until: Some(now.plus(keep.keep_result)),
        payload_until: (!keep.keep_payload.is_zero()).then(|| now.plus(keep.keep_payload)),
    }
}

fn failed(push: &Push, job: &Job, Failed { failure, origin }: &Failed, begun: Option<Begun>) -> (Report, Verdict) {
    let report = Report {
        class: Some(failure.class),
        outcome: failure.outcome,
        upstream_code: failure.upstream_code.clone(),
        message: Some(told(failure)),
    };
    let decision = decide(failure, job.repeat, job.tries);
    let mut traffic = push.traffic.lock();
    let origin = origin.as_ref();
    let ended = Instant::now();
    if let Some(begun) = begun {
        traffic.ended(begun, origin, how(failure, origin), failure.retry_after, ended);
    }
    let verdict = match decision {
        Decision::Done => applied(push.spec(&job.link), None),
        Decision::Failed => Verdict::Failed { payload_until: Some(now().plus(push.spec(&job.link).keep_failed)) },
        Decision::Parked => Verdict::Parked,
        Decision::Unknown => Verdict::Unknown,
        Decision::Later | Decision::AfterRepair => {
            let wait = traffic.backoff(&job.link, origin, job.tries, failure.retry_after, ended);
            Verdict::Retry { at: now().plus(wait) }
        }
    };
    (report, verdict)
}

/// One thing that a connector says is wrong, in a failure's detail (wit/connector.wit).
#[derive(serde::Deserialize)]
struct Wrong {
    pointer: String,
    message: String,
}

/// What happened, and with which members of the record: a job keeps a message and no detail.
fn told(failure: &Failure) -> String {
    let detail = failure.detail.as_ref().and_then(|detail| serde_json::from_str::<Vec<Wrong>>(detail.get()).ok());
    let mut text = failure.message.clone();
    for wrong in detail.unwrap_or_default() {
        text.push_str(&format!("; {} {}", wrong.pointer, wrong.message));
    }
    cut(&mut text, MESSAGE_MAX);
    text
}

fn how(failure: &Failure, origin: Option<&Origin>) -> How {
    match failure.class {
        Class::RateLimited => How::TooOften,
        Class::Config | Class::AuthFailed | Class::AuthExpired => How::NeedsRepair,
        Class::Unavailable | Class::Timeout if origin.is_some() => How::Silent,
        Class::Unavailable | Class::Timeout | Class::Internal => How::NotAsked,
        _ => How::Answered,
    }
}

fn describe(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Done { .. } => "done",
        Verdict::Failed { .. } => "failed",
        Verdict::Retry { .. } => "queued",
        Verdict::Parked => "parked",
        Verdict::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        push::Ask,
        server::tests::{
            guest,
            queue::{Queue, still},
        },
        shutdown::Drain,
        store::{JobId, LeaseAsk, Stage, State, seen_past_store},
    };

    /// A queue whose worker does not run, with one record.
    async fn with_one(operation: &str) -> (Queue, Drain, JobId) {
        let (queue, drain) = still(guest::dispatcher(&["t.a"], &[]).await);
        let (platform, input) = ("campus".parse().unwrap(), Bytes::from_static(b"{}"));
        let ask = Ask { platform: &platform, link: "t.a", operation, input, idempotency: None, request_id: "r-1" };
        let id = queue.push.accept(ask).await.unwrap().id;
        (queue, drain, id)
    }

    #[tokio::test]
    async fn a_record_at_which_the_host_panics_is_not_left_under_way() {
        let (queue, _drain, id) = with_one("echo").await;
        let store = queue.push.store();
        for state in [State::Queued, State::Parked] {
            let at = now().plus(std::time::Duration::from_secs(3600));
            let ask = LeaseAsk {
                lease: std::time::Duration::from_secs(900),
                jobs_max: 1,
                inflight: 9,
                ..LeaseAsk::default()
            };
            let leased = store.lease(at, ask).await.unwrap().leased.remove(0);
            let place = Place::take(&queue.push, &leased.job.link);
            let attempt = async move {
                let _place = place;
                panic!("a bug")
            };
            to_its_end(&queue.push, &leased.job, leased.n, attempt).await;
            assert_eq!(queue.push.traffic.lock().running(&leased.job.link), 0, "nor does it keep its place");
            let job = store.job(id).await.unwrap().unwrap();
            assert_eq!((job.stage.state(), job.doubt), (state, true), "as of any fault, once more and then no more");
            assert!(job.last.unwrap().message.unwrap().contains("the host failed"));
            assert!(!matches!(job.stage, Stage::Sending { .. }));
        }
    }

    #[tokio::test]
    async fn a_record_that_failed_is_kept_as_long_as_its_link_says_and_no_longer() {
        let (queue, drain, id) = with_one("reject").await;
        let mut ends = queue.push.ends();
        tokio::spawn(crate::push::worker::run(queue.push.clone(), drain));
        while ends.recv().await.unwrap() != id {}
        let job = queue.push.store().job(id).await.unwrap().unwrap();
        assert_eq!(job.stage.state(), State::Failed);
        let sql = "SELECT CAST(until AS TEXT) FROM payload";
        let until: i64 = seen_past_store(&queue.directory.path().join("duijie.db"), sql)[0].parse().unwrap();
        let kept = until - job.finished.unwrap().0;
        let days_30 = 30 * 86_400_000;
        assert!((days_30 - 60_000..=days_30).contains(&kept), "{kept} ms");
    }

    #[test]
    fn what_is_wrong_with_single_members_is_told_and_bounded() {
        let failure = |detail: &str| Failure {
            detail: Some(serde_json::value::RawValue::from_string(detail.to_owned()).unwrap()),
            ..Failure::new(Class::InvalidInput, Outcome::NotSent, "it does not fit")
        };
        let members = r#"[{"pointer":"/content","message":"is required"},{"pointer":"/a","message":"is too long"}]"#;
        assert_eq!(told(&failure(members)), "it does not fit; /content is required; /a is too long");
        for other in ["{\"cert_url\":\"x\"}", "[1]", "null"] {
            assert_eq!(told(&failure(other)), "it does not fit", "{other}");
        }
        let many = format!("[{}]", vec![r#"{"pointer":"/x","message":"谈"}"#; 500].join(","));
        assert!(told(&failure(&many)).len() <= MESSAGE_MAX);
    }
}
