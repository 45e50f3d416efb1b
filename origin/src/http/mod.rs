//! The HTTP service.

mod asset_protection;
mod assets;
mod authorize;
mod body;
mod conditional;
mod events;
mod gzip;
mod health;
mod jit;
mod keys;
mod media;
mod openapi;
mod page;
mod playback;
mod playback_token;
mod problem;
mod published;
mod request_context;
pub mod server;
mod subtitles;
mod upload;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use self::authorize::ApiLimits;
use self::health::Readiness;
use self::problem::Problem;
use self::published::Published;
use crate::auth::Authenticator;
use crate::catalogue::{AssetId, Catalogue, Source};
use crate::config::Config;
use crate::jobs::{JobQueue, ProgressBus, packager_options};
use crate::metrics::Metrics;
use crate::packaging::JustInTime;
use crate::playback::{Signer, SigningKeys};
use crate::protection::ContentKeys;
use crate::storage::{ETag, Storage};
use crate::transcode::Transcoder;

/// What all handlers share.
#[derive(Debug, Clone)]
pub struct App {
    inner: Arc<Parts>,
}

/// The parts of an [`App`].
#[derive(Debug)]
pub struct Parts {
    config: Config,
    storage: Arc<dyn Storage>,
    catalogue: Catalogue,
    queue: JobQueue,
    bus: ProgressBus,
    metrics: Metrics,
    transcoder: Transcoder,
    just_in_time: JustInTime,
    content_keys: ContentKeys,
    authenticator: Authenticator,
    signing_keys: Arc<SigningKeys>,
    signer: Signer,
    limits: ApiLimits,
    published: Published,
    readiness: Readiness,
    shutdown: CancellationToken,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.inner
    }
}

impl App {
    /// Puts the parts together.
    #[must_use]
    #[expect(
        clippy::too_many_arguments,
        reason = "each part has one name and one place where it is made"
    )]
    pub fn new(
        config: Config,
        storage: Arc<dyn Storage>,
        queue: JobQueue,
        bus: ProgressBus,
        metrics: Metrics,
        transcoder: Transcoder,
        content_keys: ContentKeys,
        authenticator: Authenticator,
        signing_keys: Arc<SigningKeys>,
        shutdown: CancellationToken,
    ) -> Self {
        let just_in_time =
            JustInTime::new(Arc::clone(&storage), packager_options(&config.packaging));
        let parts = Parts {
            catalogue: Catalogue::new(Arc::clone(&storage)),
            signer: Signer::new(Arc::clone(&signing_keys), config.playback.clone()),
            limits: ApiLimits::new(&config.limits),
            published: Published::default(),
            readiness: Readiness::default(),
            config,
            storage,
            queue,
            bus,
            metrics,
            transcoder,
            just_in_time,
            content_keys,
            authenticator,
            signing_keys,
            shutdown,
        };
        Self {
            inner: Arc::new(parts),
        }
    }

    /// Makes the index of an upload that somebody is about to play, so that no viewer waits for it.
    pub(crate) fn prepare(&self, id: &AssetId, source: &Source) {
        let (app, id) = (self.clone(), id.clone());
        let etag = ETag::new(&source.etag);
        self.just_in_time.spawn(async move {
            if let Err(error) = app.just_in_time.prepare(&id, &etag).await {
                tracing::debug!(asset = %id, error = %error, "no index was made beforehand");
            }
        });
    }

    /// Waits for what requests have left to be done.
    pub async fn finish(&self) {
        self.just_in_time.finish().await;
    }

    fn cache_control(&self) -> String {
        cache_control(self.config.media.max_age_seconds)
    }

    /// A profile's name, if there is such a profile.
    fn known_profile(&self, name: &str) -> Result<String, Problem> {
        let profiles = self.transcoder.profiles();
        if profiles.knows(name) {
            return Ok(name.to_owned());
        }
        let names: Vec<&str> = profiles.names().collect();
        Err(Problem::bad_request(format!(
            "`profile`: there is no profile `{name}`; use one of {}",
            names.join(", ")
        )))
    }
}

/// How long files of a version may be cached: they never change.
#[must_use]
pub fn cache_control(max_age_seconds: u64) -> String {
    format!("public, max-age={max_age_seconds}, immutable")
}

