//! How a host dies: at a step that it was told, or by us when an upstream has what it will not answer, or at some moment.

use std::{os::unix::process::ExitStatusExt as _, time::Duration};

use anyhow::{Result, bail};
use tokio::time::{sleep, timeout};

use super::{
    plan::{Kill, Link},
    upstream,
};
use crate::{
    site::Host,
    soak::academy::{Academy, Mood},
};

/// How long a host may take to pass its step before it is killed anyway.
const STEP_MAX: Duration = Duration::from_secs(5);
/// Between two looks at the simulator.
const LOOK: Duration = Duration::from_millis(4);

/// The upstreams.
pub(super) struct Scene {
    pub(super) academy: Academy,
    pub(super) simulator: String,
}

/// How it died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Died {
    /// Where it was to.
    There,
    /// It never came there, and was killed as it stood.
    Elsewhere,
}

impl Scene {
    /// Waits for the host's death, or sees to it.
    pub(super) async fn kill(&self, host: &mut Host, kill: Kill, within: Duration) -> Result<Died> {
        match kill {
            Kill::Point(..) => return at_its_step(host).await,
            Kill::Moment(share) => sleep(within.mul_f64(share)).await,
            Kill::Unanswered(Link::Unsafe, count) => {
                self.academy.set_mood(Mood::Silent);
                let came = timeout(STEP_MAX, self.academy.unanswered(count)).await;
                kill_now(host).await?;
                self.academy.set_mood(Mood::Well);
                return Ok(if came.is_ok() { Died::There } else { Died::Elsewhere });
            }
            Kill::Unanswered(Link::Safe, count) => {
                let before = upstream::unanswered(&self.simulator).await?;
                upstream::silence(&self.simulator, count).await?;
                let came = timeout(STEP_MAX, self.silent_since(before, count)).await;
                kill_now(host).await?;
                upstream::answer_again(&self.simulator).await?;
                return match came {
                    Ok(came) => came.map(|()| Died::There),
                    Err(_) => Ok(Died::Elsewhere),
                };
            }
        }
        kill_now(host).await.map(|()| Died::There)
    }

    async fn silent_since(&self, before: u64, count: usize) -> Result<()> {
        while upstream::unanswered(&self.simulator).await? < before + count as u64 {
            sleep(LOOK).await;
        }
        Ok(())
    }
}

async fn at_its_step(host: &mut Host) -> Result<Died> {
    match timeout(STEP_MAX, host.process.ended(STEP_MAX * 2)).await {
        Ok(status) => {
            let status = status?;
            if status.signal() != Some(9) {
                bail!("the host ended by itself ({status}); its log: {}", host.process.log().display());
            }
            Ok(Died::There)
        }
        Err(_) => kill_now(host).await.map(|()| Died::Elsewhere),
    }
}

/// Kills it, if it runs: one that ended by itself is none that was killed.
async fn kill_now(host: &mut Host) -> Result<()> {
    if !host.process.runs() {
        bail!("the host ended by itself; its log: {}", host.process.log().display());
    }
    host.process.kill_now().await
}
