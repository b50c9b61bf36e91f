//! The rows of a batch that need a person: what is wrong with them, and a file of them that can be corrected and pushed
//! again. Overwrites no file, since it may hold somebody's corrections; what it writes only its owner may read, since it
//! holds personal data.

use std::{
    fs,
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use http::Method;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::time::timeout;

use super::{SHOWN_MAX, is_sheet, refusal};
use crate::{
    cli::{
        Ended,
        remote::{Remote, json, refused},
        status::{entries, number, word},
    },
    sheet::Format,
};

/// Rows on a page of the host.
const PAGE: usize = 500;
/// For how long nothing may come of the file.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Names that are tried.
const NAMES_MAX: u32 = 1000;

/// Where failed rows come from and go to.
pub(super) struct Failed<'f> {
    pub(super) remote: &'f Remote,
    pub(super) batch: &'f str,
    /// Of the file that was sent.
    pub(super) format: Format,
    /// The file that was sent.
    pub(super) sent: &'f Path,
    /// Where they are to go, if not beside it.
    pub(super) to: Option<&'f Path>,
    /// Those that were refused at once have been shown.
    pub(super) refusals_shown: bool,
}

/// What was written.
#[derive(Debug)]
pub(super) struct Written {
    /// The rows; none if the host has no record of any.
    pub(super) file: Option<PathBuf>,
    /// Rows that are not in it, since the host has no record of them.
    pub(super) without: u64,
    /// What is wrong, a line a row, of the first ones.
    pub(super) shown: Vec<String>,
}

impl Failed<'_> {
    /// Writes the rows, and what is wrong with them if that is wanted.
    pub(super) async fn write(&self, errors: Option<&Path>) -> Result<Written, Ended> {
        let shown = self.faults(errors).await?;
        let format = match self.format {
            Format::Ndjson | Format::Json => Format::Ndjson,
            sheet => sheet,
        };
        let path = format!("/v1/batches/{}/results?only=troubled&format={}", self.batch, format.extension());
        let request = self.remote.request(Method::GET, &path);
        let sent = timeout(SILENCE_MAX, self.remote.send(request, Empty::new())).await;
        let answer = sent.map_err(|_| self.remote.silent(&"no answer in time"))?;
        let answer = answer.map_err(|error| self.remote.silent(&error))?;
        if !answer.status().is_success() {
            let (status, problem) = json(answer).await.map_err(|error| self.remote.silent(&error))?;
            return Err(refused(status, &problem));
        }
        let names = match self.to {
            Some(given) => names(given, false, None),
            None => names(self.sent, true, Some(format.extension())),
        };
        let mut file = beside(names.first())?;
        let mut lines = Lines::default();
        let written =
            self.receive(answer.into_body(), &mut file, (format == Format::Ndjson).then_some(&mut lines)).await?;
        let file = if written { Some(place(file, &names)?) } else { None };
        Ok(Written { file, without: lines.blank, shown })
    }

    /// Reads what is wrong with which row, writes all of it if that is wanted, and returns the first lines of it.
    async fn faults(&self, errors: Option<&Path>) -> Result<Vec<String>, Ended> {
        let mut file = errors.map(|path| beside(Some(&path.to_owned()))).transpose()?;
        let (mut shown, mut more, mut after) = (Vec::new(), 0_usize, None);
        loop {
            let after_row = after.map(|row: u64| format!("&after={row}")).unwrap_or_default();
            let path = format!("/v1/batches/{}/results?only=troubled&limit={PAGE}{after_row}", self.batch);
            let page = self.remote.ask(Method::GET, &path).await?;
            for row in entries(&page, "rows") {
                if let Some(file) = &mut file {
                    writeln!(file, "{row}").map_err(|error| unwritten(file.path(), &error))?;
                }
                if self.refusals_shown && word(row, "state") == "refused" {
                    continue;
                }
                for line in fault(row, is_sheet(self.format)) {
                    if shown.len() < SHOWN_MAX {
                        shown.push(line);
                    } else {
                        more = more.saturating_add(1);
                    }
                }
            }
            after = page.get("next").and_then(Value::as_u64);
            if after.is_none() {
                break;
            }
        }
        if more > 0 {
            shown.push(format!("… and {more} more"));
        }
        if let (Some(path), Some(file)) = (errors, file) {
            let at = place(file, &names(path, false, None))?;
            shown.push(format!("what is wrong with each is in {}", at.display()));
        }
        Ok(shown)
    }

    /// Takes the file as it comes; was there anything?
    async fn receive(
        &self,
        mut body: Incoming,
        file: &mut NamedTempFile,
        mut lines: Option<&mut Lines>,
    ) -> Result<bool, Ended> {
        let mut any = false;
        loop {
            let frame = timeout(SILENCE_MAX, body.frame()).await;
            let frame = frame.map_err(|_| self.remote.silent(&"the file of failed rows stopped coming"))?;
            let Some(frame) = frame else { return Ok(any) };
            let frame = frame.map_err(|error| self.remote.silent(&error))?;
            let Ok(piece) = frame.into_data() else { continue };
            let written = match &mut lines {
                Some(lines) => {
                    let kept = lines.keep(&piece);
                    any |= !kept.is_empty();
                    file.write_all(&kept)
                }
                None => {
                    any |= !piece.is_empty();
                    file.write_all(&piece)
                }
            };
            written.map_err(|error| unwritten(file.path(), &error))?;
        }
    }
}

