//! Following a batch: its state whenever it changes, as server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, stream};
use tokio::sync::broadcast::error::RecvError;

use super::{BatchView, own};
use crate::{
    push::Push,
    server::{
        api::{Caller, Shared},
        auth::Platform,
        front::RequestError,
        problem::Problem,
    },
};

/// Between two looks at a batch that is followed.
const LOOK: Duration = Duration::from_millis(500);

#[utoipa::path(
    get, path = "/v1/batches/{id}/events", tag = "batches", operation_id = "followBatch",
    summary = "How far a batch is, as it happens (server-sent events)",
    params(
        ("id" = String, Path, description = "The batch's id"),
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that was seen: if nothing has changed since, it is not repeated")
    ),
    responses((status = 200, description = "Events `progress` and, as the last one, `settled`, with the batch as JSON", content_type = "text/event-stream"))
)]
pub(in crate::server) async fn events(
    State(shared): State<Arc<Shared>>,
    Caller(platform): Caller,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let Path(id) = path.map_err(|_| RequestError::NoRoute)?;
    own(&shared.api.push, &platform, &id).await?;
    let seen = headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    let following = Following { push: shared.api.push.clone(), platform, id, seen, over: false };
    let events = stream::unfold(following, |mut following| async move {
        let event = following.next().await?;
        Some((Ok(event), following))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// Somebody who follows a batch.
struct Following {
    push: Arc<Push>,
    platform: Arc<Platform>,
    id: String,
    seen: Option<String>,
    over: bool,
}

impl Following {
    /// The next state that differs from the last one seen; none after the last one of all.
    async fn next(&mut self) -> Option<Event> {
        let (mut ends, mut drain) = (self.push.ends(), self.push.drain());
        // Of a host that is going down nothing more is to be heard; whoever follows comes back with the last event.
        while !self.over && !drain.begun() {
            let view = BatchView::of(&own(&self.push, &self.platform, &self.id).await.ok()?);
            self.over = view.state == "settled";
            let version = view.version();
            if self.seen.as_deref() != Some(&version) || self.over {
                self.seen = Some(version.clone());
                let name = if self.over { "settled" } else { "progress" };
                return Event::default().event(name).id(version).json_data(&view).ok();
            }
            // Many ends are one event; rows that come are no ends, so it is looked without one, too.
            let changed = async { while let Err(RecvError::Lagged(_)) = ends.recv().await {} };
            let news = async {
                let _ = tokio::time::timeout(LOOK * 4, changed).await;
                tokio::time::sleep(LOOK).await;
            };
            tokio::select! {
                () = news => {}
                () = drain.wait() => {}
            }
        }
        None
    }
}
