//! Talk records: three kinds delivered, one refused before anything is sent, one corrected and sent again. What the
//! upstream decrypted is read back from it and compared with what was sent.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{
    Score,
    records::{Expect, STEPS, Step},
    scene::Scene,
};
use crate::http;

/// How a push ended, as far as the upstream tells.
enum Ended {
    /// The upstream has what was sent, as this version.
    Stored { version: u64 },
    /// The host refused, and the upstream heard nothing.
    RefusedUnsent,
    /// Anything else.
    Otherwise,
}

/// Pushes every record and counts how they fared.
///
/// # Errors
/// When a record did not fare as expected.
pub(super) async fn tell(scene: &Scene<'_>, score: &mut Score) -> Result<()> {
    for step in &STEPS {
        scene.out.remark(step.about);
        let counted = match (step.expect, push(scene, step).await?) {
            (Expect::Delivered, Ended::Stored { version: 1 }) => &mut score.delivered,
            (Expect::Overwrites, Ended::Stored { version: 2 }) => &mut score.overwritten,
            (Expect::Refused, Ended::RefusedUnsent) => &mut score.refused,
            _ => &mut score.failed,
        };
        *counted += 1;
    }
    ensure!(score.failed == 0, "{} records did not fare as they should", score.failed);
    Ok(())
}

async fn push(scene: &Scene<'_>, step: &Step) -> Result<Ended> {
    let body = (step.record)();
    let before = requests(scene).await?;
    let answer = scene.call(step.operation, &body).await?;
    let sent = requests(scene).await?.saturating_sub(before);
    if answer.status == 422 && sent == 0 {
        scene.good("upstream", "heard nothing");
        return Ok(Ended::RefusedUnsent);
    }
    if answer.status != 200 {
        return Ok(Ended::Otherwise);
    }
    let record: Value = serde_json::from_str(&body)?;
    let id = record.get("recordId").and_then(Value::as_str).unwrap_or_default();
    let stored = http::get(&format!("{}/_sim/records/{id}", scene.upstream)).await?;
    if stored.status != 200 || stored.json() != record {
        return Ok(Ended::Otherwise);
    }
    let version = stored.header("x-sim-version").and_then(|version| version.parse().ok()).unwrap_or(0);
    let text = format!("decrypted {} bytes, version {version}, every field as it was sent", stored.body.len());
    scene.good("upstream", &text);
    if step.is_shown {
        scene.out.more(&String::from_utf8_lossy(&stored.body));
    }
    Ok(Ended::Stored { version })
}

/// Everything that the upstream was ever asked.
async fn requests(scene: &Scene<'_>) -> Result<u64> {
    let counters = scene.look("counters").await?;
    let requests = counters.get("requests").and_then(Value::as_object);
    Ok(requests.into_iter().flat_map(|all| all.values()).filter_map(Value::as_u64).sum())
}
