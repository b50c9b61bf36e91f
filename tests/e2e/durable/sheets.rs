//! Sheets of clerks: CSV and XLSX with the link's own headers; what is wrong is named by row and column, and comes back as
//! a sheet that can be corrected and sent again.

use duijie_tests::{
    fixtures::{self, CONTENT_MARK},
    harness::Host,
    upstreams::ZjGxsz,
};
use serde_json::{Value, json};

use super::{CSV, ONE, batch, id_of, rows, settled, text};
use crate::support::{College, Docked, LINK, docked_with, requests};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A column's header, and the member that it is.
pub(super) const COLUMNS: [(&str, &str); 6] = [
    ("记录编号", "recordId"),
    ("教师工号", "teacherNo"),
    ("教师姓名", "teacherName"),
    ("谈话时间", "talkTime"),
    ("谈话内容", "content"),
    ("关注程度", "attention"),
];

/// A college that sends sheets. A row has no place for a list, so the student is the college's own default.
pub(super) fn with_sheets(college: College) -> College {
    with_sheets_beside(college).tables(
        "[config.mapping.one]\nfields = [\
        { to = \"recordId\", required = true }, { to = \"schoolCode\", constant = \"99999\" }, \
        { to = \"teacherNo\", required = true }, { to = \"teacherName\", required = true }, \
        { to = \"students\", constant = [{ studentNo = \"1\", studentName = \"生\" }] }, \
        { to = \"talkTime\", type = \"date\", required = true }, \
        { to = \"content\", required = true, max_length = 5000 }, { to = \"attention\", type = \"integer\" }]\n\
        [push]\nmax_inflight = 16",
    )
}

/// A college that sends whole records and gets the bad ones back as a sheet.
pub(super) fn with_sheets_beside(college: College) -> College {
    let columns = COLUMNS.map(|(header, member)| format!("[\"{header}\", \"/{member}\"]")).join(", ");
    college.tables(&format!("[sheets.\"{ONE}\"]\ncolumns = [{columns}]"))
}

pub(super) async fn docked() -> Docked {
    docked_with(ZjGxsz::builder(), with_sheets).await
}

/// The cells of record `n`.
pub(super) fn cells(n: usize) -> Vec<String> {
    let record = fixtures::revise(&fixtures::talk_one(n), n);
    COLUMNS.map(|(_, member)| record[member].as_str().map_or_else(|| record[member].to_string(), str::to_owned)).into()
}

/// A CSV sheet as Excel writes it.
pub(super) fn sheet(rows: &[Vec<String>]) -> String {
    let cell = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
    let line = |row: &Vec<String>| row.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n";
    let header: Vec<String> = COLUMNS.map(|(header, _)| header.to_owned()).into();
    format!("\u{feff}{}{}", line(&header), rows.iter().map(line).collect::<String>())
}

/// The cells of a CSV sheet without line breaks in cells.
pub(super) fn read(csv: &str) -> Vec<Vec<String>> {
    let line = |line: &str| {
        let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
        let mut letters = line.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => cell.extend(letters.next()),
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(std::mem::take(&mut cell)),
                other => cell.push(other),
            }
        }
        cells.push(cell);
        cells
    };
    csv.trim_start_matches('\u{feff}').lines().filter(|text| !text.is_empty()).map(line).collect()
}

