//! Playlists and captions compressed: from the twin that packaging wrote, else here and now.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH};
use axum::response::Response;

use super::App;
use super::media::{counted, described};
use super::problem::Problem;
use crate::storage::{GetOptions, Object, ObjectKey, ObjectMeta, StorageError};

/// Larger texts are sent as they are: compressing holds them in memory.
pub(super) const MAX_COMPRESSED: u64 = 8 << 20;

/// The gzip twin that packaging wrote beside a playlist; older versions and captions have none.
pub(super) async fn twin(app: &App, key: &ObjectKey) -> Result<Option<Object>, Problem> {
    let Ok(key) = ObjectKey::new(format!("{key}.gz")) else {
        return Ok(None);
    };
    match app.storage.get(&key, GetOptions::default()).await {
        Ok(object) => Ok(Some(object)),
        Err(StorageError::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The answer that sends a twin; `plain` is the file that it stands for.
pub(super) fn twin_answer(app: &App, plain: &ObjectMeta, twin: Object) -> Response {
    let builder = described(plain, true, Response::builder())
        .header(CONTENT_ENCODING, "gzip")
        .header(CONTENT_LENGTH, twin.meta.size);
    let body = counted(app, twin);
    builder.body(body).unwrap_or_default()
}

/// The tag of a compressed answer.
pub(super) fn gzip_tag(meta: &ObjectMeta) -> String {
    format!("{}-gzip\"", meta.etag.as_str().trim_end_matches('"'))
}

/// The answer that compresses a file now.
pub(super) async fn gzip_answer(app: &App, object: Object) -> Result<Response, Problem> {
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
pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
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
    use axum::http::HeaderValue;

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
