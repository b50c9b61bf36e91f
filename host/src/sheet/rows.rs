//! From cells to a record: the header row is matched with the column map once, then each row's cells become one JSON object.
//!
//! Of a row at most [`Limits::record`](super::Limits::record) bytes are held.

use std::{collections::HashSet, mem};

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{
    Fault, Out, Record, SheetError, Wrong,
    cell::{Cell, unguard},
    columns::{Column, Columns, OURS, quoted},
};

/// Most cells of a row, as in Excel.
pub(super) const CELLS_MAX: usize = 16_384;

/// Things that are told of one row; nobody reads more.
pub(crate) const WRONG_MAX: usize = 100;
/// Most headers that a message names.
const NAMED_MAX: usize = 10;

#[derive(Clone, Copy)]
enum Slot {
    /// A column of the map.
    Mapped(usize),
    /// The writer's, passed over.
    Ours,
    /// Without a header: nothing may stand below.
    Nameless,
}

/// The header row, matched, and the row that is being read.
pub(super) struct Rows<'a> {
    columns: &'a Columns,
    slots: Vec<Slot>,
    record_max: usize,
    object: Map<String, Value>,
    wrong: Vec<Wrong>,
    /// Did anything stand in the row, the writer's columns aside?
    any: bool,
    bytes: usize,
}

impl<'a> Rows<'a> {
    /// Matches the cells of the header row, by their position.
    pub(super) fn new(columns: &'a Columns, header: &[String], record_max: usize) -> Result<Self, SheetError> {
        let mut seen = HashSet::new();
        let mut unknown = Vec::new();
        let mut slots = Vec::with_capacity(header.len());
        for cell in header {
            let name = unguard(cell.trim());
            let slot = match columns.position(name) {
                _ if name.is_empty() => Slot::Nameless,
                Some(index) => Slot::Mapped(index),
                None if OURS.contains(&name) => Slot::Ours,
                None => {
                    unknown.push(name.chars().take(80).collect::<String>());
                    Slot::Nameless
                }
            };
            if !matches!(slot, Slot::Nameless) && !seen.insert(name) {
                return Err(SheetError::HeaderTwice(name.to_owned()));
            }
            slots.push(slot);
        }
        if !slots.iter().any(|slot| matches!(slot, Slot::Mapped(_))) {
            let known = columns.listed();
            return Err(if seen.is_empty() && unknown.is_empty() {
                SheetError::NoHeader(known)
            } else {
                SheetError::NoKnownHeader(known)
            });
        }
        if !unknown.is_empty() {
            let unknown = quoted(unknown.iter().take(NAMED_MAX).map(String::as_str));
            return Err(SheetError::UnknownHeaders { unknown, known: columns.listed() });
        }
        Ok(Self { columns, slots, record_max, object: Map::new(), wrong: Vec::new(), any: false, bytes: 0 })
    }

    /// Takes a cell of the row that is being read; `index` counts from 0.
    pub(super) fn cell(&mut self, index: usize, cell: Cell<'_>) {
        if cell.is_empty() {
            return;
        }
        let column = match self.slots.get(index) {
            Some(Slot::Ours) => return,
            Some(Slot::Mapped(at)) => self.columns.get(*at),
            Some(Slot::Nameless) | None => None,
        };
        self.any = true;
        let Some(column) = column else {
            let why = "the cell has no header above it; give the column a header, or delete the cell";
            return self.fail(Some(letters(index)), why);
        };
        self.bytes = self.bytes.saturating_add(cell.size());
        if self.bytes > self.record_max {
            // What is held so far is given back at the row's end.
            return;
        }
        let value = cell.read(column.kind).or_else(|bad| {
            self.fail(Some(column.header.clone()), bad.why);
            bad.shown.map(Value::String).ok_or(())
        });
        if let Ok(value) = value {
            put(&mut self.object, column, value);
        }
    }

    /// The row cannot be read as a whole.
    pub(super) fn fail_row(&mut self, why: &'static str) {
        self.any = true;
        self.fail(None, why);
    }

    /// Ends the row and hands it out, unless it was empty.
    pub(super) fn end(&mut self, row: u32, out: &mut Out<'_, '_>) -> Result<(), SheetError> {
        let object = mem::take(&mut self.object);
        let wrong = mem::take(&mut self.wrong);
        let bytes = mem::take(&mut self.bytes);
        if !mem::take(&mut self.any) {
            return Ok(());
        }
        // Of texts and numbers, so it cannot fail.
        let json = serde_json::to_vec(&object).unwrap_or_default();
        let record = if bytes > self.record_max || json.len() > self.record_max {
            Err(Fault::of_row(over(self.record_max)))
        } else if wrong.is_empty() {
            Ok(Record(Bytes::from(json)))
        } else {
            let record = (!object.is_empty()).then(|| Bytes::from(json));
            Err(Fault { wrong, record })
        };
        out.give(row, record)
    }

    fn fail(&mut self, column: Option<String>, why: &'static str) {
        let wrong = Wrong { column, message: why.to_owned() };
        if self.wrong.len() < WRONG_MAX && !self.wrong.contains(&wrong) {
            self.wrong.push(wrong);
        }
    }
}

/// Of a record that is too long.
pub(super) fn over(record_max: usize) -> String {
    format!("the record is over {record_max} bytes; shorten it")
}

/// Columns do not overlap, so what is on the way is an object.
fn put(object: &mut Map<String, Value>, column: &Column, value: Value) {
    let Some((last, way)) = column.path.split_last() else {
        return;
    };
    let mut at = object;
    for name in way {
        match at.entry(name.as_str()).or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(inner) => at = inner,
            _ => return,
        }
    }
    at.insert(last.clone(), value);
}

/// A column as a spreadsheet names it, from 0: A, B … AA.
fn letters(index: usize) -> String {
    let mut name = Vec::new();
    let mut rest = index.saturating_add(1);
    while rest > 0 {
        let digit = u8::try_from(rest.saturating_sub(1) % 26).unwrap_or_default();
        name.push(char::from(b'A'.saturating_add(digit)));
        rest = rest.saturating_sub(1) / 26;
    }
    name.into_iter().rev().collect()
}
