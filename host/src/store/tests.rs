//! What every store must do, whatever stands behind it. A store that is added gives a [`Maker`] and one more line at the
//! end of this file; its tests are then these.

mod accept;
pub(super) mod audit;
mod batch;
mod cut;
mod jobs;
mod lease;
mod line;
mod outbox;
mod upkeep;
mod values;

use std::{path::PathBuf, sync::Arc, time::Duration};

use uuid::Uuid;

use super::*;
use crate::failure::{Class, Outcome};

/// Makes stores of one kind for one test.
pub(super) trait Maker {
    /// The store; after it was dropped, the same again.
    fn open(&self) -> Arc<dyn Store>;
    /// What another process would find if this one were killed now. (Not a power cut: what the kernel holds is there.)
    fn cut(&self) -> Box<dyn Maker>;
    /// A place for a backup, and what opens it.
    fn other(&self) -> (PathBuf, Box<dyn Maker>);
}

/// The moment at which tests begin.
pub(super) const T0: At = At(1_800_000_000_000);
/// A lease.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// So many seconds after the beginning.
pub(super) fn t(seconds: u64) -> At {
    T0.plus(Duration::from_secs(seconds))
}

/// Some digest.
pub(super) fn digest(n: u8) -> Digest {
    Digest([n; 32])
}

/// Some sealed bytes.
pub(super) fn sealed(text: &str) -> Sealed {
    Sealed(text.to_owned().into())
}

/// A safe job without a key, due at the beginning.
pub(super) fn job(link: &str) -> NewJob {
    NewJob {
        id: JobId(Uuid::now_v7()),
        link: link.parse().unwrap(),
        connector: "zj-gxsz".parse().unwrap(),
        operation: "record.push-one".into(),
        platform: "campus".parse().unwrap(),
        key: None,
        repeat: Repeat::Safe,
        newer: Newer::Keep,
        payload: sealed("payload"),
        body: digest(0),
        due: T0,
        parks_at: None,
        idempotency: None,
        callback: false,
        request_id: "r-1".into(),
    }
}

/// One with a key.
pub(super) fn keyed(link: &str, key: u8, newer: Newer) -> NewJob {
    NewJob { key: Some(digest(key)), newer, ..job(link) }
}

/// Accepts one job at the beginning and says what became of it.
pub(super) async fn accept(store: &dyn Store, job: &NewJob) -> Accepted {
    store.accept(T0, vec![job.clone()]).await.unwrap().remove(0)
}

/// Asks for so many jobs.
pub(super) fn ask(jobs_max: usize) -> LeaseAsk {
    LeaseAsk { lease: LEASE, jobs_max, inflight: 1000, ..LeaseAsk::default() }
}

/// The jobs that may run now.
pub(super) async fn lease(store: &dyn Store, now: At, jobs_max: usize) -> Vec<Leased> {
    store.lease(now, ask(jobs_max)).await.unwrap().leased
}

/// Their names.
pub(super) fn ids(leased: &[Leased]) -> Vec<JobId> {
    leased.iter().map(|leased| leased.job.id).collect()
}

/// The end of a leased attempt.
pub(super) fn end(leased: &Leased, outcome: Outcome, verdict: Verdict) -> Finish {
    let class = (outcome != Outcome::Done).then_some(Class::Unavailable);
    let report = Report { class, outcome, upstream_code: Some("17".into()), message: Some("as it was".into()) };
    Finish { id: leased.job.id, n: leased.n, report, verdict }
}

/// A good end, with nothing kept.
pub(super) fn done(leased: &Leased) -> Finish {
    end(leased, Outcome::Done, Verdict::Done { result: None, result_until: None, payload_until: None })
}

/// How a job stands.
pub(super) async fn stage(store: &dyn Store, id: JobId) -> Stage {
    store.job(id).await.unwrap().unwrap().stage
}

/// Its state.
pub(super) async fn state(store: &dyn Store, id: JobId) -> State {
    stage(store, id).await.state()
}

macro_rules! conformance {
    ($maker:expr; $($file:ident: $($name:ident),+;)+) => {
        $(mod $file {
            $(#[tokio::test]
            async fn $name() {
                crate::store::tests::$file::$name(&$maker).await;
            })+
        })+
    };
}

