//! Uploads: streamed into the store, then looked at, then packaged.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use serde::Deserialize;
use utoipa::IntoParams;

use super::App;
use super::assets::asset_id;
use super::problem::{Problem, ProblemBody};
use crate::catalogue::{
    Asset, AssetId, AssetState, Catalogue, CatalogueError, Change, Failure, Source,
};
use crate::jobs::{AssetEvent, JobRecord, QueueError};
use crate::packaging::{PackagingError, StoredInput, failure_of, probe};
use crate::storage::{Checksum, PutBody, PutOptions};

/// Most bytes, and longest time, for which a refused upload is read on.
const MAX_DRAINED: usize = 16 << 20;
const MAX_DRAIN_TIME: Duration = Duration::from_secs(5);

/// What to do after an upload.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct UploadQuery {
    /// `false` only stores the file; packaging is asked for later.
    package: Option<bool>,
}

/// Upload the asset's file. It may have any size; it is packaged when it has arrived whole.
///
/// `Content-Digest: sha-256=:…:` (RFC 9530) has the bytes checked before they count.
#[utoipa::path(put, path = "/v1/assets/{id}/source", tag = "assets", security(("key" = [])), params(("id" = String, Path, description = "The asset"), UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file"),
    responses(
        (status = 202, description = "Stored; packaging has been queued", body = Asset),
        (status = 200, description = "Stored", body = Asset),
        (status = 409, description = "The asset is being packaged", body = ProblemBody),
        (status = 413, description = "Larger than this origin takes", body = ProblemBody),
        (status = 422, description = "Broken or unsupported media: stored, nothing published", body = ProblemBody),
    ))]
pub(super) async fn put_source(
    State(app): State<App>,
    id: Result<Path<AssetId>, PathRejection>,
    query: Result<Query<UploadQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Asset>), Problem> {
    let id = asset_id(id)?;
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    refuse_while_packaging(&app.catalogue.get(&id).await?)?;
    store_source(&app, &id, &headers, body).await?;
    let asset = examine(
        &app,
        &id,
        headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok()),
    )
    .await?;
    if query.package == Some(false) {
        let source = asset.source.as_ref();
        if let Some(source) = source.filter(|one| one.presentation.is_some())
            && !app.is_protected(&asset)
        {
            app.prepare(&asset.id, source);
        }
        return Ok((StatusCode::OK, Json(asset)));
    }
    let asset = enqueue(&app, &asset).await?;
    Ok((StatusCode::ACCEPTED, Json(asset)))
}

/// Package the uploaded file again, as a new version.
#[utoipa::path(post, path = "/v1/assets/{id}/package", tag = "assets", security(("key" = [])), params(("id" = String, Path, description = "The asset")),
    responses(
        (status = 202, description = "Queued", body = Asset),
        (status = 409, description = "Nothing was uploaded yet, or it is being packaged", body = ProblemBody),
        (status = 422, description = "Broken or unsupported media", body = ProblemBody),
    ))]
pub(super) async fn package_asset(
    State(app): State<App>,
    id: Result<Path<AssetId>, PathRejection>,
) -> Result<(StatusCode, Json<Asset>), Problem> {
    let id = asset_id(id)?;
    let asset = app.catalogue.get(&id).await?;
    refuse_while_packaging(&asset)?;
    let Some(source) = &asset.source else {
        return Err(Problem::conflict(
            "nothing was uploaded yet; send the file to `PUT /v1/assets/{id}/source`",
        ));
    };
    let content_type = source.content_type.clone();
    let asset = examine(&app, &id, content_type.as_deref()).await?;
    let asset = enqueue(&app, &asset).await?;
    Ok((StatusCode::ACCEPTED, Json(asset)))
}

/// Stop a waiting or running job.
#[utoipa::path(post, path = "/v1/assets/{id}/cancel", tag = "assets", security(("key" = [])), params(("id" = String, Path, description = "The asset")),
    responses((status = 202, description = "It will stop within seconds", body = Asset), (status = 409, description = "There is nothing to stop", body = ProblemBody)))]
