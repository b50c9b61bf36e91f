//! Workbooks as Excel and others write them.

use rust_xlsxwriter::{ExcelDateTime, Format as CellFormat, Formula, Workbook, Worksheet};

use super::*;

fn book(fill: impl FnOnce(&mut Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, header) in (0..).zip(people().headers()) {
        sheet.write(0, column, header).unwrap();
    }
    fill(sheet);
    book.save_to_buffer().unwrap()
}

fn xlsx(fill: impl FnOnce(&mut Worksheet)) -> Vec<Got> {
    read_all(Format::Xlsx, &book(fill), &people())
}

#[test]
fn rows_are_what_excel_shows_and_empty_ones_are_skipped() {
    let got = xlsx(|sheet| {
        sheet.write(1, 0, "王").unwrap().write(1, 1, 12).unwrap().write(1, 2, 1.5).unwrap().write(1, 3, true).unwrap();
        sheet.write(1, 4, "杭州").unwrap().write(1, 5, "3").unwrap();
        sheet.write(2, 0, "  ").unwrap().write_blank(3, 1, &CellFormat::new().set_bold()).unwrap();
        sheet.write(7, 0, "李").unwrap();
    });
    let first = json!({"name": "王", "age": 12, "score": 1.5, "active": true, "abode": {"city": "杭州", "floor": 3}});
    assert_eq!(got, [Got::Ok(2, first), Got::Ok(8, json!({"name": "李"}))]);
}

#[test]
fn numbers_in_text_columns_are_written_without_a_fraction() {
    let got = xlsx(|sheet| {
        for (row, number) in (1..).zip([13_800_138_000.0, 0.0, -7.0, 0.1 + 0.2, 1.25, 999_999_999_999_999.0]) {
            sheet.write(row, 0, number).unwrap();
        }
    });
    let texts = ["13800138000", "0", "-7", "0.3", "1.25", "999999999999999"];
    assert_eq!(got, (2..).zip(texts).map(|(row, text)| Got::Ok(row, json!({"name": text}))).collect::<Vec<_>>());
}

#[test]
fn digits_that_excel_dropped_are_a_fault() {
    let got = xlsx(|sheet| {
        sheet.write(1, 0, 999_999_199_001_010_016.0).unwrap().write(1, 4, "x").unwrap();
        sheet.write(2, 1, 1e15).unwrap();
        sheet.write(3, 2, 1e18).unwrap();
    });
    assert_eq!(
        bad(2, "姓名", "stored as a number; Excel has dropped its last digits", &got[0]),
        json!({"abode": {"city": "x"}})
    );
    bad(3, "年龄", "format the column as text", &got[1]);
    assert_eq!(got[2], Got::Ok(4, json!({"score": 1e18})));
}

#[test]
fn dates_and_times_are_iso_text() {
    let got = xlsx(|sheet| {
        for (row, (text, format)) in (1..).zip([
            ("2024-02-29", "yyyy/m/d"),
            ("2024-02-29T08:30:05", "yyyy-mm-dd hh:mm:ss"),
            ("2024-02-29T23:59:59", "yyyy\"年\"m\"月\"d\"日\""),
            ("08:30:00", "hh:mm"),
        ]) {
            let date = ExcelDateTime::parse_from_str(text).unwrap();
            sheet.write_with_format(row, 0, &date, &CellFormat::new().set_num_format(format)).unwrap();
        }
        let date = ExcelDateTime::parse_from_str("2024-02-29").unwrap();
        sheet.write_with_format(5, 1, &date, &CellFormat::new().set_num_format("yyyy-mm-dd")).unwrap();
        sheet.write_with_format(6, 0, -1, &CellFormat::new().set_num_format("yyyy-mm-dd")).unwrap();
    });
    let texts = ["2024-02-29", "2024-02-29 08:30:05", "2024-02-29 23:59:59", "08:30:00"];
    assert_eq!(got[..4], (2..).zip(texts).map(|(row, text)| Got::Ok(row, json!({"name": text}))).collect::<Vec<_>>());
    assert_eq!(bad(6, "年龄", "whole number", &got[4]), json!({"age": "2024-02-29"}));
    bad(7, "姓名", "error of Excel", &got[5]);
    let iso = book_of(
        &sheet_of(&format!("{}<row><c t=\"d\"><v>2024-01-02T00:00:00.000Z</v></c></row>", row_of(&["姓名"]))),
        &[],
    );
    assert_eq!(read_all(Format::Xlsx, &iso, &people()), [Got::Ok(2, json!({"name": "2024-01-02"}))]);
}

