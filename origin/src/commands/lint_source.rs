//! Where the linter's bytes come from: files, and servers over HTTP.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use anyhow::Context;
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, Request as HttpRequest, Response as HttpResponse, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use url::Url;
use weir_packager::ByteRange;
use weir_packager::lint::{Delivery, Failure, Request, Response};

/// How long a server may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Most redirects that are followed.
const MAX_REDIRECTS: usize = 5;

/// Reads files and asks servers.
pub(super) struct Source {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    /// Longest whole resource in bytes, content coding undone.
    most: u64,
}

impl Source {
    /// A source that reads at most `most` bytes of a resource that is asked for whole.
    pub(super) fn new(most: u64) -> anyhow::Result<Self> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(Duration::from_secs(10)));
        let provider = tokio_rustls::rustls::crypto::ring::default_provider();
        let https = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .context("cannot read the system's certificates")?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(https),
            // One more, so that the linter sees that it is too long.
            most: most.saturating_add(1),
        })
    }

    /// Reads what is asked for.
    pub(super) async fn read(&self, request: &Request) -> Result<Response, Failure> {
        let url = Url::parse(&request.url).map_err(|error| unreachable(&error))?;
        if url.scheme() == "file" {
            let (range, most) = (request.range, self.most);
            return tokio::task::spawn_blocking(move || read_file(&url, range, most))
                .await
                .map_err(|error| unreachable(&error))?;
        }
        tokio::time::timeout(TIMEOUT, self.ask(url, request.range))
            .await
            .map_err(|_| {
                Failure::Unreachable(format!("no answer within {} s", TIMEOUT.as_secs()))
            })?
    }

    async fn ask(&self, mut url: Url, range: Option<ByteRange>) -> Result<Response, Failure> {
        let mut redirected_to = None;
        for _ in 0..=MAX_REDIRECTS {
            let answer = self
                .client
                .request(http_request(&url, range)?)
                .await
                .map_err(|error| unreachable(&error))?;
            if !answer.status().is_redirection() {
                return self.take(answer, range, redirected_to).await;
            }
            let target = text(answer.headers(), header::LOCATION)
                .and_then(|location| url.join(&location).ok())
                .filter(|target| matches!(target.scheme(), "http" | "https"));
            let Some(target) = target else {
                return Err(Failure::Unreachable(format!(
                    "{} without an address to go to",
                    answer.status()
                )));
            };
            redirected_to = Some(target.to_string());
            url = target;
        }
        Err(Failure::Unreachable(format!(
            "more than {MAX_REDIRECTS} redirects"
        )))
    }

    async fn take(
        &self,
        answer: HttpResponse<Incoming>,
        range: Option<ByteRange>,
        redirected_to: Option<String>,
    ) -> Result<Response, Failure> {
        let (parts, body) = answer.into_parts();
        let coding = text(&parts.headers, header::CONTENT_ENCODING);
        let delivery = Some(Delivery {
            content_type: text(&parts.headers, header::CONTENT_TYPE),
            content_encoding: coding.clone(),
            redirected_to,
        });
        let length =
            text(&parts.headers, header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
        let (start, total, most) = match (parts.status, range) {
            (StatusCode::NOT_FOUND | StatusCode::GONE, _) => return Err(Failure::Missing),
            (StatusCode::PARTIAL_CONTENT, Some(range)) => {
                (range.start, complete_length(&parts.headers), range.len())
            }
            (StatusCode::RANGE_NOT_SATISFIABLE, Some(range)) => {
                let total = complete_length(&parts.headers).or(Some(range.start));
                return Ok(Response {
                    body: Bytes::new(),
                    start: range.start,
                    total,
                    delivery,
                });
            }
            // The server ignores ranges: what is wanted is in the beginning, which is all that is read.
            (StatusCode::OK, Some(range)) => (0, length, range.end),
            (StatusCode::OK, None) => (0, None, self.most),
            (status, _) => return Err(Failure::Unreachable(format!("the server says {status}"))),
        };
        let mut data = collect(body, most).await?;
        if coding.is_some_and(|coding| coding.eq_ignore_ascii_case("gzip")) {
            data = unpack(&data, self.most)?;
        }
        Ok(Response {
            body: data,
            start,
            total,
            delivery,
        })
    }
}

fn http_request(url: &Url, range: Option<ByteRange>) -> Result<HttpRequest<Empty<Bytes>>, Failure> {
    let request = HttpRequest::get(url.as_str()).header(
        header::USER_AGENT,
        concat!("weir-origin/", env!("CARGO_PKG_VERSION")),
    );
    let request = match range {
        Some(range) => request.header(
            header::RANGE,
            format!("bytes={}-{}", range.start, range.end.saturating_sub(1)),
        ),
        None => request.header(header::ACCEPT_ENCODING, "gzip"),
    };
    request
        .body(Empty::new())
        .map_err(|error| unreachable(&error))
}

/// The first `most` bytes of a body.
async fn collect(mut body: Incoming, most: u64) -> Result<Bytes, Failure> {
    let mut data = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unreachable(&error))?;
        if let Ok(part) = frame.into_data() {
            let room = most.saturating_sub(data.len() as u64);
            let taken = usize::try_from(room).map_or(part.len(), |room| room.min(part.len()));
            data.extend_from_slice(&part[..taken]);
            if taken < part.len() {
                break;
            }
        }
    }
    Ok(data.freeze())
}

/// Undoes gzip, up to `most` bytes.
fn unpack(data: &[u8], most: u64) -> Result<Bytes, Failure> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(data)
        .take(most)
        .read_to_end(&mut plain)
        .map_err(|error| Failure::Unreachable(format!("the gzip coding is broken: {error}")))?;
    Ok(Bytes::from(plain))
}

/// Length of the whole resource, as `Content-Range` says it (RFC 9110, 14.4).
fn complete_length(headers: &HeaderMap) -> Option<u64> {
    let range = text(headers, header::CONTENT_RANGE)?;
    range.rsplit_once('/')?.1.parse().ok()
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

fn read_file(url: &Url, range: Option<ByteRange>, most: u64) -> Result<Response, Failure> {
    let path = url
        .to_file_path()
        .map_err(|()| Failure::Unreachable("the address names no file".to_owned()))?;
    let opened = File::open(&path).and_then(|file| {
        let metadata = file.metadata()?;
        Ok((file, metadata))
    });
    let (file, metadata) = opened.map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Failure::Missing,
        _ => unreachable(&error),
    })?;
    if !metadata.is_file() {
        return Err(Failure::Unreachable("not a regular file".to_owned()));
    }
    let total = metadata.len();
    let (start, end) = match range {
        Some(range) => (range.start.min(total), range.end.min(total)),
        None => (0, total.min(most)),
    };
    let length = usize::try_from(end - start).map_err(|error| unreachable(&error))?;
    let mut data = vec![0; length];
    file.read_exact_at(&mut data, start)
        .map_err(|error| unreachable(&error))?;
    Ok(Response::part(data, start, total))
}

/// A failure with the whole chain of its causes: connection errors say little in the first.
fn unreachable(error: &(dyn std::error::Error + 'static)) -> Failure {
    let mut message = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        message = format!("{message}: {cause}");
        next = cause.source();
    }
    Failure::Unreachable(message)
}
