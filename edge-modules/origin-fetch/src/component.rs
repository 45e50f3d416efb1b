//! The component: `wasi:http/handler@0.3.0` out, `wasi:http/client@0.3.0` in.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher};
use std::rc::Rc;

use wasip3::clocks::monotonic_clock;
use wasip3::http::client;
use wasip3::http::types::{
    ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme as WasiScheme, Trailers,
};
use wasip3::wit_bindgen::rt::async_support::{FutureReader, StreamReader};
use wasip3::{spawn_local, wit_future, wit_stream};
use weir_module::{Answer, Problem, config};

use crate::config::{Config, NAME, Origin, Scheme};
use crate::{Attempt, Attempts, Breaker, headers};

struct OriginFetch;
wasip3::http::service::export!(OriginFetch);

struct State {
    config: Rc<Config>,
    breakers: Vec<Breaker>,
}

thread_local! {
    static STATE: RefCell<Option<Result<State, String>>> = const { RefCell::new(None) };
}

impl wasip3::exports::http::handler::Guest for OriginFetch {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let id = request
            .get_headers()
            .get("x-request-id")
            .into_iter()
            .next()
            .and_then(|id| String::from_utf8(id).ok());
        let asked_head = matches!(request.get_method(), Method::Head);
        Ok(match configured() {
            Ok(config) => match fetch(&config, request).await {
                Ok(response) => response,
                Err(refusal) => problem(*refusal, id.as_deref(), asked_head),
            },
            Err(text) => {
                let refusal = Problem::new(
                    500,
                    "module-configuration",
                    "A module's configuration is wrong",
                )
                .detail(text);
                problem(refusal, id.as_deref(), asked_head)
            }
        })
    }
}

fn configured() -> Result<Rc<Config>, String> {
    STATE.with_borrow_mut(|state| {
        let loaded = state.get_or_insert_with(|| {
            let text = std::env::var(config::variable(NAME)).unwrap_or_default();
            Config::parse(&text)
                .map(|config| State {
                    breakers: vec![Breaker::default(); config.origins.len()],
                    config: Rc::new(config),
                })
                .map_err(|error| {
                    eprintln!("ERROR {error}");
                    error.to_string()
                })
        });
        loaded
            .as_ref()
            .map(|state| Rc::clone(&state.config))
            .map_err(Clone::clone)
    })
}

fn with_breakers<T>(call: impl FnOnce(&mut [Breaker]) -> T) -> T {
    STATE.with_borrow_mut(|state| match state {
        Some(Ok(state)) => call(&mut state.breakers),
        _ => call(&mut []),
    })
}

/// What is kept of the viewer's request for each try.
struct Template {
    method: Method,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
}

async fn fetch(config: &Config, request: Request) -> Result<Response, Box<Problem>> {
    let template = Template {
        method: request.get_method(),
        target: request
            .get_path_with_query()
            .filter(|target| !target.is_empty())
            .unwrap_or_else(|| "/".to_owned()),
        headers: request.get_headers().copy_all(),
    };
    let carries_body = template.headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("transfer-encoding")
            || (name.eq_ignore_ascii_case("content-length") && value != b"0")
    }) || !matches!(
        template.method,
        Method::Get | Method::Head | Method::Options | Method::Trace | Method::Delete
    );
    let idempotent = matches!(
        template.method,
        Method::Get | Method::Head | Method::Options | Method::Trace | Method::Put | Method::Delete
    );
    let mut body = carries_body.then(|| Request::consume_body(request, taken()));

    let mut attempts = Attempts::new(config, idempotent && !carries_body);
    let mut last: Result<Response, Box<Problem>> = Err(Box::new(unavailable(config)));
    while let Some(attempt) =
        with_breakers(|breakers| attempts.next(breakers, monotonic_clock::now()))
    {
        pause(attempt).await;
        let origin = &config.origins[attempt.origin];
        let outcome = client::send(build(config, origin, &template, body.take())).await;
        let now = monotonic_clock::now();
        match outcome {
            Ok(response) if !config.retry.statuses.contains(&response.get_status_code()) => {
                with_breakers(|breakers| breakers[attempt.origin].succeeded());
                return Ok(cleaned(response));
            }
            failed => {
                with_breakers(|breakers| breakers[attempt.origin].failed(now, config.breaker));
                last = failed
                    .map(cleaned)
                    .map_err(|error| Box::new(failure(&error)));
            }
        }
        if !attempts.more() {
            break;
        }
    }
    last
}