/// What is wrong with a row, in words.
fn fault(row: &Value, sheet: bool) -> Vec<String> {
    if word(row, "state") == "refused" && entries(row, "errors").next().is_some() {
        return entries(row, "errors").map(|error| refusal(error, sheet)).collect();
    }
    let code = Some(word(row, "upstream_code")).filter(|code| !code.is_empty()).map(|code| format!(" ({code})"));
    let message = Some(word(row, "message")).filter(|text| !text.is_empty()).map(|text| format!(": {text}"));
    let (message, code) = (message.unwrap_or_default(), code.unwrap_or_default());
    vec![format!("row {}: {}{message}{code}", number(row, "row"), word(row, "state"))]
}

/// Takes the empty lines out, each of which stands for a row of which the host has no record.
struct Lines {
    at_start: bool,
    blank: u64,
}

impl Default for Lines {
    fn default() -> Self {
        Self { at_start: true, blank: 0 }
    }
}

impl Lines {
    fn keep(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut kept = Vec::with_capacity(piece.len());
        for byte in piece {
            if *byte == b'\n' && self.at_start {
                self.blank = self.blank.saturating_add(1);
            } else {
                kept.push(*byte);
                self.at_start = *byte == b'\n';
            }
        }
        kept
    }
}

/// The names to try, best first: NAME.ext and NAME.2.ext, or those with `.failed` after a name that has none yet.
fn names(of: &Path, failed: bool, extension: Option<&str>) -> Vec<PathBuf> {
    let text = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let mut stem = text(of.file_stem()).unwrap_or_else(|| "rows".into());
    let extension = extension.map(str::to_owned).or_else(|| text(of.extension()));
    if failed {
        // Rows that failed again go beside those that failed before, not after them.
        let base = match stem.rsplit_once('.') {
            Some((before, n)) if !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()) => before,
            _ => &stem,
        };
        let base = base.strip_suffix(".failed").unwrap_or(&stem);
        stem = format!("{base}.failed");
    }
    let extension = extension.map(|extension| format!(".{extension}")).unwrap_or_default();
    let first = of.with_file_name(format!("{stem}{extension}"));
    let others = (2..=NAMES_MAX).map(|n| of.with_file_name(format!("{stem}.{n}{extension}")));
    std::iter::once(first).chain(others).collect()
}

/// A file without a name yet, in the folder in which it is to have one.
fn beside(path: Option<&PathBuf>) -> Result<NamedTempFile, Ended> {
    let folder = path.and_then(|path| path.parent()).filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let made = tempfile::Builder::new().prefix(".push-").tempfile_in(folder);
    made.map_err(|error| unwritten(folder, &error))
}

