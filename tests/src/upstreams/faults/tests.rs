//! Notation, choice and determinism of faults. What each does on the wire is tested in `upstreams/tests`.

use serde_json::json;

use super::*;

/// One valid writing of every kind.
const EXAMPLES: [&str; 22] = [
    "latency=10..20",
    "clock-skew=-600",
    "revoke-token",
    "status=429,Thu, 01 Jan 1970 00:00:00 GMT",
    "code=5001,系统繁忙,请稍后",
    "redirect=http://169.254.169.254/latest?a=b",
    "html",
    "huge-body=104857600",
    "echo",
    "reset-before",
    "hang",
    "reset-after",
    "hang-after",
    "reset-mid",
    "truncate=3",
    "slow-body=1",
    "slow-reply=1",
    "huge-header=10485760",
    "garbage",
    "missing-comma",
    "trailing-comma",
    "bom",
];

fn fault(text: &str) -> Fault {
    text.parse().expect("a fault")
}

#[test]
fn every_kind_is_written_as_it_is_read() {
    for (example, kind) in EXAMPLES.iter().zip(KINDS) {
        assert_eq!(fault(example).to_string(), *example);
        let name = kind.split(['=', '[']).next().expect("a name");
        assert_eq!(fault(example).kind(), name, "KINDS and EXAMPLES are in the same order");
    }
}

#[test]
fn what_is_not_a_fault_is_refused_with_the_list_of_kinds() {
    for text in [
        "",
        "sleep",
        "latency",
        "latency=",
        "latency=9..3",
        "latency=-1",
        "status=99",
        "status=600",
        "status=101",
        "html=1",
        "slow-body=0",
        "truncate=x",
        "huge-header=99999999999",
    ] {
        let error = text.parse::<Fault>().expect_err(text);
        assert!(error.to_string().contains("reset-before"), "{error}");
    }
}

#[test]
fn a_rule_applies_as_often_as_it_says_and_then_is_gone() {
    let faults = Faults::new(0);
    faults.add(Rule::new(Fault::Html).times(2));
    let hits = (0..5).filter(|_| faults.plan("op", "/p", Vec::new()).instead.is_some()).count();
    assert_eq!(hits, 2);
    assert!(faults.rules().is_empty());
}

#[test]
fn a_rule_matches_by_operation_and_path_prefix() {
    let faults = Faults::new(0);
    faults.add(Rule::new(Fault::Html).operation("token.get").path("/api/"));
    let hit = |operation, path| faults.plan(operation, path, Vec::new()).instead.is_some();
    assert!(hit("token.get", "/api/token"));
    assert!(!hit("record.push-one", "/api/token"));
    assert!(!hit("token.get", "/other"));
}

#[test]
fn only_the_first_fault_of_a_moment_counts_and_the_other_is_not_used_up() {
    let faults = Faults::new(0);
    faults.add(Rule::new(fault("status=503")).once());
    faults.add(Rule::new(fault("status=429")).once());
    faults.add(Rule::new(fault("latency=1")).once());
    faults.add(Rule::new(Fault::Bom).once());
    let plan = faults.plan("op", "/p", Vec::new());
    assert_eq!(plan.describe().as_deref(), Some("status=503 + latency=1 + bom"));
    assert_eq!(faults.plan("op", "/p", Vec::new()).describe().as_deref(), Some("status=429"));
    assert_eq!(faults.plan("op", "/p", Vec::new()).describe(), None);
}

#[test]
fn what_the_request_asks_for_comes_before_the_rules() {
    let faults = Faults::new(0);
    faults.add(Rule::new(fault("status=503")));
    let plan = faults.plan("op", "/p", vec![Fault::Hang]);
    assert_eq!(plan.instead, Some(Fault::Hang));
}

#[test]
fn the_same_seed_draws_the_same_faults() {
    let draw = |seed| {
        let faults = Faults::new(seed);
        faults.add(Rule::new(fault("latency=1..1000")));
        faults.add(Rule::new(Fault::Html).probability(0.3));
        let plan = |_| faults.plan("op", "/p", Vec::new());
        (0..1000).map(plan).map(|plan| (plan.latency_ms, plan.instead.is_some())).collect::<Vec<_>>()
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
    let hits = draw(7).iter().filter(|(_, hit)| *hit).count();
    assert!((250..350).contains(&hits), "{hits} of 1000 at 0.3");
    assert!(draw(7).iter().all(|(latency, _)| matches!(latency, Some(1..=1000))));
}

#[test]
fn a_reset_draws_from_the_seed_anew() {
    let faults = Faults::new(7);
    let draw = |_| {
        faults.add(Rule::new(fault("latency=1..1000000")).once());
        faults.plan("op", "/p", Vec::new()).latency_ms
    };
    let first: Vec<_> = (0..5).map(draw).collect();
    faults.reset();
    assert_eq!(first, (0..5).map(draw).collect::<Vec<_>>());
}

#[test]
fn the_journal_shows_a_refusals_code_and_not_its_message() {
    let plan = Faults::new(0).plan("op", "/p", vec![fault("code=5001,学生甄测生零零零")]);
    assert_eq!(plan.describe().as_deref(), Some("code=5001"));
}

#[test]
fn rules_are_read_from_json_and_unknown_members_refused() {
    let rule: Rule =
        serde_json::from_value(json!({"fault": "status=503,2", "path": "/api", "times": 3})).expect("a rule");
    assert_eq!(rule, Rule::new(fault("status=503,2")).path("/api").times(3));
    assert!(serde_json::from_value::<Rule>(json!({"fault": "html", "time": 3})).is_err());
    assert!(serde_json::from_value::<Rule>(json!({"fault": "nonsense"})).is_err());
}
