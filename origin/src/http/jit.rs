//! Just-in-time packaging: `/jit/{id}/…` plays the moment an upload has ended.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::App;
use super::conditional::{Precondition, evaluate, wanted_range};
use super::problem::Problem;
use crate::catalogue::AssetId;
use crate::packaging::{PackagingError, failure_of};
use crate::storage::{ETag, StorageError};

/// The source may be replaced, so caches ask again soon; the tag makes that cheap.
const CACHE_FOR: &str = "public, max-age=60";

/// A playlist or segment, made from the source at this moment.
#[utoipa::path(
    get,
    path = "/jit/{id}/{path}",
    tag = "media",
    params(("id" = String, Path, description = "The asset"), ("path" = String, Path, description = "`multivariant.m3u8`, or what a playlist names")),
    responses(
        (status = 200, description = "The file"),
        (status = 206, description = "The wanted part of it"),
        (status = 404, description = "Nothing was uploaded, or there is no such file", body = super::problem::ProblemBody),
        (status = 422, description = "The source cannot be packaged as it is", body = super::problem::ProblemBody),
    ),
)]
pub(super) async fn get_jit(
    State(app): State<App>,
    method: Method,
    Path((id, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id: AssetId = id.parse().map_err(|_| Problem::not_found())?;
    let asset = app.catalogue.get(&id).await?;
    if app.is_protected(&asset) {
        // The upload is in the clear.
        return Err(Problem::not_found());
    }
    let source = asset
        .source
        .as_ref()
        .filter(|source| source.presentation.is_some())
        .ok_or_else(Problem::not_found)?;
    let digest = Sha256::digest(format!("{} {path}", source.etag));
    let etag = format!("\"{}\"", hex::encode(&digest[..16]));
    if evaluate(&headers, &[&etag], source.uploaded_at.into()) == Precondition::NotModified {
        let known = Response::builder()
            .status(StatusCode::NOT_MODIFIED)
            .header(ETAG, etag)
            .header(CACHE_CONTROL, CACHE_FOR);
        return Ok(known.body(Body::empty()).unwrap_or_default());
    }
    let file = app
        .just_in_time
        .file(&id, &ETag::new(&source.etag), &path)
        .await
        .map_err(|error| problem_of(&error))?;
    let file = file.ok_or_else(Problem::not_found)?;
    let size = file.len();
    let range = wanted_range(&headers, Some((&etag, source.uploaded_at.into())));
    let (start, end) = match range.map(|range| range.resolve(size)) {
        None => (0, size),
        Some(Ok(bounds)) => bounds,
        Some(Err(error)) => {
            let mut response = Problem::from(error).into_response();
            if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
                response.headers_mut().insert(CONTENT_RANGE, value);
            }
            return Ok(response);
        }
    };
    let mut builder = Response::builder()
        .header(CONTENT_TYPE, file.content_type)
        .header(CONTENT_LENGTH, end - start)
        .header(ACCEPT_RANGES, "bytes")
        .header(CACHE_CONTROL, CACHE_FOR)
        .header(ETAG, etag)
        .header(X_CONTENT_TYPE_OPTIONS, "nosniff");
    if range.is_some() {
        builder = builder.status(StatusCode::PARTIAL_CONTENT).header(
            CONTENT_RANGE,
            format!("bytes {start}-{}/{size}", end.saturating_sub(1)),
        );
    }
    if method == Method::HEAD {
        return Ok(builder.body(Body::empty()).unwrap_or_default());
    }
    app.metrics.media_sent(end - start);
    let chunks = part_of(file.body, start, end)
        .into_iter()
        .map(Ok::<_, std::convert::Infallible>);
    Ok(builder
        .body(Body::from_stream(futures_util::stream::iter(chunks)))
        .unwrap_or_default())
}

/// The bytes from `start` up to `end`, without copying them.
fn part_of(chunks: Vec<Bytes>, start: u64, end: u64) -> Vec<Bytes> {
    let mut offset = 0;
    let mut part = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let length = chunk.len() as u64;
        let (from, to) = (
            start.clamp(offset, offset + length),
            end.clamp(offset, offset + length),
        );
        if from < to {
            let index = |position: u64| usize::try_from(position - offset).unwrap_or(chunk.len());
            part.push(chunk.slice(index(from)..index(to)));
        }
        offset += length;
    }
    part
}

fn problem_of(error: &PackagingError) -> Problem {
    match error {
        PackagingError::Media(media) if media.is_media_error() || media.is_unsupported() => {
            Problem::media(&failure_of(error))
        }
        PackagingError::Read(StorageError::NotFound) => Problem::not_found(),
        PackagingError::Read(StorageError::PreconditionFailed) => {
            Problem::conflict("the source is being replaced")
        }
        error => {
            tracing::error!(error = %error, cause = std::error::Error::source(error).map(tracing::field::display), "packaging on request failed");
            Problem::internal()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cross_chunks() {
        let chunks = || {
            vec![
                Bytes::from_static(b"0123"),
                Bytes::new(),
                Bytes::from_static(b"456789"),
            ]
        };
        let part = |start, end| part_of(chunks(), start, end).concat();
        assert_eq!(part(0, 10), b"0123456789");
        assert_eq!(part(3, 5), b"34");
        assert_eq!(part(4, 6), b"45");
        assert_eq!(part(9, 10), b"9");
    }
}
