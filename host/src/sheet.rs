//! Sheets: a batch of records that a platform or a clerk sends for one operation, and the sheet of its failed rows that is
//! corrected and sent again.
//!
//! Four formats are read: NDJSON, a JSON array, CSV and XLSX. Rows are handed out one by one, each with the number its
//! sender counts; a row that cannot be read is handed out as a [`Fault`] and the next ones go on. What is wrong with the
//! whole (no such header, no workbook) ends reading with a [`SheetError`]. Nothing here checks a record against the
//! operation's schema, and no text of an error or a fault quotes a record: they are personal data.
//!
//! Bounded by [`Limits`] and, for XLSX, by what [`vet`] lets pass.

mod cell;
mod columns;
mod csv;
mod error;
mod json;
mod rows;
mod schema;
mod source;
mod vet;
mod writer;
mod xlsx;

use std::{
    io::{BufReader, Read},
    ops::ControlFlow,
};

use bytes::Bytes;

pub(crate) use self::{columns::Columns, error::SheetError, writer::Writer};

/// Most bytes of a workbook as it is sent: it is held while it is read, unlike the other formats.
pub(crate) const XLSX_MAX: usize = 16 << 20;

/// Bytes by which the memory for one grows.
const STEP: usize = 1 << 20;

/// How a batch is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One JSON value a line.
    Ndjson,
    /// One JSON array.
    Json,
    /// Comma-separated values (RFC 4180) in UTF-8, with a header line.
    Csv,
    /// An Excel workbook; its first visible sheet is meant.
    Xlsx,
}

impl Format {
    /// The format a `Content-Type` names.
    ///
    /// # Errors
    /// If it is none of the four, or names a charset that is not UTF-8.
    pub(crate) fn from_media_type(text: &str) -> Result<Self, SheetError> {
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let format = match essence.as_str() {
            "application/x-ndjson" | "application/ndjson" => Self::Ndjson,
            "application/json" => Self::Json,
            "text/csv" => Self::Csv,
            XLSX_TYPE => return Ok(Self::Xlsx),
            _ => return Err(SheetError::MediaType(essence.chars().take(80).collect())),
        };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim().trim_matches('"');
            let utf8 = ["utf-8", "utf8", "us-ascii"].iter().any(|one| value.eq_ignore_ascii_case(one));
            if name.trim().eq_ignore_ascii_case("charset") && !utf8 {
                return Err(SheetError::Charset(value.chars().take(40).collect()));
            }
        }
        Ok(format)
    }

    /// What stands in a `Content-Type`.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => XLSX_TYPE,
        }
    }

    /// What a file's name ends with, without the dot.
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

const XLSX_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// How much is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Most rows, faults among them; blank ones do not count.
    pub(crate) rows: u32,
    /// Most bytes of one record as JSON.
    pub(crate) record: usize,
}

/// One row of a batch.
pub(crate) struct Row {
    /// As the sender counts, from 1: the line (NDJSON and CSV, where a record of several lines has the first's), the
    /// element (JSON), or the row Excel shows (XLSX). In CSV and XLSX the header is a row too.
    pub(crate) row: u32,
    /// What it says.
    pub(crate) record: Result<Record, Fault>,
}

/// One record as JSON text: as it was sent (NDJSON, JSON), or the object made of the cells.
pub(crate) struct Record(pub(crate) Bytes);

/// Why a row is no record. Its `Debug` leaves out what the row says.
pub(crate) struct Fault {
    /// Everything that is wrong, at least one thing and at most [`rows::WRONG_MAX`].
    pub(crate) wrong: Vec<Wrong>,
    /// What could be read, as a JSON object, for the sheet that is given back: a cell of the wrong kind is in it as text.
    pub(crate) record: Option<Bytes>,
}

/// One thing that is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The header of the column, or its letters if it has none; `None` if the whole row is meant.
    pub(crate) column: Option<String>,
    /// What is wrong and what to do; without row, column or value.
    pub(crate) message: String,
}

/// What takes the rows. Reading ends early when it breaks.
pub(crate) type Sink<'a> = dyn FnMut(Row) -> ControlFlow<()> + 'a;

/// Reads a batch and hands out its rows; returns how many. The columns matter for CSV and XLSX only.
///
/// # Errors
/// If the batch as a whole cannot be read, or has more than [`Limits::rows`]. The rows before were handed out.
pub(crate) fn read(
    format: Format,
    source: impl Read,
    columns: &Columns,
    limits: Limits,
    sink: &mut Sink<'_>,
) -> Result<u32, SheetError> {
    let mut out = Out { sink, limits, given: 0, stopped: false };
    match format {
        Format::Ndjson => json::read_lines(source::text(source)?, &mut out)?,
        Format::Json => json::read_array(source::text(source)?, &mut out)?,
        Format::Csv => csv::read(source::text(source)?, columns, &mut out)?,
        Format::Xlsx => {
            xlsx::read(whole(source)?, columns, &mut out)?;
        }
    }
    Ok(out.given)
}

/// A workbook, or so much of one that it is seen to be too long. Takes no more memory than it has bytes.
fn whole(source: impl Read) -> Result<Vec<u8>, SheetError> {
    let most = u64::try_from(XLSX_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let (mut source, mut file) = (BufReader::new(source).take(most), Vec::new());
    loop {
        file.reserve_exact(STEP);
        let step = u64::try_from(STEP).unwrap_or(u64::MAX);
        if source.by_ref().take(step).read_to_end(&mut file)? == 0 {
            return Ok(file);
        }
    }
}

/// The sink, and how much went into it.
struct Out<'a, 'b> {
    sink: &'a mut Sink<'b>,
    limits: Limits,
    given: u32,
    stopped: bool,
}

impl Out<'_, '_> {
    fn give(&mut self, row: u32, record: Result<Record, Fault>) -> Result<(), SheetError> {
        if self.given >= self.limits.rows {
            return Err(SheetError::TooMany(self.limits.rows));
        }
        self.given = self.given.saturating_add(1);
        self.stopped = (self.sink)(Row { row, record }).is_break();
        Ok(())
    }
}

impl Fault {
    /// Of a whole row of which nothing is kept.
    fn of_row(message: impl Into<String>) -> Self {
        Self { wrong: vec![Wrong { column: None, message: message.into() }], record: None }
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({} bytes)", self.0.len())
    }
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fault").field("wrong", &self.wrong).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
