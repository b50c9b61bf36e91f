//! Why a batch cannot be read, a column map is none, or a sheet cannot be written. Headers and pointers are quoted, they
//! are the operation's or the sheet's own names; records never are.

use std::io;

/// What is wrong with the whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SheetError {
    /// Not one of the four.
    #[error(
        "the media type {0:?} is not read; send application/x-ndjson, application/json, text/csv or \
         application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )]
    MediaType(String),
    /// GB18030 most often.
    #[error("the charset {0:?} is not read; save the file as UTF-8 (in Excel: \"CSV UTF-8\") and send it again")]
    Charset(String),
    /// The source failed.
    #[error("the batch could not be received: {0}")]
    Io(#[from] io::Error),
    /// The row is the line.
    #[error("row {0} is not UTF-8; save the file as UTF-8 (in Excel: \"CSV UTF-8\") or as .xlsx and send it again")]
    NotUtf8(u32),

    /// A map of nothing.
    #[error("the column map is empty; map at least one column, or give the operation's input a property of one value")]
    NoColumns,
    /// Over [`COLUMNS_MAX`](super::columns::COLUMNS_MAX).
    #[error("the column map has {0} columns, at most 256 are allowed")]
    TooManyColumns(usize),
    /// Empty, too long, or a name of the writer's.
    #[error("the header {0:?} cannot be mapped; write 1 to 128 characters, and neither _row nor _error")]
    Header(String),
    /// In the map.
    #[error("the header {0:?} is mapped twice; map each header once")]
    MappedTwice(String),
    /// With the reason.
    #[error("the pointer {pointer:?} of the header {header:?} {why}")]
    Pointer {
        /// The header it belongs to.
        header: String,
        /// As written, at most 80 characters.
        pointer: String,
        /// What is wrong, and what to write.
        why: &'static str,
    },
    /// Both would write the same member.
    #[error("the headers {0:?} and {1:?} are mapped to the same member, or one into the other's; map each apart")]
    Overlap(String, String),

    /// Nothing at all, or only blank rows.
    #[error("the sheet is empty; its header row must hold the headers {0}")]
    NoHeader(String),
    /// None is known, so what stands there may be a record and is not quoted.
    #[error("the first row holds none of the headers {0}; is the header row missing?")]
    NoKnownHeader(String),
    /// Some are known, these are not.
    #[error(
        "the header row has headers that are not known: {unknown}; known are {known}; correct or delete these columns"
    )]
    UnknownHeaders {
        /// Quoted, at most ten.
        unknown: String,
        /// All of the map.
        known: String,
    },
    /// In the sheet.
    #[error("the header row has {0:?} twice; keep one of the columns")]
    HeaderTwice(String),
    /// The header row is longer than [`Limits::record`](super::Limits::record) and the like allow.
    #[error("the first row is too long for a header row; is the header row missing, or a quote not closed?")]
    HeaderTooLong,

    /// More than [`Limits::rows`](super::Limits::rows).
    #[error("the batch has more than {0} rows; send it in parts")]
    TooMany(u32),
    /// Not an array, or broken.
    #[error("the JSON array is broken at element {element}: {why}; the elements before it were read")]
    Array {
        /// From 1; the one that could not be read to its end.
        element: u32,
        /// What is wrong.
        why: &'static str,
    },
    /// The file ended within quotes.
    #[error("a quote in the record that begins at row {0} is never closed; close it and send the file again")]
    Quote(u32),

    /// Neither a workbook nor anything that is known.
    #[error(
        "the file is not an .xlsx workbook, or a damaged one; open it in Excel, save it as .xlsx and send it again"
    )]
    NotXlsx,
    /// Excel 97.
    #[error("the file is a workbook of the old kind (.xls); save it as .xlsx and send it again")]
    OldXls,
    /// With a password.
    #[error("the workbook is encrypted; take its password off, save it and send it again")]
    Encrypted,
    /// A bomb, or a workbook of another purpose.
    #[error("the workbook is refused: {what}; copy the rows into a new workbook and send that")]
    TooLarge {
        /// Which bound, with its figure.
        what: &'static str,
    },
    /// The reader gave up.
    #[error("the sheet cannot be read behind row {0}; open it in Excel, save it again and send it again")]
    Sheet(u32),

    /// Records go back as a sheet only.
    #[error("a sheet is written as CSV or XLSX; choose one of them")]
    NotASheet,
    /// The record is not JSON.
    #[error("the record of row {0} is not JSON and cannot be written")]
    NotJson(u32),
    /// The library refused; it has no text of cells in its errors of this kind.
    #[error("the workbook cannot be written at row {0}: a bound of the format is reached; write fewer rows")]
    Write(u32),
}