pub(super) async fn cancel_packaging(
    State(app): State<App>,
    id: Result<Path<AssetId>, PathRejection>,
) -> Result<(StatusCode, Json<Asset>), Problem> {
    let id = asset_id(id)?;
    let asset = app.catalogue.get(&id).await?;
    app.queue.cancel(&id).await?;
    Ok((StatusCode::ACCEPTED, Json(asset)))
}

fn refuse_while_packaging(asset: &Asset) -> Result<(), Problem> {
    match asset.state {
        AssetState::Queued | AssetState::Packaging => Err(QueueError::AlreadyQueued.into()),
        _ => Ok(()),
    }
}

async fn store_source(
    app: &App,
    id: &AssetId,
    headers: &HeaderMap,
    body: Body,
) -> Result<(), Problem> {
    let length: Option<u64> = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let limit = Some(app.config.limits.upload_bytes)
        .filter(|limit| *limit > 0)
        .unwrap_or(u64::MAX);
    let too_large = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The upload is larger than this origin takes",
        )
        .with("limit", limit)
    };
    if length.is_some_and(|length| length > limit) {
        drain(body).await;
        return Err(too_large());
    }
    let options = PutOptions {
        content_type: headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
        checksum: digest(headers)?,
        ..PutOptions::default()
    };
    let metrics = app.metrics.clone();
    let mut received = 0_u64;
    let chunks = with_idle_limit(
        body,
        Duration::from_secs(app.config.server.upload_idle_seconds),
    );
    let stream = chunks.map(move |chunk| {
        let bytes = chunk?;
        received += bytes.len() as u64;
        metrics.upload_received(bytes.len() as u64);
        if received > limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too large"));
        }
        Ok(bytes)
    });
    let body = PutBody::Stream {
        length,
        stream: stream.boxed(),
    };
    match app
        .storage
        .put(&Catalogue::source_key(id), body, options)
        .await
    {
        Ok(_) => Ok(()),
        Err(crate::storage::StorageError::Body(error))
            if error.kind() == io::ErrorKind::FileTooLarge =>
        {
            Err(too_large())
        }
        Err(crate::storage::StorageError::Body(error))
            if error.kind() == io::ErrorKind::TimedOut =>
        {
            Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "upload-stalled",
                "The upload stood still for too long",
            ))
        }
        Err(error) => Err(error.into()),
    }
}

/// The body's chunks, or an error when none comes for `limit`.
fn with_idle_limit(
    body: Body,
    limit: Duration,
) -> impl futures_util::Stream<Item = io::Result<bytes::Bytes>> + Send + 'static {
    futures_util::stream::unfold(Some(body.into_data_stream()), move |stream| async move {
        let mut stream = stream?;
        match tokio::time::timeout(limit, stream.next()).await {
            Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(stream))),
            Ok(Some(Err(error))) => Some((Err(io::Error::other(error)), None)),
            Ok(None) => None,
            Err(_) => Some((Err(io::ErrorKind::TimedOut.into()), None)),
        }
    })
}

/// Reads a refused body for a moment. A client that is still sending would see a broken connection, not the answer.
async fn drain(body: Body) {
    let mut chunks = body.into_data_stream();
    let mut left = MAX_DRAINED;
    let read = async {
        while let Some(Ok(chunk)) = chunks.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                return;
            }
        }
    };
    // Whatever the reason that it ends: the answer is next.
    let _ = tokio::time::timeout(MAX_DRAIN_TIME, read).await;
}

/// The SHA-256 of `Content-Digest` (RFC 9530, 2): `sha-256=:<base64>:`, perhaps among others.
fn digest(headers: &HeaderMap) -> Result<Option<Checksum>, Problem> {
    let Some(value) = headers
        .get("content-digest")
        .and_then(|value| value.to_str().ok())
    else {
        return Ok(None);
    };
    let Some(encoded) = value
        .split(',')
        .find_map(|item| item.trim().strip_prefix("sha-256=:")?.strip_suffix(':'))
    else {
        return Ok(None);
    };
    let bytes = STANDARD
        .decode(encoded)
        .ok()
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes
        .map(|bytes| Some(Checksum::Sha256(bytes)))
        .ok_or_else(|| Problem::bad_request("`content-digest`: not a SHA-256"))
}

