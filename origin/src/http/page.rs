//! The demonstration page: files in the binary, so that it works without a network.

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

use super::App;
use super::problem::Problem;
use crate::media_type::media_type_of;

/// What the page may do: no inline script, nothing from other hosts. Styles are inline because web components carry
/// theirs in their shadow trees; `blob:` is how hls.js feeds the player and starts its worker.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
     media-src 'self' blob:; worker-src 'self' blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'self'";
/// The API browser draws its icons from data URLs.
const DOCUMENTATION_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(RustEmbed)]
#[folder = "web"]
struct Files;

/// The page's routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/",
            get(async |headers: HeaderMap| file("index.html", &headers)),
        )
        .route(
            "/play/{id}",
            get(async |headers: HeaderMap| file("play.html", &headers)),
        )
        .route(
            "/static/{*path}",
            get(async |Path(path): Path<String>, headers: HeaderMap| file(&path, &headers)),
        )
        .route(
            "/favicon.ico",
            get(async |headers: HeaderMap| file("icon.svg", &headers)),
        )
}

fn file(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = Files::get(path) else {
        return Problem::not_found().into_response();
    };
    let etag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
    let known = headers.get(IF_NONE_MATCH).is_some_and(|value| {
        value
            .as_bytes()
            .windows(etag.len())
            .any(|part| part == etag.as_bytes())
    });
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        file.data.into_response()
    };
    let out = response.headers_mut();
    out.insert(CONTENT_TYPE, HeaderValue::from_static(media_type_of(path)));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        out.insert(ETAG, etag);
    }
    // Always asked for again, mostly answered with 304: a new build shows at once.
    out.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    out.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(PAGE_POLICY),
    );
    out.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    out.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The same care for the API browser.
pub(super) async fn documentation_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(DOCUMENTATION_POLICY),
    );
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_a_page_names_is_there() {
        for page in ["index.html", "play.html"] {
            let html = Files::get(page).expect("the page is embedded");
            let html = String::from_utf8_lossy(&html.data).into_owned();
            let named: Vec<&str> = html
                .split("/static/")
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
                .collect();
            assert!(!named.is_empty(), "{page} names its script and style");
            for path in named {
                assert!(Files::get(path).is_some(), "{page} names {path}");
            }
            assert!(
                !html.contains("<script>") && !html.contains(" onclick="),
                "{page} has no inline script"
            );
        }
    }
}
