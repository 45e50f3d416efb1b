//! Signed playback URLs, public keys, and what the demonstration page may have.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, HOST};
use axum::http::{HeaderMap, HeaderName};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::assets::asset_id;
use super::authorize::is_from_edge;
use super::body::JsonBody;
use super::problem::{Problem, ProblemBody};
use crate::catalogue::{Asset, AssetId, CatalogueError};
use crate::playback::{PlaybackGrant, PlaybackRequest};

/// Longest text in a playback request in bytes.
const MAX_TEXT: usize = 256;
/// Longest list in a playback request.
const MAX_LIST: usize = 32;

/// Sign playback URLs for a viewer.
#[utoipa::path(post, path = "/v1/assets/{id}/playback", tag = "playback", security(("key" = [])), request_body = PlaybackRequest,
    params(("id" = String, Path, description = "The asset")),
    responses(
        (status = 200, description = "URLs that the edge lets through until they expire", body = PlaybackGrant),
        (status = 400, description = "A value cannot be used", body = ProblemBody),
        (status = 409, description = "Nothing is published yet", body = ProblemBody),
    ))]
pub(super) async fn sign_playback(
    State(app): State<App>,
    id: Result<Path<AssetId>, PathRejection>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<PlaybackRequest>,
) -> Result<([(HeaderName, &'static str); 1], Json<PlaybackGrant>), Problem> {
    check(&request, app.signer.max_lifetime_seconds())?;
    let asset = app.catalogue.get(&asset_id(id)?).await?;
    if request.just_in_time && app.is_protected(&asset) {
        return Err(Problem::conflict(
            "the asset is protected and its upload is not; package it and play the version",
        ));
    }
    if request.just_in_time {
        let source = asset.source.as_ref();
        let source = source
            .filter(|source| source.presentation.is_some())
            .ok_or_else(|| {
                Problem::conflict("there is no upload that can be packaged on request")
            })?;
        app.prepare(&asset.id, source);
        let grant = app
            .signer
            .grant_just_in_time(&asset.id, &request, &base_url(&app, &headers));
        let grant = grant.map_err(|error| Problem::bad_request(error.to_string()))?;
        return Ok(([(CACHE_CONTROL, "no-store")], Json(grant)));
    }
    let version = match request.version {
        Some(number) => asset.version(number),
        None => asset.live(),
    };
    let version = version
        .ok_or_else(|| Problem::conflict("nothing is published yet; upload and package first"))?;
    let grant = app
        .signer
        .grant(&asset.id, version, &request, &base_url(&app, &headers));
    let grant = grant.map_err(|error| Problem::bad_request(error.to_string()))?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(grant)))
}

