//! Gives ffmpeg a source over loopback HTTP, whatever store it lies in: read by range, never copied to disk.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::packaging::MediaInput;
use crate::random;

/// Bytes read from the store at once.
const CHUNK: u64 = 1 << 20;

/// A server for one source; it ends with this value.
pub(super) struct SourceServer {
    url: String,
    _stop: DropGuard,
}

impl SourceServer {
    /// Starts serving `input` under a name that cannot be guessed.
    ///
    /// # Errors
    /// When no port can be bound.
    pub(super) async fn start(input: Arc<dyn MediaInput>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let path = format!("/{}", random::hex_string(16));
        let url = format!("http://{}{path}", listener.local_addr()?);
        let router = Router::new().route(&path, get(serve)).with_state(input);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                result = axum::serve(listener, router) => if let Err(error) = result {
                    tracing::warn!(error = %error, "the source server failed");
                },
                () = stopped.cancelled() => {}
            }
        });
        Ok(Self {
            url,
            _stop: stop.drop_guard(),
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

async fn serve(
    State(input): State<Arc<dyn MediaInput>>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let size = input.length();
    let wanted = headers
        .get(RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| bounds(value, size));
    let (start, end) = wanted.unwrap_or((0, size));
    let mut builder = Response::builder()
        .header(ACCEPT_RANGES, "bytes")
        .header(CONTENT_LENGTH, end - start);
    if wanted.is_some() {
        builder = builder.status(StatusCode::PARTIAL_CONTENT).header(
            CONTENT_RANGE,
            format!("bytes {start}-{}/{size}", end.saturating_sub(1)),
        );
    }
    if method == Method::HEAD {
        return builder.body(Body::empty()).unwrap_or_default();
    }
    let chunks = futures_util::stream::try_unfold(start, move |offset| {
        let input = Arc::clone(&input);
        async move {
            if offset >= end {
                return Ok::<_, std::io::Error>(None);
            }
            let next = (offset + CHUNK).min(end);
            let bytes = input.read(offset, next).await?;
            Ok(Some((bytes, next)))
        }
    });
    builder.body(Body::from_stream(chunks)).unwrap_or_default()
}

/// ffmpeg asks for `bytes=N-` and `bytes=N-M`.
fn bounds(range: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let start: u64 = first.parse().ok()?;
    let end = if last.is_empty() {
        size
    } else {
        last.parse::<u64>().ok()?.saturating_add(1).min(size)
    };
    (start < end).then_some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_ffmpeg_writes_them() {
        assert_eq!(bounds("bytes=0-", 10), Some((0, 10)));
        assert_eq!(bounds("bytes=4-7", 10), Some((4, 8)));
        assert_eq!(bounds("bytes=4-70", 10), Some((4, 10)));
        assert_eq!(bounds("bytes=10-", 10), None);
    }
}
