//! Reading XLSX: the first visible sheet, cell by cell, with the row numbers that Excel shows. Formulas are not computed:
//! what Excel last saw in their place is what counts.
//!
//! Of the sheet one row is held, of the workbook its shared strings and formats; [`vet`](super::vet) bounds them.

use std::borrow::Cow;

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx};

use super::{
    Out, SheetError,
    cell::{Cell, unguard},
    columns::Columns,
    rows::{CELLS_MAX, Rows},
    vet::vet,
};

/// Most bytes of the header row.
const HEADER_MAX: usize = 64 << 10;

/// The first day that Excel does not know any more: 10000-01-01.
const DATES_END: f64 = 2_958_466.0;

/// Reads the rows below the header.
pub(super) fn read(file: Vec<u8>, columns: &Columns, out: &mut Out<'_, '_>) -> Result<(), SheetError> {
    let vetted = vet(&file)?;
    // What may be read of it is a copy.
    drop(file);
    let mut book = Xlsx::new(vetted).map_err(|_| SheetError::NotXlsx)?;
    let visible =
        |sheet: &&calamine::Sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet;
    let sheet = book.sheets_metadata().iter().find(visible).map(|sheet| sheet.name.clone());
    let sheet = sheet.ok_or(SheetError::NotXlsx)?;
    let mut cells = book.worksheet_cells_reader(&sheet).map_err(|_| SheetError::NotXlsx)?;

    let mut header = Header { cells: Vec::new(), bytes: 0 };
    let mut rows: Option<Rows<'_>> = None;
    let mut row: u32 = 0;
    loop {
        let cell = cells.next_cell().map_err(|_| SheetError::Sheet(row))?;
        let (at, column) = match &cell {
            Some(cell) => (cell.get_position().0.saturating_add(1), cell.get_position().1),
            None => (u32::MAX, 0),
        };
        if at < row {
            return Err(SheetError::Sheet(row));
        }
        if at > row {
            match &mut rows {
                Some(rows) => rows.end(row, out)?,
                None if header.bytes > 0 || cell.is_none() => {
                    rows = Some(Rows::new(columns, &header.cells, out.limits.record)?);
                }
                None => {}
            }
            row = at;
        }
        let Some(cell) = cell.filter(|_| !out.stopped) else {
            return Ok(());
        };
        let (Some(value), Ok(column)) = (value(cell.get_value()), usize::try_from(column)) else {
            continue;
        };
        match &mut rows {
            Some(rows) => rows.cell(column, value),
            None => header.take(column, value)?,
        }
    }
}

struct Header {
    cells: Vec<String>,
    bytes: usize,
}

impl Header {
    fn take(&mut self, column: usize, cell: Cell<'_>) -> Result<(), SheetError> {
        if cell.is_empty() {
            return Ok(());
        }
        self.bytes = self.bytes.saturating_add(cell.size());
        if column >= CELLS_MAX || self.bytes > HEADER_MAX {
            return Err(SheetError::HeaderTooLong);
        }
        if self.cells.len() <= column {
            self.cells.resize(column.saturating_add(1), String::new());
        }
        if let Some(slot) = self.cells.get_mut(column) {
            *slot = cell.shown();
        }
        Ok(())
    }
}

fn value<'a>(data: &'a DataRef<'_>) -> Option<Cell<'a>> {
    Some(match data {
        // As a number below too; exact to 53 bits, where 15 digits count.
        DataRef::Int(number) => Cell::Number(*number as f64),
        DataRef::Float(number) => Cell::Number(*number),
        DataRef::String(text) | DataRef::DurationIso(text) => Cell::Text(Cow::Borrowed(unguard(text))),
        DataRef::SharedString(text) => Cell::Text(Cow::Borrowed(unguard(text))),
        DataRef::Bool(value) => Cell::Bool(*value),
        DataRef::DateTime(date) => date_text(date).map_or(Cell::Error, Cell::Date),
        DataRef::DateTimeIso(text) => Cell::Date(iso_text(text)),
        DataRef::Error(_) => Cell::Error,
        DataRef::Empty => return None,
    })
}

/// `yyyy-MM-dd`, with ` HH:mm:ss` unless it is midnight; `HH:mm:ss` alone of a time without a date. `None` if it is none.
fn date_text(date: &ExcelDateTime) -> Option<String> {
    let serial = date.as_f64();
    if !(0.0..DATES_END).contains(&serial) {
        return None;
    }
    if date.is_duration() || serial < 1.0 {
        let seconds = (serial * 86_400.0).round() as u64;
        return Some(format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60));
    }
    let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
    let day = format!("{year:04}-{month:02}-{day:02}");
    Some(if (hour, minute, second) == (0, 0, 0) { day } else { format!("{day} {hour:02}:{minute:02}:{second:02}") })
}

/// A date that the workbook has as text already, in the same form.
fn iso_text(text: &str) -> String {
    let text = text.trim().trim_end_matches('Z');
    let seconds = text.split_once('.').map_or(text, |(seconds, _)| seconds);
    let spaced = seconds.replacen('T', " ", 1);
    spaced.strip_suffix(" 00:00:00").map(str::to_owned).unwrap_or(spaced)
}
