//! Writing the sheet of failed rows: the mapped columns, then `_row` (the row in the sheet that was sent) and `_error`. What
//! is written is read back as the same record, as far as the map goes: members that are not mapped are left out, and so
//! are null and empty ones. No cell of it is run as a formula.
//!
//! Bounded by [`ROWS_MAX`].

use std::borrow::Cow;

use rust_xlsxwriter::{Format as CellFormat, Workbook, Worksheet};
use serde_json::Value;

use super::{
    Format, SheetError,
    cell::{TOO_LONG, guard, guard_quoted},
    columns::{Columns, Kind, OURS},
};

/// Most rows of a sheet that is given back.
const ROWS_MAX: u32 = 100_000;

/// Most characters of a cell in Excel, as UTF-16.
const CELL_MAX: usize = 32_767;

/// Most characters of an error.
const ERROR_MAX: usize = 1_000;

/// A sheet that is being written.
pub(crate) struct Writer<'a> {
    columns: &'a Columns,
    to: To,
    /// Rows behind the header.
    rows: u32,
}

enum To {
    Csv(Vec<u8>),
    Xlsx {
        sheet: Box<Worksheet>,
        /// So that what a clerk enters stays text.
        text: CellFormat,
    },
}

/// What is put into a cell.
enum Put<'v> {
    Nothing,
    Text(Cow<'v, str>),
    /// As JSON writes it.
    Number(String),
    Bool(bool),
}

impl<'a> Writer<'a> {
    /// Begins a sheet with its header row.
    ///
    /// # Errors
    /// If the format is not CSV or XLSX.
    pub(crate) fn new(format: Format, columns: &'a Columns) -> Result<Self, SheetError> {
        let to = match format {
            // The mark tells Excel that it is UTF-8.
            Format::Csv => To::Csv("\u{FEFF}".into()),
            Format::Xlsx => To::Xlsx { sheet: Box::new(Worksheet::new()), text: CellFormat::new().set_num_format("@") },
            Format::Ndjson | Format::Json => return Err(SheetError::NotASheet),
        };
        let mut writer = Self { columns, to, rows: 0 };
        if let To::Xlsx { sheet, text } = &mut writer.to {
            for (at, column) in (0_u16..).zip(columns.iter()).filter(|(_, column)| column.kind == Kind::Text) {
                sheet.set_column_format(at, text).map_err(|_| SheetError::Write(0))?;
                let width = column.header.chars().count().clamp(12, 40);
                sheet.set_column_width(at, u32::try_from(width).unwrap_or(12)).map_err(|_| SheetError::Write(0))?;
            }
            sheet.set_freeze_panes(1, 0).map_err(|_| SheetError::Write(0))?;
        }
        let header = columns.headers().chain(OURS).map(|name| Put::Text(name.into())).collect();
        writer.line(0, header)?;
        Ok(writer)
    }

    /// Goes on with a CSV sheet of which another writer has given the beginning.
    pub(crate) fn more_csv(columns: &'a Columns) -> Self {
        Self { columns, to: To::Csv(Vec::new()), rows: 0 }
    }

    /// Adds a row: its number in the sheet that was sent, its record as JSON as far as there is one, and what is wrong.
    ///
    /// # Errors
    /// If the record is not JSON, or the sheet is full.
    pub(crate) fn row(&mut self, row: u32, record: Option<&[u8]>, error: &str) -> Result<(), SheetError> {
        if self.rows >= ROWS_MAX {
            return Err(SheetError::TooMany(ROWS_MAX));
        }
        self.rows = self.rows.saturating_add(1);
        let record: Value = match record {
            Some(json) => serde_json::from_slice(json).map_err(|_| SheetError::NotJson(row))?,
            None => Value::Null,
        };
        let error: String = error.chars().take(ERROR_MAX).collect();
        let mut cells: Vec<Put<'_>> = Vec::with_capacity(self.columns.iter().len().saturating_add(OURS.len()));
        for column in self.columns.iter() {
            cells.push(match member(&record, &column.path) {
                None | Some(Value::Null) => Put::Nothing,
                Some(Value::String(text)) => Put::Text(text.into()),
                Some(Value::Number(number)) if column.kind != Kind::Text => Put::Number(number.to_string()),
                Some(Value::Bool(value)) => Put::Bool(*value),
                // What does not fit its column is shown, so that the clerk sees it.
                Some(other) => Put::Text(other.to_string().into()),
            });
        }
        cells.push(Put::Number(row.to_string()));
        cells.push(Put::Text(error.into()));
        self.line(row, cells)
    }

    /// Ends the sheet and returns the file.
    ///
    /// # Errors
    /// If the workbook cannot be put together.
    pub(crate) fn finish(self) -> Result<Vec<u8>, SheetError> {
        match self.to {
            To::Csv(text) => Ok(text),
            To::Xlsx { sheet, .. } => {
                let mut book = Workbook::new();
                book.push_worksheet(*sheet);
                book.save_to_buffer().map_err(|_| SheetError::Write(0))
            }
        }
    }

    fn line(&mut self, row: u32, cells: Vec<Put<'_>>) -> Result<(), SheetError> {
        match &mut self.to {
            To::Csv(text) => csv_line(text, &cells),
            To::Xlsx { sheet, text } => {
                xlsx_line(sheet, self.rows, &cells, text).map_err(|_| SheetError::Write(row))?;
            }
        }
        Ok(())
    }
}

fn member<'v>(record: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(record, |value, name| value.get(name))
}

fn csv_line(out: &mut Vec<u8>, cells: &[Put<'_>]) {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match cell {
            Put::Nothing => {}
            // Without a guard: a negative number is none to run.
            Put::Number(number) => out.extend_from_slice(number.as_bytes()),
            Put::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Put::Text(text) => {
                let text = guard(text);
                if text.contains(['"', ',', ';', '\t', '\r', '\n']) {
                    out.extend_from_slice(format!("\"{}\"", text.replace('"', "\"\"")).as_bytes());
                } else {
                    out.extend_from_slice(text.as_bytes());
                }
            }
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn xlsx_line(
    sheet: &mut Worksheet,
    row: u32,
    cells: &[Put<'_>],
    format: &CellFormat,
) -> Result<(), rust_xlsxwriter::XlsxError> {
    for (at, cell) in (0_u16..).zip(cells) {
        match cell {
            Put::Nothing => {}
            Put::Bool(value) => {
                sheet.write_boolean(row, at, *value)?;
            }
            Put::Number(number) => match number.parse::<f64>() {
                // Excel keeps 15 digits; what has more of them is a text.
                Ok(value) if number.bytes().filter(u8::is_ascii_digit).count() <= 15 => {
                    sheet.write_number(row, at, value)?;
                }
                _ => {
                    sheet.write_string_with_format(row, at, number, format)?;
                }
            },
            Put::Text(text) if text.is_empty() => {}
            Put::Text(text) => {
                let text = guard_quoted(text);
                let fits = text.encode_utf16().nth(CELL_MAX).is_none();
                sheet.write_string_with_format(row, at, if fits { &text } else { TOO_LONG }, format)?;
            }
        }
    }
    Ok(())
}
