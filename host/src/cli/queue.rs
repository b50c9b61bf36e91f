//! `duijie queue` shows how much waits on each link of a running host and why; `duijie hold` lets a link's jobs wait until
//! `duijie resume`. What is held stays accepted and in order.

use clap::Args;
use http::Method;
use serde_json::{Value, json};

use super::{
    Done, Global, block_on,
    out::table,
    print, print_json,
    remote::{ANSWER_MAX, RemoteArgs},
    status::{entries, number, word},
};
use crate::{id::LinkId, store::State};

#[derive(Args)]
pub(super) struct QueueArgs {
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Args)]
pub(super) struct HoldArgs {
    /// The link's id, for instance zj.nbufe
    link: LinkId,
    /// Why, for whoever looks at the queue
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Args)]
pub(super) struct ResumeArgs {
    /// The link's id, for instance zj.nbufe
    link: LinkId,
    #[command(flatten)]
    remote: RemoteArgs,
}

pub(super) fn show(global: &Global, args: &QueueArgs) -> Done {
    let queue = block_on(args.remote.remote(global)?.ask(Method::GET, "/v1/queue"))?;
    if global.json() { print_json(&queue) } else { print(&text(&queue)) }
}

pub(super) fn hold(global: &Global, args: &HoldArgs) -> Done {
    let body = args.reason.as_ref().map(|reason| json!({ "reason": reason }));
    let remote = args.remote.remote(global)?;
    let path = format!("/v1/links/{}/hold", args.link);
    let answer = block_on(remote.tell(Method::POST, &path, body.as_ref(), ANSWER_MAX))?;
    if global.json() {
        return print_json(&answer);
    }
    let link = &args.link;
    print(&format!("{link} is held: {}. What is accepted waits until `duijie resume {link}`", word(&answer, "reason")))
}

pub(super) fn resume(global: &Global, args: &ResumeArgs) -> Done {
    let link = &args.link;
    let answer = block_on(args.remote.remote(global)?.ask(Method::POST, &format!("/v1/links/{link}/resume")))?;
    if global.json() {
        return print_json(&answer);
    }
    print(&resumed(link, &answer))
}

fn resumed(link: &str, answer: &Value) -> String {
    let is = |name| answer.get(name).and_then(Value::as_bool).unwrap_or_default();
    match (is("held"), is("was_held")) {
        (true, _) => format!(
            "{link} stays held: its credential `{}` is over; it goes on by itself when the renewal is confirmed",
            word(answer, "expired")
        ),
        (false, true) => format!("{link} goes on"),
        (false, false) => format!("{link} was not held"),
    }
}

fn text(queue: &Value) -> String {
    // Only states that some link has: eight columns of zeros would hide the one number.
    let count = |link: &Value, state: State| link.pointer(&format!("/jobs/{}", state.as_str())).and_then(Value::as_u64);
    let has = |state: &State| entries(queue, "links").any(|link| count(link, *state).is_some());
    let states: Vec<State> = State::ALL.into_iter().filter(has).collect();
    let names = states.iter().map(|state| state.as_str().to_owned());
    let head: Vec<String> = std::iter::once("link".to_owned()).chain(names).chain(["held".to_owned()]).collect();
    let row = |link: &Value| -> Vec<String> {
        let counts = states.iter().map(|state| count(link, *state).unwrap_or_default().to_string());
        let held = link.get("held").map(|held| format!("since {}: {}", word(held, "since"), word(held, "reason")));
        std::iter::once(word(link, "link").to_owned()).chain(counts).chain([held.unwrap_or_default()]).collect()
    };
    let mut text = match entries(queue, "links").next() {
        Some(_) => table(std::iter::once(head).chain(entries(queue, "links").map(row))),
        None => "nothing was accepted yet, and no link is held".to_owned(),
    };
    if let Some(webhooks) = queue.get("webhooks") {
        let (waiting, parked) = (number(webhooks, "waiting"), number(webhooks, "parked"));
        text.push_str(&format!("\nwebhooks: {waiting} wait, {parked} are parked"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_lets_a_link_go_on_is_told_if_it_does_not() {
        let told = |held: bool, was_held: bool| {
            resumed("zj.a", &json!({ "held": held, "was_held": was_held, "expired": "aksk" }))
        };
        assert_eq!((told(false, true), told(false, false)), ("zj.a goes on".into(), "zj.a was not held".into()));
        assert!(told(true, true).contains("stays held: its credential `aksk` is over"));
    }

    #[test]
    fn a_queue_has_the_states_that_there_are_and_says_why_a_link_waits() {
        let text = text(&json!({
            "links": [
                { "link": "zj.a", "jobs": { "queued": 3 }, "held": { "reason": "why", "since": "S" } },
                { "link": "zj.longer", "jobs": { "done": 20 } }
            ],
            "webhooks": { "waiting": 1, "parked": 0 }
        }));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "link       queued  done  held",
                "zj.a       3       0     since S: why",
                "zj.longer  0       20",
                "webhooks: 1 wait, 0 are parked"
            ]
        );
    }
}
