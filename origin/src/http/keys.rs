//! Keys of protected media, for players: 16 bytes at an address, or a Clear Key licence.
//!
//! Both stand below `/vod/{id}/keys/`, where whatever guards the media guards them, and below `/keys/{id}/`. A request comes through the
//! edge, which proves itself and has checked it as it checks media, or it brings a playback token that is checked here. Below `/keys/`
//! the token is always checked here: an edge may have no rule for that path.

use std::net::SocketAddr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, OriginalUri, Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, Method};
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{GeneralPurposeConfig, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_packager::{Key, KeyId};

use super::App;
use super::authorize::{client_address, is_from_edge};
use super::playback_token::{Viewer, admit};
use super::problem::{Problem, ProblemBody};
use crate::catalogue::{Asset, AssetId};
use crate::media_type::OCTET_STREAM;
use crate::protection::{ProtectionError, System};

/// Largest licence request in bytes, and most keys in one.
const MAX_REQUEST: usize = 16 << 10;
const MAX_KEYS: usize = 128;
/// Players write key ids without padding (W3C Encrypted Media Extensions, 9.1.3); some add it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Headers of every answer: a key is never kept on the way.
type KeyHeaders = [(HeaderName, &'static str); 3];

/// A Clear Key licence request (W3C Encrypted Media Extensions, 9.1.3).
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct LicenseRequest {
    /// Ids of the wanted keys, base64url.
    kids: Vec<String>,
    /// The kind of session.
    #[serde(default)]
    #[schema(example = "temporary")]
    r#type: Option<String>,
}

/// A Clear Key licence (W3C Encrypted Media Extensions, 9.1.4). It has no `Debug` form: it holds keys.
#[derive(Serialize, ToSchema)]
pub(super) struct License {
    keys: Vec<SymmetricKey>,
    /// The kind of session.
    r#type: &'static str,
}

/// A key as a JSON Web Key (RFC 7518, 6.4).
#[derive(Serialize, ToSchema)]
struct SymmetricKey {
    kty: &'static str,
    /// The id, base64url.
    kid: String,
    /// The key, base64url.
    k: String,
}

/// One key, for players that decrypt by themselves (`AES-128`, `SAMPLE-AES` with `KEYFORMAT="identity"`).
#[utoipa::path(get, path = "/vod/{id}/keys/{kid}", tag = "media",
    params(("id" = String, Path, description = "The asset"), ("kid" = String, Path, description = "The key's id, 32 hexadecimal digits")),
    responses(
        (status = 200, description = "The key's 16 bytes", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 401, description = "No playback token", body = ProblemBody),
        (status = 403, description = "A token that does not allow it, or not through the edge", body = ProblemBody),
        (status = 404, description = "No published version has this key for players to fetch", body = ProblemBody),
    ))]
pub(super) async fn get_key(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    Path((id, kid)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<(KeyHeaders, Vec<u8>), Problem> {
    allow(&app, &method, &uri, &headers, peer)?;
    let id: AssetId = id.parse().map_err(|_| Problem::not_found())?;
    let kid: KeyId = kid.parse().map_err(|_| Problem::not_found())?;
    let asset = app.catalogue.get(&id).await?;
    let key = find(&app, &asset, System::Identity, kid)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok((key_headers(OCTET_STREAM), key.0.to_vec()))
}

/// A Clear Key licence, for players that speak Encrypted Media Extensions.
#[utoipa::path(post, path = "/vod/{id}/keys/license", tag = "media", request_body = LicenseRequest,
    params(("id" = String, Path, description = "The asset")),
    responses(
        (status = 200, description = "The keys", body = License),
        (status = 400, description = "The request cannot be understood", body = ProblemBody),
        (status = 401, description = "No playback token", body = ProblemBody),
        (status = 403, description = "A token that does not allow it, or not through the edge", body = ProblemBody),
        (status = 404, description = "No published version has any of these keys for Clear Key", body = ProblemBody),
    ))]
pub(super) async fn post_license(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(KeyHeaders, Json<License>), Problem> {
    allow(&app, &method, &uri, &headers, peer)?;
    let id: AssetId = id.parse().map_err(|_| Problem::not_found())?;
    // Players send it with no or any media type, so that none is asked for.
    let wanted: LicenseRequest = Some(&body)
        .filter(|body| body.len() <= MAX_REQUEST)
        .and_then(|body| serde_json::from_slice(body).ok())
        .filter(|wanted: &LicenseRequest| (1..=MAX_KEYS).contains(&wanted.kids.len()))
        .ok_or_else(|| {
            Problem::bad_request(format!(
                "send {{\"kids\":[…],\"type\":\"temporary\"}} with 1 to {MAX_KEYS} key ids"
            ))
        })?;
    if wanted.r#type.as_deref().unwrap_or("temporary") != "temporary" {
        return Err(Problem::bad_request(
            "`type`: licences are \"temporary\" only",
        ));
    }
    let asset = app.catalogue.get(&id).await?;
    let mut keys = Vec::new();
    for kid in &wanted.kids {
        let bytes: [u8; 16] = LENIENT
            .decode(kid)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| Problem::bad_request("`kids`: an id is not base64url of 16 bytes"))?;
        if let Some(key) = find(&app, &asset, System::ClearKey, KeyId(bytes)).await? {
            keys.push(SymmetricKey {
                kty: "oct",
                kid: URL_SAFE_NO_PAD.encode(bytes),
                k: URL_SAFE_NO_PAD.encode(key.0),
            });
        }
    }
    if keys.is_empty() {
        return Err(Problem::not_found());
    }
    let license = License {
        keys,
        r#type: "temporary",
    };
    Ok((key_headers("application/json"), Json(license)))
}

/// The key of a published version that may be handed out in the way of `system`; the newest version first.
async fn find(
    app: &App,
    asset: &Asset,
    system: System,
    kid: KeyId,
) -> Result<Option<Key>, Problem> {
    let name = kid.to_string();
    let version = asset.versions.iter().rev().find(|version| {
        version
            .protection
            .as_ref()
            .is_some_and(|protection| protection.hands_out(system, &name))
    });
    let Some(version) = version else {
        return Ok(None);
    };
    match app
        .content_keys
        .vault()
        .load(&asset.id, version.number)
        .await
    {
        Ok(keys) => Ok(keys.key(kid)),
        Err(ProtectionError::Storage(error)) => Err(error.into()),
        Err(error) => {
            tracing::error!(asset = %asset.id, error = %error, "the keys of a published version cannot be had");
            Err(Problem::internal())
        }
    }
}

/// Through the edge as media, or with a token; below `/keys/` with a token in any case.
fn allow(
    app: &App,
    method: &Method,
    uri: &axum::http::Uri,
    headers: &HeaderMap,
    peer: SocketAddr,
) -> Result<(), Problem> {
    let secret = &app.config.server.edge_secret;
    if uri.path().starts_with("/vod/") && is_from_edge(secret, headers) {
        return Ok(());
    }
    admit(
        app,
        &Viewer {
            method: method.as_str(),
            path: uri.path(),
            query: uri.query(),
            headers,
            address: client_address(secret, headers, peer),
        },
    )
}

fn key_headers(media_type: &'static str) -> KeyHeaders {
    [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_TYPE, media_type),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ]
}
