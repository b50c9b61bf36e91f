//! `duijie push`: sends a file of records to a running host as one batch, says at once which rows were refused, follows the
//! others to their end, and writes those that need a person into a file that can be corrected and pushed again. As the
//! batch is named after the file's content, the same command again goes on where the last one was interrupted.

mod bar;
mod failed;
mod follow;
mod upload;

use std::path::PathBuf;

use clap::Args;
use http::Method;
use serde_json::{Value, json};

use self::{
    bar::Bar,
    failed::{Failed, Written},
    follow::{Followed, follow},
    upload::Upload,
};
use super::{
    Done, Ended, Global, block_on, print, print_json,
    remote::{PlatformArgs, Remote, segment},
    status::{entries, number, word},
};
use crate::{id::LinkId, sheet::Format};

/// Refusals that are printed; the whole of them is in the file of failed rows.
const SHOWN_MAX: usize = 20;

#[derive(Args)]
#[command(after_help = "Exit codes: 0 all rows are done · 1 rows need a person · 2 the batch could not be sent\n\
    The batch is named after the file's content, link and operation: if a push was interrupted, run the same command again \
    and it goes on; no row is sent twice. To send the same content as something new, give another --idempotency-key.")]
pub(super) struct PushArgs {
    /// The link's id, for instance zj.nbufe
    link: LinkId,
    /// The operation, for instance record.push-one
    operation: String,
    /// The records: NAME.ndjson, NAME.json (an array), NAME.csv or NAME.xlsx
    file: PathBuf,
    #[command(flatten)]
    remote: PlatformArgs,
    /// Names the batch; made of the file's content, link and operation when not given
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Only say what would be refused: nothing is kept, nothing is sent
    #[arg(long, conflicts_with_all = ["no_wait", "failed", "errors"])]
    dry_run: bool,
    /// Where rows go that need a person; FILE with `.failed` before its extension when not given. A file that is there is
    /// never overwritten: the next free name is taken
    #[arg(long, value_name = "FILE")]
    failed: Option<PathBuf>,
    /// Where to write what is wrong with them, one JSON object a row; a few are printed in any case
    #[arg(long, value_name = "FILE", conflicts_with = "no_wait")]
    errors: Option<PathBuf>,
    /// End when the batch is accepted, and do not follow it
    #[arg(long, conflicts_with = "failed")]
    no_wait: bool,
}

pub(super) fn run(global: &Global, args: &PushArgs) -> Done {
    let format = format_of(&args.file)?;
    let remote = args.remote.remote(global)?;
    block_on(async {
        let (receipt, key) = send(&remote, args, format, &Bar::new(global.json())).await.map_err(unsent)?;
        let refused = refusals(&receipt, is_sheet(format));
        if !global.json() && !refused.is_empty() {
            print(&refused)?;
        }
        let batch = word(&receipt, "id");
        if batch.is_empty() || args.no_wait {
            return accepted(global, args, &receipt);
        }
        let followed = follow(&remote, batch, &Bar::new(global.json())).await?;
        let to = args.failed.as_deref();
        let refusals_shown = !refused.is_empty();
        let failed = Failed { remote: &remote, batch, format, sent: &args.file, to, refusals_shown };
        let written = if followed.troubled() > 0 { Some(failed.write(args.errors.as_deref()).await?) } else { None };
        let sent = Sent { args, receipt: &receipt, key: &key };
        if global.json() {
            print_json(&sent.json(&followed, written.as_ref()))?
        } else {
            print(&sent.text(&followed, written.as_ref()))?
        }
        // A row may be taken by the batch and yet not be what was sent now: then it is listed above.
        let all = number(&receipt, "accepted") == number(&receipt, "rows");
        if all && followed.troubled() == 0 { Ok(()) } else { Err(Ended::Failed) }
    })
}

/// Nothing was sent, or not all of it: another code than for rows that need a person.
fn unsent(error: Ended) -> Ended {
    match error {
        Ended::Because(text) => Ended::Usage(text),
        other => other,
    }
}

fn format_of(file: &std::path::Path) -> Result<Format, Ended> {
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    let all = [Format::Ndjson, Format::Json, Format::Csv, Format::Xlsx];
    all.into_iter().find(|format| format.extension() == extension).ok_or_else(|| {
        Ended::Usage(format!("{}: the file must be called NAME.ndjson, .json, .csv or .xlsx", file.display()))
    })
}

/// Sends the batch; the host's receipt and the key that names it.
async fn send(remote: &Remote, args: &PushArgs, format: Format, bar: &Bar) -> Result<(Value, String), Ended> {
    let upload = Upload::open(&args.file)?;
    let key = match &args.idempotency_key {
        Some(key) => key.clone(),
        None => upload.key(&args.link, &args.operation)?,
    };
    let mut path = format!("/v1/links/{}/operations/{}/batches", args.link, segment(&args.operation));
    if args.dry_run {
        path.push_str("?dry_run=true");
    }
    let request = remote
        .request(Method::POST, &path)
        .header(http::header::CONTENT_TYPE, format.media_type())
        .header("idempotency-key", format!("\"{key}\""));
    Ok((upload.send(remote, request, bar).await?, key))
}

