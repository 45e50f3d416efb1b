//! Published media: `/vod/{id}/{version}/…`.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, LAST_MODIFIED, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;

use super::App;
use super::conditional::{Precondition, evaluate, has_conditions, wanted_range, whole_seconds};
use super::gzip::{MAX_COMPRESSED, accepts_gzip, gzip_answer, gzip_tag, twin, twin_answer};
use super::problem::Problem;
use crate::catalogue::{AssetId, Catalogue, VersionNumber};
use crate::media_type::{is_compressible, media_type_of};
use crate::storage::{GetOptions, Object, ObjectKey, ObjectMeta, StorageError};

/// RFC 9875: caches can drop everything of an asset at once.
const CACHE_GROUPS: HeaderName = HeaderName::from_static("cache-groups");
/// The same for Fastly and its kin.
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// `GET` and `HEAD` of one published file.
#[utoipa::path(
    get,
    path = "/vod/{id}/{version}/{path}",
    tag = "media",
    params(
        ("id" = String, Path, description = "The asset"),
        ("version" = String, Path, description = "`v` and the version's number"),
        ("path" = String, Path, description = "The file within the version"),
    ),
    responses(
        (status = 200, description = "The file"),
        (status = 206, description = "The wanted part of it"),
        (status = 304, description = "It has not changed"),
        (status = 404, description = "It is not published", body = super::problem::ProblemBody),
        (status = 416, description = "It is shorter than that", body = super::problem::ProblemBody),
    ),
)]
pub(super) async fn get_media(
    State(app): State<App>,
    method: Method,
    Path((id, version, path)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (key, id, number) = locate(&id, &version, &path)?;
    if !app.published.contains(&app.catalogue, &id, number).await? {
        return Err(Problem::not_found());
    }
    let content_type = served_type(&path);
    let compressible = app.config.media.gzip && is_compressible(content_type);
    let mut response = answer(&app, &method, &key, &headers, compressible).await?;
    let out = response.headers_mut();
    out.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    let cache_control = app.cache_control();
    out.insert(
        CACHE_CONTROL,
        HeaderValue::from_str(&cache_control).map_err(|_| Problem::internal())?,
    );
    let group = |text: String| HeaderValue::from_str(&text).map_err(|_| Problem::internal());
    out.insert(
        CACHE_GROUPS,
        group(format!("\"{id}\", \"{id}-v{number}\""))?,
    );
    out.insert(SURROGATE_KEY, group(format!("{id} {id}-v{number}"))?);
    out.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if compressible {
        out.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    Ok(response)
}

/// The media type of a published file, the same on every store: not all of them keep one.
fn served_type(path: &str) -> &'static str {
    // The packager puts each track into a folder named after its kind.
    match media_type_of(path) {
        "video/mp4" if path.starts_with("audio-") => "audio/mp4",
        other => other,
    }
}

/// The stored object behind a URL. Whatever names none is "not found": a URL's owner is none of a viewer's business.
fn locate(
    id: &str,
    version: &str,
    path: &str,
) -> Result<(ObjectKey, AssetId, VersionNumber), Problem> {
    let id: AssetId = id.parse().map_err(|_| Problem::not_found())?;
    let digits = version
        .strip_prefix('v')
        .filter(|digits| !digits.starts_with(['0', '+']))
        .ok_or_else(Problem::not_found)?;
    let number: VersionNumber = digits.parse().map_err(|_| Problem::not_found())?;
    let key = ObjectKey::new(format!("{}{path}", Catalogue::version_prefix(&id, number)))
        .map_err(|_| Problem::not_found())?;
    Ok((key, id, number))
}

async fn answer(
    app: &App,
    method: &Method,
    key: &ObjectKey,
    headers: &HeaderMap,
    compressible: bool,
) -> Result<Response, Problem> {
    let gzip = compressible && accepts_gzip(headers) && wanted_range(headers, None).is_none();
    // The tag of a compressed answer follows from the plain file's, whether its twin is stored or not.
    let looked = if gzip || has_conditions(headers) || method == Method::HEAD {
        Some(app.storage.head(key).await?)
    } else {
        None
    };
    if let Some(meta) = &looked {
        let zipped = gzip_tag(meta);
        let etags: &[&str] = if compressible {
            &[meta.etag.as_str(), &zipped]
        } else {
            &[meta.etag.as_str()]
        };
        match evaluate(headers, etags, meta.modified) {
            Precondition::NotModified => {
                return Ok(described(
                    meta,
                    gzip,
                    Response::builder().status(StatusCode::NOT_MODIFIED),
                )
                .body(Body::empty())
                .unwrap_or_default());
            }
            Precondition::Failed => {
                return Err(Problem::new(
                    StatusCode::PRECONDITION_FAILED,
                    "precondition-failed",
                    "The file is another one by now",
                ));
            }
            Precondition::Holds => {}
        }
    }
    let range = wanted_range(
        headers,
        looked
            .as_ref()
            .map(|meta| (meta.etag.as_str(), meta.modified)),
    );
    if method == Method::HEAD {
        let meta = looked.map_or_else(|| Err(Problem::internal()), Ok)?;
        return Ok(head_answer(&meta, gzip));
    }
    if gzip
        && let Some(meta) = &looked
        && let Some(twin) = twin(app, key).await?
    {
        return Ok(twin_answer(app, meta, twin));
    }
    match app
        .storage
        .get(
            key,
            GetOptions {
                range,
                ..GetOptions::default()
            },
        )
        .await
    {
        Ok(object) if gzip && object.meta.size <= MAX_COMPRESSED => gzip_answer(app, object).await,
        Ok(object) => Ok(body_answer(app, object, range.is_some())),
        Err(StorageError::RangeNotSatisfiable { size }) => {
            let mut response =
                Problem::from(StorageError::RangeNotSatisfiable { size }).into_response();
            if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
                response.headers_mut().insert(CONTENT_RANGE, value);
            }
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

/// The headers that a 200, a 206 and a 304 share (RFC 9110, 15.4.5).
pub(super) fn described(
    meta: &ObjectMeta,
    gzip: bool,
    builder: axum::http::response::Builder,
) -> axum::http::response::Builder {
    let etag = if gzip {
        gzip_tag(meta)
    } else {
        meta.etag.as_str().to_owned()
    };
    builder.header(ETAG, etag).header(
        LAST_MODIFIED,
        httpdate::fmt_http_date(whole_seconds(meta.modified)),
    )
}

fn head_answer(meta: &ObjectMeta, gzip: bool) -> Response {
    let builder = described(meta, gzip, Response::builder());
    // The compressed length is not known without compressing; leaving it out is allowed (RFC 9110, 9.3.2).
    let builder = if gzip {
        builder.header(CONTENT_ENCODING, "gzip")
    } else {
        builder
            .header(ACCEPT_RANGES, "bytes")
            .header(CONTENT_LENGTH, meta.size)
    };
    builder.body(Body::empty()).unwrap_or_default()
}

fn body_answer(app: &App, object: Object, partial: bool) -> Response {
    let (start, end) = object.range;
    let mut builder = described(&object.meta, false, Response::builder())
        .header(ACCEPT_RANGES, "bytes")
        .header(CONTENT_LENGTH, end - start);
    if partial {
        builder = builder.status(StatusCode::PARTIAL_CONTENT).header(
            CONTENT_RANGE,
            format!(
                "bytes {start}-{}/{}",
                end.saturating_sub(1),
                object.meta.size
            ),
        );
    }
    builder.body(counted(app, object)).unwrap_or_default()
}

/// An object's bytes, counted on their way out.
pub(super) fn counted(app: &App, object: Object) -> Body {
    let metrics = app.metrics.clone();
    Body::from_stream(object.body.inspect(move |chunk| {
        if let Ok(bytes) = chunk {
            metrics.media_sent(bytes.len() as u64);
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_urls_name_objects() {
        let id = AssetId::new().to_string();
        let (key, _, number) = locate(&id, "v12", "video/seg-1.m4s").expect("well formed");
        assert_eq!(
            (key.to_string(), number),
            (format!("assets/{id}/v12/video/seg-1.m4s"), 12)
        );
        for (id, version, path) in [
            (id.as_str(), "v1", "../asset.json"),
            (&id, "v1", "a/../../source/original"),
            (&id, "v01", "a"),
            (&id, "v+1", "a"),
            (&id, "1", "a"),
            (&id, "v0", "a"),
            (&id, "v99999999999", "a"),
            (&id, "v1", ""),
            (&id, "v1", "/a"),
            ("..", "v1", "a"),
        ] {
            assert!(locate(id, version, path).is_err(), "{id} {version} {path}");
        }
    }
}
