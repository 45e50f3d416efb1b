//! A host for the standard door: `wasi:http/handler@0.3.0` in and out, the next handler played by a function.

use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use wasmtime::component::{Accessor, Component, Linker, Resource, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p3::bindings::{Service, ServicePre};
use wasmtime_wasi_http::p3::{Request, Response};
use wasmtime_wasi_http::{
    RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use super::counters::{self, HostCounters};

/// Plays the rest of the chain, and the network.
pub type Next = Arc<dyn Fn(&http::Request<Bytes>) -> http::Response<Bytes> + Send + Sync>;

/// A component that exports `wasi:http/handler`: one module, or a composed chain.
pub struct Handler {
    engine: Engine,
    pre: ServicePre<State>,
    environment: Vec<(String, String)>,
    counters: HostCounters,
    runtime: tokio::runtime::Runtime,
}

/// One request through a handler.
#[derive(Debug)]
pub struct Exchanged {
    /// What came back.
    pub response: http::Response<Bytes>,
    /// What the next handler was asked, in order.
    pub to_next: Vec<http::Request<Bytes>>,
    /// What was sent through `wasi:http/client`, in order.
    pub sent: Vec<http::Request<Bytes>>,
}

struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    counters: HostCounters,
    hooks: Hooks,
    next: Next,
    to_next: Arc<Mutex<Vec<http::Request<Bytes>>>>,
}

/// The network: every outgoing request is answered by a function.
struct Hooks {
    network: Next,
    sent: Arc<Mutex<Vec<http::Request<Bytes>>>>,
}

type Boxed<T> = Box<dyn Future<Output = T> + Send>;

impl WasiHttpHooks for Hooks {
    /// A request is shown as the module left it.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _done: Boxed<Result<(), wasmtime_wasi_http::Error>>,
    ) -> Boxed<
        Result<
            (
                http::Response<WasiBody>,
                Boxed<Result<(), wasmtime_wasi_http::Error>>,
            ),
            wasmtime_wasi_http::Error,
        >,
    > {
        let (network, sent) = (Arc::clone(&self.network), Arc::clone(&self.sent));
        Box::new(async move {
            let request = collected(request).await?;
            let response = network(&request);
            lock(&sent).push(request);
            let response = response.map(|body| {
                Full::new(body)
                    .map_err(|never| match never {})
                    .boxed_unsync()
            });
            Ok((response, Box::new(async { Ok(()) }) as Boxed<_>))
        })
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.hooks,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl Handler {
    /// Loads a component with its environment.
    ///
    /// # Errors
    /// A file that is no such component, or that imports what no host of WASI 0.3 HTTP has.
    pub fn load(file: &Path, environment: &[(String, String)]) -> anyhow::Result<Self> {
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        let engine = super::engine(config).map_err(super::plain)?;
        let component = Component::from_file(&engine, file)
            .map_err(super::plain)
            .with_context(|| format!("{} is not a component", file.display()))?;
        let linker = linker(&engine).map_err(super::plain)?;
        let pre = linker
            .instantiate_pre(&component)
            .and_then(ServicePre::new)
            .map_err(super::plain)
            .with_context(|| format!("{} does not link as an HTTP handler", file.display()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            engine,
            pre,
            environment: environment.to_vec(),
            counters: HostCounters::default(),
            runtime,
        })
    }

    /// Sends one request through a fresh instance. `next` answers the next handler's import, and the network.
    ///
    /// # Errors
    /// A trap, or an error code instead of a response.
    pub fn call(&self, request: http::Request<Bytes>, next: Next) -> anyhow::Result<Exchanged> {
        let (to_next, sent) = (Arc::default(), Arc::default());
        let state = State {
            wasi: WasiCtx::builder()
                .envs(&self.environment)
                .inherit_stderr()
                .build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            counters: self.counters.clone(),
            hooks: Hooks {
                network: Arc::clone(&next),
                sent: Arc::clone(&sent),
            },
            next,
            to_next: Arc::clone(&to_next),
        };
        let mut store = Store::new(&self.engine, state);
        let response = self
            .runtime
            .block_on(async {
                let service = self.pre.instantiate_async(&mut store).await?;
                store
                    .run_concurrent(async |accessor| exchange(accessor, &service, request).await)
                    .await?
            })
            .map_err(super::plain)?;
        drop(store);
        let response =
            response.map_err(|code| anyhow::anyhow!("the handler answered the error {code:?}"))?;
        let take = |list: Arc<Mutex<Vec<_>>>| std::mem::take(&mut *lock(&list));
        Ok(Exchanged {
            response,
            to_next: take(to_next),
            sent: take(sent),
        })
    }
}

async fn exchange(
    accessor: &Accessor<State>,
    service: &Service,
    request: http::Request<Bytes>,
) -> wasmtime::Result<Result<http::Response<Bytes>, ErrorCode>> {
    let request = accessor.with(|mut access| {
        let (request, _sent) = Request::from_http(access.get().http().hooks, request.map(full));
        request
    });
    let response = match service.handle(accessor, request).await? {
        Ok(response) => response,
        Err(code) => return Ok(Err(code)),
    };
    let response = accessor.with(|access| response.into_http(access, async { Ok(()) }))?;
    let (parts, body) = response.into_parts();
    let body = body
        .collect()
        .await
        .map_err(|error| wasmtime::format_err!("the response's body broke off: {error:?}"))?;
    Ok(Ok(http::Response::from_parts(parts, body.to_bytes())))
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::<State>::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    counters::add_to_linker(&mut linker, |state| &mut state.counters)?;
    linker
        .instance("wasi:http/handler@0.3.0")?
        .func_wrap_concurrent(
            "handle",
            |accessor: &Accessor<State>, (request,): (Resource<Request>,)| {
                Box::pin(answer_next(accessor, request))
            },
        )?;
    Ok(linker)
}

/// The import `wasi:http/handler.handle`: the next handler in the chain.
async fn answer_next(
    accessor: &Accessor<State>,
    request: Resource<Request>,
) -> wasmtime::Result<(Result<Resource<Response>, ErrorCode>,)> {
    let (request, next, to_next) = accessor.with(|mut access| -> wasmtime::Result<_> {
        let state = access.get();
        let (next, to_next) = (Arc::clone(&state.next), Arc::clone(&state.to_next));
        let request = state.table.delete(request)?;
        let (request, _options) =
            request
                .into_http(&mut access, async { Ok(()) })
                .map_err(|error| {
                    wasmtime::format_err!("the request to the next handler is not one: {error:?}")
                })?;
        Ok((request, next, to_next))
    })?;
    let request = collected(request)
        .await
        .map_err(|error| wasmtime::format_err!("the request's body broke off: {error:?}"))?;
    let response = next(&request);
    lock(&to_next).push(request);
    let response = accessor.with(|mut access| {
        let view = access.get().http();
        let (response, _sent) = Response::from_http(view.hooks, response.map(full));
        view.table.push(response)
    })?;
    Ok((Ok(response),))
}

async fn collected(
    request: http::Request<WasiBody>,
) -> Result<http::Request<Bytes>, wasmtime_wasi_http::Error> {
    let (parts, body) = request.into_parts();
    Ok(http::Request::from_parts(
        parts,
        body.collect().await?.to_bytes(),
    ))
}

fn full(
    body: Bytes,
) -> impl http_body::Body<Data = Bytes, Error = wasmtime_wasi_http::Error> + Send + 'static {
    Full::new(body).map_err(|never| match never {})
}

fn lock<T>(list: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    list.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
