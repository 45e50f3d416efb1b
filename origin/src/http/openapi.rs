//! The description of the API, made from the handlers themselves.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// Everything that is not a handler's own.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Weir origin",
        description = "Takes video in, packages HLS, publishes it to object storage, serves it and signs playback URLs.\n\nErrors are `application/problem+json` (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(super::media::get_media, super::jit::get_jit, super::keys::get_key, super::keys::post_license),
    modifiers(&Security),
    tags(
        (name = "assets", description = "Upload, package and manage"),
        (name = "playback", description = "Signed URLs and their keys"),
        (name = "media", description = "What viewers and edges fetch"),
        (name = "demo", description = "What the page at `/` uses"),
        (name = "operation", description = "Health and figures"),
    ),
)]
pub(super) struct Description;

struct Security;

impl Modify for Security {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "An administrator's key, or a token of the configured identity provider",
            ))
            .build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}
