//! The platform behind a host, as a program: every event that the connectors ask has an answer that fits, and what was
//! asked is told on stderr, a line of JSON an event. Never tells what an event says: that may be personal.

use std::io::Write;
use std::net::SocketAddr;

use duijie_tests::platform::{Event, Platform};
use serde_json::{Value, json};

/// What each event gets.
const ANSWERS: [(&str, Answer); 5] = [
    ("duijie.eduyun.local-session", local_session),
    ("duijie.skill-train.class.push", class_push),
    ("duijie.skill-train.course.pull", course_pull),
    ("duijie.zjzwfw-sso.user.sync", taken),
    ("duijie.zjzwfw-sso.user.delete", taken),
];
/// Digits of a learner's code that make the account.
const ACCOUNT_DIGITS: usize = 8;

/// A status and a body.
type Answer = fn(&Event) -> (u16, Value);

/// Its options.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

/// Runs it until a signal.
pub(super) async fn run(args: Args) -> Result<(), Box<dyn std::error::Error>> {
    let platform = Platform::start(args.listen).await?;
    for (kind, answer) in ANSWERS {
        platform.answer(kind, move |event| {
            let (status, body) = answer(event);
            tell(event, status);
            (status, body)
        });
    }
    super::announced("platform", &platform.url()).await?;
    Ok(())
}

/// Before the answer goes out, so that whoever has the answer finds the line.
fn tell(event: &Event, status: u16) {
    let line = json!({"asked": event.kind, "by": event.source, "id": event.id, "answered": status});
    // A broken stderr leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Who is logged in here: the simulator of eduyun knows the same three, the last of them as not verified.
fn local_session(event: &Event) -> (u16, Value) {
    let (name, id_card_no, identity) = match event.data.get("subject").and_then(Value::as_str) {
        Some("teacher-1") => ("甄测师", "999999199001010016", "1"),
        Some("student-1") => ("甄测生", "99999920000101002X", "0"),
        Some("student-2") => ("甄测生乙", "999999198506150036", "0"),
        _ => return (404, json!({"title": "unknown", "detail": "nobody has this subject"})),
    };
    (200, json!({"name": name, "idCardNo": id_card_no, "userIdentity": identity}))
}

/// An account for every learner of a class; the same learner always gets the same.
fn class_push(event: &Event) -> (u16, Value) {
    let text = |student: &Value, name: &str| student.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let account = |student: &Value| {
        let digits: String = text(student, "studentUserCode").chars().take(ACCOUNT_DIGITS).collect();
        json!({"cardNo": text(student, "cardNo"), "account": format!("learner-{digits}")})
    };
    let students = event.data.get("students").and_then(Value::as_array).into_iter().flatten();
    (200, json!({"accounts": students.map(account).collect::<Vec<_>>(), "passwordRules": "身份证后六位"}))
}

/// A catalogue of one course.
fn course_pull(_: &Event) -> (u16, Value) {
    let course = json!({
        "courseCode": "ce7114fca7d6477fbb4f40fefa29bccb",
        "courseName": "模拟课程",
        "workName": "焊工",
        "chapterList": [],
    });
    (200, json!({"courses": [course], "total": 1}))
}

fn taken(_: &Event) -> (u16, Value) {
    (204, Value::Null)
}
