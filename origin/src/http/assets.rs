//! Creating, reading, changing and deleting assets.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::asset_protection::GivenKeys;
use super::body::JsonBody;
use super::problem::{Problem, ProblemBody};
use crate::catalogue::{Asset, AssetId, CatalogueError, Change, Metadata};
use crate::jobs::{AssetEvent, QueueError};
use crate::protection::{Protection, ProtectionError};

/// Longest title in bytes, most tags, most labels, longest of either in bytes.
const MAX_TITLE: usize = 1000;
const MAX_ENTRIES: usize = 100;
const MAX_ENTRY: usize = 500;

/// What a new asset is.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CreateAsset {
    /// For people.
    #[schema(example = "Big Buck Bunny")]
    title: String,
    /// For searching.
    tags: Vec<String>,
    /// Anything else, kept as it is.
    labels: BTreeMap<String, String>,
    /// How it is turned into HLS; the configured profile when absent.
    #[schema(example = "copy")]
    profile: Option<String>,
    /// How it is protected; as the profile says when absent.
    protection: Option<Protection>,
    /// The keys of `key_source` = "given": a list of "KID:KEY" or "KID:KEY:IV" (32 hexadecimal digits each; `video=` or `audio=` may stand
    /// before), or a CPIX document as one text. They are kept apart and never shown again.
    #[schema(value_type = Option<Object>)]
    keys: Option<GivenKeys>,
}

/// What changes; absent members stay as they are.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PatchAsset {
    /// For people.
    title: Option<String>,
    /// For searching; replaces all.
    tags: Option<Vec<String>>,
    /// Anything else; replaces all.
    labels: Option<BTreeMap<String, String>>,
    /// How the next packaging is done.
    profile: Option<String>,
}

/// Which assets to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `next` of the page before.
    cursor: Option<AssetId>,
    /// Assets on a page, 1 to 100; 50 when absent.
    limit: Option<usize>,
    /// Only those with this text in title, tags or id.
    q: Option<String>,
    /// Only those with exactly this tag.
    tag: Option<String>,
}

/// A page of assets, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AssetList {
    assets: Vec<Asset>,
    /// The cursor of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Create an asset. Its file is uploaded next, with `PUT /v1/assets/{id}/source`.
#[utoipa::path(post, path = "/v1/assets", tag = "assets", security(("key" = [])), request_body = CreateAsset,
    responses((status = 201, description = "Created", body = Asset), (status = 400, body = ProblemBody, description = "The body cannot be understood")))]
pub(super) async fn create_asset(
    State(app): State<App>,
    JsonBody(wanted): JsonBody<CreateAsset>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<Asset>), Problem> {
    let metadata = Metadata {
        title: wanted.title,
        tags: wanted.tags,
        labels: wanted.labels,
    };
    check_metadata(&metadata)?;
    let profile = app.known_profile(
        wanted
            .profile
            .as_deref()
            .unwrap_or(&app.config.packaging.profile),
    )?;
    let keys = app.check_protection(wanted.protection.as_ref(), &profile, wanted.keys.as_ref())?;
    let mut asset = Asset::new(metadata, profile);
    asset.protection = wanted.protection;
    if let Some(keys) = keys {
        let stored = app.content_keys.vault().store_given(&asset.id, &keys).await;
        stored.map_err(key_problem)?;
    }
    app.catalogue.create(&asset).await?;
    app.bus.publish(AssetEvent::of(&asset));
    tracing::info!(asset = %asset.id, "asset created");
    let location = format!("/v1/assets/{}", asset.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(asset)))
}

/// Read an asset: its state, tracks, versions, and why it failed if it did.
#[utoipa::path(get, path = "/v1/assets/{id}", tag = "assets", security(("key" = [])), params(("id" = String, Path, description = "The asset")),
    responses((status = 200, description = "The asset", body = Asset), (status = 404, body = ProblemBody, description = "There is none")))]
pub(super) async fn get_asset(
    State(app): State<App>,
    id: Result<Path<AssetId>, PathRejection>,
) -> Result<Json<Asset>, Problem> {
    let asset = app.catalogue.get(&asset_id(id)?).await?;
    Ok(Json(asset))
}

/// List assets, newest first.
#[utoipa::path(get, path = "/v1/assets", tag = "assets", security(("key" = [])), params(ListQuery),
    responses((status = 200, description = "A page", body = AssetList)))]
