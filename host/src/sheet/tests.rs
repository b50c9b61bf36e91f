//! What the tests share, and the format names.

mod columns;
mod hostile;
mod round;
mod text;
mod xlsx;

use std::{io::Write as _, ops::ControlFlow};

use serde_json::{Value, json};

use super::*;

pub(super) const LIMITS: Limits = Limits { rows: 10_000, record: 4_096 };

/// What became of a row: its JSON, or the column and message of its fault and its JSON.
#[derive(Debug, PartialEq)]
pub(super) enum Got {
    Ok(u32, Value),
    Bad(u32, Option<String>, String, Value),
}

pub(super) fn value(json: &[u8]) -> Value {
    serde_json::from_slice(json).unwrap()
}

pub(super) fn read_with(
    format: Format,
    bytes: &[u8],
    columns: &Columns,
    limits: Limits,
) -> (Vec<Got>, Result<u32, SheetError>) {
    let mut got = Vec::new();
    let result = read(format, bytes, columns, limits, &mut |row| {
        got.push(match row.record {
            Ok(record) => Got::Ok(row.row, value(&record.0)),
            Err(fault) => {
                let record = fault.record.map(|record| value(&record)).unwrap_or_default();
                let first = fault.wrong.into_iter().next().unwrap();
                Got::Bad(row.row, first.column, first.message, record)
            }
        });
        ControlFlow::Continue(())
    });
    (got, result)
}

pub(super) fn read_all(format: Format, bytes: &[u8], columns: &Columns) -> Vec<Got> {
    let (got, result) = read_with(format, bytes, columns, LIMITS);
    assert_eq!(result.unwrap() as usize, got.len());
    got
}

pub(super) fn error_of(format: Format, bytes: &[u8]) -> String {
    read_with(format, bytes, &people(), LIMITS).1.unwrap_err().to_string()
}

pub(super) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": ["integer", "null"]},
            "score": {"type": "number"},
            "active": {"type": "boolean"},
            "abode": {"$ref": "#/$defs/abode"},
        },
        "$defs": {"abode": {"properties": {"city": {"type": "string"}, "floor": {"type": "integer"}}}},
    })
}

/// 姓名, 年龄 (integer), 分数 (number), 在读 (boolean), 城市 and 楼层 (integer) in an inner object.
pub(super) fn people() -> Columns {
    let map = [
        ("姓名", "/name"),
        ("年龄", "/age"),
        ("分数", "/score"),
        ("在读", "/active"),
        ("城市", "/abode/city"),
        ("楼层", "/abode/floor"),
    ];
    Columns::new(map.map(|(header, pointer)| (header.to_owned(), pointer.to_owned())), &schema()).unwrap()
}

pub(super) fn bad(row: u32, column: &str, part: &str, got: &Got) -> Value {
    match got {
        Got::Bad(at, in_column, message, record) => {
            assert_eq!((*at, in_column.as_deref()), (row, (!column.is_empty()).then_some(column)), "{message}");
            assert!(message.contains(part), "{message}");
            record.clone()
        }
        other => panic!("row {row} is no fault: {other:?}"),
    }
}

/// An archive of these parts.
pub(super) fn archive(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook with this sheet's XML and more parts.
pub(super) fn book_of(sheet: &str, more: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let rels = |kind: &str, target: &str| {
        format!(
            "<Relationships><Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/\
             relationships/{kind}\" Target=\"{target}\"/></Relationships>"
        )
        .into_bytes()
    };
    let mut parts = vec![
        ("_rels/.rels", rels("officeDocument", "xl/workbook.xml")),
        ("xl/_rels/workbook.xml.rels", rels("worksheet", "worksheets/sheet1.xml")),
        (
            "xl/workbook.xml",
            b"<workbook><sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>".to_vec(),
        ),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes().to_vec()),
    ];
    parts.extend(more.iter().cloned());
    archive(&parts)
}

/// The sheet's XML of these rows' XML.
pub(super) fn sheet_of(rows: &str) -> String {
    format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")
}

/// A row's XML with texts in it.
pub(super) fn row_of(texts: &[&str]) -> String {
    let cells: String = texts.iter().map(|text| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>")).collect();
    format!("<row>{cells}</row>")
}

#[test]
fn media_types_name_a_format() {
    for (text, format) in [
        ("application/x-ndjson", Format::Ndjson),
        ("application/ndjson; charset=UTF-8", Format::Ndjson),
        ("Application/JSON", Format::Json),
        ("text/csv", Format::Csv),
        ("text/csv; header=present; charset=\"utf-8\"", Format::Csv),
        (Format::Xlsx.media_type(), Format::Xlsx),
        (Format::Csv.media_type(), Format::Csv),
    ] {
        assert_eq!(Format::from_media_type(text).unwrap(), format, "{text}");
    }
    for charset in ["gb18030", "GBK", "latin1"] {
        let error = Format::from_media_type(&format!("text/csv; charset={charset}")).unwrap_err().to_string();
        assert!(error.contains("save the file as UTF-8"), "{error}");
    }
    for text in ["", "text/plain", "application/vnd.ms-excel", "csv"] {
        assert!(matches!(Format::from_media_type(text), Err(SheetError::MediaType(_))), "{text}");
    }
    assert_eq!(
        [Format::Ndjson, Format::Json, Format::Csv, Format::Xlsx].map(Format::extension),
        ["ndjson", "json", "csv", "xlsx"]
    );
}

#[test]
fn reading_ends_early_when_the_sink_breaks() {
    for (format, bytes) in [
        (Format::Ndjson, "1\n2\n3\n4".as_bytes()),
        (Format::Json, b"[1,2,3,4]"),
        (Format::Csv, "姓名\na\nb\nc\nd".as_bytes()),
        (Format::Xlsx, &book_of(&sheet_of(&["姓名", "a", "b", "c", "d"].map(|text| row_of(&[text])).concat()), &[])),
    ] {
        let mut seen = 0;
        let rows = read(format, bytes, &people(), LIMITS, &mut |_| {
            seen += 1;
            if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!((rows.unwrap(), seen), (2, 2), "{format:?}");
    }
}

#[test]
fn nothing_of_a_record_is_in_an_error_or_in_debug() {
    let csv = "姓名,年龄\nWang Secret,Secret12\n".as_bytes();
    let (got, _) = read_with(Format::Csv, csv, &people(), LIMITS);
    assert!(
        matches!(&got[0], Got::Bad(2, Some(column), message, _) if column == "年龄" && !message.contains("Secret"))
    );
    let fault = Fault { wrong: Vec::new(), record: Some("Secret".into()) };
    assert!(!format!("{fault:?} {:?}", Record("Secret".into())).contains("Secret"));
    assert!(!error_of(Format::Csv, b"Wang Secret,12\nLi Secret,13\n").contains("Secret"));
    assert!(!error_of(Format::Json, b"[{\"a\": Secret}]").contains("Secret"));
}
