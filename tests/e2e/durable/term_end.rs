//! Term end (upstreams.md §2.7): 800 pending records at once, some of them bad, and the clerk is shown which.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    CSV, ONE, batch, id_of, rows, settled,
    sheets::{COLUMNS, cells, docked, read, sheet, troubled},
    text,
};
use crate::support::LINK;

const RECORDS: usize = 800;

/// 20 rows with a level of concern that does not exist.
fn is_misfit(n: usize) -> bool {
    n % 40 == 7
}

/// 17 rows without a text.
fn is_blank(n: usize) -> bool {
    n % 47 == 4
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_hundred_records_the_good_ones_arrive_and_the_bad_ones_come_back_to_be_corrected() {
    let docked = docked().await;
    let mut all: Vec<Vec<String>> = (0..RECORDS).map(cells).collect();
    let mut bad = BTreeSet::new();
    for (n, row) in all.iter_mut().enumerate() {
        if is_misfit(n) {
            row[5] = "9".to_owned();
        }
        if is_blank(n) {
            row[4] = String::new();
        }
        if is_misfit(n) || is_blank(n) {
            bad.insert(n as u64 + 2);
        }
    }
    assert_eq!(bad.len(), 37);

    let answer = batch(&docked.host, LINK, ONE, CSV, sheet(&all)).header("idempotency-key", "term-1").send().await;
    assert_eq!((&answer.expect(202)["rows"], &answer.json()["accepted"]), (&json!(800), &json!(780)));
    let id = id_of(&answer);
    let batch_view = settled(&docked.host, &id).await;
    assert_eq!((&batch_view["refused"], &batch_view["jobs"]), (&json!(20), &json!({ "done": 763, "failed": 17 })));
    assert_eq!(docked.sim.counters().records_accepted, 763);

    let results = rows(&docked.host, &id, "").await;
    let numbers: Vec<u64> = results.iter().map(|row| row["row"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (2..802).collect::<Vec<u64>>(), "in the order of the sheet");
    let told = rows(&docked.host, &id, "only=troubled").await;
    assert_eq!(told.iter().map(|row| row["row"].as_u64().unwrap()).collect::<BTreeSet<_>>(), bad);
    for row in &told {
        assert_eq!((text(row, "class"), text(row, "outcome")), ("invalid-input", "not-sent"), "{row}");
    }

    // The clerk corrects what came back, in the sheet that came back, and sends it again.
    let lines = read(std::str::from_utf8(&troubled(&docked.host, &id, "csv").await).unwrap());
    let headers: Vec<&str> = COLUMNS.iter().map(|(header, _)| *header).chain(["_row", "_error"]).collect();
    assert_eq!((lines.len(), &lines[0]), (38, &headers.iter().map(|text| (*text).to_owned()).collect()));
    let mut corrected = lines[1..].to_vec();
    for row in &mut corrected {
        let n = row[6].parse::<usize>().unwrap() - 2;
        let what = if is_misfit(n) { "关注程度" } else { "/content" };
        assert!(row[7].contains(what), "the error is named: {row:?}");
        row[5] = "1".to_owned();
        row[4] = cells(n)[4].clone();
        assert_eq!(row[0], cells(n)[0], "it is the record of that row");
    }
    let header: String = headers.join(",") + "\n";
    let again = sheet(&corrected).split_once('\n').unwrap().1.to_owned();
    let answer = batch(&docked.host, LINK, ONE, CSV, header + &again).send().await;
    assert_eq!(answer.expect(202)["accepted"], 37, "{}", answer.text());
    assert_eq!(settled(&docked.host, &id_of(&answer)).await["jobs"], json!({ "done": 37 }));
    let counters = docked.sim.counters();
    assert_eq!((counters.records_accepted, counters.overwrites), (800, 0));
}