/// Full jitter (between nothing and the whole pause) keeps many instances from asking in step.
async fn pause(attempt: Attempt) {
    if attempt.pause_ns > 0 {
        let draw = std::collections::hash_map::RandomState::new()
            .build_hasher()
            .finish();
        monotonic_clock::wait_for(draw % attempt.pause_ns).await;
    }
}

type Body = (
    StreamReader<u8>,
    FutureReader<Result<Option<Trailers>, ErrorCode>>,
);

fn build(config: &Config, origin: &Origin, template: &Template, body: Option<Body>) -> Request {
    let fields = Fields::new();
    for (name, value) in headers::request_headers(&template.headers, config, origin) {
        let _ = fields.append(&name, &value);
    }
    let ns = |ms: u32| Some(u64::from(ms) * 1_000_000);
    let options = RequestOptions::new();
    let _ = options.set_connect_timeout(ns(config.timeouts.connect_ms));
    let _ = options.set_first_byte_timeout(ns(config.timeouts.first_byte_ms));
    let _ = options.set_between_bytes_timeout(ns(config.timeouts.between_bytes_ms));
    let (contents, trailers) = match body {
        Some((contents, trailers)) => (Some(contents), trailers),
        None => (None, no_trailers()),
    };
    let (request, _sent) = Request::new(fields, contents, trailers, Some(options));
    let _ = request.set_method(&template.method);
    let _ = request.set_scheme(Some(match origin.scheme {
        Scheme::Http => &WasiScheme::Http,
        Scheme::Https => &WasiScheme::Https,
    }));
    let _ = request.set_authority(Some(&origin.authority));
    let _ = request.set_path_with_query(Some(&format!("{}{}", origin.base_path, template.target)));
    request
}

fn cleaned(response: Response) -> Response {
    let received = response.get_headers().copy_all();
    if !headers::response_needs_cleaning(&received) {
        return response;
    }
    let fields = Fields::new();
    for (name, value) in headers::response_headers(&received) {
        let _ = fields.append(&name, &value);
    }
    let status = response.get_status_code();
    let (contents, trailers) = Response::consume_body(response, taken());
    let (rebuilt, _sent) = Response::new(fields, Some(contents), trailers);
    let _ = rebuilt.set_status_code(status);
    rebuilt
}

fn failure(error: &ErrorCode) -> Problem {
    use ErrorCode as E;
    match error {
        E::DnsTimeout
        | E::ConnectionTimeout
        | E::ConnectionReadTimeout
        | E::ConnectionWriteTimeout
        | E::HttpResponseTimeout => {
            Problem::new(504, "origin-timeout", "The origin did not answer in time")
        }
        E::HttpRequestDenied => Problem::new(
            502,
            "origin-denied",
            "This host may not reach the origin",
        )
        .detail(
            "allow the origin's address in the host's configuration (Spin: allowed_outbound_hosts)",
        ),
        _ => Problem::new(502, "origin-unreachable", "The origin cannot be reached"),
    }
}

fn unavailable(config: &Config) -> Problem {
    let now = monotonic_clock::now();
    let wait = with_breakers(|breakers| breakers.iter().map(|breaker| breaker.wait_ns(now)).min())
        .unwrap_or(0);
    Problem::new(
        503,
        "origin-circuit-open",
        "The origin has failed and is left alone for a moment",
    )
    .with("retry_after", wait.div_ceil(1_000_000_000).max(1))
    .detail(format!(
        "{} origins configured, every circuit breaker is open",
        config.origins.len()
    ))
}

fn problem(problem: Problem, id: Option<&str>, asked_head: bool) -> Response {
    let (status, list, body) = Answer::from(problem).render(id);
    let fields = Fields::new();
    for (name, value) in &list {
        let _ = fields.append(name, value);
    }
    let contents = (!asked_head).then(|| {
        let _ = fields.set("content-length", &[body.len().to_string().into_bytes()]);
        let (mut writer, reader) = wit_stream::new();
        spawn_local(async move {
            let _ = writer.write_all(body).await;
        });
        reader
    });
    let (response, _sent) = Response::new(fields, contents, no_trailers());
    let _ = response.set_status_code(status);
    response
}

fn no_trailers() -> FutureReader<Result<Option<Trailers>, ErrorCode>> {
    let (writer, reader) = wit_future::new(|| Ok(None));
    drop(writer);
    reader
}

fn taken() -> FutureReader<Result<(), ErrorCode>> {
    let (writer, reader) = wit_future::new(|| Ok(()));
    drop(writer);
    reader
}