/// The sheet of the rows that need a person.
pub(super) async fn troubled(host: &Host, id: &str, format: &str) -> bytes::Bytes {
    let answer = host.get(&format!("/v1/batches/{id}/results?format={format}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("content-disposition").contains(&format!("{id}.{format}")));
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_of_a_sheet_are_records_and_arrive() {
    let docked = docked().await;
    let all: Vec<Vec<String>> = (0..20).map(cells).collect();
    let id = id_of(&batch(&docked.host, LINK, ONE, CSV, sheet(&all)).send().await);
    assert_eq!(settled(&docked.host, &id).await["jobs"], json!({ "done": 20 }));
    for (n, row) in rows(&docked.host, &id, "").await.iter().enumerate() {
        assert_eq!((&row["row"], text(&row["result"], "recordId")), (&json!(n + 2), all[n][0].as_str()));
        let stored: Value =
            serde_json::from_slice(&docked.sim.profile().record(&all[n][0]).unwrap().plaintext).unwrap();
        assert_eq!((text(&stored, "content"), &stored["attention"]), (all[n][4].as_str(), &json!(n % 3)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quotes_commas_and_line_breaks_in_cells_arrive_as_they_are() {
    let docked = docked().await;
    let hard = ["一,二;三\t四", "他说\"好\"", "行一\r\n行二\n行三", "=1+1", "@甲 -乙", "𠀀👩‍👩‍👧‍👦"];
    let all = hard.iter().enumerate().map(|(n, text)| {
        let mut cells = cells(n);
        cells[4] = format!("{CONTENT_MARK}{text}");
        cells
    });
    let all: Vec<Vec<String>> = all.collect();
    let id = id_of(&batch(&docked.host, LINK, ONE, CSV, sheet(&all)).send().await);
    assert_eq!(settled(&docked.host, &id).await["jobs"], json!({ "done": hard.len() }));
    for row in &all {
        let stored: Value = serde_json::from_slice(&docked.sim.profile().record(&row[0]).unwrap().plaintext).unwrap();
        assert_eq!(text(&stored, "content"), row[4]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_row_is_said_by_row_and_column_without_its_value() {
    let docked = docked().await;
    let mut all: Vec<Vec<String>> = (0..4).map(cells).collect();
    all[1][5] = "甄测很高".to_owned();
    all[3][5] = "9".to_owned();
    let receipt = batch(&docked.host, LINK, ONE, CSV, sheet(&all)).send().await.expect(202);
    assert_eq!((&receipt["rows"], &receipt["accepted"]), (&json!(4), &json!(2)));
    let errors = receipt["errors"].as_array().unwrap();
    let places: Vec<_> = errors.iter().map(|error| (error["row"].as_u64().unwrap(), text(error, "column"))).collect();
    assert_eq!(places, [(3, "关注程度"), (5, "关注程度")], "{receipt}");
    assert!(!receipt.to_string().contains("甄测"), "{receipt}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_with_a_header_that_is_not_known_is_refused_as_a_whole() {
    let docked = docked().await;
    let body = sheet(&[cells(1)]).replace("谈话内容", "内容");
    let problem = batch(&docked.host, LINK, ONE, CSV, body).send().await.problem(422, "invalid-input", "not-sent");
    let detail = text(&problem, "detail");
    assert!(detail.contains("\"内容\"") && detail.contains("\"谈话内容\""), "{detail}");
    let headless = sheet(&[cells(1)]).lines().nth(1).unwrap().to_owned();
    let problem = batch(&docked.host, LINK, ONE, CSV, headless).send().await.problem(422, "invalid-input", "not-sent");
    assert!(!problem.to_string().contains(CONTENT_MARK), "what may be a record is not quoted: {problem}");
    assert_eq!((super::jobs(&docked.host, "").await.len(), requests(&docked.sim.counters())), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workbook_of_bad_rows_can_be_sent_back_and_is_read_as_the_same_rows() {
    let docked = docked().await;
    let mut all: Vec<Vec<String>> = (0..6).map(cells).collect();
    all[1][5] = "9".to_owned();
    all[4][4] = String::new();
    let id = id_of(&batch(&docked.host, LINK, ONE, CSV, sheet(&all)).send().await);
    assert_eq!(settled(&docked.host, &id).await["jobs"], json!({ "done": 4, "failed": 1 }));
    let workbook = troubled(&docked.host, &id, "xlsx").await;
    assert_eq!(workbook[..2], *b"PK");

    // Nothing corrected: the same verdicts, by the rows and headers of the new sheet.
    let answer = batch(&docked.host, LINK, ONE, XLSX, workbook).send().await;
    let receipt = answer.expect(202);
    assert_eq!((&receipt["rows"], &receipt["accepted"]), (&json!(2), &json!(1)), "{receipt}");
    assert_eq!((&receipt["errors"][0]["row"], text(&receipt["errors"][0], "column")), (&json!(2), "关注程度"));
    let second = id_of(&answer);
    assert_eq!(settled(&docked.host, &second).await["jobs"], json!({ "failed": 1 }));
    let of = |csv: bytes::Bytes| {
        let lines = read(std::str::from_utf8(&csv).unwrap());
        lines.into_iter().map(|line| line[..COLUMNS.len()].to_vec()).collect::<Vec<_>>()
    };
    let (first, second) = (troubled(&docked.host, &id, "csv").await, troubled(&docked.host, &second, "csv").await);
    assert_eq!(of(first), of(second), "what comes back of it is the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_workbook_is_refused_with_what_to_do() {
    let docked = docked().await;
    for body in [&b"no workbook"[..], b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"] {
        let answer = batch(&docked.host, LINK, ONE, XLSX, body.to_vec()).send().await;
        let problem = answer.problem(422, "invalid-input", "not-sent");
        assert!(text(&problem, "detail").contains("save it"), "{problem}");
    }
}
