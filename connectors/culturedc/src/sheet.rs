//! The filled sheet for uploading by hand, while there are no rights at the interface: CSV by RFC 4180 with a byte order
//! mark, so that spreadsheet programs take its Chinese for what it is. No cell is a formula, whatever a row says. Local:
//! nothing is sent.

use duijie_sdk::{
    Failure, json,
    mapping::{self, Mapping, Wire},
    typed,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    config::Config,
    model::{Category, Resource},
    resource::{record_of, refused, text_of, violations},
};

/// The built-in columns, in the very form of `[config.template.<category>]`; our invention.
const COLUMNS: &str = include_str!("sheet/columns.json");
/// What makes spreadsheet programs read UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Rows for one sheet.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// The resources, all of one category: the upstream has a sheet for each.
    #[schemars(length(min = 1, max = 5000))]
    pub rows: Vec<Resource>,
}

/// A filled sheet.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sheet {
    /// The category that it is for.
    pub category: Category,
    /// A name for the file.
    pub file_name: String,
    /// Its media type.
    pub content_type: String,
    /// Rows without the headings.
    pub rows: usize,
    /// The file: text, to be written as UTF-8.
    pub content: String,
}

/// Fills a sheet.
///
/// # Errors
/// `invalid-input` with every row and field that does not fit.
pub fn fill(config: &Config, input: &Rows) -> Result<Sheet, Failure> {
    let Some(category) = input.rows.first().map(|row| row.category) else {
        return Err(refused(vec![("/rows".to_owned(), "is empty".to_owned())]));
    };
    let columns = match config.template.get(category.name()) {
        Some(columns) => columns,
        None => &built_in()?,
    };
    let mut content = String::from(BYTE_ORDER_MARK);
    line(&mut content, columns.fields.iter().map(|column| column.to.clone()));
    let mut wrong = Vec::new();
    for (index, row) in input.rows.iter().enumerate() {
        let mut found = violations(config, row);
        if row.category != category {
            found.push(("/category".to_owned(), "is not that of the first row: a sheet has one".to_owned()));
        }
        match mapping::map(columns, &record_of(row)) {
            Ok(Wire::Object(cells)) if found.is_empty() => line(&mut content, cells_of(columns, &cells)),
            Ok(_) => {}
            Err(more) => found.extend(more),
        }
        wrong.extend(found.into_iter().map(|(pointer, message)| (format!("/rows/{index}{pointer}"), message)));
    }
    if !wrong.is_empty() {
        return Err(refused(wrong));
    }
    Ok(Sheet {
        category,
        file_name: format!("{}.csv", category.name()),
        content_type: "text/csv; charset=utf-8".to_owned(),
        rows: input.rows.len(),
        content,
    })
}

/// The built-in columns.
///
/// # Errors
/// None that a test would not find.
fn built_in() -> Result<Mapping, Failure> {
    typed::parse(COLUMNS.as_bytes())
        .map_err(|error| Failure::internal(format!("the built-in columns are broken: {error}")))
}

fn cells_of(columns: &Mapping, cells: &[(String, Wire)]) -> impl Iterator<Item = String> {
    columns.fields.iter().map(|column| {
        let cell = cells.iter().find(|(name, _)| *name == column.to).map(|(_, cell)| cell);
        match cell {
            None => String::new(),
            Some(Wire::Value(value)) => json::text(value).unwrap_or_else(|| value.to_string()),
            Some(other) => text_of(other),
        }
    })
}

fn line(content: &mut String, cells: impl Iterator<Item = String>) {
    for (index, cell) in cells.enumerate() {
        content.push_str(if index > 0 { "," } else { "" });
        content.push_str(&quoted(&harmless(cell)));
    }
    content.push_str("\r\n");
}

/// A cell that begins as formulas do gets an apostrophe, which spreadsheet programs take for "this is text".
fn harmless(cell: String) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{cell}") } else { cell }
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}
