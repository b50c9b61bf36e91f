//! `duijie jobs`: an operator's view of what was accepted: which jobs there are, how one stands, again, not at all. Shows
//! names, states and redacted messages; never a record.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::{
    Done, Ended, Global, block_on,
    out::table,
    print, print_json,
    remote::{ANSWER_MAX, Remote, RemoteArgs, segment},
    status::{entries, number, word},
};
use crate::{
    id::{LinkId, PlatformName},
    store::State,
};

/// Jobs on a page of the host.
const PAGE: usize = 500;

#[derive(Subcommand)]
pub(super) enum JobsVerb {
    /// List jobs in the order in which they were accepted
    List(ListArgs),
    /// Show one job: how it stands, why, and each attempt's end
    Show(OneArgs),
    /// Send a job again that is failed, parked or unknown, or one that waits, at once; or all of a link in one state
    #[command(
        after_help = "A job that is `unknown` may have been applied at the upstream: find out before you send it again."
    )]
    Retry(RetryArgs),
    /// Take back a job that is not under way; its record is deleted
    Cancel(OneArgs),
}

#[derive(Args)]
pub(super) struct ListArgs {
    /// Of this link
    #[arg(long)]
    link: Option<LinkId>,
    /// In this state: queued, sending, done, failed, parked, unknown, superseded, cancelled
    #[arg(long, value_parser = state)]
    state: Option<State>,
    /// Of this platform
    #[arg(long)]
    platform: Option<PlatformName>,
    /// Of this operation
    #[arg(long)]
    operation: Option<String>,
    /// Of this batch
    #[arg(long, value_name = "ID")]
    batch: Option<String>,
    /// Jobs at the most
    #[arg(long, default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Args)]
pub(super) struct OneArgs {
    /// The job's id
    id: String,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Args)]
pub(super) struct RetryArgs {
    /// The job's id
    #[arg(required_unless_present_all = ["link", "state"], conflicts_with_all = ["link", "state"])]
    id: Option<String>,
    /// All of this link
    #[arg(long, requires = "state")]
    link: Option<LinkId>,
    /// that are in this state: failed, parked, unknown, queued
    #[arg(long, requires = "link", value_parser = state)]
    state: Option<State>,
    #[command(flatten)]
    remote: RemoteArgs,
}

pub(super) fn run(global: &Global, verb: &JobsVerb) -> Done {
    match verb {
        JobsVerb::List(args) => list(global, args),
        JobsVerb::Show(args) => {
            let path = format!("/v1/jobs/{}", segment(&args.id));
            let job = block_on(args.remote.remote(global)?.ask(Method::GET, &path))?;
            if global.json() { print_json(&job) } else { print(&whole(&job)) }
        }
        JobsVerb::Retry(args) => retry(global, args),
        JobsVerb::Cancel(args) => one(global, args, "cancel"),
    }
}

/// A state by its name.
fn state(text: &str) -> Result<State, String> {
    let found = State::ALL.into_iter().find(|state| state.as_str() == text);
    found.ok_or_else(|| format!("a state is one of {}", State::ALL.map(State::as_str).join(", ")))
}

fn list(global: &Global, args: &ListArgs) -> Done {
    let remote = args.remote.remote(global)?;
    let jobs = block_on(pages(&remote, args))?;
    if global.json() {
        return print_json(&serde_json::json!({ "jobs": jobs }));
    }
    if jobs.is_empty() {
        return print("no such jobs");
    }
    let head = ["job", "state", "link", "operation", "attempts", "updated", "message"].map(str::to_owned);
    let row = |job: &Value| {
        let text = |name| word(job, name).to_owned();
        let attempts = number(job, "attempts").to_string();
        [text("id"), text("state"), text("link"), text("operation"), attempts, text("updated"), text("message")]
    };
    print(&table(std::iter::once(head).chain(jobs.iter().map(row))))
}

