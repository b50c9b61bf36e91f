//! One line of what strace writes: which thread, which call, its arguments, its end. Knows nothing of files or disks.
//! Strings are expected as `-xx` writes them, every byte in hexadecimal, so that no content can look like syntax.

use anyhow::{Context as _, Result, anyhow, bail};

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::soak) enum Line<'a> {
    /// A call from its start to its end; the text is what stands behind the opening bracket.
    Whole { pid: u32, name: &'a str, text: &'a str },
    /// A call that another thread's line came between.
    Started { pid: u32, name: &'a str, text: &'a str },
    /// The rest of one.
    Resumed { pid: u32, name: &'a str, text: &'a str },
    /// A signal, or the end of a thread.
    Other,
}

/// Reads a line.
pub(in crate::soak) fn line(line: &str) -> Result<Line<'_>> {
    let (pid, rest) = line.split_once(' ').ok_or_else(|| anyhow!("no thread"))?;
    let (pid, rest) = (pid.parse().context("the thread")?, rest.trim_start());
    if rest.starts_with("+++") || rest.starts_with("---") {
        return Ok(Line::Other);
    }
    if let Some(rest) = rest.strip_prefix("<... ") {
        let (name, text) = rest.split_once(" resumed>").ok_or_else(|| anyhow!("no call is resumed"))?;
        return Ok(Line::Resumed { pid, name, text });
    }
    let (name, text) = rest.split_once('(').ok_or_else(|| anyhow!("no call"))?;
    Ok(match text.strip_suffix("<unfinished ...>") {
        Some(text) => Line::Started { pid, name, text },
        None => Line::Whole { pid, name, text },
    })
}

/// The arguments and, if the call has ended, what it gave. A call that did not end, because its process was killed,
/// gives none.
pub(in crate::soak) fn parts(text: &str) -> (Vec<&str>, Option<i64>) {
    let (arguments, result) = match text.rsplit_once(" = ") {
        Some((before, result)) => (before.trim_end().strip_suffix(')').unwrap_or(before), Some(result)),
        None => (text, None),
    };
    // Of `3</a/file>` and of `-1 EIO (Input/output error) (INJECTED)` only the number counts; `?` is no end.
    let number = result.and_then(|result| {
        let end = result.char_indices().find(|(at, c)| !(c.is_ascii_digit() || *at == 0 && *c == '-'));
        result.get(..end.map_or(result.len(), |(at, _)| at))?.parse().ok()
    });
    (split(arguments), number)
}

/// At the commas that are in no string and in no bracket.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut depth, mut quoted) = (Vec::new(), 0, 0_u32, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' | b'(' | b'<' => depth += 1,
            b']' | b'}' | b')' | b'>' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(text.get(from..at).unwrap_or_default().trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(from..).unwrap_or_default().trim());
    parts
}

/// A file descriptor: its number, what it stands for, and whether that has no name any more.
pub(in crate::soak) fn descriptor(text: &str) -> Result<(i64, String, bool)> {
    let (number, rest) = text.split_once('<').ok_or_else(|| anyhow!("{text} is no descriptor with a path"))?;
    let (path, after) = rest.rsplit_once('>').ok_or_else(|| anyhow!("{text} has no end"))?;
    let number = if number == "AT_FDCWD" { -100 } else { number.parse().context("a descriptor")? };
    let path = String::from_utf8_lossy(&unescape(path)?).into_owned();
    Ok((number, path, after == "(deleted)"))
}

/// The bytes of a string. One that strace has cut is an error: what is missing would be missing from every image.
pub(super) fn string(text: &str) -> Result<Vec<u8>> {
    let inner = text.strip_prefix('"').ok_or_else(|| anyhow!("{:.40} is no string", text))?;
    unescape(inner.strip_suffix('"').ok_or_else(|| anyhow!("strace has cut a string"))?)
}

/// All bytes of the vectors of a `writev` or of a message.
pub(super) fn vectors(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for piece in text.split("iov_base=").skip(1) {
        let end = piece.match_indices('"').nth(1).ok_or_else(|| anyhow!("a vector has no string"))?.0;
        if piece.get(end + 1..).is_some_and(|rest| rest.starts_with("...")) {
            bail!("strace has cut a vector");
        }
        bytes.extend(string(piece.get(..=end).unwrap_or_default())?);
    }
    Ok(bytes)
}

fn unescape(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4);
    let mut rest = text.as_bytes();
    loop {
        match rest {
            [] => return Ok(bytes),
            [b'\\', b'x', high, low, after @ ..] => {
                let digit = |c: u8| char::from(c).to_digit(16).ok_or_else(|| anyhow!("no hexadecimal digit"));
                bytes.push(u8::try_from(digit(*high)? * 16 + digit(*low)?)?);
                rest = after;
            }
            [b'\\', ..] => bail!("an escape that -xx does not write"),
            [plain, after @ ..] => {
                bytes.push(*plain);
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_split_into_name_arguments_and_result() {
        let text = r#"7 pwrite64(4<\x2f\x61>, "\x61\x2c\x29", 3, 32) = 3"#;
        let Line::Whole { pid: 7, name: "pwrite64", text } = line(text).unwrap() else { unreachable!() };
        let (arguments, result) = parts(text);
        assert_eq!((arguments.len(), result), (4, Some(3)));
        assert_eq!(descriptor(arguments[0]).unwrap(), (4, "/a".into(), false));
        assert_eq!(string(arguments[1]).unwrap(), b"a,)");
        assert!(descriptor(r"4</a>(deleted)").unwrap().2);
    }

    #[test]
    fn an_end_is_a_number_whatever_stands_behind_it() {
        assert_eq!(parts("3</a>) = -1 EIO (Input/output error) (INJECTED)").1, Some(-1));
        assert_eq!(parts("\"/a\", O_RDWR|O_CREAT, 0644) = 5</a>").1, Some(5));
        assert_eq!(parts("3</a>)     = 0").0, ["3</a>"]);
        assert_eq!((parts("3</a>) = ?").1, parts("3</a>").1), (None, None));
    }

    #[test]
    fn what_was_interrupted_and_resumed_is_known_by_its_thread() {
        let started = "9 fdatasync(4</a> <unfinished ...>";
        assert_eq!(line(started).unwrap(), Line::Started { pid: 9, name: "fdatasync", text: "4</a> " });
        let resumed = "9 <... fdatasync resumed>) = 0";
        assert_eq!(line(resumed).unwrap(), Line::Resumed { pid: 9, name: "fdatasync", text: ") = 0" });
        assert_eq!(line("9 +++ exited with 0 +++").unwrap(), Line::Other);
    }

    #[test]
    fn vectors_are_joined_and_what_is_cut_is_refused() {
        let two = r#"[{iov_base="\x61\x62", iov_len=2}, {iov_base="\x63", iov_len=1}]"#;
        assert_eq!(vectors(two).unwrap(), b"abc");
        assert!(string(r#""\x61"..."#).is_err() && vectors(r#"[{iov_base="\x61"..., iov_len=9}]"#).is_err());
    }
}
