//! A learner studies under supervision: log-in, start, face, three minutes of progress, end. Then the upstream pushes a
//! class, and gets its learners' accounts from the platform in the very answer.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{
    links::CLASS_PUSH_PATH,
    scene::{HOOK, Scene, text},
};

const RESOURCE: &str = "096924a98b244f368d8b1360dd16ce09";
const STUDENT: &str = "05a924a98b244f368d8b1360dd16ce09";
const CLASS: &str = "bf448ef96aff42beb30d39db8c5ba66e";
const COURSE: &str = "ce7114fca7d6477fbb4f40fefa29bccb";
/// A PNG of one pixel.
const PHOTO: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
/// Between two reports.
const MINUTE_S: u32 = 60;
const MINUTES: u32 = 3;
const LEARNERS: usize = 3;

/// Studies, then takes a class.
///
/// # Errors
/// When it does not end as told.
pub(super) async fn tell(scene: &Scene<'_>) -> Result<()> {
    scene.out.remark("one log-in for all learners of the platform");
    scene.done("token.check", &json!({})).await?;

    scene.out.remark("a learner starts a video and shows a face");
    let viewing = json!({ "resCode": RESOURCE, "studentUserCode": STUDENT, "classCode": CLASS });
    let begun = with(&viewing, json!({ "courseCode": COURSE }));
    scene.done("study.start", &begun).await?;
    let check = scene.done("face.config", &viewing).await?;
    let photo = json!({
        "bizCode": text(&check, "/bizCode")?, "videoStudyTime": 0, "compareMode": "0", "target": PHOTO,
    });
    let compared = scene.done("face.compare", &with(&viewing, photo)).await?;
    ensure!(compared.get("matched") == Some(&true.into()), "the face did not match");

    scene.out.remark("a report every minute, then the end: the upstream adds up");
    for minute in 1..=MINUTES {
        let report = with(&begun, json!({ "playTime": minute * MINUTE_S, "progressTime": MINUTE_S }));
        scene.done("progress.report", &report).await?;
    }
    scene.done("study.end", &viewing).await?;
    let study = scene.look(&format!("studies/{STUDENT}/{RESOURCE}")).await?;
    let number = |name: &str| study.get(name).and_then(Value::as_u64);
    let in_order = ["starts", "ends"].iter().all(|name| number(name) == Some(1)) && number("outOfOrder") == Some(0);
    ensure!(in_order, "the upstream did not see start, progress and end in order");
    ensure!(number("progressS") == Some((MINUTES * MINUTE_S).into()), "the upstream's sum is wrong");
    scene.good("upstream", &format!("counts {} s in {MINUTES} reports, in order", MINUTES * MINUTE_S));

    scene.out.remark("the upstream pushes a class, and pushes it again");
    take_class(scene).await
}

async fn take_class(scene: &Scene<'_>) -> Result<()> {
    scene.tell("hook", &json!({ "classPush": scene.hook_url(CLASS_PUSH_PATH, "class-push") })).await?;
    let first = push_class(scene).await?;
    ensure!(scene.asked()? == 1, "the platform was not asked for accounts");
    let accounts = first.get("accounts").and_then(Value::as_object).map_or(0, serde_json::Map::len);
    ensure!(accounts == LEARNERS, "{accounts} accounts came back for {LEARNERS} learners");
    scene.good("upstream", &format!("has {accounts} accounts for {LEARNERS} learners"));
    let again = push_class(scene).await?;
    ensure!(scene.asked()? == 0 && again == first, "the class again did not get the same accounts");
    scene.good("upstream", "has the same accounts; the platform was not asked again");
    Ok(())
}

async fn push_class(scene: &Scene<'_>) -> Result<Value> {
    scene.line(HOOK, &format!("POST /hooks/train.academy/…/class-push  a class of {LEARNERS}"));
    let answer = scene.tell("push-class", &json!({ "classCode": CLASS, "students": LEARNERS })).await?;
    ensure!(text(&answer, "/returnCode")? == "0", "the class was refused");
    Ok(answer)
}

/// Both objects in one.
fn with(one: &Value, other: Value) -> Value {
    let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
    Value::Object(members(one).into_iter().chain(members(&other)).collect())
}
