//! What the verbs write to stdout and stderr. A reader that went away has read enough; anything else that keeps a result
//! from being written is a failure, and never a panic.

use std::io::{self, ErrorKind, Write};

use super::{Done, Ended};

/// Writes a result and ends its line.
pub(super) fn print(text: &str) -> Done {
    put(&mut io::stdout().lock(), text)
}

/// Writes a result as one JSON document.
pub(super) fn print_json(value: &impl serde::Serialize) -> Done {
    let text = serde_json::to_string_pretty(value).map_err(|error| Ended::Because(error.to_string()))?;
    print(&text)
}

/// Rows as columns, each as wide as its longest cell; the last one, which may be a sentence, is as it is.
pub(super) fn table<R: AsRef<[String]>>(rows: impl IntoIterator<Item = R>) -> String {
    let rows: Vec<R> = rows.into_iter().collect();
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        for (at, cell) in row.as_ref().iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(at) {
                Some(known) => *known = width.max(*known),
                None => widths.push(width),
            }
        }
    }
    let line = |row: &R| {
        let cells = row.as_ref().iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Says why this ends. When stderr takes nothing either, the exit code has to do.
pub(super) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "duijie: {text}");
}

fn put(out: &mut impl Write, text: &str) -> Done {
    let written = out.write_all(text.as_bytes()).and_then(|()| {
        let ended = if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") };
        ended.and_then(|()| out.flush())
    });
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Ended::Because(format!("writing to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, then fails so.
    struct Full(usize, ErrorKind);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken == 0 { Err(self.1.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_ended_once() {
        for text in ["one\ntwo", "one\ntwo\n"] {
            let mut out = Vec::new();
            assert!(put(&mut out, text).is_ok());
            assert_eq!(out, b"one\ntwo\n");
        }
    }

    #[test]
    fn columns_stand_under_each_other_and_lines_end_where_their_text_does() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        assert_eq!(table([row(["a", "b", "c"]), row(["谈话", "", ""])]), "a   b  c\n谈话");
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        for room in 0..4 {
            assert!(put(&mut Full(room, ErrorKind::BrokenPipe), "abc").is_ok(), "{room}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_said() {
        for room in 0..4 {
            let Err(Ended::Because(text)) = put(&mut Full(room, ErrorKind::StorageFull), "abc") else {
                panic!("not said after {room} bytes")
            };
            assert!(text.starts_with("writing to stdout: "), "{text}");
        }
    }
}
