//! Rows of a sheet: validated one by one, sent in chunks of one category side by side, told row by row in the order
//! they came. A chunk that fails marks its rows; the others go on. What was not sent may be sent again as it is.

use duijie_sdk::{
    Class, Failure, Outcome,
    class::{ClassName, OutcomeName},
    http::{self, Request},
    mapping::Violation,
};
use serde_json::Value;

use super::{prepared, pushed};
use crate::{
    config::Config,
    model::{Batch, BatchPushed, Category, Pushed, RowResult, WrongField},
    profile::Call,
    upstream::{Upstream, Variable, part},
};

/// What a call may send at the most.
const REQUESTS_MAX: u32 = 32;
/// Bytes of a request's rows: well below what a link takes by default, even with what stands around them.
const CHUNK_BYTES_MAX: usize = 768 * 1024;

/// Rows of one category that go in one request.
struct Chunk {
    category: Category,
    rows: Vec<usize>,
    items: String,
}

/// Pushes rows, or only validates them.
///
/// # Errors
/// What concerns all rows and is known before any is sent: `config`, `auth-expired`, `rate-limited`.
pub fn push(config: &Config, batch: &Batch) -> Result<BatchPushed, Failure> {
    let upstream = Upstream::of(config)?;
    let call = part(&upstream.profile.push, "push")?;
    let (mut results, chunks) = validated(config, call, batch)?;
    let mut retry_after_ms = None;
    if !batch.check_only && !chunks.is_empty() {
        let wanted = u32::try_from(chunks.len()).unwrap_or(u32::MAX).min(REQUESTS_MAX);
        let granted = upstream.take(wanted)?;
        if granted.requests == 0 {
            return Err(held_back().retry_after_ms(granted.next_ms));
        }
        let (now, later) = chunks.split_at(chunks.len().min(granted.requests.try_into().unwrap_or(usize::MAX)));
        for (chunk, answer) in now.iter().zip(sent(&upstream, call, now)?) {
            for &row in &chunk.rows {
                let ended = answer.as_ref().map_err(Clone::clone);
                let ended = ended.and_then(|reply| pushed(&upstream, call, reply, id(batch, row)));
                retry_after_ms = retry_after_ms.max(ended.as_ref().err().and_then(|failure| failure.retry_after_ms));
                note(&mut results, row, told(id(batch, row), ended));
            }
        }
        for &row in later.iter().flat_map(|chunk| &chunk.rows) {
            retry_after_ms = retry_after_ms.max(Some(granted.next_ms));
            note(&mut results, row, told(id(batch, row), Err(held_back())));
        }
    }
    let accepted = results.iter().filter(|result| result.ok).count();
    Ok(BatchPushed { accepted, failed: results.len() - accepted, retry_after_ms, results })
}

/// Every row's result as far as it is known without sending, and the chunks of those that are well.
fn validated(config: &Config, push: &Call, batch: &Batch) -> Result<(Vec<RowResult>, Vec<Chunk>), Failure> {
    let mut results = Vec::with_capacity(batch.rows.len());
    let mut chunks: Vec<Chunk> = Vec::new();
    for (row, resource) in batch.rows.iter().enumerate() {
        let mut item = prepared(config, push, resource)?;
        if batch.rows.iter().take(row).any(|earlier| earlier.ext_id == resource.ext_id) {
            let twice = ("/extId".to_owned(), "is that of an earlier row too".to_owned());
            item = Err(item.err().into_iter().flatten().chain([twice]).collect());
        }
        let item = match item {
            Ok(item) => item,
            Err(violations) => {
                results.push(invalid(&resource.ext_id, row, violations));
                continue;
            }
        };
        results.push(ready(&resource.ext_id));
        // The latest chunk of a category is the one that may have room. Chunks stay in the order of their first rows, so
        // that what is held back is the end of the sheet.
        let latest = chunks.iter_mut().rev().find(|chunk| chunk.category == resource.category);
        let with_room = latest
            .filter(|chunk| chunk.rows.len() < config.batch.size && chunk.items.len() + item.len() < CHUNK_BYTES_MAX);
        match with_room {
            Some(chunk) => {
                chunk.items.push(',');
                chunk.items.push_str(&item);
                chunk.rows.push(row);
            }
            None => chunks.push(Chunk { category: resource.category, rows: vec![row], items: item }),
        }
    }
    Ok((results, chunks))
}

fn sent(upstream: &Upstream<'_>, push: &Call, chunks: &[Chunk]) -> Result<Vec<Result<Value, Failure>>, Failure> {
    let requests = chunks.iter().map(|chunk| {
        let word = upstream.word_for(chunk.category);
        let items = Variable::Json(format!("[{}]", chunk.items));
        upstream.request(push, &[("type", Variable::Text(word)), ("items", items)])
    });
    let requests = requests.collect::<Result<Vec<Request>, Failure>>()?;
    let answers = http::send_all(requests).into_iter();
    Ok(answers.map(|answer| answer.map_err(Failure::from).and_then(|response| upstream.read(&response))).collect())
}

fn held_back() -> Failure {
    Failure::rate_limited("held back: the link has sent its requests of this minute, or of this call")
        .outcome(Outcome::NotSent)
}

fn id(batch: &Batch, row: usize) -> &str {
    batch.rows.get(row).map_or("", |resource| &resource.ext_id)
}

fn note(results: &mut [RowResult], row: usize, result: RowResult) {
    if let Some(place) = results.get_mut(row) {
        *place = result;
    }
}

fn told(ext_id: &str, ended: Result<Pushed, Failure>) -> RowResult {
    match ended {
        Ok(pushed) => RowResult {
            outcome: OutcomeName(Outcome::Done),
            id: pushed.id,
            state: Some(pushed.state),
            upstream_state: pushed.upstream_state,
            ..ready(ext_id)
        },
        Err(failure) => RowResult {
            ok: false,
            outcome: OutcomeName(failure.outcome),
            class: Some(ClassName(failure.class)),
            sub_code: failure.detail_json().get("sub_code").and_then(Value::as_str).map(str::to_owned),
            message: Some(failure.message),
            upstream_code: failure.upstream_code,
            ..ready(ext_id)
        },
    }
}

fn invalid(ext_id: &str, row: usize, violations: Vec<Violation>) -> RowResult {
    let fields = violations.into_iter();
    RowResult {
        ok: false,
        class: Some(ClassName(Class::InvalidInput)),
        message: Some("the row does not fit, see fields".to_owned()),
        fields: fields
            .map(|(pointer, message)| WrongField { pointer: format!("/rows/{row}{pointer}"), message })
            .collect(),
        ..ready(ext_id)
    }
}

/// A row that is well and not sent.
fn ready(ext_id: &str) -> RowResult {
    RowResult {
        ext_id: ext_id.to_owned(),
        ok: true,
        outcome: OutcomeName(Outcome::NotSent),
        id: None,
        state: None,
        upstream_state: None,
        class: None,
        message: None,
        upstream_code: None,
        sub_code: None,
        fields: Vec::new(),
    }
}