/// The public keys that verify playback tokens, as a JWKS document (RFC 7517).
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "playback", responses((status = 200, description = "The keys", body = Object)))]
pub(super) async fn jwks(
    State(app): State<App>,
) -> ([(HeaderName, &'static str); 1], Json<serde_json::Value>) {
    // Short: a new key must be known everywhere before long.
    (
        [(CACHE_CONTROL, "public, max-age=60")],
        Json(app.signing_keys.jwks()),
    )
}

/// What the demonstration page shows of an asset.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DemoAsset {
    id: AssetId,
    title: String,
    duration: f64,
    /// Picture size of the largest variant.
    resolution: Option<(u32, u32)>,
    /// Codecs of the largest variant.
    codecs: Option<String>,
    variants: usize,
    bytes: u64,
    /// Path of a picture, with a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    poster: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    published_at: jiff::Timestamp,
}

/// The latest published assets, for the demonstration page. Only with `demo.enabled`.
#[utoipa::path(get, path = "/demo/assets", tag = "demo", responses((status = 200, description = "Published assets, newest first", body = Vec<DemoAsset>), (status = 404, description = "The demo is off", body = ProblemBody)))]
pub(super) async fn demo_assets(
    State(app): State<App>,
) -> Result<([(HeaderName, &'static str); 1], Json<Vec<DemoAsset>>), Problem> {
    require_demo(&app)?;
    let page = app
        .catalogue
        .list(None, 60, |asset| asset.live().is_some())
        .await?;
    let assets = page
        .assets
        .iter()
        .filter_map(|asset| demo_asset(&app, asset))
        .collect();
    Ok(([(CACHE_CONTROL, "no-store")], Json(assets)))
}

/// A short-lived playback URL for anybody, for the demonstration page. Only with `demo.enabled`.
#[utoipa::path(post, path = "/demo/assets/{id}/playback", tag = "demo", params(("id" = String, Path, description = "The asset")),
    responses((status = 200, description = "URLs", body = PlaybackGrant), (status = 404, description = "Not published, or the demo is off", body = ProblemBody)))]
pub(super) async fn demo_playback(
    State(app): State<App>,
    id: Result<Path<AssetId>, PathRejection>,
    headers: HeaderMap,
) -> Result<([(HeaderName, &'static str); 1], Json<PlaybackGrant>), Problem> {
    require_demo(&app)?;
    let asset = app.catalogue.get(&asset_id(id)?).await?;
    let version = asset.live().ok_or(CatalogueError::NotFound)?;
    let request = PlaybackRequest {
        tier: Some("free".to_owned()),
        lifetime_seconds: Some(app.config.demo.lifetime_seconds),
        ..PlaybackRequest::default()
    };
    let grant = app
        .signer
        .grant(&asset.id, version, &request, &base_url(&app, &headers))
        .map_err(|_| Problem::internal())?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(grant)))
}

fn require_demo(app: &App) -> Result<(), Problem> {
    if app.config.demo.enabled {
        Ok(())
    } else {
        Err(Problem::not_found().with_detail("the demonstration is off; set `demo.enabled`"))
    }
}

fn demo_asset(app: &App, asset: &Asset) -> Option<DemoAsset> {
    let version = asset.live()?;
    let largest = version
        .report
        .variants
        .iter()
        .max_by_key(|variant| variant.bandwidth);
    Some(DemoAsset {
        id: asset.id.clone(),
        title: asset.metadata.title.clone(),
        duration: version.duration,
        resolution: largest.and_then(|variant| variant.resolution),
        codecs: largest.map(|variant| variant.codecs.clone()),
        variants: version.report.variants.len(),
        bytes: version.bytes,
        poster: version.poster.as_ref().and_then(|poster| {
            let request = PlaybackRequest {
                lifetime_seconds: Some(app.config.demo.lifetime_seconds),
                ..PlaybackRequest::default()
            };
            app.signer
                .file_path(&asset.id, version, poster, &request)
                .ok()
        }),
        published_at: version.published_at,
    })
}

/// The configured public URL, else the host that the request was sent to.
fn base_url(app: &App, headers: &HeaderMap) -> String {
    let settings = &app.config.server;
    if !settings.public_url.is_empty() {
        return settings.public_url.clone();
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let told = |name| {
        is_from_edge(&settings.edge_secret, headers)
            .then(|| text(name))
            .flatten()
    };
    let scheme = told("x-forwarded-proto")
        .filter(|scheme| *scheme == "https")
        .unwrap_or("http");
    let host = told("x-forwarded-host")
        .or_else(|| text(HOST.as_str()))
        .unwrap_or_default();
    let plain = host.bytes().all(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
    });
    if host.is_empty() || !plain {
        String::new()
    } else {
        format!("{scheme}://{host}")
    }
}

fn check(request: &PlaybackRequest, max_lifetime: u64) -> Result<(), Problem> {
    if let Some(seconds) = request.lifetime_seconds
        && !(1..=max_lifetime).contains(&seconds)
    {
        return Err(Problem::bad_request(format!(
            "`lifetime_seconds` is {seconds}; use 1 to {max_lifetime}"
        )));
    }
    let texts = [
        ("subject", &request.subject),
        ("tier", &request.tier),
        ("session", &request.session),
    ];
    for (name, text) in texts {
        let Some(text) = text else { continue };
        // The edge hands these on as header values.
        if text.is_empty()
            || text.len() > MAX_TEXT
            || !text.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(Problem::bad_request(format!(
                "`{name}`: use 1 to {MAX_TEXT} visible ASCII characters without spaces"
            )));
        }
    }
    for (name, list) in [
        ("entitlements", &request.entitlements),
        ("networks", &request.networks),
        ("countries", &request.countries),
    ] {
        let fits = |text: &String| {
            !text.is_empty()
                && text.len() <= MAX_TEXT
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && byte != b',')
        };
        if list.len() > MAX_LIST || !list.iter().all(fits) {
            return Err(Problem::bad_request(format!(
                "`{name}`: use at most {MAX_LIST} texts of visible ASCII characters without commas"
            )));
        }
    }
    Ok(())
}
