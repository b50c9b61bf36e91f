//! `bench sheet`: a workbook of 5,000 rows and ten megabytes, checked through the API: how long it takes until every error is
//! there with its row and column, and how much memory the host takes for it. Text that does not compress, or ten megabytes
//! would be far more rows; rows that are wrong, since errors are what costs.

use std::{collections::BTreeSet, time::Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use rust_xlsxwriter::Workbook;
use serde_json::Value;

use super::{
    machine::{peak_kib, rss_kib},
    tools::{self, Options},
};
use crate::{
    components::{self, Kind},
    figures::{largest, median},
    http, process,
    site::{Host, Site},
};

/// The operation.
const PATH: &str = "/v1/links/sheets/operations/resource.push/batches?dry_run=true";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// A sheet's columns, and the members they are.
const COLUMNS: [(&str, &str); 5] =
    [("编号", "extId"), ("栏目", "category"), ("标题", "title"), ("简介", "summary"), ("正文", "content")];
/// Characters of a text: with 5,000 rows, ten megabytes.
const CONTENT: usize = 1000;
/// Of so many rows one is of no column that there is, and of so many one has no title: some are wrong in both.
const NO_CATEGORY: u32 = 4;
const NO_TITLE: u32 = 10;
/// Within which it must be checked (issue 5), and with how much memory more.
const SECONDS_MAX: f64 = 10.0;
const EXTRA_MIB_MAX: f64 = 64.0;

/// A row and a column in which something is wrong.
type Place = (u32, &'static str);

/// Measures and reports; a goal that is missed is an error.
pub(super) fn run(options: Options, rows: u32, rounds: u32) -> Result<()> {
    // The build of `soak crash`, which nothing makes slower that is not told to.
    let options = Options { failpoints: true, ..options };
    let connectors = components::build(Kind::Connectors, None)?;
    let (duijie, connector) = (tools::host(options)?, tools::named(&connectors, "culturedc")?);
    process::block_on(async {
        let site = Site::new(&duijie, "[log]\nlevel = \"warn\"\n")?;
        site.add_connector(&connector)?;
        site.write("secrets/key", "SKDEMO000000000000000000000000001")?;
        site.write("links.d/sheets.toml", &link())?;
        let (workbook, wrong) = workbook(rows)?;
        let mib = workbook.len() as f64 / f64::from(1 << 20);
        println!("bench sheet: {rows} rows, {mib:.1} MiB, {} of them wrong somewhere", wrong.len());
        // Compiled, so that the first check is not slow for that.
        site.start(None).await?.process.stop().await?;
        let (mut seconds, mut extra_mib) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            // Each on a host of its own: what it has once had, the allocator keeps.
            let host = site.start(None).await?;
            let before = rss_kib(host.process.pid())?;
            let begun = Instant::now();
            let places = check(&site, &host, &workbook, rows).await?;
            seconds.push(begun.elapsed().as_secs_f64());
            extra_mib.push(peak_kib(host.process.pid())?.saturating_sub(before) as f64 / 1024.0);
            host.process.stop().await?;
            if places != wrong {
                bail!("{} places were named, not the {} that are wrong", places.len(), wrong.len());
            }
        }
        println!(
            "bench sheet: rows={rows} mib={mib:.1} errors={} seconds_median={:.2} seconds_max={:.2} extra_mib_max={:.1}",
            wrong.len(),
            median(seconds.clone()),
            largest(&seconds),
            largest(&extra_mib)
        );
        if largest(&seconds) > SECONDS_MAX || largest(&extra_mib) > EXTRA_MIB_MAX {
            bail!("a goal was missed: within {SECONDS_MAX} s, at most {EXTRA_MIB_MAX} MiB more");
        }
        Ok(())
    })
}

/// A link whose sheets have these columns. Nothing is sent; port 9 is the one for throwing away.
fn link() -> String {
    let columns = COLUMNS.map(|(header, member)| format!("[\"{header}\", \"/{member}\"]")).join(", ");
    format!(
        "connector = \"culturedc\"\n\n[config]\nprofile = \"sim-v1\"\nbase_url = \"http://127.0.0.1:9\"\n\
        access_key = \"AKDEMO0000000001\"\n\n[secrets.secret_key]\nfile = \"../secrets/key\"\n\n\
        [allow]\nhttp = [\"http://127.0.0.1:9\"]\n\n[sheets.\"resource.push\"]\ncolumns = [{columns}]\n"
    )
}

/// The file, and what is wrong in it. Rows count as in a spreadsheet: the header is the first.
fn workbook(rows: u32) -> Result<(Vec<u8>, BTreeSet<Place>)> {
    let (mut book, mut wrong, mut letters) = (Workbook::new(), BTreeSet::new(), Letters(0x9e37_79b9_7f4a_7c15));
    let sheet = book.add_worksheet();
    for ((header, _), column) in COLUMNS.iter().zip(0..) {
        sheet.write_string(0, column, *header)?;
    }
    for row in 1..=rows {
        let category = if row % NO_CATEGORY == 0 { "别的" } else { "news" };
        let title = if row % NO_TITLE == 0 { "" } else { "一场讲座" };
        let cells =
            [format!("R{row:06}"), category.to_owned(), title.to_owned(), "简介".to_owned(), letters.text(CONTENT)];
        for (cell, column) in cells.iter().zip(0..) {
            if !cell.is_empty() {
                sheet.write_string(row, column, cell)?;
            }
        }
        let places = [(NO_CATEGORY, "栏目"), (NO_TITLE, "标题")];
        wrong.extend(places.iter().filter(|(of, _)| row % of == 0).map(|(_, column)| (row + 1, *column)));
    }
    Ok((book.save_to_buffer().context("writing the workbook")?, wrong))
}

async fn check(site: &Site, host: &Host, workbook: &[u8], rows: u32) -> Result<BTreeSet<Place>> {
    let bearer = format!("Bearer {}", site.key);
    let headers = [("authorization", bearer.as_str()), ("content-type", XLSX)];
    let answer = http::send("POST", &format!("{}{PATH}", host.api), &headers, workbook).await?;
    let said = answer.json();
    if answer.status != 200 || said.get("rows").and_then(Value::as_u64) != Some(rows.into()) {
        bail!("the sheet was not checked: {}: {said}", answer.status);
    }
    let errors = said.get("errors").and_then(Value::as_array).into_iter().flatten();
    errors.map(|error| place(error).ok_or_else(|| anyhow!("this error has no place in the sheet: {error}"))).collect()
}

fn place(error: &Value) -> Option<Place> {
    let row = error.get("row")?.as_u64()?;
    let column = error.get("column")?.as_str()?;
    let (column, _) = COLUMNS.iter().find(|(header, _)| *header == column)?;
    Some((row.try_into().ok()?, column))
}

/// Text that no compression makes much smaller, the same each time: Marsaglia's xorshift.
struct Letters(u64);

impl Letters {
    fn text(&mut self, length: usize) -> String {
        let letter = |_| {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            // The common ideographs, U+4E00 to U+8DFF.
            char::from_u32(0x4e00 + (self.0 >> 40) as u32 % 0x4000).unwrap_or('一')
        };
        (0..length).map(letter).collect()
    }
}
