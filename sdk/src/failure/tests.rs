//! Bounds and outcomes of failures.

use super::*;

#[test]
fn a_long_message_is_cut_on_a_character_boundary() {
    let failure = Failure::config("谈".repeat(1000));
    assert_eq!(failure.message.len(), 1023);
    assert!(failure.message.chars().all(|character| character == '谈'));
}

#[test]
fn fields_set_by_hand_are_bounded_at_the_border() {
    let mut failure = Failure::config("");
    failure.message = "x".repeat(5000);
    failure.upstream_code = Some("9".repeat(500));
    failure.detail = Some("1".repeat(DETAIL_BYTES_MAX + 1));
    let failure = failure.bounded();
    assert_eq!(
        (failure.message.len(), failure.upstream_code.map(|code| code.len()), failure.detail),
        (1024, Some(128), None)
    );
}

#[test]
fn every_listed_field_is_kept_until_the_detail_is_full() {
    let few = Failure::invalid_input("x").detail_fields([("/a", "required"), ("/b", "too long")]);
    assert_eq!(few.detail_json(), json!([{"pointer":"/a","message":"required"},{"pointer":"/b","message":"too long"}]));
    let many = Failure::invalid_input("x").detail_fields((0..10_000).map(|index| (format!("/{index}"), "required")));
    let kept = many.detail_json().as_array().map_or(0, Vec::len);
    assert!(kept > 1000 && kept < 10_000, "{kept}");
}

#[test]
fn the_outcome_follows_the_class_until_said_otherwise() {
    assert_eq!(Failure::timeout("x").outcome, Outcome::Unknown);
    assert_eq!(Failure::upstream_rejected("x").outcome, Outcome::Rejected);
    assert_eq!(Failure::internal("x").outcome, Outcome::NotSent);
    assert_eq!(Failure::timeout("x").outcome(Outcome::NotSent).outcome, Outcome::NotSent);
}
