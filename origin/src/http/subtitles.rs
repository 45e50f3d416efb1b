//! Subtitles beside an upload: SRT, WebVTT or TTML, one resource for each.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;
use weir_packager::Subtitle;

use super::App;
use super::problem::{Problem, ProblemBody};
use crate::catalogue::{Asset, AssetId, Catalogue, CatalogueError, Change, Subtitles};
use crate::storage::{ObjectKey, PutOptions};

/// Largest text in bytes: subtitles of the longest films have some 300 KiB.
pub(super) const MAX_TEXT: usize = 4 << 20;
/// Most subtitles of one asset.
const MAX_SUBTITLES: usize = 100;
/// Longest name for viewers in bytes.
const MAX_NAME: usize = 200;

/// What viewers are told about subtitles.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct SubtitlesQuery {
    /// Language tag (BCP 47); the resource's own name unless given.
    language: Option<String>,
    /// What viewers read when they choose; the language unless given.
    name: String,
    /// Shown unless the viewer chooses otherwise. Takes it from others.
    default: bool,
    /// Holds only what is needed to follow the film, such as signs in a foreign language.
    forced: bool,
    /// For viewers who do not hear.
    sdh: bool,
}

/// Add subtitles, or replace them. Versions that are made from now on have them; package again for those that are there.
#[utoipa::path(put, path = "/v1/assets/{id}/subtitles/{subtitles}", tag = "assets", security(("key" = [])),
    params(("id" = String, Path, description = "The asset"), ("subtitles" = String, Path, description = "A name for them: letters, digits, `-`"), SubtitlesQuery),
    request_body(content = String, content_type = "text/vtt", description = "WebVTT, SRT or TTML in UTF-8"),
    responses(
        (status = 200, description = "Kept", body = Asset),
        (status = 400, description = "No subtitles, or a language that is none", body = ProblemBody),
        (status = 413, description = "Larger than 4 MiB", body = ProblemBody),
    ))]
pub(super) async fn put_subtitles(
    State(app): State<App>,
    path: Result<Path<(AssetId, String)>, PathRejection>,
    query: Result<Query<SubtitlesQuery>, QueryRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Asset>, Problem> {
    let (id, own_name, key) = named(path)?;
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    if query.name.len() > MAX_NAME {
        return Err(Problem::bad_request(format!(
            "`name` has {} bytes; use at most {MAX_NAME}",
            query.name.len()
        )));
    }
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The subtitles are too large",
        )
        .with("limit", MAX_TEXT),
        _ => Problem::bad_request("the body broke off"),
    })?;
    let text = String::from_utf8(body.to_vec())
        .map_err(|_| Problem::bad_request("the subtitles are not UTF-8; convert them first"))?;
    let subtitles = Subtitles {
        language: query.language.unwrap_or_else(|| own_name.clone()),
        name: query.name,
        default: query.default,
        forced: query.forced,
        sdh: query.sdh,
        size: text.len() as u64,
    };
    subtitles
        .with_text(text)
        .check()
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    refuse_more(&app.catalogue.get(&id).await?, &own_name)?;
    // The text first: a record never names what is not there.
    let options = PutOptions {
        content_type: Some("text/plain; charset=utf-8".to_owned()),
        ..PutOptions::default()
    };
    app.storage.put(&key, body.into(), options).await?;
    let change = |asset: &mut Asset| {
        refuse_more(asset, &own_name)?;
        if subtitles.default {
            for other in asset.subtitles.values_mut() {
                other.default = false;
            }
        }
        asset.subtitles.insert(own_name.clone(), subtitles.clone());
        Ok::<_, Problem>(Change::Write(()))
    };
    let (asset, ()) = app.catalogue.change(&id, change).await?;
    Ok(Json(asset))
}

/// Take subtitles away. Versions that are there keep them.
#[utoipa::path(delete, path = "/v1/assets/{id}/subtitles/{subtitles}", tag = "assets", security(("key" = [])),
    params(("id" = String, Path, description = "The asset"), ("subtitles" = String, Path, description = "Their name")),
    responses((status = 204, description = "Gone"), (status = 404, description = "There are none of that name", body = ProblemBody)))]
pub(super) async fn delete_subtitles(
    State(app): State<App>,
    path: Result<Path<(AssetId, String)>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let (id, own_name, key) = named(path)?;
    let change = |asset: &mut Asset| match asset.subtitles.remove(&own_name) {
        Some(_) => Ok(Change::Write(())),
        None => Err(Problem::not_found()),
    };
    app.catalogue.change(&id, change).await?;
    app.storage.delete(&key).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn named(
    path: Result<Path<(AssetId, String)>, PathRejection>,
) -> Result<(AssetId, String, ObjectKey), Problem> {
    let Path((id, name)) = path.map_err(|_| Problem::from(CatalogueError::NotFound))?;
    let key = Catalogue::subtitles_key(&id, &name).ok_or_else(|| {
        Problem::bad_request(
            "subtitles are named by letters, digits and `-`, such as `de` or `en-sdh`",
        )
    })?;
    Ok((id, name, key))
}

fn refuse_more(asset: &Asset, own_name: &str) -> Result<(), Problem> {
    if asset.subtitles.len() >= MAX_SUBTITLES && !asset.subtitles.contains_key(own_name) {
        return Err(Problem::bad_request(format!(
            "the asset has {MAX_SUBTITLES} subtitles; take others away first"
        )));
    }
    Ok(())
}

impl Subtitles {
    /// As the packager takes them.
    pub(crate) fn with_text(&self, text: String) -> Subtitle {
        Subtitle {
            language: self.language.clone(),
            name: self.name.clone(),
            default: self.default,
            forced: self.forced,
            hearing_impaired: self.sdh,
            text,
        }
    }
}
