//! Two waiting inputs of one key become one: declared members are added up, of declared members the last counts, and all
//! others must be the same. What does not fold stays two inputs; a sum is never lost and never guessed.

use serde_json::{Number, Value};

use crate::runtime::manifest::Coalesce;

/// The two as one; none: they cannot be one.
pub(super) fn merge(rule: &Coalesce, old: &Value, new: &Value) -> Option<Value> {
    if !(is_exact(old) && is_exact(new)) {
        return None;
    }
    let mut merged = new.clone();
    let mut rest = old.clone();
    for pointer in &rule.sum {
        let sum = add(old.pointer(pointer), new.pointer(pointer))?;
        *merged.pointer_mut(pointer)? = sum.clone();
        *rest.pointer_mut(pointer)? = sum;
    }
    for pointer in &rule.last {
        match (rest.pointer_mut(pointer), new.pointer(pointer)) {
            (Some(old), Some(new)) => *old = new.clone(),
            (None, None) => {}
            // Whether an absent one leaves the earlier one in force is the upstream's to know.
            _ => return None,
        }
    }
    (rest == merged).then_some(merged)
}

/// Is every number in it as it was written? One with a fraction or of more than 64 bits has been rounded, so that two that
/// differ may look the same, and would be written otherwise than they came.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64(),
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(members) => members.values().all(is_exact),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// Whole numbers exactly; anything else not at all: a fraction that is rounded is a sum that is lost.
fn add(old: Option<&Value>, new: Option<&Value>) -> Option<Value> {
    let sum = old?.as_i64()?.checked_add(new?.as_i64()?)?;
    Some(Value::Number(Number::from(sum)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule() -> Coalesce {
        Coalesce { sum: vec!["/progressTime".into()], last: vec!["/playTime".into()] }
    }

    #[test]
    fn increments_add_up_and_the_last_position_counts() {
        let old = json!({ "who": "a", "progressTime": 60, "playTime": 100 });
        let new = json!({ "who": "a", "progressTime": 45, "playTime": 145 });
        assert_eq!(merge(&rule(), &old, &new), Some(json!({ "who": "a", "progressTime": 105, "playTime": 145 })));
    }

    #[test]
    fn what_differs_elsewhere_stays_two() {
        let old = json!({ "who": "a", "course": 1, "progressTime": 60, "playTime": 1 });
        for new in [
            json!({ "who": "a", "course": 2, "progressTime": 1, "playTime": 2 }),
            json!({ "who": "a", "progressTime": 1, "playTime": 2 }),
            json!({ "who": "a", "course": 1, "progressTime": 1 }),
            json!({ "who": "a", "course": 1, "playTime": 2 }),
            json!({ "who": "a", "course": 1, "progressTime": 1.5, "playTime": 2 }),
            json!({ "who": "a", "course": 1, "progressTime": "1", "playTime": 2 }),
            json!({ "who": "a", "course": 1, "progressTime": i64::MAX, "playTime": 2 }),
            json!([1]),
        ] {
            assert_eq!(merge(&rule(), &old, &new), None, "{new}");
        }
    }

    #[test]
    fn numbers_that_were_rounded_when_they_were_read_stay_two() {
        let of = |number: &str| {
            let text = format!(r#"{{"who":{{"ids":[{number}]}},"progressTime":1,"playTime":1}}"#);
            serde_json::from_str::<Value>(&text).unwrap()
        };
        for (old, new) in [("123456789012345678901", "123456789012345678902"), ("1.5", "1.5")] {
            assert_eq!(merge(&rule(), &of(old), &of(new)), None, "{old}");
        }
        assert!(merge(&rule(), &of("18446744073709551615"), &of("18446744073709551615")).is_some());
    }

    #[test]
    fn folding_in_any_number_of_steps_conserves_the_sum() {
        let reports = (1..=100).map(|n| json!({ "who": "a", "progressTime": n, "playTime": n }));
        let all = reports.reduce(|old, new| merge(&rule(), &old, &new).unwrap()).unwrap();
        assert_eq!(all, json!({ "who": "a", "progressTime": 5050, "playTime": 100 }));
    }
}
