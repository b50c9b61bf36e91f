//! NDJSON, JSON and CSV.

use super::*;

fn lines(text: &str) -> Vec<Got> {
    read_all(Format::Ndjson, text.as_bytes(), &people())
}

fn csv(text: &str) -> Vec<Got> {
    read_all(Format::Csv, text.as_bytes(), &people())
}

/// Gives a byte at a time.
struct Slow<'a>(&'a [u8]);

impl std::io::Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let one = into.len().min(1);
        std::io::Read::read(&mut self.0, &mut into[..one])
    }
}

#[test]
fn lines_are_counted_with_the_blank_ones() {
    let got = lines("\u{FEFF}{\"a\":1}\n\n  \r\n {\"a\":2} \r\n3");
    assert_eq!(got, [Got::Ok(1, json!({"a": 1})), Got::Ok(4, json!({"a": 2})), Got::Ok(5, json!(3))]);
}

#[test]
fn values_are_handed_out_byte_for_byte() {
    for (format, bytes) in [
        (Format::Ndjson, " {\"b\" : 1.50,\"a\":1e2,\"a\":\"\\u0041\"} \r\n"),
        (Format::Json, "[ {\"b\" : 1.50,\"a\":1e2,\"a\":\"\\u0041\"} \n]\n"),
    ] {
        let mut seen = Vec::new();
        read(format, Slow(bytes.as_bytes()), &people(), LIMITS, &mut |row| {
            seen.push(row.record.unwrap().0);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(seen, ["{\"b\" : 1.50,\"a\":1e2,\"a\":\"\\u0041\"}"], "{format:?}");
    }
}

#[test]
fn a_broken_line_is_a_fault_and_the_next_goes_on() {
    let long = format!("\"{}\"", "x".repeat(5_000));
    let deep = format!("{}{}", "[".repeat(101), "]".repeat(101));
    let got = lines(&format!("{{\"a\":\n{long}\n{{}} {{}}\n{deep}\n1"));
    bad(1, "", "breaks at byte", &got[0]);
    bad(2, "", "over 4096 bytes", &got[1]);
    bad(3, "", "breaks at byte", &got[2]);
    bad(4, "", "deeper than 100", &got[3]);
    assert_eq!(got[4], Got::Ok(5, json!(1)));
    let (got, _) = read_with(Format::Ndjson, b"\"\xC4\xE3\"\n1\n", &people(), LIMITS);
    bad(1, "", "not UTF-8", &got[0]);
    assert_eq!(got[1], Got::Ok(2, json!(1)));
}

#[test]
fn elements_are_counted_from_one() {
    let text = "\u{FEFF} [ {\"a\":\"],[\\\"\"} ,\n 2,[3,[4]] , \"x\" ] \n";
    let got = read_all(Format::Json, text.as_bytes(), &people());
    let expected = [json!({"a": "],[\""}), json!(2), json!([3, [4]]), json!("x")];
    assert_eq!(got, (1..).zip(expected).map(|(row, value)| Got::Ok(row, value)).collect::<Vec<_>>());
    assert_eq!(read_all(Format::Json, b"[]", &people()), []);
}

#[test]
fn a_long_or_deep_element_is_a_fault_and_the_next_goes_on() {
    let text = format!("[{{\"a\":\"{}\"}},{}{},3]", "]\\\"".repeat(3_000), "[".repeat(200), "]".repeat(200));
    let got = read_all(Format::Json, text.as_bytes(), &people());
    bad(1, "", "over 4096 bytes", &got[0]);
    bad(2, "", "deeper than 100", &got[1]);
    assert_eq!(got[2], Got::Ok(3, json!(3)));
}

#[test]
fn a_broken_array_ends_with_its_element() {
    for (text, before, part) in [
        ("[1,2,{\"a\":tru},4]", 2, "element 3"),
        ("[1,2,", 2, "element 3: it ends"),
        ("[1,]", 1, "element 2"),
        ("[,1]", 0, "element 1"),
        ("[1 2]", 0, "element 1"),
        ("[1}]", 0, "element 1"),
        ("[1] 2", 1, "behind the array"),
        ("{\"a\":1}", 0, "begin it with ["),
        ("", 0, "empty"),
        ("[[1,2]", 0, "element 1: it ends"),
        ("[\"a", 0, "element 1: it ends"),
    ] {
        let (got, result) = read_with(Format::Json, text.as_bytes(), &people(), LIMITS);
        let error = result.unwrap_err().to_string();
        assert!(got.len() == before && error.contains(part), "{text}: {error}");
    }
}

#[test]
fn csv_cells_become_an_object() {
    let got = csv("\u{FEFF}姓名,年龄,分数,在读,城市,楼层\r\n\"王, \"\"小\"\"\",12.0,-1.5,是,杭州,\r\n李,,,,,-3\r\n");
    let first = json!({"name": "王, \"小\"", "age": 12, "score": -1.5, "active": true, "abode": {"city": "杭州"}});
    assert_eq!(got, [Got::Ok(2, first), Got::Ok(3, json!({"name": "李", "abode": {"floor": -3}}))]);
}

#[test]
fn csv_rows_are_the_lines_their_records_begin_at() {
    for end in ["\n", "\r\n"] {
        let text = ["姓名,年龄", "\"a", "b", "c\",1", "", "d,2", ",", "e,x", ""].join(end);
        let mut got = Vec::new();
        read(Format::Csv, Slow(text.as_bytes()), &people(), LIMITS, &mut |row| {
            got.push((row.row, row.record.is_ok()));
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(got, [(2, true), (6, true), (8, false)]);
        assert_eq!(read_all(Format::Csv, text.as_bytes(), &people()).len(), 3);
    }
}

#[test]
fn csv_takes_semicolons_and_tabs() {
    assert_eq!(csv("姓名;年龄\na,b;1\n"), [Got::Ok(2, json!({"name": "a,b", "age": 1}))]);
    assert_eq!(csv("\n姓名\t年龄\na,b;\t1\n"), [Got::Ok(3, json!({"name": "a,b;", "age": 1}))]);
}

#[test]
fn csv_rows_may_be_short_but_not_long() {
    let got = csv("姓名,年龄,,\na\nb,1,,\nc,1,,x\nd,1,,,,y\n");
    assert_eq!(got[..2], [Got::Ok(2, json!({"name": "a"})), Got::Ok(3, json!({"name": "b", "age": 1}))]);
    assert_eq!(bad(4, "D", "no header", &got[2]), json!({"name": "c", "age": 1}));
    bad(5, "F", "no header", &got[3]);
}

#[test]
fn csv_headers_are_matched_whole() {
    let known = "\"姓名\", \"年龄\"";
    for (text, parts) in [
        ("姓名,Alter,\"x\ny\"\n", vec!["\"Alter\", \"x\\ny\"", known]),
        ("姓名,年龄, 姓名 \n", vec!["twice"]),
        ("Wang,12\n", vec!["none of the headers", known]),
        ("_row,_error\n1,x\n", vec!["none of the headers"]),
        ("", vec!["is empty", known]),
        ("\n\n", vec!["is empty"]),
        (",,\n", vec!["is empty"]),
    ] {
        let error = error_of(Format::Csv, text.as_bytes());
        assert!(parts.iter().all(|part| error.contains(part)) && !error.contains("Wang"), "{error}");
    }
    assert_eq!(csv("_error, 姓名 ,_row\nx,a,9\ny,,8\n"), [Got::Ok(2, json!({"name": "a"}))]);
}

#[test]
fn csv_that_is_not_utf8_says_how_to_save_it() {
    let utf16: Vec<u8> = "\u{FEFF}姓名".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [&b"\xD0\xD5\xC3\xFB\nx\n"[..], &utf16] {
        assert!(error_of(Format::Csv, bytes).contains("CSV UTF-8"));
    }
    let (got, result) = read_with(
        Format::Csv,
        "姓名\na\n".as_bytes().iter().chain(b"\xCD\xF5\n").copied().collect::<Vec<_>>().as_slice(),
        &people(),
        LIMITS,
    );
    assert!(got.len() == 1 && matches!(result, Err(SheetError::NotUtf8(3))));
}

#[test]
fn cells_are_read_as_their_kind() {
    for (cell, value) in [("12", json!(12)), (" -12.00 ", json!(-12)), ("+7", json!(7)), ("007", json!(7))] {
        assert_eq!(csv(&format!("年龄\n{cell}\n")), [Got::Ok(2, json!({"age": value}))], "{cell}");
    }
    for cell in ["12a", "1.5", "1e3", "0x1", "1.", ".", "99999999999999999999", "１２"] {
        let got = csv(&format!("年龄\n{cell}\n"));
        assert_eq!(bad(2, "年龄", "whole number is expected", &got[0]), json!({"age": cell}), "{cell}");
    }
    for (cell, value) in [("1.50", json!(1.5)), ("1e3", json!(1000.0)), (".5", json!(0.5)), ("-3", json!(-3))] {
        assert_eq!(csv(&format!("分数\n{cell}\n")), [Got::Ok(2, json!({"score": value}))], "{cell}");
    }
    for cell in ["NaN", "inf", "1e999", "50%", "1 000"] {
        bad(2, "分数", "a number is expected", &csv(&format!("分数\n{cell}\n"))[0]);
    }
    for (cell, value) in [("TRUE", true), ("1", true), ("是", true), ("False", false), ("0", false), ("否", false)] {
        assert_eq!(csv(&format!("在读\n{cell}\n")), [Got::Ok(2, json!({"active": value}))], "{cell}");
    }
    bad(2, "在读", "true or false is expected", &csv("在读\nyes\n")[0]);
}

#[test]
fn digits_that_excel_dropped_are_a_fault_in_csv_too() {
    for cell in ["3.30106E+17", "1E+11", "-1.2E+15"] {
        bad(2, "姓名", "dropped its last digits", &csv(&format!("姓名\n{cell}\n"))[0]);
    }
    for cell in ["999999199001010016", "E+17", "1.2E+5", "AE+17", "1.2E+15x"] {
        assert_eq!(csv(&format!("姓名\n{cell}\n")), [Got::Ok(2, json!({"name": cell}))]);
    }
}

#[test]
fn every_cell_of_a_row_that_cannot_be_read_is_named() {
    let csv = "姓名,年龄,分数,在读\n甲,abc,x,maybe\n";
    let mut seen = Vec::new();
    read(Format::Csv, csv.as_bytes(), &people(), LIMITS, &mut |row| {
        let fault = row.record.err().unwrap();
        seen.extend(fault.wrong.into_iter().map(|wrong| wrong.column.unwrap()));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, ["年龄", "分数", "在读"]);
}
