//! News of an asset as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::Stream;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::App;
use super::assets::asset_id;
use super::problem::{Problem, ProblemBody};
use crate::catalogue::{AssetId, AssetState, CatalogueError};
use crate::jobs::AssetEvent;

/// How often the record is read, for what other origins do to it.
const POLL_INTERVAL: Duration = Duration::from_secs(3);
/// How often silence is broken, so that proxies keep the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Watch an asset: server-sent events with its state and the progress of its job, until the client leaves.
#[utoipa::path(get, path = "/v1/assets/{id}/events", tag = "assets", security(("key" = [])), params(("id" = String, Path, description = "The asset")),
    responses(
        (status = 200, description = "One `asset` event now and one at every change", content_type = "text/event-stream", body = AssetEvent),
        (status = 404, body = ProblemBody, description = "There is none"),
    ))]
pub(super) async fn asset_events(
    State(app): State<App>,
    id: Result<Path<AssetId>, PathRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let id = asset_id(id)?;
    // Listening begins before the first look, so that nothing falls between the two.
    let news = app.bus.subscribe();
    let first = current(&app, &id).await?;
    let watch = Watch {
        app,
        id,
        news,
        last: None,
        next: Some(first),
        ended: false,
    };
    let stream = futures_util::stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        let event = Event::default()
            .event("asset")
            .json_data(&event)
            .unwrap_or_default();
        Some((Ok(event), watch))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Watch {
    app: App,
    id: AssetId,
    news: broadcast::Receiver<AssetEvent>,
    last: Option<AssetEvent>,
    next: Option<AssetEvent>,
    ended: bool,
}

impl Watch {
    /// The next event that tells something new; `None` when the asset is gone or the service stops.
    async fn next(&mut self) -> Option<AssetEvent> {
        loop {
            if let Some(event) = self.next.take()
                && self.last.as_ref() != Some(&event)
            {
                self.last = Some(event.clone());
                return Some(event);
            }
            if self.ended {
                return None;
            }
            tokio::select! {
                news = self.news.recv() => match news {
                    Ok(event) if event.id == self.id => self.next = Some(event),
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                },
                () = tokio::time::sleep(POLL_INTERVAL) => match current(&self.app, &self.id).await {
                    Ok(event) => self.next = Some(self.without_lost_progress(event)),
                    Err(CatalogueError::NotFound) => return None,
                    // The store may be back at the next look.
                    Err(_) => {}
                },
                () = self.app.shutdown.cancelled() => self.ended = true,
            }
        }
    }

    /// Progress that this process saw is finer than what the job's record says.
    fn without_lost_progress(&self, mut event: AssetEvent) -> AssetEvent {
        if let Some(last) = self.last.as_ref().filter(|last| last.state == event.state) {
            event.progress = match (event.progress, last.progress) {
                (Some(stored), Some(seen)) => Some(stored.max(seen)),
                (stored, seen) => stored.or(seen),
            };
        }
        event
    }
}

async fn current(app: &App, id: &AssetId) -> Result<AssetEvent, CatalogueError> {
    let asset = app.catalogue.get(id).await?;
    let mut event = AssetEvent::of(&asset);
    if matches!(asset.state, AssetState::Queued | AssetState::Packaging) {
        event.progress = app.queue.get(id).await.ok().map(|(job, _)| job.progress);
    }
    Ok(event)
}
