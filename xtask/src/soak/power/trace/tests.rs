//! Traces as strace writes them, and what has happened by them.

use super::*;

fn events(lines: &[&str]) -> Result<Vec<Event>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), lines.join("\n")).unwrap();
    let acks = |sent: &[u8]| match sent.strip_prefix(b"ack ") {
        Some(id) => vec![Ack { id: String::from_utf8_lossy(id).into_owned(), told: Told::Taken }],
        None => Vec::new(),
    };
    read(file.path(), &Scope { dir: Path::new("/d"), database: "q.db", acks: &acks })
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("\\x{byte:02x}")).collect()
}

fn line_of(pid: u32, name: &str, fd: u32, path: &str, rest: &str) -> String {
    format!("{pid} {name}({fd}<{}>{rest}", hex(path))
}

fn write(file: &str, offset: u64, data: &str) -> Event {
    Event::Write { file: file.into(), offset, data: data.as_bytes().into() }
}

#[test]
fn a_write_counts_from_its_start_a_sync_from_its_end_and_an_ack_from_its_start() {
    let said = format!(", \"{}\", 5", hex("ack 1"));
    let data = format!(", \"{}\", 2, 8", hex("ab"));
    let found = events(&[
        &line_of(1, "pwrite64", 4, "/d/q.db-wal", &format!("{data} <unfinished ...>")),
        &line_of(2, "fdatasync", 4, "/d/q.db-wal", " <unfinished ...>"),
        "1 <... pwrite64 resumed>) = 2",
        &line_of(3, "write", 9, "socket:[1]", &format!("{said} <unfinished ...>")),
        "2 <... fdatasync resumed>) = 0",
        "3 <... write resumed>) = 5",
    ])
    .unwrap();
    let ack = Event::Ack(Ack { id: "1".into(), told: Told::Taken });
    assert_eq!(found, [write("q.db-wal", 8, "ab"), ack, Event::Sync { file: "q.db-wal".into() }]);
}

#[test]
fn what_fails_changes_nothing_and_a_short_write_is_as_short_as_it_was() {
    let data = format!(", \"{}\", 4, 0", hex("abcd"));
    let found = events(&[
        &line_of(1, "pwrite64", 4, "/d/q.db", &format!("{data}) = -1 EIO (Input/output error) (INJECTED)")),
        &line_of(1, "pwrite64", 4, "/d/q.db", &format!("{data}) = 3")),
        &line_of(1, "fsync", 4, "/d/q.db", ") = -1 EIO (Input/output error)"),
        &line_of(1, "fsync", 5, "/d", ") = 0"),
    ])
    .unwrap();
    assert_eq!(found, [write("q.db", 0, "abc"), Event::SyncNames]);
}

#[test]
fn a_killed_program_has_begun_its_write_but_not_ended_its_sync() {
    let data = format!(", \"{}\", 1, 0", hex("a"));
    let found = events(&[
        &line_of(1, "pwrite64", 4, "/d/q.db", &format!("{data} <unfinished ...>")),
        &line_of(2, "fsync", 4, "/d/q.db", " <unfinished ...>"),
        "1 +++ killed by SIGKILL +++",
    ])
    .unwrap();
    assert_eq!(found, [write("q.db", 0, "a")]);
}

#[test]
fn names_come_and_go_and_plain_writes_follow_each_other() {
    let open = format!("1 openat(AT_FDCWD<{}>, \"{}\", O_RDWR|O_CREAT, 0600) = 7<{0}>", hex("/"), hex("/d/q.db.audit"));
    let one = format!(", \"{}\", 1) = 1", hex("a"));
    let found = events(&[
        &open,
        &line_of(1, "write", 7, "/d/q.db.audit", &one),
        &line_of(1, "write", 7, "/d/q.db.audit", &one),
        &line_of(1, "ftruncate", 7, "/d/q.db.audit", ", 1) = 0"),
        &format!("1 unlink(\"{}\") = 0", hex("/d/q.db-journal")),
    ])
    .unwrap();
    let expected = [
        Event::Create { file: "q.db.audit".into(), empty: false },
        write("q.db.audit", 0, "a"),
        write("q.db.audit", 1, "a"),
        Event::Truncate { file: "q.db.audit".into(), len: 1 },
        Event::Unlink { file: "q.db-journal".into() },
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_the_model_does_not_know_is_an_error_where_it_matters() {
    let map = |path: &str| {
        let fd = format!("4<{}>", hex(path));
        events(&[&format!("1 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, {fd}, 0) = 0x7f0000000000")])
    };
    assert!(map("/d/q.db").is_err() && map("/d/q.db-shm").unwrap().is_empty());
    let moved = format!("1 fallocate(4<{}>, 0, 0, 4096) = 0", hex("/d/q.db"));
    assert!(events(&[&moved]).is_err());
    assert!(events(&[&line_of(1, "fallocate", 4, "/d/other", ", 0, 0, 1) = 0")]).unwrap().is_empty());
}
