//! The admin surface below `/_sim/`, on the simulator's own port: journal, counters, faults, tokens, and what the
//! profile adds. Not guarded: a simulator belongs on loopback. Its requests are neither counted nor journalled.

use bytes::Bytes;
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::exchange::Shared;
use super::faults::{KINDS, Rule};
use super::profile::{Profile, Reply};

/// Answers a request whose path is `/_sim/` and `below`.
pub(super) async fn answer<P: Profile>(
    shared: &Shared<P>,
    method: &Method,
    below: &str,
    query: &str,
    body: &Bytes,
) -> Reply {
    match (method.as_str(), below) {
        ("GET", "") => Reply::text(about(&shared.profile)),
        ("GET", "journal") => json_of(&shared.ledger.journal()),
        ("GET", "counters") => json_of(&shared.ledger.counters()),
        ("GET", "faults") => json_of(&shared.faults.rules()),
        ("POST", "faults") => match serde_json::from_slice::<Vec<Rule>>(body) {
            Ok(rules) => {
                rules.into_iter().for_each(|rule| shared.faults.add(rule));
                json_of(&shared.faults.rules())
            }
            Err(error) => Reply::text(format!("{error}\n")).status(400),
        },
        ("DELETE", "faults") => {
            shared.faults.clear();
            json_of(&shared.faults.rules())
        }
        ("POST", "reset") => {
            shared.reset();
            Reply::json(&json!({"reset": true}))
        }
        ("POST", "tokens/revoke") => Reply::json(&json!({"revoked": shared.profile.revoke_tokens()})),
        ("GET", _) => shared.profile.inspect(below, query).unwrap_or_else(not_found),
        _ => shared.profile.act(method, below, body).await.unwrap_or_else(not_found),
    }
}

/// A text member of a JSON object that was posted.
pub(super) fn text_member(body: &Bytes, name: &str) -> Option<String> {
    let object: Value = serde_json::from_slice(body).ok()?;
    object.get(name)?.as_str().map(str::to_owned)
}

/// What to answer when [`text_member`] finds none.
pub(super) fn wanted(name: &str) -> Reply {
    Reply::text(format!("{name}: a text is wanted\n")).status(400)
}

fn not_found() -> Reply {
    Reply::text("nothing here; GET /_sim/ says what is\n").status(404)
}

fn json_of(value: &impl Serialize) -> Reply {
    match serde_json::to_vec(value) {
        Ok(body) => Reply::new("application/json", body),
        Err(error) => Reply::text(format!("{error}\n")).status(500),
    }
}

fn about<P: Profile>(profile: &P) -> String {
    format!(
        "Simulator of the upstream {name}. Not the upstream: what is stored here is lost at the end.\n\n\
        {summary}\n\
        Admin surface:\n\
        GET    /_sim/journal        requests seen, without contents\n\
        GET    /_sim/counters       totals\n\
        GET    /_sim/faults         fault rules in force\n\
        POST   /_sim/faults         add rules: [{{\"fault\":\"status=503\",\"operation\":…,\"path\":…,\"times\":…,\"probability\":…}}]\n\
        DELETE /_sim/faults         remove all rules\n\
        POST   /_sim/tokens/revoke  revoke all tokens\n\
        POST   /_sim/reset          forget everything\n\n\
        Faults (also one per request header x-sim-fault):\n{kinds}\n",
        name = P::NAME,
        summary = profile.summary(),
        kinds = KINDS.map(|kind| format!("  {kind}")).join("\n"),
    )
}