#[test]
fn formulas_are_their_last_value_and_errors_are_faults() {
    let got = xlsx(|sheet| {
        sheet.write_formula(1, 1, Formula::new("=6*7").set_result("42")).unwrap();
        sheet.write_formula(2, 0, Formula::new("=\"a\"&\"b\"").set_result("ab")).unwrap();
        sheet.write_formula(3, 0, Formula::new("=NA()").set_result("#N/A")).unwrap();
    });
    assert_eq!(got[..2], [Got::Ok(2, json!({"age": 42})), Got::Ok(3, json!({"name": "ab"}))]);
    bad(4, "姓名", "error of Excel", &got[2]);
}

#[test]
fn the_first_visible_sheet_is_read() {
    let mut book = Workbook::new();
    book.add_worksheet().set_hidden(true).write(0, 0, "nothing").unwrap();
    book.add_worksheet().set_active(true).write(0, 0, "姓名").unwrap().write(1, 0, "王").unwrap();
    book.add_worksheet().write(0, 0, "other").unwrap();
    let got = read_all(Format::Xlsx, &book.save_to_buffer().unwrap(), &people());
    assert_eq!(got, [Got::Ok(2, json!({"name": "王"}))]);
}

#[test]
fn rich_and_plain_inline_texts_are_read() {
    let rich = "<row r=\"5\"><c r=\"A5\" t=\"inlineStr\"><is><r><t>王</t></r><r><t xml:space=\"preserve\"> 小</t></r><rPh><t>x</t></rPh></is></c></row>";
    let sheet = sheet_of(&format!("{}{rich}{}", row_of(&["姓名"]), row_of(&["a&amp;b"])));
    let got = read_all(Format::Xlsx, &book_of(&sheet, &[]), &people());
    assert_eq!(got, [Got::Ok(5, json!({"name": "王 小"})), Got::Ok(6, json!({"name": "a&b"}))]);
}

#[test]
fn cells_beside_the_headers_are_a_fault() {
    let got = xlsx(|sheet| {
        sheet.write(1, 0, "a").unwrap().write(1, 27, "x").unwrap();
    });
    assert_eq!(bad(2, "AB", "no header above it", &got[0]), json!({"name": "a"}));
}

#[test]
fn five_thousand_rows_with_faults_name_each_row_and_column() {
    let bytes = book(|sheet| {
        for row in 1..=5_000_u32 {
            sheet.write(row, 0, format!("姓名{row}")).unwrap().write(row, 4, "城").unwrap();
            match row % 10 {
                1 => sheet.write(row, 1, "abc").unwrap(),
                3 => sheet.write(row, 2, "x").unwrap(),
                5 => sheet.write(row, 3, "maybe").unwrap(),
                7 => sheet.write(row, 5, 1.5).unwrap(),
                9 => sheet.write(row, 0, 999_999_199_001_010_016.0).unwrap(),
                _ => sheet.write(row, 1, row).unwrap(),
            };
        }
    });
    let got = read_all(Format::Xlsx, &bytes, &people());
    assert_eq!(got.len(), 5_000);
    for (row, got) in (2_u32..).zip(&got) {
        match (row - 1) % 10 {
            1 => bad(row, "年龄", "whole number", got),
            3 => bad(row, "分数", "a number", got),
            5 => bad(row, "在读", "true or false", got),
            7 => bad(row, "楼层", "whole number", got),
            9 => bad(row, "姓名", "dropped", got),
            _ => {
                let name = format!("姓名{}", row - 1);
                assert_eq!(*got, Got::Ok(row, json!({"name": name, "age": row - 1, "abode": {"city": "城"}})));
                continue;
            }
        };
    }
}