async fn pages(remote: &Remote, args: &ListArgs) -> Result<Vec<Value>, Ended> {
    let mut jobs = Vec::new();
    let mut after = String::new();
    while jobs.len() < args.limit {
        let limit = args.limit.saturating_sub(jobs.len()).min(PAGE).to_string();
        let mut query = Serializer::new(String::new());
        let given = [
            ("link", args.link.as_deref()),
            ("state", args.state.map(State::as_str)),
            ("platform", args.platform.as_deref()),
            ("operation", args.operation.as_deref()),
            ("batch", args.batch.as_deref()),
            ("after", Some(&*after).filter(|after| !after.is_empty())),
            ("limit", Some(&limit)),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let page = remote.ask(Method::GET, &format!("/v1/jobs?{}", query.finish())).await?;
        jobs.extend(entries(&page, "jobs").cloned());
        match page.get("next").and_then(Value::as_str) {
            Some(next) => next.clone_into(&mut after),
            None => break,
        }
    }
    Ok(jobs)
}

fn retry(global: &Global, args: &RetryArgs) -> Done {
    if let (Some(link), Some(state)) = (&args.link, args.state) {
        let remote = args.remote.remote(global)?;
        let retried = block_on(retry_all(&remote, link, state))?;
        if global.json() {
            return print_json(&serde_json::json!({ "retried": retried }));
        }
        return print(&format!("{link}: {retried} jobs that were {} wait again", state.as_str()));
    }
    let Some(id) = &args.id else { return Err(Ended::Usage("a job's id is needed, or --link and --state".into())) };
    act(global, &args.remote, id, "retry")
}

/// Page by page, until the host says that there are no more.
async fn retry_all(remote: &Remote, link: &LinkId, state: State) -> Result<u64, Ended> {
    let (mut retried, mut after) = (0_u64, String::new());
    loop {
        let path = format!("/v1/jobs/retry?link={link}&state={}{after}", state.as_str());
        let answer = remote.tell(Method::POST, &path, None, ANSWER_MAX).await?;
        retried = retried.saturating_add(number(&answer, "retried"));
        match answer.get("next").and_then(Value::as_str) {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(retried),
        }
    }
}

fn one(global: &Global, args: &OneArgs, act_: &str) -> Done {
    act(global, &args.remote, &args.id, act_)
}

fn act(global: &Global, remote: &RemoteArgs, id: &str, act: &str) -> Done {
    let path = format!("/v1/jobs/{}/{act}", segment(id));
    let job = block_on(remote.remote(global)?.ask(Method::POST, &path))?;
    if global.json() {
        print_json(&job)
    } else {
        print(&format!("job {} is {}", word(&job, "id"), word(&job, "state")))
    }
}

/// Everything that is known of a job, a line each.
fn whole(job: &Value) -> String {
    let mut lines = Vec::new();
    for (name, value) in job.as_object().into_iter().flatten() {
        match value {
            Value::Array(_) | Value::Object(_) | Value::Null => {}
            Value::String(text) => lines.push([format!("{name}:"), text.clone()]),
            other => lines.push([format!("{name}:"), other.to_string()]),
        }
    }
    let attempts = entries(job, "attempts_made").map(|attempt| {
        let ended = match word(attempt, "ended") {
            "" => "under way".to_owned(),
            ended => format!("to {ended}"),
        };
        let how = [
            word(attempt, "outcome"),
            word(attempt, "class"),
            word(attempt, "upstream_code"),
            word(attempt, "message"),
        ];
        let how = how.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ");
        [format!("attempt {}:", number(attempt, "n")), format!("{} {ended}  {how}", word(attempt, "started"))]
    });
    lines.extend(attempts);
    table(lines)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_is_shown_with_its_attempts_and_without_empty_words() {
        let job = json!({
            "id": "1", "state": "parked", "attempts": 1,
            "attempts_made": [{ "n": 1, "started": "S", "ended": "E", "outcome": "not-sent", "class": "unavailable" }]
        });
        let text = whole(&job);
        assert!(text.contains("attempts:   1") && text.contains("attempt 1:  S to E  not-sent, unavailable"), "{text}");
    }

    #[test]
    fn states_are_those_of_the_store() {
        assert_eq!(state("parked"), Ok(State::Parked));
        assert!(state("open").unwrap_err().contains("queued, sending"));
    }
}
