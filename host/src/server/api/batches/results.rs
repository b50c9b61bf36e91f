//! What became of the rows of a batch: page by page, or those that need a person as a sheet to be corrected and sent again.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde::Serialize;
use tokio::runtime::Handle;

use super::{Seen, WORKBOOK, own};
use crate::{
    push::batch::{BatchError, RowView, TroubledSheet},
    server::{
        api::{Caller, Shared},
        front::RequestError,
        problem::Problem,
    },
    sheet::Format,
    store::Rows,
};

/// Rows on a page unless asked otherwise, and at the most.
const LIMIT: (usize, usize) = (100, 500);

/// Rows of a batch.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = BatchRows)]
pub(in crate::server) struct RowList {
    rows: Vec<RowView>,
    /// The row to go on after; none: there is nothing more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u32>,
}

#[utoipa::path(
    get, path = "/v1/batches/{id}/results", tag = "batches", operation_id = "batchResults",
    summary = "What became of each row, in the order in which they were sent",
    params(
        ("id" = String, Path, description = "The batch's id"),
        ("only" = Option<String>, Query, description = "`troubled`: rows that a person must look at"),
        ("format" = Option<String>, Query, description = "`csv` or `xlsx`: those rows as a sheet, to be corrected and sent again; `ndjson`: their records, an empty line where there is none"),
        ("after" = Option<u32>, Query, description = "`next` of the page before"),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 500, description = "Rows on a page, at most; 100 unless given. Fewer when their outputs are large: `next` says where to go on")
    ),
    responses((status = 200, description = "A page of rows, or the sheet", body = RowList))
)]
pub(in crate::server) async fn results(
    State(shared): State<Arc<Shared>>,
    Caller(platform): Caller,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let Path(id) = path.map_err(|_| RequestError::NoRoute)?;
    let ask = Ask::parse(query.as_deref().unwrap_or(""))?;
    let push = &shared.api.push;
    let Seen { batch, .. } = own(push, &platform, &id).await?;
    if let Some(format) = ask.sheet {
        let troubled = push.troubled(batch, format)?;
        let sheet = match format {
            Format::Ndjson | Format::Json | Format::Csv => streamed(troubled),
            Format::Xlsx => {
                let room = shared.batches.take(&platform.name, WORKBOOK).ok_or(BatchError::Busy)?;
                // On a thread on which nobody waits: it computes for as long as there are rows.
                let runtime = Handle::current();
                let made = tokio::task::spawn_blocking(move || {
                    let _room = room;
                    runtime.block_on(troubled.workbook())
                });
                made.await.map_err(|_| RequestError::Panicked)??.into()
            }
        };
        let name = format!("attachment; filename=\"{id}.{}\"", format.extension());
        return Ok((
            [(header::CONTENT_TYPE, format.media_type().to_owned()), (header::CONTENT_DISPOSITION, name)],
            sheet,
        )
            .into_response());
    }
    let (rows, more) = push.batch_rows(&batch, ask.which, ask.after, ask.limit).await?;
    let next = rows.last().map(|row| row.row).filter(|_| more);
    Ok(Json(RowList { rows, next }).into_response())
}

/// The pieces, each read when the one before is taken. Cut short when the store fails meanwhile.
fn streamed(troubled: TroubledSheet) -> Body {
    Body::from_stream(stream::try_unfold(troubled, |mut troubled| async move {
        Ok::<_, BatchError>(troubled.next().await?.map(|piece| (piece, troubled)))
    }))
}

/// Which rows.
struct Ask {
    which: Rows,
    sheet: Option<Format>,
    after: Option<u32>,
    limit: usize,
}

impl Ask {
    fn parse(query: &str) -> Result<Self, RequestError> {
        let mut ask = Self { which: Rows::All, sheet: None, after: None, limit: LIMIT.0 };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let wrong = |name, rule| RequestError::Query { name, rule };
            match &*name {
                "only" if value == "troubled" => ask.which = Rows::Troubled,
                "only" => return Err(wrong("only", "`troubled` is expected")),
                "format" => {
                    ask.sheet = match &*value {
                        "json" => None,
                        "csv" => Some(Format::Csv),
                        "xlsx" => Some(Format::Xlsx),
                        "ndjson" => Some(Format::Ndjson),
                        _ => return Err(wrong("format", "json, ndjson, csv or xlsx is expected")),
                    };
                }
                "after" => {
                    ask.after = Some(value.parse().map_err(|_| wrong("after", "the number of a row is expected"))?)
                }
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=LIMIT.1).contains(limit));
                    ask.limit = limit.ok_or(wrong("limit", "a number from 1 to 500 is expected"))?;
                }
                // Others are ignored, as everywhere on the web.
                _ => {}
            }
        }
        Ok(ask)
    }
}
