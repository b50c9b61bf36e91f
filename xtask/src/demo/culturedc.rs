//! An activity from push to publication, after which it can no longer be changed; a day's numbers; and a key whose days
//! are counted, and which is renewed.

use anyhow::{Result, ensure};
use jiff::{SignedDuration, Timestamp, tz};
use serde_json::{Value, json};

use super::{
    flow::Flow,
    links::ACCESS_KEY,
    scene::{Scene, text},
};
use crate::http;

const ID: &str = "demo-activity-1";
/// Days that the upstream gives a key.
const VALID_DAYS: u64 = 30;

/// From push to renewal.
///
/// # Errors
/// When it does not end as told.
pub(super) async fn tell(scene: &Scene<'_>) -> Result<()> {
    scene.out.remark("an activity is pushed; people review it");
    let activity = json!({
        "category": "activity", "extId": ID, "title": "模拟非遗体验日", "venue": "模拟文化馆",
        "startTime": "2026-05-01 09:00:00", "endTime": "2026-05-01 17:00:00",
    });
    let pushed = scene.done("resource.push", &activity).await?;
    ensure!(text(&pushed, "/state")? == "submitted", "the activity was not taken");
    stands(scene, "submitted").await?;

    scene.tell("review", &json!({ "extId": ID, "state": "published" })).await?;
    scene.good("upstream", "a reviewer publishes it");
    stands(scene, "published").await?;
    scene.refused("resource.push", &activity, "upstream-rejected").await?;
    scene.good("upstream", "what is published stays as it is (不可修改)");

    scene.out.remark("the numbers of yesterday; the same day again overwrites");
    report(scene).await?;

    scene.out.remark("the AK/SK ends by itself: the host counts its days");
    days(scene).await
}

async fn stands(scene: &Scene<'_>, state: &str) -> Result<()> {
    let status = scene.done("resource.status", &json!({ "extId": ID })).await?;
    let found = text(&status, "/state")?;
    ensure!(found == state, "the activity should be {state}, not {found}");
    Ok(())
}

async fn report(scene: &Scene<'_>) -> Result<()> {
    let china = tz::TimeZone::fixed(tz::offset(8));
    let yesterday = (Timestamp::now() - SignedDuration::from_hours(24)).to_zoned(china).date().to_string();
    for pv in [1200, 1234] {
        let day = json!({ "date": yesterday, "pv": pv, "uv": 300, "ip": 280, "newActivities": 1 });
        scene.done("stats.report", &day).await?;
    }
    let days = scene.look("stats").await?;
    let is_it = |day: &&Value| day.get("date").and_then(Value::as_str) == Some(yesterday.as_str());
    let day = days.as_array().into_iter().flatten().find(is_it).cloned().unwrap_or_default();
    let times = day.get("times").and_then(Value::as_u64);
    let pv = day.pointer("/numbers/pv").and_then(Value::as_u64);
    ensure!(times == Some(2) && pv == Some(1234), "the upstream does not have the second report");
    scene.good("upstream", &format!("has {yesterday} once, with the second numbers"));
    Ok(())
}

async fn days(scene: &Scene<'_>) -> Result<()> {
    let before = left(&scene.done("aksk.status", &json!({})).await?)?;
    let link = scene.stage.ask("GET", &format!("/v1/links/{}", Flow::Culturedc.link()), b"").await?.json();
    let state = text(&link, "/credentials/0/state")?;
    ensure!(state == "expiring" && before < 7, "{before} days are left and the host says {state}");
    let metrics = http::get(&format!("{}/metrics", scene.stage.host.admin)).await?;
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    let series = format!("duijie_credential_expires_seconds{{link=\"{}\"", Flow::Culturedc.link());
    ensure!(metrics.contains(&series), "the metrics do not count the key's days");
    scene.good("host", &format!("{before} days left, {state}: in the catalogue and in the metrics"));
    scene.tell("keys", &json!({ "accessKey": ACCESS_KEY, "action": "renew" })).await?;
    scene.line("operator → upstream", "extends the key on the upstream's web page (延长有效期)");
    let after = left(&scene.done("aksk.renewed", &json!({})).await?)?;
    ensure!(after > before && after >= VALID_DAYS - 1, "the renewal did not count: {after} days are left");
    scene.good("host", &format!("{after} days left"));
    Ok(())
}

fn left(standing: &Value) -> Result<u64> {
    let days = standing.get("daysLeft").and_then(Value::as_u64);
    days.ok_or_else(|| anyhow::anyhow!("the key's days are not known"))
}
