//! What the writer writes is what the reader reads.

use super::*;

const FORMATS: [Format; 2] = [Format::Csv, Format::Xlsx];

fn written(format: Format, rows: &[(u32, Option<Value>, &str)]) -> Vec<u8> {
    let columns = people();
    let mut writer = Writer::new(format, &columns).unwrap();
    for (row, record, error) in rows {
        let json = record.as_ref().map(|record| serde_json::to_vec(record).unwrap());
        writer.row(*row, json.as_deref(), error).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn a_corrected_sheet_can_be_sent_again() {
    let texts = [
        "王",
        "=1+1",
        "+86 138",
        "-",
        "@x",
        "'=1",
        "''-1",
        "'a",
        "' =",
        "\tx",
        "\rx",
        "a\"b,c;d",
        "00123",
        "999999199001010016",
        "_x0041_",
        "x_x005F_y",
        "\u{1}\u{8}",
        "&<>",
        " a ",
        "true",
        "1.0",
        "🙂",
        "_row",
        "#N/A",
        "2024-01-02",
        // In CSV it takes two lines, so it is the last.
        "a\r\nb",
    ];
    for format in FORMATS {
        let rows: Vec<_> = (2..)
            .zip(texts)
            .map(|(row, text)| {
                let record = json!({"name": text, "age": -5, "score": -1.25, "active": false, "abode": {"city": text}});
                (row, Some(record), "=wrong")
            })
            .collect();
        let got = read_all(format, &written(format, &rows), &people());
        let expected: Vec<_> = rows.into_iter().map(|(row, record, _)| Got::Ok(row, record.unwrap())).collect();
        assert_eq!(got, expected, "{format:?}");
    }
}

#[test]
fn numbers_keep_their_digits() {
    for format in FORMATS {
        for (age, score) in [(999_999_999_999_999_i64, 0.1), (i64::MAX, 1.5), (i64::MIN, -0.000_001), (0, 1e20)] {
            let record = json!({"age": age, "score": score});
            let bytes = written(format, &[(2, Some(record.clone()), "")]);
            assert_eq!(read_all(format, &bytes, &people()), [Got::Ok(2, record)], "{format:?}");
        }
    }
}

#[test]
fn what_is_not_mapped_or_null_is_left_out() {
    for format in FORMATS {
        let record = json!({"name": "a", "other": 1, "age": null, "abode": {"city": "", "zip": 1}});
        let bytes = written(
            format,
            &[
                (2, Some(record), "e"),
                (3, None, "no JSON"),
                (4, Some(json!([1])), "e"),
                (9, Some(json!({"name": "b"})), "e"),
            ],
        );
        let got = read_all(format, &bytes, &people());
        assert_eq!(got, [Got::Ok(2, json!({"name": "a"})), Got::Ok(5, json!({"name": "b"}))], "{format:?}");
    }
}

#[test]
fn a_cell_of_the_wrong_kind_is_given_back_as_it_was() {
    let (got, _) = read_with(Format::Csv, "姓名,年龄,在读\na,=cmd|x,vielleicht\n".as_bytes(), &people(), LIMITS);
    let record = bad(2, "年龄", "whole number", &got[0]);
    assert_eq!(record, json!({"name": "a", "age": "=cmd|x", "active": "vielleicht"}));
    for format in FORMATS {
        let again = read_all(format, &written(format, &[(2, Some(record.clone()), "e")]), &people());
        assert_eq!(bad(2, "年龄", "whole number", &again[0]), record, "{format:?}");
    }
}

#[test]
fn csv_is_written_for_excel_and_runs_nothing() {
    let record = json!({"name": "=1+1", "age": -5, "score": "-2+3", "abode": {"city": "a,\"b\""}});
    let text = String::from_utf8(written(Format::Csv, &[(7, Some(record), "@bad")])).unwrap();
    let expected = "\u{FEFF}姓名,年龄,分数,在读,城市,楼层,_row,_error\r\n'=1+1,-5,'-2+3,,\"a,\"\"b\"\"\",,7,'@bad\r\n";
    assert_eq!(text, expected);
}

#[test]
fn a_text_that_no_cell_holds_comes_back_as_a_fault_not_cut() {
    let bytes = written(Format::Xlsx, &[(2, Some(json!({"name": "x".repeat(40_000), "age": 1})), "e")]);
    let got = read_all(Format::Xlsx, &bytes, &people());
    bad(2, "姓名", "send this record as JSON", &got[0]);
}

#[test]
fn what_cannot_be_written_is_refused() {
    let columns = people();
    assert!(matches!(Writer::new(Format::Json, &columns), Err(SheetError::NotASheet)));
    let mut writer = Writer::new(Format::Csv, &columns).unwrap();
    assert!(matches!(writer.row(3, Some(b"{"), "e"), Err(SheetError::NotJson(3))));
}
