//! What a standard handler imports: the next handler, an HTTP client, WASI 0.2 and 0.3 without files and sockets, counters.

use http::header::{self, HeaderName};
use http_body_util::BodyExt as _;
use wasmtime::component::{Accessor, Linker, Resource};
use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p3::{Request as WasiRequest, Response as WasiResponse};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error as WasiError, RequestOptions, WasiBody, WasiHttpCtxView,
    WasiHttpHooks, WasiHttpView,
};

use super::instance::Guest;
use crate::guest::capabilities::link_counters;
use crate::message::body::BodyLimits;
use crate::message::{Body, BodyError, Request, fields};
use crate::origin::connector::HttpClient;

/// The interface that links a chain, to the digit.
const HANDLER: &str = "wasi:http/handler@0.3.0";
/// The most that a module may fetch in one response.
const MAX_FETCH: u64 = 64 << 20;
/// How long a fetch may wait for its head, and its body stand still, when the module sets no time of its own.
const FETCH_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.capabilities.ctx()
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        Guest::http(self)
    }
}

/// Links everything.
///
/// # Errors
/// A name that is defined twice.
pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi::p3::add_to_linker(linker)?;
    wasmtime_wasi_http::p3::add_to_linker(linker)?;
    link_counters(linker, |guest| guest.capabilities.own())?;
    linker.instance(HANDLER)?.func_wrap_concurrent(
        "handle",
        |accessor: &Accessor<Guest>, (request,): (Resource<WasiRequest>,)| {
            Box::pin(async move { Ok((next(accessor, request).await?,)) })
        },
    )
}

/// Goes on with the chain.
async fn next(
    accessor: &Accessor<Guest>,
    request: Resource<WasiRequest>,
) -> wasmtime::Result<Result<Resource<WasiResponse>, ErrorCode>> {
    let prepared = accessor.with(|mut access| {
        let request = access.get().capabilities.table.delete(request)?;
        let next =
            access.get().next.clone().ok_or_else(|| {
                wasmtime::Error::msg("the next handler was called outside a request")
            })?;
        wasmtime::error::Ok((request.into_http(&mut access, async { Ok(()) }), next))
    })?;
    let (request, next) = match prepared {
        (Ok((request, _)), next) => (request, next),
        (Err(error), _) => return Ok(Err(error.downcast()?)),
    };
    let response = next.run_boxed(into_own(request)).await;
    let response = response.map(|body| body.map_err(to_wasi));
    accessor.with(|mut access| {
        let mut view = Guest::http(access.get());
        let (response, _sent) = WasiResponse::from_http(view.hooks, response);
        let _ = &mut view;
        Ok(Ok(view.table.push(response)?))
    })
}

/// The guest's request as the chain takes it: its body, and no `host` field beside the authority.
fn into_own(request: http::Request<WasiBody>) -> Request {
    let (mut parts, body) = request.into_parts();
    parts.headers.remove(header::HOST);
    fields::drop_hop_by_hop(&mut parts.headers);
    // Whether there is a body must be known before the cache looks, and the guest's stream does not tell. A GET or HEAD
    // without `content-length` has none (RFC 9110 section 9.3.1).
    let bodiless = matches!(parts.method, http::Method::GET | http::Method::HEAD)
        && fields::content_length(&parts.headers).unwrap_or(0) == 0;
    let body = if bodiless || http_body::Body::is_end_stream(&body) {
        Body::Empty
    } else {
        Body::Module(
            body.map_err(|error| BodyError::Module(error.to_string()))
                .boxed_unsync(),
        )
    };
    Request::from_parts(parts, body)
}

/// A body's error in the words of `wasi:http`.
pub(super) fn to_wasi(error: BodyError) -> WasiError {
    match error {
        BodyError::Idle(_) => WasiError::ConnectionReadTimeout,
        BodyError::TooLarge(limit) => WasiError::HttpRequestBodySize(Some(limit)),
        other => WasiError::InternalError(Some(other.to_string())),
    }
}

/// `wasi:http/client`, through the module's pool.
pub(super) struct Hooks {
    client: HttpClient,
}

impl Hooks {
    pub(super) fn new(client: HttpClient) -> Self {
        Self { client }
    }
}

type Io = Box<dyn Future<Output = Result<(), WasiError>> + Send>;

impl WasiHttpHooks for Hooks {
    // As the default has it, without making a filter for each name.
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        DEFAULT_FORBIDDEN_HEADERS.contains(name)
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Io,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Io), WasiError>> + Send> {
        let client = self.client.clone();
        let own = |time: Option<std::time::Duration>| time.unwrap_or(FETCH_TIMEOUT);
        let head_timeout = own(options.as_ref().and_then(|o| o.first_byte_timeout));
        let idle = own(options.as_ref().and_then(|o| o.between_bytes_timeout));
        let host = request
            .uri()
            .authority()
            .and_then(|authority| http::HeaderValue::from_str(authority.as_str()).ok());
        let mut request = into_own(request);
        if let Some(host) = host {
            request.headers_mut().insert(header::HOST, host);
        }
        Box::new(async move {
            let sent = tokio::time::timeout(head_timeout, client.request(request));
            let response = sent
                .await
                .map_err(|_| WasiError::HttpResponseTimeout)?
                .map_err(|error| {
                    if error.is_connect() {
                        WasiError::ConnectionRefused
                    } else {
                        WasiError::InternalError(Some(error.to_string()))
                    }
                })?;
            let limits = BodyLimits {
                max_bytes: MAX_FETCH,
                idle,
            };
            let response =
                response.map(|body| Body::limited(body, limits).map_err(to_wasi).boxed_unsync());
            let done: Io = Box::new(async { Ok(()) });
            Ok((response, done))
        })
    }
}