/// Gives it the first name that is free, or that a file of the very same content has: the same command was run before.
fn place(mut file: NamedTempFile, names: &[PathBuf]) -> Result<PathBuf, Ended> {
    file.as_file().sync_all().map_err(|error| unwritten(file.path(), &error))?;
    for name in names {
        match file.persist_noclobber(name) {
            Ok(_) => return Ok(name.clone()),
            Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => {
                if is_same(lost.file.path(), name) {
                    return Ok(name.clone());
                }
                file = lost.file;
            }
            Err(lost) => return Err(unwritten(name, &lost.error)),
        }
    }
    Err(Ended::Because(format!("{NAMES_MAX} files of failed rows are there already; clear them away")))
}

fn is_same(one: &Path, other: &Path) -> bool {
    let len = |path: &Path| fs::metadata(path).map(|meta| meta.len());
    if !matches!((len(one), len(other)), (Ok(one), Ok(other)) if one == other) {
        return false;
    }
    let open = |path: &Path| fs::File::open(path).map(io::BufReader::new);
    match (open(one), open(other)) {
        (Ok(one), Ok(other)) => one.bytes().zip(other.bytes()).all(|bytes| matches!(bytes, (Ok(a), Ok(b)) if a == b)),
        _ => false,
    }
}

fn unwritten(path: &Path, error: &io::Error) -> Ended {
    Ended::Because(format!(
        "writing failed rows to {}: {error}; run the same command again to have them",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn failed_rows_go_beside_the_file_and_those_that_fail_again_beside_them() {
        let of = |name: &str, extension: &str| {
            let names = names(Path::new(name), true, Some(extension));
            names.iter().take(2).map(|name| name.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(of("in/talks.csv", "csv"), ["in/talks.failed.csv", "in/talks.failed.2.csv"]);
        assert_eq!(of("talks.json", "ndjson"), ["talks.failed.ndjson", "talks.failed.2.ndjson"]);
        assert_eq!(of("talks.failed.csv", "csv"), ["talks.failed.csv", "talks.failed.2.csv"]);
        assert_eq!(of("talks.failed.7.csv", "csv"), ["talks.failed.csv", "talks.failed.2.csv"]);
        assert_eq!(of("talks.2026.csv", "csv"), ["talks.2026.failed.csv", "talks.2026.failed.2.csv"]);
        assert_eq!(names(Path::new("x/bad.csv"), false, None)[1], Path::new("x/bad.2.csv"));
    }

    #[test]
    fn no_file_is_overwritten_and_the_same_one_is_not_written_twice() {
        let dir = tempfile::tempdir().unwrap();
        let names = names(&dir.path().join("talks.csv"), true, Some("csv"));
        let write = |content: &str| {
            let mut file = beside(names.first()).ok().unwrap();
            file.write_all(content.as_bytes()).unwrap();
            place(file, &names).ok().unwrap().file_name().unwrap().to_string_lossy().into_owned()
        };
        assert_eq!(write("a"), "talks.failed.csv");
        assert_eq!(write("b"), "talks.failed.2.csv");
        assert_eq!(write("a"), "talks.failed.csv");
        assert_eq!(write("b"), "talks.failed.2.csv");
        assert_eq!(fs::read(&names[0]).unwrap(), b"a");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn empty_lines_are_counted_and_taken_out_wherever_the_pieces_end() {
        let text = b"\n{\"a\":1}\n\n\n{\"b\":2}\n";
        for at in 0..text.len() {
            let (one, two) = text.split_at(at);
            let mut lines = Lines::default();
            let kept = [lines.keep(one), lines.keep(two)].concat();
            assert_eq!((kept.as_slice(), lines.blank), (&b"{\"a\":1}\n{\"b\":2}\n"[..], 3), "{at}");
        }
    }

    #[test]
    fn a_fault_is_what_the_host_says_of_the_row() {
        let row = json!({ "row": 4, "state": "failed", "message": "no", "upstream_code": "17" });
        assert_eq!(fault(&row, true), ["row 4: failed: no (17)"]);
        let row = json!({ "row": 5, "state": "refused", "errors": [{ "row": 5, "pointer": "/a", "message": "m" }] });
        assert_eq!(fault(&row, true), ["row 5, /a: m"]);
        let row = json!({ "row": 6, "state": "refused", "message": "what was sent is no longer kept" });
        assert_eq!(fault(&row, true), ["row 6: refused: what was sent is no longer kept"]);
    }
}
