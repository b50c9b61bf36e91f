//! What is sent to do harm, or by mistake.

use super::*;

#[track_caller]
fn refused(bytes: &[u8], part: &str) {
    let error = error_of(Format::Xlsx, bytes);
    assert!(error.contains(part), "{error}");
}

/// The place of a part's central header and of its local one.
fn headers(zip: &[u8], name: &str) -> (usize, usize) {
    let find = |magic: &[u8], at: usize| {
        (0..zip.len()).find(|start| zip[*start..].starts_with(magic) && zip[start + at..].starts_with(name.as_bytes()))
    };
    (find(b"PK\x01\x02", 46).unwrap(), find(b"PK\x03\x04", 30).unwrap())
}

#[test]
fn a_zip_bomb_is_refused_before_it_is_inflated() {
    refused(&book_of("", &[("xl/media/a.bin", vec![0; 20 << 20])]), "200 times");
    refused(&book_of("", &[("xl/worksheets/a.xml", vec![b' '; 20 << 20])]), "200 times");
    let parts: Vec<_> = (0..2_001).map(|n| (format!("a{n}.xml"), b"<a/>".to_vec())).collect();
    let parts: Vec<_> = parts.iter().map(|(name, content)| (name.as_str(), content.clone())).collect();
    refused(&archive(&parts), "2,000 entries");
}

#[test]
fn parts_that_are_too_large_in_all_are_refused() {
    // Hard to compress, so that the ratio is in order.
    let line: Vec<String> = (0..2_000_u32).map(|n| format!("<a{}/>", n.wrapping_mul(2_654_435_761))).collect();
    let part = line.concat().repeat(1_000).into_bytes();
    let names: Vec<String> = (0..4).map(|n| format!("p{n}.xml")).collect();
    let parts: Vec<_> = names.iter().map(|name| (name.as_str(), part.clone())).collect();
    let mut zip = archive(&parts);
    refused(&zip, "64 MiB");
    // The same with sizes that lie.
    for name in &names {
        let (central, local) = headers(&zip, name);
        zip[central + 24..central + 28].copy_from_slice(&10_u32.to_le_bytes());
        zip[local + 22..local + 26].copy_from_slice(&10_u32.to_le_bytes());
    }
    let error = error_of(Format::Xlsx, &zip);
    assert!(error.contains("64 MiB") || error.contains("200 times") || error.contains("damaged"), "{error}");
}

#[test]
fn a_size_that_lies_is_found_out() {
    let spaces = " ".repeat(900_000);
    let mut zip = book_of(&sheet_of(&format!("<row>{spaces}</row>{spaces}<row>{spaces}</row>{spaces}")), &[]);
    let (central, local) = headers(&zip, "xl/worksheets/sheet1.xml");
    zip[central + 24..central + 28].copy_from_slice(&100_u32.to_le_bytes());
    zip[local + 22..local + 26].copy_from_slice(&100_u32.to_le_bytes());
    let error = error_of(Format::Xlsx, &zip);
    assert!(error.contains("200 times") || error.contains("damaged"), "{error}");
}

#[test]
fn what_would_fill_the_readers_memory_is_refused() {
    let strings = |attributes: &str| format!("<sst {attributes}></sst>").into_bytes();
    let sheet = sheet_of("");
    refused(&book_of(&sheet, &[("xl/sharedStrings.xml", strings("uniqueCount=\"99999999999999\""))]), "texts");
    refused(&book_of(&sheet, &[("xl/sharedStrings.xml", strings("uniqueCount=\"2000000\""))]), "texts");
    refused(
        &book_of(&sheet, &[("xl/sharedStrings.xml", strings("uniqueCount=\"1\" uniqueCount=\"99999999999\""))]),
        "damaged",
    );
    let many = format!("<sst>{}</sst>", (0..1_100_000_u32).map(|n| format!("<si a='{n}'/>")).collect::<String>());
    refused(&book_of(&sheet, &[("xl/sharedStrings.xml", many.into_bytes())]), "texts");
    let xfs = |count: u32| (0..count).map(|n| format!("<xf numFmtId='{n}'/>")).collect::<String>();
    refused(
        &book_of(
            &sheet,
            &[("xl/styles.xml", format!("<styleSheet><cellXfs>{}</cellXfs></styleSheet>", xfs(70_000)).into_bytes())],
        ),
        "formats",
    );
    let font = format!("<styleSheet><fonts><font><name val='{}'/></font></fonts>", "x".repeat(100_000));
    refused(
        &book_of(
            &sheet,
            &[("xl/styles.xml", format!("{font}<cellXfs>{}</cellXfs></styleSheet>", xfs(1_000)).into_bytes())],
        ),
        "formats",
    );
}

