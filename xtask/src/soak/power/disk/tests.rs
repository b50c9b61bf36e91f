//! What a power cut may leave, and what it may not.

use super::*;

fn create(file: &str) -> Event {
    Event::Create { file: file.into(), empty: false }
}

fn write(file: &str, offset: u64, data: &[u8]) -> Event {
    Event::Write { file: file.into(), offset, data: data.into() }
}

fn sync(file: &str) -> Event {
    Event::Sync { file: file.into() }
}

fn disk(events: &[Event]) -> Disk {
    let mut disk = Disk::default();
    for event in events {
        disk.apply(event).unwrap();
    }
    disk
}

fn bytes(files: &Files, name: &str) -> Vec<u8> {
    files.get(name).map(|bytes| bytes.to_vec()).unwrap_or_else(|| b"absent".to_vec())
}

#[test]
fn a_sync_keeps_the_bytes_and_a_sync_of_the_directory_the_name() {
    let mut disk = disk(&[create("a"), write("a", 0, b"one"), sync("a")]);
    assert_eq!(bytes(&disk.cut(Cut::Upto(0)).0, "a"), b"absent");
    disk.apply(&Event::SyncNames).unwrap();
    disk.apply(&write("a", 0, b"two")).unwrap();
    assert_eq!(bytes(&disk.cut(Cut::Upto(0)).0, "a"), b"one");
    assert_eq!(bytes(&disk.cut(Cut::Upto(disk.now())).0, "a"), b"two");
}

#[test]
fn a_file_that_was_removed_may_be_back_with_what_it_had() {
    let was = [create("a"), write("a", 0, b"old"), sync("a"), Event::SyncNames, Event::Unlink { file: "a".into() }];
    let mut disk = disk(&was);
    assert_eq!(bytes(&disk.cut(Cut::Upto(0)).0, "a"), b"old");
    for event in [create("a"), write("a", 0, b"new"), sync("a")] {
        disk.apply(&event).unwrap();
    }
    assert_eq!(bytes(&disk.cut(Cut::Upto(0)).0, "a"), b"old");
    assert_eq!(bytes(&disk.cut(Cut::Upto(disk.now())).0, "a"), b"new");
    disk.apply(&Event::SyncNames).unwrap();
    assert_eq!(bytes(&disk.cut(Cut::Upto(0)).0, "a"), b"new");
}

#[test]
fn one_sync_says_nothing_of_another_file() {
    let both = [create("a"), create("b"), Event::SyncNames, write("a", 0, b"1"), write("b", 0, b"2"), sync("b")];
    let files = disk(&both).cut(Cut::Upto(0)).0;
    assert_eq!((bytes(&files, "a"), bytes(&files, "b")), (Vec::new(), b"2".to_vec()));
}

#[test]
fn a_write_is_torn_at_sectors_and_never_inside_one() {
    let (old, new) = (vec![1; 4096], vec![2; 4096]);
    let events = [create("a"), write("a", 0, &old), sync("a"), Event::SyncNames, write("a", 0, &new)];
    let disk = disk(&events);
    let mut torn = 0;
    for seed in 0..400 {
        let found = bytes(&disk.cut(Cut::Spread(seed)).0, "a");
        assert_eq!(found.len(), 4096);
        assert!(found.chunks(512).all(|sector| sector.iter().all(|byte| byte == &sector[0])));
        torn += u32::from(found.contains(&1) && found.contains(&2));
    }
    assert!(torn > 20, "{torn}");
}

#[test]
fn a_later_write_to_a_sector_is_not_there_without_the_earlier_one() {
    let disk = disk(&[create("a"), Event::SyncNames, write("a", 0, b"aa"), write("a", 1, b"b")]);
    for seed in 0..400 {
        let found = bytes(&disk.cut(Cut::Spread(seed)).0, "a");
        assert!(!matches!(found.as_slice(), [first, b'b'] if *first != b'a'), "{found:?}");
    }
    let moments: Vec<_> = disk.moments().collect();
    assert_eq!(bytes(&disk.cut(Cut::Without(moments[0])).0, "a"), [0, 0]);
    assert_eq!(bytes(&disk.cut(Cut::Without(moments[1])).0, "a"), b"aa");
}

#[test]
fn writes_arrive_in_another_order_and_a_length_without_its_bytes() {
    let (first, second) = (vec![1; 512], vec![2; 512]);
    let disk = disk(&[create("a"), Event::SyncNames, write("a", 0, &first), write("a", 512, &second)]);
    let seen: std::collections::BTreeSet<_> = (0..2000)
        .map(|seed| {
            let found = bytes(&disk.cut(Cut::Spread(seed)).0, "a");
            (found.first().copied(), found.get(512).copied(), found.len())
        })
        .collect();
    for expected in [(None, None, 0), (Some(0), Some(2), 1024), (Some(1), Some(0), 1024), (Some(0xa5), Some(2), 1024)] {
        assert!(seen.contains(&expected), "{expected:?} in {seen:?}");
    }
}

#[test]
fn a_length_is_cut_and_what_was_behind_it_is_gone() {
    let was = [create("a"), write("a", 0, b"abcd"), sync("a"), Event::SyncNames];
    let mut disk = disk(&was);
    disk.apply(&Event::Truncate { file: "a".into(), len: 1 }).unwrap();
    disk.apply(&write("a", 2, b"z")).unwrap();
    assert_eq!(bytes(&disk.cut(Cut::Upto(0)).0, "a"), b"abcd");
    assert_eq!(bytes(&disk.cut(Cut::Upto(disk.now())).0, "a"), b"a\0z");
    disk.apply(&sync("a")).unwrap();
    assert_eq!(bytes(&disk.cut(Cut::Upto(0)).0, "a"), b"a\0z");
}

#[test]
fn the_same_seed_leaves_the_same_and_two_cuts_that_leave_the_same_have_one_number() {
    let events = [create("a"), Event::SyncNames, write("a", 0, &[7; 9000])];
    let (one, other) = (disk(&events), disk(&events));
    for seed in 0..50 {
        assert_eq!(one.cut(Cut::Spread(seed)), other.cut(Cut::Spread(seed)));
    }
    let all = one.cut(Cut::Upto(one.now())).1;
    assert_eq!(all, one.cut(Cut::Upto(NOW)).1);
    assert_ne!(all, one.cut(Cut::Upto(0)).1);
}

#[test]
fn a_rename_is_there_whole_or_not_at_all() {
    let was = [create("a"), write("a", 0, b"x"), sync("a"), Event::SyncNames];
    let mut disk = disk(&was);
    disk.apply(&Event::Rename { from: "a".into(), to: "b".into() }).unwrap();
    for seed in 0..100 {
        assert_eq!(disk.cut(Cut::Spread(seed)).0.len(), 1);
    }
}
