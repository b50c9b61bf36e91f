//! Reading NDJSON and JSON arrays: each value is handed out as the very bytes it was sent as.
//!
//! A value is checked for being one JSON value of at most [`DEPTH_MAX`] levels; what it says is not looked at. At most
//! [`Limits::record`](super::Limits::record) bytes of one are held, what is longer is passed over.

use std::io::BufRead;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{Fault, Out, Record, SheetError, rows::over};

/// Most levels of a value: what `serde_json` parses, less what the record is put into.
const DEPTH_MAX: usize = 100;

/// Reads one value a line. Blank lines are passed over but counted.
pub(super) fn read_lines(mut source: impl BufRead, out: &mut Out<'_, '_>) -> Result<(), SheetError> {
    let mut line = Vec::new();
    let mut number: u32 = 0;
    loop {
        line.clear();
        number = number.saturating_add(1);
        let Some(whole) = line_into(&mut source, out.limits.record, &mut line)? else {
            return Ok(());
        };
        let value = line.trim_ascii();
        if whole && value.is_empty() {
            continue;
        }
        let record = if whole && value.len() <= out.limits.record {
            check(value).map(|()| Record(Bytes::copy_from_slice(value))).map_err(Fault::of_row)
        } else {
            Err(Fault::of_row(over(out.limits.record)))
        };
        out.give(number, record)?;
        if out.stopped {
            return Ok(());
        }
    }
}

/// Reads a line; `false` if it is longer than a record with a line end may be, `None` at the end.
fn line_into(source: &mut impl BufRead, record: usize, line: &mut Vec<u8>) -> Result<Option<bool>, SheetError> {
    let most = record.saturating_add(2);
    let (mut whole, mut any) = (true, false);
    loop {
        let chunk = source.fill_buf()?;
        if chunk.is_empty() {
            return Ok(any.then_some(whole));
        }
        any = true;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = end.and_then(|end| chunk.get(..end)).unwrap_or(chunk);
        whole = whole && line.len().saturating_add(part.len()) <= most;
        if whole {
            line.extend_from_slice(part);
        }
        let used = end.map_or(chunk.len(), |end| end.saturating_add(1));
        source.consume(used);
        if end.is_some() {
            return Ok(Some(whole));
        }
    }
}

/// Is it one JSON value that the next ones can parse?
fn check(value: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(value).map_err(|_| "the record is not UTF-8; save the file as UTF-8".to_owned())?;
    serde_json::from_str::<&RawValue>(text)
        .map_err(|error| format!("the record is not one JSON value: it breaks at byte {}", error.column()))?;
    let mut nesting = Nesting::default();
    for byte in value {
        nesting.see(*byte);
        if nesting.depth > DEPTH_MAX {
            return Err(format!("the record is nested deeper than {DEPTH_MAX} levels; send a flatter one"));
        }
    }
    Ok(())
}

/// Where in a JSON text a byte stands.
#[derive(Default)]
struct Nesting {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Nesting {
    fn see(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = self.in_string,
            b'"' => self.in_string = !self.in_string,
            _ if self.in_string => {}
            b'[' | b'{' => self.depth = self.depth.saturating_add(1),
            b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

/// Where in the array the reader is.
#[derive(Clone, Copy, PartialEq)]
enum At {
    /// Before `[`.
    Start,
    /// Behind `[`: an element or the end.
    First,
    /// Behind a comma: an element.
    Next,
    /// Behind `]`.
    Done,
}

/// Reads the elements of an array.
pub(super) fn read_array(mut source: impl BufRead, out: &mut Out<'_, '_>) -> Result<(), SheetError> {
    let mut element = Element { bytes: Vec::new(), number: 1, whole: true, nesting: Nesting::default() };
    let mut at = At::Start;
    loop {
        let chunk = source.fill_buf()?;
        if chunk.is_empty() {
            let why = match at {
                At::Done => return Ok(()),
                At::Start => "the batch is empty; send an array of records",
                _ => "it ends before the array does",
            };
            return Err(element.broken(why));
        }
        for byte in chunk {
            let blank = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            match (at, byte) {
                (At::Start | At::Done, _) if blank => {}
                (At::Start, b'[') => at = At::First,
                (At::Start, _) => return Err(element.broken("the batch is not an array; begin it with [")),
                (At::Done, _) => return Err(element.broken("something stands behind the array")),
                (_, b',') if element.is_level() => {
                    at = At::Next;
                    element.end(out)?;
                }
                (_, b']') if element.is_level() => {
                    if at == At::Next || !element.is_blank() {
                        element.end(out)?;
                    }
                    at = At::Done;
                }
                _ => element.push(*byte, out.limits.record),
            }
            if out.stopped {
                return Ok(());
            }
        }
        let used = chunk.len();
        source.consume(used);
    }
}

/// The element that is being read.
struct Element {
    bytes: Vec<u8>,
    number: u32,
    whole: bool,
    nesting: Nesting,
}

impl Element {
    fn is_level(&self) -> bool {
        self.nesting.depth == 0 && !self.nesting.in_string
    }

    fn is_blank(&self) -> bool {
        self.whole && self.bytes.is_empty()
    }

    fn push(&mut self, byte: u8, most: usize) {
        self.nesting.see(byte);
        if self.bytes.is_empty() && matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            return;
        }
        // Room for a line end or an indent behind the value, which is no part of it.
        if self.bytes.len() < most.saturating_add(64) {
            self.bytes.push(byte);
        } else if !byte.is_ascii_whitespace() || !self.is_level() {
            self.whole = false;
        }
    }

    fn end(&mut self, out: &mut Out<'_, '_>) -> Result<(), SheetError> {
        let value = self.bytes.trim_ascii_end();
        let record = if !self.whole || value.len() > out.limits.record {
            Err(Fault::of_row(over(out.limits.record)))
        } else {
            match check(value) {
                Ok(()) => Ok(Record(Bytes::copy_from_slice(value))),
                // Brackets do match, so what is behind can be told apart from it.
                Err(why) if serde_json::from_slice::<&RawValue>(value).is_ok() => Err(Fault::of_row(why)),
                Err(_) => return Err(self.broken("it is not JSON")),
            }
        };
        out.give(self.number, record)?;
        self.number = self.number.saturating_add(1);
        self.bytes.clear();
        self.whole = true;
        Ok(())
    }

    fn broken(&self, why: &'static str) -> SheetError {
        SheetError::Array { element: self.number, why }
    }
}
