//! That the soak finds nothing in a program that keeps its promise, and finds out those that do not.

use super::*;
use crate::soak::stand_in::{StandIn, tests::child};

fn args() -> PowerArgs {
    PowerArgs { at_least: 0, spread: 1, second: 2, seed: 1, threads: 2 }
}

fn soaked(more: &[&str]) -> Tally {
    let more = [&["--groups", "5", "--rounds", "2"], more].concat();
    soak(&child(&more), &args()).unwrap()
}

#[test]
fn a_program_that_syncs_before_it_acknowledges_loses_nothing() {
    let tally = soaked(&[]);
    assert!(tally.images > 300 && tally.second > 50, "{tally:?}");
    assert_eq!((tally.lost, tally.unopenable, tally.unsound), (0, 0, 0), "{tally:?}");
    assert_eq!((tally.anchor_ahead, tally.anchor_none), (0, 0), "{tally:?}");
}

#[test]
fn one_that_does_not_sync_is_found_out() {
    let tally = soaked(&["--fault", "no-sync"]);
    assert!(tally.lost > 0, "{tally:?}");
}

#[test]
fn one_that_acknowledges_before_it_commits_is_found_out() {
    let tally = soaked(&["--fault", "early-ack"]);
    assert!(tally.lost > 0 && tally.unopenable == 0, "{tally:?}");
}

#[test]
fn one_that_vouches_for_entries_before_they_are_there_is_found_out() {
    let tally = soaked(&["--fault", "early-anchor"]);
    assert!(tally.lost == 0 && tally.anchor_ahead > 0, "{tally:?}");
}

#[test]
fn a_second_run_with_the_same_seed_has_the_same_images() {
    let ground = ground().unwrap();
    let workload: StandIn = child(&["--groups", "3", "--rounds", "1"]);
    let recorded = record(&workload, ground.path()).unwrap();
    let names = || {
        let mut names = Vec::new();
        walk(Disk::default(), &recorded, &[], Density { spread: 3, seed: 5 }, |image| {
            names.push((image.name, image.files));
            Ok(())
        })
        .unwrap();
        names
    };
    assert_eq!(names(), names());
}