/// All routes.
pub fn router(app: App) -> Router {
    let administration = OpenApiRouter::new()
        .routes(routes!(assets::create_asset, assets::list_assets))
        .routes(routes!(
            assets::get_asset,
            assets::patch_asset,
            assets::delete_asset
        ))
        .routes(routes!(upload::package_asset))
        .routes(routes!(upload::cancel_packaging))
        .routes(routes!(events::asset_events))
        .routes(routes!(playback::sign_playback))
        .layer(DefaultBodyLimit::max(app.config.limits.body_bytes));
    let uploads = OpenApiRouter::new()
        .routes(routes!(upload::put_source))
        .layer(DefaultBodyLimit::disable());
    let texts = OpenApiRouter::new()
        .routes(routes!(
            subtitles::put_subtitles,
            subtitles::delete_subtitles
        ))
        .layer(DefaultBodyLimit::max(subtitles::MAX_TEXT));
    let administration = administration
        .merge(uploads)
        .merge(texts)
        .route_layer(from_fn_with_state(app.clone(), authorize::authorize));
    let public = OpenApiRouter::new()
        .routes(routes!(playback::jwks))
        .routes(routes!(playback::demo_assets))
        .routes(routes!(playback::demo_playback))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics));
    let (router, description) = OpenApiRouter::with_openapi(openapi::Description::openapi())
        .merge(administration)
        .merge(public)
        .split_for_parts();

    let media = Router::new()
        // OPTIONS has a handler so that the CORS layer sees preflights; it answers them itself.
        .route(
            "/vod/{id}/{version}/{*path}",
            get(media::get_media).options(async || axum::http::StatusCode::NO_CONTENT),
        )
        .route_layer(from_fn_with_state(app.clone(), authorize::require_edge))
        .layer(media_cors(&app.config.media.cors_origins));
    let jit = Router::new()
        .route(
            "/jit/{id}/{*path}",
            get(jit::get_jit).options(async || axum::http::StatusCode::NO_CONTENT),
        )
        .route_layer(from_fn_with_state(app.clone(), authorize::require_edge))
        .layer(media_cors(&app.config.media.cors_origins));
    let keys = key_routes(&app);
    let document = description.clone();
    let documentation = Router::new()
        .route("/openapi.json", get(move || async move { Json(document) }))
        .merge(
            Router::from(SwaggerUi::new("/docs").url("/docs/openapi.json", description))
                .layer(from_fn(page::documentation_headers)),
        );

    router
        .merge(media)
        .merge(jit)
        .merge(keys)
        .merge(documentation)
        .merge(page::routes())
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(
                axum::http::StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "The resource has no such method",
            )
        })
        .layer(CatchPanicLayer::custom(
            |_: Box<dyn std::any::Any + Send>| {
                // The panic hook has logged where; what a panic says may hold a client's data.
                axum::response::IntoResponse::into_response(Problem::internal())
            },
        ))
        .layer(from_fn_with_state(
            app.clone(),
            request_context::with_context,
        ))
        .with_state(app)
}

/// Keys for players, at both of their places.
fn key_routes(app: &App) -> Router<App> {
    let empty = async || axum::http::StatusCode::NO_CONTENT;
    let license = post(keys::post_license).options(empty);
    let key = get(keys::get_key).options(empty);
    Router::new()
        .route("/vod/{id}/keys/license", license.clone())
        .route("/vod/{id}/keys/{kid}", key.clone())
        .route("/keys/{id}/license", license)
        .route("/keys/{id}/{kid}", key)
        .layer(DefaultBodyLimit::max(app.config.limits.body_bytes))
        .route_layer(from_fn_with_state(app.clone(), authorize::require_edge))
        .layer(media_cors(&app.config.media.cors_origins).allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
        ]))
}

/// Players of other web origins may read media, as configured.
fn media_cors(origins: &[String]) -> CorsLayer {
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(
            origins
                .iter()
                .filter_map(|origin| HeaderValue::from_str(origin).ok()),
        )
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers([
            header::RANGE,
            header::IF_NONE_MATCH,
            header::IF_MODIFIED_SINCE,
            header::IF_RANGE,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
        ])
        .expose_headers([
            header::CONTENT_LENGTH,
            header::CONTENT_RANGE,
            header::ETAG,
            header::ACCEPT_RANGES,
            header::DATE,
            header::AGE,
        ])
        .max_age(std::time::Duration::from_secs(86_400))
}
