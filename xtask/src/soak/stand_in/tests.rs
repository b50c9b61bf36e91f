//! How a test starts the stand-in: as this test program once more, which runs nothing but it.

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Child {
    #[command(flatten)]
    args: StandInArgs,
}

/// This test program as the one that is traced: a test cannot have another.
pub(in crate::soak) fn child(more: &[&str]) -> StandIn {
    let harness = ["--exact", "soak::stand_in::tests::as_a_child", "--nocapture", "--test-threads=1"];
    StandIn {
        program: env::current_exe().unwrap(),
        harness: harness.map(OsString::from).into(),
        more: more.iter().map(OsString::from).collect(),
    }
}

#[test]
fn as_a_child() {
    // Among the other tests it has nothing to do.
    let Ok(words) = env::var("DUIJIE_STAND_IN") else { return };
    let child = Child::try_parse_from(std::iter::once("stand-in").chain(words.split(' '))).unwrap();
    run(&child.args).unwrap();
}

#[test]
fn what_it_says_is_understood() {
    let stand_in = child(&[]);
    let id = "0".repeat(32);
    let acks = stand_in.acks(format!("test soak ... took {id}\nended {id}\ntook 1\n").as_bytes());
    assert_eq!(acks, [Ack { id: id.clone(), told: Told::Taken }, Ack { id, told: Told::Ended }]);
}
