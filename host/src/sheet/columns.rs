//! The column map of an operation: which header stands for which member of its input, and how the cells are read.
//!
//! Members of objects only: a row is one record, an array has no place in it.
//!
//! Bounded by [`COLUMNS_MAX`], [`HEADER_MAX`] and [`DEPTH_MAX`].

use std::collections::HashSet;

use serde_json::Value;

use super::{SheetError, schema};

/// Most columns of a map.
pub(crate) const COLUMNS_MAX: usize = 256;

/// Most characters of a header.
const HEADER_MAX: usize = 128;

/// Most tokens of a pointer.
const DEPTH_MAX: usize = 16;

/// The writer's own columns: the row in the sheet before, and what was wrong with it. The reader passes over them.
pub(super) const OURS: [&str; 2] = ["_row", "_error"];

/// How a cell is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// Yes or no.
    Boolean,
}

/// One column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// Trimmed.
    pub(super) header: String,
    /// The pointer's tokens, unescaped; at least one.
    pub(super) path: Vec<String>,
    pub(super) kind: Kind,
}

/// The columns of an operation, in the order they are written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns(Vec<Column>);

impl Columns {
    /// Reads a map of (header, JSON Pointer (RFC 6901) of the member); how a cell is read is what the input's schema says
    /// of that member, and text if it says nothing.
    ///
    /// # Errors
    /// If the map is empty or has too many columns, a header is twice or none, or a pointer is not valid, points into an
    /// array, or shares its member with another.
    pub(crate) fn new(
        map: impl IntoIterator<Item = (String, String)>,
        input_schema: &Value,
    ) -> Result<Self, SheetError> {
        let map: Vec<_> = map.into_iter().take(COLUMNS_MAX.saturating_add(1)).collect();
        match map.len() {
            0 => return Err(SheetError::NoColumns),
            len if len > COLUMNS_MAX => return Err(SheetError::TooManyColumns(len)),
            _ => {}
        }
        let mut columns: Vec<Column> = Vec::with_capacity(map.len());
        let mut headers = HashSet::new();
        for (header, pointer) in map {
            let header = header.trim().to_owned();
            let length = header.chars().count();
            if length == 0 || length > HEADER_MAX || OURS.contains(&header.as_str()) {
                return Err(SheetError::Header(header.chars().take(HEADER_MAX).collect()));
            }
            if !headers.insert(header.clone()) {
                return Err(SheetError::MappedTwice(header));
            }
            let path = parse(&pointer).map_err(|why| SheetError::Pointer {
                header: header.clone(),
                pointer: pointer.chars().take(80).collect(),
                why,
            })?;
            if let Some(other) = columns.iter().find(|one| one.path.starts_with(&path) || path.starts_with(&one.path)) {
                return Err(SheetError::Overlap(other.header.clone(), header));
            }
            let kind = schema::kind_of(input_schema, &path);
            columns.push(Column { header, path, kind });
        }
        Ok(Self(columns))
    }

    /// The map of an operation that has none: a column for each of its input's top-level properties that are one value,
    /// named as the property.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`SheetError::NoColumns`] if no property is one value.
    pub(crate) fn of_schema(input_schema: &Value) -> Result<Self, SheetError> {
        let pointer = |name: &String| format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        let names = schema::scalar_properties(input_schema, COLUMNS_MAX.saturating_add(1));
        Self::new(names.into_iter().map(|name| (name.clone(), pointer(&name))), input_schema)
    }

    /// The headers, in order.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|column| column.header.as_str())
    }

    /// The header of the column that this JSON Pointer, or the beginning of it, belongs to.
    pub(crate) fn header_of(&self, pointer: &str) -> Option<&str> {
        let path = pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"));
        let path: Vec<String> = path.collect();
        self.0.iter().find(|column| path.starts_with(&column.path)).map(|column| column.header.as_str())
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Column> {
        self.0.iter()
    }

    pub(super) fn get(&self, index: usize) -> Option<&Column> {
        self.0.get(index)
    }

    pub(super) fn position(&self, header: &str) -> Option<usize> {
        self.0.iter().position(|column| column.header == header)
    }

    /// For messages: all headers, quoted.
    pub(super) fn listed(&self) -> String {
        quoted(self.headers())
    }
}

/// A list of names for a message.
pub(super) fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

fn parse(pointer: &str) -> Result<Vec<String>, &'static str> {
    let tokens = pointer.strip_prefix('/').ok_or("must begin with / and name a member, such as /name")?;
    if tokens.split('/').nth(DEPTH_MAX).is_some() {
        return Err("has more than 16 tokens; map a member that is less deep");
    }
    let token = |text: &str| match text {
        _ if text.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1'])) => {
            Err("is not valid: ~ must be followed by 0 (for ~) or 1 (for /)")
        }
        "-" => Err("points into an array; only members of objects can be columns"),
        _ if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err("points into an array; only members of objects can be columns")
        }
        // In this order, as RFC 6901 §4 says.
        _ => Ok(text.replace("~1", "/").replace("~0", "~")),
    };
    tokens.split('/').map(token).collect()
}