/// Letters that are hard to compress.
fn noise(length: usize) -> String {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + (state >> 24) as u8 % 26)
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn texts_that_are_too_much_in_all_are_refused() {
    let strings = |count: usize| format!("<sst>{}</sst>", format!("<si><t>{}</t></si>", noise(20_000)).repeat(count));
    refused(&book_of(&sheet_of(""), &[("xl/sharedStrings.xml", strings(1_900).into_bytes())]), "texts are over 36 MiB");
    // As much without one to be held is no harm.
    let cells = [row_of(&["姓名"]), row_of(&[&noise(2_000)]).repeat(400)].concat();
    assert_eq!(read_all(Format::Xlsx, &book_of(&sheet_of(&cells), &[]), &people()).len(), 400);
}

#[test]
fn a_tag_of_many_attributes_takes_no_time() {
    let attributes: String = (0..90_000_u32).map(|n| format!("a{n}='' ")).collect();
    let began = std::time::Instant::now();
    let got = read_all(
        Format::Xlsx,
        &book_of(&sheet_of(&format!("{}<row><c {attributes}/></row>", row_of(&["姓名"]))), &[]),
        &people(),
    );
    assert!(got.is_empty() && began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}

#[test]
fn a_cell_of_one_mebibyte_is_refused_and_a_long_one_is_a_fault() {
    let sheet = |length: usize| sheet_of(&[row_of(&["姓名"]), row_of(&[&noise(length)]), row_of(&["b"])].concat());
    refused(&book_of(&sheet((1 << 20) + 9_000), &[]), "over 1 MiB");
    let got = read_all(Format::Xlsx, &book_of(&sheet(100_000), &[]), &people());
    bad(2, "", "over 4096 bytes", &got[0]);
    assert_eq!(got[1], Got::Ok(3, json!({"name": "b"})));
    refused(&book_of(&sheet_of(&row_of(&[&"x".repeat(70_000)])), &[]), "too long for a header");
}

#[test]
fn places_beyond_the_sheet_are_refused() {
    for rows in [
        "<row r=\"99999999999\"></row>",
        "<row><c r=\"ZZZZZZZZ1\"><v>1</v></c></row>",
        "<row><c r=\"A99999999999\"><v>1</v></c></row>",
        "<row><c r=\"\"><v>1</v></c></row>",
        "<row><c r=\"A1\" r=\"A9999999999\"><v>1</v></c></row>",
    ] {
        refused(&book_of(&sheet_of(rows), &[]), "damaged");
    }
    refused(&book_of("<worksheet><dimension ref=\"B9:A1\"/><sheetData/></worksheet>", &[]), "damaged");
    let back = format!(
        "{}<row r=\"9\"><c r=\"A9\"><v>1</v></c></row><row r=\"3\"><c r=\"A3\"><v>1</v></c></row>",
        row_of(&["姓名"])
    );
    refused(&book_of(&sheet_of(&back), &[]), "behind row 9");
    let wild = format!("{}<row><c t=\"s\"><v>7</v></c></row>", row_of(&["姓名"]));
    refused(&book_of(&sheet_of(&wild), &[]), "behind row 1");
    let far = format!("{}<row><c r=\"ZZZ2\"><v>1</v></c></row>", row_of(&["姓名"]));
    bad(2, "ZZZ", "no header", &read_all(Format::Xlsx, &book_of(&sheet_of(&far), &[]), &people())[0]);
}

#[test]
fn a_sheet_that_hides_in_another_part_is_not_found() {
    let rels = "<Relationships><Relationship Id=\"rId1\" Type=\"x/worksheet\" Target=\"media/a.png\"/></Relationships>";
    let book = "<workbook><sheets><sheet name=\"a\" r:id=\"rId1\"/></sheets></workbook>";
    let zip = archive(&[
        ("_rels/.rels", b"<Relationships><Relationship Type=\"a/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>".to_vec()),
        ("xl/workbook.xml", book.into()),
        ("xl/_rels/workbook.xml.rels", rels.into()),
        ("xl/media/a.png", sheet_of(&row_of(&["姓名"])).into_bytes()),
    ]);
    refused(&zip, "not an .xlsx workbook");
}

#[test]
fn other_files_are_told_apart() {
    let cfb = [&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1][..], &[0; 600]].concat();
    refused(&cfb, "old kind (.xls)");
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused(&[&cfb[..], &name].concat(), "encrypted");
    let mut zip = book_of(&sheet_of(""), &[]);
    refused(&zip[..zip.len() - 30], "not an .xlsx workbook");
    let (central, _) = headers(&zip, "xl/workbook.xml");
    zip[central + 8] |= 1;
    refused(&zip, "encrypted");
    for bytes in [
        &b""[..],
        b"PK",
        b"name,age\n",
        &archive(&[("a.txt", b"x".to_vec())]),
        &archive(&[("_rels/.rels", b"<".to_vec())]),
    ] {
        refused(bytes, "not an .xlsx workbook");
    }
    refused(&vec![b'P'; XLSX_MAX + 1], "16 MiB");
}