/// Reads the file's index and records what was found. Broken media fails here, with the upload kept.
async fn examine(app: &App, id: &AssetId, content_type: Option<&str>) -> Result<Asset, Problem> {
    let input =
        Arc::new(StoredInput::open(Arc::clone(&app.storage), Catalogue::source_key(id)).await?);
    let profile = app.catalogue.get(id).await?.profile;
    let probed = match probe(input.as_ref()).await {
        // What cannot be packaged as it is can perhaps be transcoded: ffmpeg is asked instead.
        Err(PackagingError::Media(_)) if app.transcoder.profiles().ladder(&profile).is_some() => {
            let found = app
                .transcoder
                .inspect(Arc::<StoredInput>::clone(&input))
                .await;
            found.map(|_| None).map_err(PackagingError::from)
        }
        probed => probed.map(Some),
    };
    let (presentation, failure) = match probed {
        Ok(presentation) => (presentation, None),
        Err(PackagingError::Read(error)) => return Err(error.into()),
        Err(PackagingError::Transcode(error)) if !error.is_media_error() => {
            tracing::error!(error = %error, "the source could not be looked at");
            let problem = Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "transcoder-unavailable",
                "The source cannot be looked at now",
            );
            return Err(problem.with_detail(error.to_string()));
        }
        Err(error) => (None, Some(failure_of(&error))),
    };
    let source = Source {
        size: crate::packaging::MediaInput::length(input.as_ref()),
        etag: input.etag().as_str().to_owned(),
        content_type: content_type.map(str::to_owned),
        uploaded_at: jiff::Timestamp::now(),
        presentation,
    };
    let asset = record(app, id, &source, failure.as_ref()).await?;
    match &failure {
        Some(failure) => {
            tracing::info!(asset = %id, code = failure.code, "upload refused");
            Err(Problem::media(failure))
        }
        None => Ok(asset),
    }
}

async fn record(
    app: &App,
    id: &AssetId,
    source: &Source,
    failure: Option<&Failure>,
) -> Result<Asset, Problem> {
    let changed = app.catalogue.change(id, |asset| {
        asset.state = if failure.is_some() {
            AssetState::Failed
        } else {
            AssetState::Uploaded
        };
        asset.source = Some(source.clone());
        asset.failure = failure.cloned();
        Ok::<_, CatalogueError>(Change::Write(()))
    });
    let (asset, ()) = changed.await?;
    app.bus.publish(AssetEvent::of(&asset));
    Ok(asset)
}

/// Queues the job. The record says so first: a job that ends at once must not be overtaken by "queued".
async fn enqueue(app: &App, asset: &Asset) -> Result<Asset, Problem> {
    let changed = app.catalogue.change(&asset.id, |asset| {
        refuse_while_packaging(asset)?;
        asset.state = AssetState::Queued;
        asset.failure = None;
        Ok::<_, Problem>(Change::Write(()))
    });
    let (asset, ()) = changed.await?;
    app.bus.publish(AssetEvent::of(&asset));
    match app
        .queue
        .submit(&JobRecord::new(asset.id.clone(), asset.profile.clone()))
        .await
    {
        // A job that is there already does what was asked.
        Ok(()) | Err(QueueError::AlreadyQueued) => Ok(asset),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn digests_are_read_and_nonsense_is_refused() {
        let with = |value: &'static str| {
            digest(&HeaderMap::from_iter([(
                "content-digest".parse().expect("a name"),
                HeaderValue::from_static(value),
            )]))
        };
        // RFC 9530, appendix D: the digest of `{"hello": "world"}` and a line feed.
        let rfc =
            with("sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:").expect("well formed");
        assert!(matches!(rfc, Some(Checksum::Sha256(bytes)) if bytes[0] == 0x44));
        assert!(with("sha-256=:AAAA:").is_err());
        assert!(matches!(with("sha-512=:AAAA:"), Ok(None)));
    }

    #[tokio::test]
    async fn a_silent_upload_is_given_up() {
        let body = Body::from_stream(futures_util::stream::pending::<io::Result<bytes::Bytes>>());
        let chunks: Vec<_> = with_idle_limit(body, Duration::from_millis(10))
            .collect()
            .await;
        assert!(matches!(&chunks[..], [Err(error)] if error.kind() == io::ErrorKind::TimedOut));
    }
}
