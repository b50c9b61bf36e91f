//! The fault rules in force, and the choice of those that apply to one request. Deterministic: the same seed and the
//! same sequence of requests give the same faults. Never carries a fault out.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::super::random::Random;
use super::Fault;

/// When a fault applies. Without any condition: to every request, for ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The fault, in its notation.
    pub fault: Fault,
    /// Only for this operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Only for paths that begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// So many times more; counts only requests to which it was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// With this probability, 0.0 to 1.0, drawn for each request that matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

impl Rule {
    /// For every request, always.
    pub fn new(fault: Fault) -> Self {
        Self { fault, operation: None, path: None, times: None, probability: None }
    }

    /// Only for this operation, as `record.push-one`.
    pub fn operation(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Only for paths that begin so.
    pub fn path(mut self, prefix: impl Into<String>) -> Self {
        self.path = Some(prefix.into());
        self
    }

    /// Once.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// So many times.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// With this probability, 0.0 to 1.0.
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    fn matches(&self, operation: &str, path: &str) -> bool {
        self.times != Some(0)
            && self.operation.as_deref().is_none_or(|wanted| wanted == operation)
            && self.path.as_deref().is_none_or(|prefix| path.starts_with(prefix))
    }
}

/// The rules in force.
#[derive(Debug)]
pub struct Faults {
    seed: u64,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    rules: Vec<Rule>,
    random: Random,
}

impl Faults {
    pub(in super::super) fn new(seed: u64) -> Self {
        Self { seed, inner: Mutex::new(Inner { rules: Vec::new(), random: Random::new(seed) }) }
    }

    /// Adds a rule after the others.
    pub fn add(&self, rule: Rule) {
        self.inner.lock().rules.push(rule);
    }

    /// The rules that may still apply, with the times left.
    pub fn rules(&self) -> Vec<Rule> {
        self.inner.lock().rules.clone()
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.inner.lock().rules.clear();
    }

    /// Removes all rules and draws from the seed anew.
    pub(in super::super) fn reset(&self) {
        *self.inner.lock() = Inner { rules: Vec::new(), random: Random::new(self.seed) };
    }

    /// What befalls this request: the faults its header asks for first, then the rules in their order.
    pub(in super::super) fn plan(&self, operation: &str, path: &str, asked: Vec<Fault>) -> Plan {
        let mut inner = self.inner.lock();
        let Inner { rules, random } = &mut *inner;
        let mut plan = Plan::default();
        for fault in asked {
            plan.take(fault, random);
        }
        for rule in rules.iter_mut().filter(|rule| rule.matches(operation, path)) {
            let drawn = rule.probability.is_none_or(|probability| random.chance(probability));
            // A rule whose place is taken is not used up.
            if drawn
                && plan.take(rule.fault.clone(), random)
                && let Some(times) = &mut rule.times
            {
                *times -= 1;
            }
        }
        rules.retain(|rule| rule.times != Some(0));
        plan
    }
}

/// The faults of one request, by the moment at which they act. Of each moment only the first counts.
#[derive(Debug, Default)]
pub(in super::super) struct Plan {
    /// Before anything else, in milliseconds.
    pub(in super::super) latency_ms: Option<u64>,
    /// Added to the clock for this request, in seconds.
    pub(in super::super) clock_skew_s: Option<i64>,
    /// Whether tokens are revoked before processing.
    pub(in super::super) revoke_token: bool,
    /// What happens instead of processing.
    pub(in super::super) instead: Option<Fault>,
    /// What happens to the answer.
    pub(in super::super) after: Option<Fault>,
    /// All of the above, in the order taken.
    pub(in super::super) applied: Vec<Fault>,
}

impl Plan {
    /// Takes the fault unless its place is taken; says whether it did.
    fn take(&mut self, fault: Fault, random: &mut Random) -> bool {
        let free = match &fault {
            Fault::Latency { min_ms, max_ms } => {
                self.latency_ms.is_none() && self.latency_ms.replace(random.between(*min_ms, *max_ms)).is_none()
            }
            Fault::ClockSkew { seconds } => {
                self.clock_skew_s.is_none() && self.clock_skew_s.replace(*seconds).is_none()
            }
            Fault::RevokeToken => !std::mem::replace(&mut self.revoke_token, true),
            Fault::Status { .. }
            | Fault::Code { .. }
            | Fault::Redirect { .. }
            | Fault::Html
            | Fault::HugeBody { .. }
            | Fault::Echo
            | Fault::ResetBefore
            | Fault::Hang => self.instead.is_none() && self.instead.replace(fault.clone()).is_none(),
            Fault::ResetAfter
            | Fault::HangAfter
            | Fault::ResetMid
            | Fault::Truncate { .. }
            | Fault::SlowBody { .. }
            | Fault::SlowReply { .. }
            | Fault::HugeHeader { .. }
            | Fault::Garbage
            | Fault::MissingComma
            | Fault::TrailingComma
            | Fault::Bom => self.after.is_none() && self.after.replace(fault.clone()).is_none(),
        };
        if free {
            self.applied.push(fault);
        }
        free
    }

    /// The faults as the journal shows them.
    pub(in super::super) fn describe(&self) -> Option<String> {
        if self.applied.is_empty() {
            return None;
        }
        // A refusal's message is free text: the journal keeps to what is countable.
        let names: Vec<String> = self
            .applied
            .iter()
            .map(|fault| match fault {
                Fault::Code { code, .. } => format!("code={code}"),
                other => other.to_string(),
            })
            .collect();
        Some(names.join(" + "))
    }
}