#[test]
fn damaged_workbooks_do_not_panic() {
    let mut state = 7_u32;
    let mut damage = |bytes: &mut [u8]| {
        for _ in 0..2 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (state >> 8) as usize % bytes.len();
            // Digits and marks break more than any byte does.
            let marks = b"0123456789<>/\"= :AZ\xFF\0";
            bytes[at] = marks[(state >> 20) as usize % marks.len()];
        }
    };
    let sheet = "<worksheet><dimension ref=\"A1:B2\"/><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c></row>\
        <row r=\"2\"><c r=\"A2\" t=\"str\"><f>1</f><v>a&amp;_x0041_</v></c><c r=\"B2\" s=\"1\"><v>45000.5</v></c></row>\
        </sheetData></worksheet>";
    let strings = "<sst uniqueCount=\"1\"><si><r><t>姓名</t></r></si></sst>";
    let styles = "<styleSheet><numFmts><numFmt numFmtId=\"170\" formatCode=\"yyyy/m/d\"/></numFmts><fonts><font><name val=\"a\"/>\
        <color theme=\"1\" tint=\"0.5\"/><color rgb=\"FF000000\"/></font></fonts><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"170\" \
        fontId=\"0\"><alignment textRotation=\"90\" indent=\"1\"/></xf></cellXfs></styleSheet>";
    let parts = [("xl/sharedStrings.xml", strings), ("xl/styles.xml", styles)];
    let whole = book_of(sheet, &parts.map(|(name, text)| (name, text.into())));
    for round in 0..6_000_u32 {
        let mut bytes = whole.clone();
        if round % 3 == 0 {
            damage(&mut bytes);
        } else {
            let mut parts = parts.map(|(name, text)| (name, text.as_bytes().to_vec()));
            let mut sheet = sheet.as_bytes().to_vec();
            damage(&mut sheet);
            parts.iter_mut().for_each(|(_, part)| damage(part));
            let sheet = String::from_utf8_lossy(&sheet).into_owned();
            bytes = book_of(&sheet, &parts);
        }
        let _ = read_with(Format::Xlsx, &bytes, &people(), LIMITS);
    }
    let (got, _) = read_with(Format::Xlsx, &whole, &people(), LIMITS);
    assert_eq!(got.len(), 1);
}

#[test]
fn one_row_too_many_ends_reading_after_the_others() {
    let csv = format!("姓名\n{}", "a\n".repeat(10_001));
    let sheet = sheet_of(&format!("{}{}", row_of(&["姓名"]), row_of(&["a"]).repeat(10_001)));
    let array = format!("[{}1]", "1,".repeat(10_000));
    for (format, bytes) in [
        (Format::Ndjson, "1\n".repeat(10_001).into_bytes()),
        (Format::Json, array.into_bytes()),
        (Format::Csv, csv.into_bytes()),
        (Format::Xlsx, book_of(&sheet, &[])),
    ] {
        let (got, result) = read_with(format, &bytes, &people(), LIMITS);
        assert!(got.len() == 10_000 && matches!(result, Err(SheetError::TooMany(10_000))), "{format:?} {result:?}");
    }
    assert_eq!(read_all(Format::Csv, format!("姓名\n{}", "a\n".repeat(10_000)).as_bytes(), &people()).len(), 10_000);
}

#[test]
fn deep_json_overflows_no_stack() {
    let deep = "[".repeat(1_000_000);
    let limits = Limits { rows: 10, record: 4 << 20 };
    let (got, result) =
        read_with(Format::Ndjson, format!("{deep}\n{deep}{}\n1", "]".repeat(1_000_000)).as_bytes(), &people(), limits);
    bad(2, "", "deeper", &got[1]);
    assert_eq!((got.len(), result.unwrap()), (3, 3));
    assert!(matches!(read_with(Format::Json, deep.as_bytes(), &people(), limits).1, Err(SheetError::Array { .. })));
}

#[test]
fn csv_with_nul_or_an_open_quote_or_a_mebibyte_is_no_trap() {
    let csv = format!("姓名,年龄\na\0b,1\n\"{}\",2\nc,3\n", "x,\n".repeat(400_000));
    let got = read_all(Format::Csv, csv.as_bytes(), &people());
    bad(2, "姓名", "NUL", &got[0]);
    bad(3, "", "too long", &got[1]);
    assert_eq!(got[2], Got::Ok(400_004, json!({"name": "c", "age": 3})));
    let (got, result) = read_with(Format::Csv, "姓名\na\n\"b\nc\nd\n".as_bytes(), &people(), LIMITS);
    assert!(got.len() == 1 && matches!(result, Err(SheetError::Quote(3))), "{result:?}");
    let wide = format!("姓名\n{}\nb\n", "x,".repeat(30_000));
    let got = read_all(Format::Csv, wide.as_bytes(), &people());
    bad(2, "", "too long", &got[0]);
    assert_eq!(got[1], Got::Ok(3, json!({"name": "b"})));
    assert!(error_of(Format::Csv, "x".repeat(1 << 20).as_bytes()).contains("too long for a header"));
}