mod sqlite {
    conformance! { crate::store::sqlite::tests::Files::new();
        accept:
            what_is_accepted_is_there,
            jobs_stand_in_the_order_of_acceptance,
            the_same_key_and_body_is_the_same_job,
            the_same_key_with_another_body_is_a_conflict,
            a_key_past_its_time_is_free,
            a_key_whose_job_still_waits_is_not_forgotten,
            a_newer_version_takes_the_place_of_one_that_waits,
            one_that_may_have_had_an_effect_keeps_its_place,
            one_that_certainly_had_none_gives_way_though_it_was_tried,
            sums_are_conserved_when_waiting_jobs_are_folded,
            a_fold_that_fails_sends_both_in_order,
            an_id_that_is_taken_stores_nothing_of_the_call,
            too_many_at_once_are_refused;
        line:
            jobs_of_a_key_go_one_at_a_time_and_in_order,
            a_retry_is_waited_for_by_those_behind_it,
            a_retry_gives_way_to_a_newer_version_that_waits,
            a_retry_by_hand_takes_its_old_place,
            a_retry_by_hand_never_runs_beside_another_of_its_line,
            a_retry_by_hand_does_not_undo_a_newer_version,
            whatever_ends_a_job_lets_the_next_one_go,
            links_with_the_same_key_do_not_wait_for_each_other,
            operations_of_one_line_go_one_at_a_time_and_in_order,
            what_another_operation_waits_behind_keeps_its_place,
            concurrent_leasers_never_hold_two_of_a_key;
        lease:
            an_attempt_is_counted_before_it_begins,
            nothing_is_leased_before_its_time,
            a_link_has_no_more_under_way_than_it_may,
            excluded_and_held_links_are_left_alone,
            links_take_turns,
            a_verdict_of_an_attempt_that_is_over_is_fenced,
            every_verdict_is_written_on_attempt_and_job,
            an_unsafe_job_of_unknown_effect_is_not_tried_again,
            leases_that_are_over_are_given_up_as_repeat_says,
            what_is_under_way_here_is_not_given_up_whatever_the_clock_says,
            a_job_that_takes_the_host_down_is_parked,
            after_a_start_every_lease_is_over,
            what_waits_too_long_is_parked_and_never_dropped,
            the_timer_knows_what_is_next,
            the_timer_knows_of_each_link_what_is_not_due_yet;
        jobs:
            pages_go_through_everything_once,
            filters_may_be_combined,
            counts_follow_every_change,
            the_oldest_that_waits_is_known_of_each_link,
            retry_and_cancel_know_their_states,
            texts_of_an_attempt_are_bounded;
        batch:
            every_row_has_its_verdict_and_keeps_its_place,
            a_row_that_comes_twice_is_there_once,
            a_row_that_comes_twice_is_told_what_it_became_and_whether_it_is_the_same,
            a_page_of_rows_ends_when_they_are_large,
            a_batch_is_forgotten_but_for_what_may_still_be_sent,
            batches_that_nobody_can_name_are_closed,
            progress_counts_what_became_of_the_rows,
            a_batch_is_resumed_until_it_is_closed;
        outbox:
            every_end_of_a_job_is_an_event_if_its_platform_wants_to_hear,
            a_delivery_is_fenced_and_tried_again,
            an_event_that_was_given_up_stays,
            platforms_do_not_wait_for_each_other;
        values:
            values_live_until_their_time,
            one_of_many_adders_wins,
            a_key_and_a_value_have_their_bounds,
            links_do_not_see_each_other,
            links_are_found_by_how_a_key_of_theirs_begins,
            what_is_expired_is_swept_in_steps;
        audit:
            entries_are_chained_counted_and_found_good,
            entries_are_read_in_pages;
        upkeep:
            payloads_go_when_they_may_and_hashes_stay,
            purging_goes_in_bounded_steps,
            what_was_refused_goes_when_its_time_is_over_and_a_retry_keeps_it,
            holds_say_why,
            a_hold_is_neither_overwritten_nor_lifted_for_a_reason_that_is_not_its_own,
            a_backup_of_a_busy_store_is_whole_and_opens,
            a_backup_replaces_nothing;
        cut:
            what_was_accepted_survives,
            what_was_under_way_is_recovered_as_repeat_says,
            verdicts_events_values_and_batches_survive;
    }
}