pub(super) async fn list_assets(
    State(app): State<App>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<AssetList>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let limit = query.limit.unwrap_or(50);
    if !(1..=100).contains(&limit) {
        return Err(Problem::bad_request(format!(
            "`limit` is {limit}; use 1 to 100"
        )));
    }
    let wanted = |asset: &Asset| {
        query.q.as_ref().is_none_or(|text| asset.matches(text))
            && query
                .tag
                .as_ref()
                .is_none_or(|tag| asset.metadata.tags.contains(tag))
    };
    let page = app
        .catalogue
        .list(query.cursor.as_ref(), limit, wanted)
        .await?;
    Ok(Json(AssetList {
        assets: page.assets,
        next: page.next,
    }))
}

/// Change title, tags, labels or profile.
#[utoipa::path(patch, path = "/v1/assets/{id}", tag = "assets", security(("key" = [])), request_body = PatchAsset, params(("id" = String, Path, description = "The asset")),
    responses((status = 200, description = "The asset as it is now", body = Asset), (status = 404, body = ProblemBody, description = "There is none")))]
pub(super) async fn patch_asset(
    State(app): State<App>,
    id: Result<Path<AssetId>, PathRejection>,
    JsonBody(patch): JsonBody<PatchAsset>,
) -> Result<Json<Asset>, Problem> {
    let id = asset_id(id)?;
    let profile = patch
        .profile
        .as_deref()
        .map(|profile| app.known_profile(profile))
        .transpose()?;
    let changed = app.catalogue.change(&id, |asset| {
        let mut metadata = asset.metadata.clone();
        metadata.title = patch.title.clone().unwrap_or(metadata.title);
        metadata.tags = patch.tags.clone().unwrap_or(metadata.tags);
        metadata.labels = patch.labels.clone().unwrap_or(metadata.labels);
        check_metadata(&metadata)?;
        asset.metadata = metadata;
        if let Some(profile) = &profile {
            app.check_own_protection(asset.protection.as_ref(), profile)?;
        }
        asset.profile = profile.clone().unwrap_or_else(|| asset.profile.clone());
        Ok::<_, Problem>(Change::Write(()))
    });
    let (asset, ()) = changed.await?;
    app.bus.publish(AssetEvent::of(&asset));
    Ok(Json(asset))
}

/// Delete an asset: its upload, all its versions, and its record. A running job is stopped.
#[utoipa::path(delete, path = "/v1/assets/{id}", tag = "assets", security(("key" = [])), params(("id" = String, Path, description = "The asset")),
    responses((status = 204, description = "Deleted"), (status = 404, body = ProblemBody, description = "There is none")))]
pub(super) async fn delete_asset(
    State(app): State<App>,
    id: Result<Path<AssetId>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let id = asset_id(id)?;
    match app.queue.remove(&id).await {
        // A worker that loses its job stops, finds the asset gone, and sweeps up what it had written meanwhile.
        Ok(()) | Err(QueueError::NoJob) => {}
        Err(error) => return Err(error.into()),
    }
    let deleted = app.catalogue.delete(&id).await;
    app.published.forget(&id);
    match deleted {
        Ok(()) => {
            app.content_keys
                .vault()
                .forget_all(&id)
                .await
                .map_err(key_problem)?;
            tracing::info!(asset = %id, "asset deleted");
            Ok(StatusCode::NO_CONTENT)
        }
        Err(CatalogueError::NotFound) => Err(CatalogueError::NotFound.into()),
        Err(error) => Err(error.into()),
    }
}

fn key_problem(error: ProtectionError) -> Problem {
    match error {
        ProtectionError::Storage(error) => error.into(),
        error => {
            tracing::error!(error = %error, "content keys could not be stored or removed");
            Problem::internal()
        }
    }
}

/// The id in a path. A text that is no id names no asset.
pub(super) fn asset_id(path: Result<Path<AssetId>, PathRejection>) -> Result<AssetId, Problem> {
    path.map(|Path(id)| id)
        .map_err(|_| CatalogueError::NotFound.into())
}

fn check_metadata(metadata: &Metadata) -> Result<(), Problem> {
    if metadata.title.len() > MAX_TITLE {
        return Err(Problem::bad_request(format!(
            "`title` has {} bytes; use at most {MAX_TITLE}",
            metadata.title.len()
        )));
    }
    if metadata.tags.len() > MAX_ENTRIES || metadata.labels.len() > MAX_ENTRIES {
        return Err(Problem::bad_request(format!(
            "use at most {MAX_ENTRIES} tags and {MAX_ENTRIES} labels"
        )));
    }
    let labels = metadata
        .labels
        .iter()
        .flat_map(|(name, value)| [name, value]);
    if metadata
        .tags
        .iter()
        .chain(labels)
        .any(|text| text.len() > MAX_ENTRY)
    {
        return Err(Problem::bad_request(format!(
            "a tag, a label's name and its value have at most {MAX_ENTRY} bytes each"
        )));
    }
    Ok(())
}
