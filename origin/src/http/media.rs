//! Published media: `/vod/{id}/{version}/…`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, LAST_MODIFIED, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;

use super::App;
use super::conditional::{Precondition, evaluate, has_conditions, wanted_range, whole_seconds};
use super::problem::Problem;
use crate::catalogue::{AssetId, Catalogue, CatalogueError, VersionNumber};
use crate::media_type::{is_compressible, media_type_of};
use crate::storage::{GetOptions, Object, ObjectKey, ObjectMeta, StorageError};

/// RFC 9875: caches can drop everything of an asset at once.
const CACHE_GROUPS: HeaderName = HeaderName::from_static("cache-groups");
/// The same for Fastly and its kin.
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");
/// Larger texts are sent as they are: compressing holds them in memory.
const MAX_COMPRESSED: u64 = 8 << 20;
/// How long a look at an asset's record is believed.
const PUBLISHED_FOR: Duration = Duration::from_secs(5);
/// How long "not published" is believed.
const MISSING_FOR: Duration = Duration::from_millis(250);
/// Assets remembered.
const MAX_REMEMBERED: usize = 10_000;

/// Which versions of which assets are published, remembered for a moment.
#[derive(Debug, Default)]
pub(super) struct Published {
    assets: Mutex<HashMap<AssetId, Looked>>,
}

#[derive(Debug, Clone)]
struct Looked {
    when: Instant,
    versions: Arc<[VersionNumber]>,
    /// When the record was last read for a version that was not there.
    missed: Option<Instant>,
}

impl Looked {
    /// The answer, when this look is fresh enough for the question.
    fn answer(&self, number: VersionNumber) -> Option<bool> {
        if self.when.elapsed() >= PUBLISHED_FOR {
            return None;
        }
        if self.versions.contains(&number) {
            return Some(true);
        }
        // It may have been published since: look again, but not for every request of somebody who is guessing.
        self.missed
            .is_some_and(|missed| missed.elapsed() < MISSING_FOR)
            .then_some(false)
    }
}

impl Published {
    async fn contains(
        &self,
        catalogue: &Catalogue,
        id: &AssetId,
        number: VersionNumber,
    ) -> Result<bool, CatalogueError> {
        if let Some(answer) = self.lock().get(id).and_then(|looked| looked.answer(number)) {
            return Ok(answer);
        }
        let asset = catalogue.get(id).await?;
        let versions: Arc<[VersionNumber]> = asset
            .versions
            .iter()
            .map(|version| version.number)
            .collect();
        let published = versions.contains(&number);
        let looked = Looked {
            when: Instant::now(),
            versions,
            missed: (!published).then(Instant::now),
        };
        let mut assets = self.lock();
        if assets.len() >= MAX_REMEMBERED {
            assets.retain(|_, looked| looked.when.elapsed() < PUBLISHED_FOR);
        }
        if assets.len() < MAX_REMEMBERED {
            assets.insert(id.clone(), looked);
        }
        Ok(published)
    }

    /// Forgets an asset that was deleted.
    pub(super) fn forget(&self, id: &AssetId) {
        self.lock().remove(id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AssetId, Looked>> {
        self.assets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
    let looked = if has_conditions(headers) || method == Method::HEAD {
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

fn gzip_tag(meta: &ObjectMeta) -> String {
    format!("{}-gzip\"", meta.etag.as_str().trim_end_matches('"'))
}

/// The headers that a 200, a 206 and a 304 share (RFC 9110, 15.4.5).
fn described(
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
    let metrics = app.metrics.clone();
    let body = object.body.inspect(move |chunk| {
        if let Ok(bytes) = chunk {
            metrics.media_sent(bytes.len() as u64);
        }
    });
    builder.body(Body::from_stream(body)).unwrap_or_default()
}

async fn gzip_answer(app: &App, object: Object) -> Result<Response, Problem> {
    use std::io::Write;
    let meta = object.meta.clone();
    let bytes = object.bytes(MAX_COMPRESSED).await?;
    let compressed = tokio::task::spawn_blocking(move || -> std::io::Result<Vec<u8>> {
        let mut encoder = flate2::write::GzEncoder::new(
            Vec::with_capacity(bytes.len() / 4),
            flate2::Compression::default(),
        );
        encoder.write_all(&bytes)?;
        encoder.finish()
    });
    let compressed = compressed
        .await
        .map_err(|_| Problem::internal())?
        .map_err(|_| Problem::internal())?;
    app.metrics.media_sent(compressed.len() as u64);
    let builder = described(&meta, true, Response::builder())
        .header(CONTENT_ENCODING, "gzip")
        .header(CONTENT_LENGTH, compressed.len());
    Ok(builder.body(Body::from(compressed)).unwrap_or_default())
}

/// Whether `Accept-Encoding` takes gzip with a weight above zero (RFC 9110, 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut any = None;
    for item in values.flat_map(|value| value.split(',')) {
        let mut parts = item.split(';');
        let coding = parts.next().unwrap_or_default().trim();
        let weight = parts
            .find_map(|part| part.trim().strip_prefix("q="))
            .map_or(Some(1.0), |weight| weight.trim().parse::<f32>().ok());
        let accepted = weight.is_some_and(|weight| weight > 0.0);
        if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
            return accepted;
        }
        if coding == "*" {
            any = Some(accepted);
        }
    }
    any.unwrap_or(false)
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

    #[test]
    fn gzip_needs_a_weight() {
        let accepts = |value: &'static str| {
            accepts_gzip(&HeaderMap::from_iter([(
                ACCEPT_ENCODING,
                HeaderValue::from_static(value),
            )]))
        };
        assert!(accepts("gzip") && accepts("br, gzip;q=0.5") && accepts("*"));
        assert!(
            !accepts("gzip;q=0")
                && !accepts("br")
                && !accepts("*, gzip;q=0")
                && !accepts_gzip(&HeaderMap::new())
        );
    }
}
