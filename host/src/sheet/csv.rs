//! Reading CSV: RFC 4180 in UTF-8, with commas, or with semicolons or tabs if the header line has those and no comma.
//!
//! A record is handed out with the line it begins at. Of a record a little more than
//! [`Limits::record`](super::Limits::record) bytes are held, what is longer is passed over.

use std::{
    borrow::Cow,
    io::{BufRead, Cursor, Read},
    str,
};

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

use super::{
    Out, SheetError,
    cell::{Cell, unguard},
    columns::Columns,
    rows::{CELLS_MAX, Rows},
};

/// Most bytes of the header line, and of what a record may hold beside the mapped columns.
const SLACK: usize = 64 << 10;

/// Bytes of a field that are taken at a time.
const CHUNK: usize = 4 << 10;

/// Reads the records behind the header.
pub(super) fn read(mut source: impl BufRead, columns: &Columns, out: &mut Out<'_, '_>) -> Result<(), SheetError> {
    let head = head(&mut source)?;
    let delimiter = *b",;\t".iter().find(|one| head.contains(one)).unwrap_or(&b',');
    let mut records = Records {
        source: Cursor::new(head).chain(source),
        core: ReaderBuilder::new().delimiter(delimiter).build(),
        lines: 1,
        bytes: Vec::new(),
        ends: Vec::new(),
        over: false,
        most: SLACK,
    };
    let Some(line) = records.next()? else {
        return Err(SheetError::NoHeader(columns.listed()));
    };
    if records.over {
        return Err(SheetError::HeaderTooLong);
    }
    let header = records.fields(line)?.into_iter().map(|(_, text)| text.to_owned()).collect::<Vec<_>>();
    let mut rows = Rows::new(columns, &header, out.limits.record)?;
    records.most = out.limits.record.saturating_add(SLACK);
    while let Some(line) = records.next()? {
        if records.over {
            rows.fail_row("the record is too long; shorten it, or close a quote that is not closed");
        } else {
            for (index, text) in records.fields(line)? {
                rows.cell(index, Cell::Text(Cow::Borrowed(unguard(text))));
            }
        }
        rows.end(line, out)?;
        if out.stopped {
            break;
        }
    }
    Ok(())
}

/// Takes the first line that is not blank, with what is before it; at most [`SLACK`] and a chunk.
fn head(source: &mut impl BufRead) -> Result<Vec<u8>, SheetError> {
    let mut head = Vec::new();
    loop {
        let chunk = source.fill_buf()?;
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let begun = head.iter().any(|byte| !is_end(byte));
        let start = if begun { Some(0) } else { chunk.iter().position(|byte| !is_end(byte)) };
        let end = start.and_then(|start| chunk.iter().skip(start).position(is_end).map(|at| at.saturating_add(start)));
        head.extend_from_slice(end.and_then(|end| chunk.get(..end)).unwrap_or(chunk));
        let used = end.unwrap_or(chunk.len());
        let done = end.is_some() || chunk.is_empty() || head.len() > SLACK;
        source.consume(used);
        if done {
            return Ok(head);
        }
    }
}

struct Records<S> {
    source: S,
    core: Reader,
    /// The line that the next byte stands in, from 1.
    lines: u32,
    /// The fields of the record, one behind the other, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Is it too long to be held?
    over: bool,
    /// Most bytes that are.
    most: usize,
}

impl<S: BufRead> Records<S> {
    /// Reads a record and returns the line it begins at.
    fn next(&mut self) -> Result<Option<u32>, SheetError> {
        self.bytes.clear();
        self.ends.clear();
        self.over = false;
        if !self.skip_line_ends()? {
            return Ok(None);
        }
        let line = self.lines;
        let (mut quotes, mut at_end) = (0_usize, false);
        let mut field = [0; CHUNK];
        loop {
            let input = self.source.fill_buf()?;
            at_end |= input.is_empty();
            let (result, used, written) = self.core.read_field(input, &mut field);
            let taken = input.get(..used).unwrap_or_default();
            let count = |what: u8| taken.iter().filter(|byte| **byte == what).count();
            quotes = quotes.saturating_add(count(b'"'));
            self.lines = self.lines.saturating_add(u32::try_from(count(b'\n')).unwrap_or(u32::MAX));
            self.source.consume(used);
            let part = field.get(..written).unwrap_or_default();
            self.over |= self.bytes.len().saturating_add(written) > self.most;
            if !self.over {
                self.bytes.extend_from_slice(part);
            }
            match result {
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => continue,
                ReadFieldResult::Field { record_end } => {
                    self.over |= self.ends.len() >= CELLS_MAX;
                    if !self.over {
                        self.ends.push(self.bytes.len());
                    }
                    if !record_end {
                        continue;
                    }
                }
                ReadFieldResult::End => {}
            }
            // Rows behind an open quote would be lost in it without a word.
            return if at_end && quotes % 2 == 1 { Err(SheetError::Quote(line)) } else { Ok(Some(line)) };
        }
    }

    /// Passes over what is left of the line end before, and blank lines. `false` at the end.
    fn skip_line_ends(&mut self) -> Result<bool, SheetError> {
        loop {
            match self.source.fill_buf()?.first() {
                None => return Ok(false),
                Some(b'\n') => self.lines = self.lines.saturating_add(1),
                Some(b'\r') => {}
                Some(_) => return Ok(true),
            }
            self.source.consume(1);
        }
    }

    fn fields(&self, line: u32) -> Result<Vec<(usize, &str)>, SheetError> {
        let mut start = 0;
        let field = |(index, end): (usize, &usize)| {
            let field = self.bytes.get(start..*end).unwrap_or_default();
            start = *end;
            str::from_utf8(field).map(|text| (index, text)).map_err(|_| SheetError::NotUtf8(line))
        };
        self.ends.iter().enumerate().map(field).collect()
    }
}