/// Has it columns? Whoever writes records knows their members.
fn is_sheet(format: Format) -> bool {
    matches!(format, Format::Csv | Format::Xlsx)
}

/// What was refused at once, a line each.
fn refusals(receipt: &Value, sheet: bool) -> String {
    let errors = entries(receipt, "errors").take(SHOWN_MAX);
    let mut lines: Vec<String> = errors.map(|error| refusal(error, sheet)).collect();
    let listed = u64::try_from(entries(receipt, "errors").count().saturating_sub(SHOWN_MAX)).unwrap_or(u64::MAX);
    let more = listed.saturating_add(number(receipt, "errors_omitted"));
    if more > 0 {
        lines.push(format!("… and {more} more"));
    }
    lines.join("\n")
}

fn refusal(error: &Value, sheet: bool) -> String {
    let place = match (word(error, "column"), word(error, "pointer")) {
        ("", "") => String::new(),
        (column, pointer) if column.is_empty() || (!sheet && !pointer.is_empty()) => format!(", {pointer}"),
        (column, _) => format!(", column {column}"),
    };
    format!("row {}{place}: {}", number(error, "row"), word(error, "message"))
}

/// After a dry run, or when nobody waits.
fn accepted(global: &Global, args: &PushArgs, receipt: &Value) -> Done {
    let (rows, accepted) = (number(receipt, "rows"), number(receipt, "accepted"));
    if global.json() {
        print_json(receipt)?;
    } else if args.dry_run {
        print(&format!("{accepted} of {rows} rows would be accepted; nothing was sent"))?;
    } else {
        print(&format!("{accepted} of {rows} rows are accepted as batch {}", word(receipt, "id")))?;
    }
    if accepted == rows { Ok(()) } else { Err(Ended::Failed) }
}

/// A batch that was sent and followed to its end.
struct Sent<'s> {
    args: &'s PushArgs,
    receipt: &'s Value,
    key: &'s str,
}

impl Sent<'_> {
    fn json(&self, followed: &Followed, written: Option<&Written>) -> Value {
        let (file, without) = written.map_or((None, 0), |written| (written.file.as_deref(), written.without));
        json!({
            "batch": followed.batch, "errors": self.receipt.get("errors"),
            "errors_omitted": number(self.receipt, "errors_omitted"), "troubled": followed.troubled(),
            "failed_file": file, "rows_without_record": without, "idempotency_key": self.key,
        })
    }

    fn text(&self, followed: &Followed, written: Option<&Written>) -> String {
        let PushArgs { link, operation, file: sent, .. } = self.args;
        let mut lines = vec![followed.summary()];
        let Some(written) = written else { return lines.remove(0) };
        lines.extend(written.shown.iter().cloned());
        if let Some(file) = &written.file {
            let file = file.display();
            lines.push(format!("the rows that need a person are in {file}: correct them, then"));
            lines.push(format!("  duijie push {link} {operation} {file}"));
        }
        if written.without > 0 {
            let (without, sent) = (written.without, sent.display());
            lines.push(format!("{without} rows are in no file, since they could not be read: correct them in {sent}"));
        }
        if followed.may_be_sent_again() {
            lines.push(
                "parked and unknown rows are still jobs of the host, and an unknown one may have been applied: look"
                    .into(),
            );
            lines
                .push("before you push them again, or let an operator send them again with `duijie jobs retry`".into());
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_row_and_place_and_are_bounded() {
        let error = |row: usize| json!({ "row": row, "column": "姓名", "pointer": "/name", "message": "is missing" });
        let receipt = json!({ "errors": (1..=25).map(error).collect::<Vec<_>>() });
        assert!(refusals(&receipt, false).starts_with("row 1, /name: is missing\n"));
        let text = refusals(&receipt, true);
        assert!(text.starts_with("row 1, column 姓名: is missing\n") && text.ends_with("\n… and 5 more"), "{text}");
        assert_eq!(text.lines().count(), 21);
        let receipt = json!({ "errors": [error(1)], "errors_omitted": 7 });
        assert!(refusals(&receipt, true).ends_with("\n… and 7 more"), "those that the host does not list");
        let text = refusals(
            &json!({ "errors": [{ "row": 2, "pointer": "/a", "message": "m" }, { "row": 3, "message": "n" }] }),
            true,
        );
        assert_eq!(text, "row 2, /a: m\nrow 3: n");
    }

    #[test]
    fn the_format_is_that_of_the_name() {
        let of = |name: &str| format_of(name.as_ref()).ok();
        assert_eq!(of("a/talks.CSV"), Some(Format::Csv));
        assert_eq!(of("talks.ndjson"), Some(Format::Ndjson));
        for wrong in ["talks", "talks.xls", ".csv", "csv"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
