//! Serves a component that exports `wasi:http/handler` the way `wasmtime serve -Scli` does, for tests on machines without the
//! `wasmtime` program: the same `ProxyHandler` of wasmtime-wasi-http, the same reuse of instances, one request at a time in each.
//!
//! `wasi-serve ADDRESS:PORT COMPONENT [NAME=VALUE …]`

use std::future::poll_fn;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use wasmtime::component::{Component, GuestTaskId, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store, StoreContextMut};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyHandler, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState,
    WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpView, default_hooks};

/// Requests that one instance serves, one after another, before it is dropped: the default of `wasmtime serve`.
const REUSE: usize = 128;
/// How long an instance without work lives.
const IDLE: Duration = Duration::from_secs(1);
/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Parser)]
struct Arguments {
    /// Where to listen.
    address: SocketAddr,
    /// The component.
    component: PathBuf,
    /// Environment variables of the component.
    environment: Vec<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let environment = arguments
        .environment
        .iter()
        .map(|pair| {
            pair.split_once('=')
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        })
        .collect::<Option<Vec<_>>>()
        .context("environment variables are written NAME=VALUE")?;
    let handler = ProxyHandler::new(
        Serve::load(&arguments.component, environment)
            .map_err(|error| anyhow::anyhow!("{error:?}"))?,
    );
    let listener = tokio::net::TcpListener::bind(arguments.address)
        .await
        .context("the address cannot be bound")?;
    eprintln!("listening on {}", arguments.address);
    loop {
        let (connection, _) = listener.accept().await?;
        let handler = handler.clone();
        let service = hyper::service::service_fn(move |request| answer(handler.clone(), request));
        // A client that goes away is no error of the server's.
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(connection), service),
        );
    }
}

async fn answer(
    handler: ProxyHandler<Serve>,
    request: http::Request<Incoming>,
) -> anyhow::Result<http::Response<WasiBody>> {
    let (mut parts, body) = request.into_parts();
    // The component is told where the request was sent: scheme and authority are part of a WASI request.
    let authority = parts
        .headers
        .get("host")
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost")
        .to_owned();
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str())
        .to_owned();
    parts.uri = http::Uri::builder()
        .scheme("http")
        .authority(authority)
        .path_and_query(target)
        .build()?;
    let request = http::Request::from_parts(
        parts,
        body.map_err(wasmtime_wasi_http::Error::from).boxed_unsync(),
    );
    match handler.handle((), request).await {
        Ok(response) => Ok(response),
        Err(error) => {
            eprintln!("{error:?}");
            let body = Full::default()
                .map_err(|never| match never {})
                .boxed_unsync();
            Ok(http::Response::builder().status(500).body(body)?)
        }
    }
}

/// What makes instances.
struct Serve {
    engine: Engine,
    pre: ServicePre<State>,
    environment: Arc<[(String, String)]>,
}

struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
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
            hooks: default_hooks(),
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl Serve {
    fn load(file: &std::path::Path, environment: Vec<(String, String)>) -> wasmtime::Result<Self> {
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        let engine = Engine::new(&config)?;
        let component = Component::from_file(&engine, file)?;
        let mut linker = Linker::<State>::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        let pre = ServicePre::new(linker.instantiate_pre(&component)?)?;
        Ok(Self {
            engine,
            pre,
            environment: environment.into(),
        })
    }
}

impl HandlerState for Serve {
    type StoreData = State;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<State, Expiration, Worker>> {
        let wasi = WasiCtx::builder()
            .envs(&self.environment)
            .inherit_stderr()
            .build();
        let mut store = Store::new(
            &self.engine,
            State {
                wasi,
                http: WasiHttpCtx::new(),
                table: ResourceTable::new(),
            },
        );
        let proxy = ProxyPre::P3(self.pre.clone())
            .instantiate_async(&mut store)
            .await?;
        Ok(Instance {
            store,
            proxy,
            view: State::http,
            expiration: Expiration { timer: None },
            state: Worker,
        })
    }
}

/// Ends an instance that is idle, or stuck in a request.
struct Expiration {
    timer: Option<(WorkerStatus, Instant, Pin<Box<tokio::time::Sleep>>)>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        if !matches!(&self.timer, Some((known, since, _)) if *known == status && *since == start) {
            let limit = if status == WorkerStatus::Idle {
                IDLE
            } else {
                TIMEOUT
            };
            self.timer = Some((
                status,
                start,
                Box::pin(tokio::time::sleep_until((start + limit).into())),
            ));
        }
        match &mut self.timer {
            Some((_, _, timer)) => timer.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

/// One request at a time, a bounded number in all.
struct Worker;

impl WorkerState for Worker {
    type StoreData = State;
    type RequestData = ();

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        match (concurrent, total) {
            (_, REUSE..) => ShouldAccept::Never,
            (0, _) => ShouldAccept::Yes,
            _ => ShouldAccept::No,
        }
    }

    fn on_request_start(
        &self,
        _store: StoreContextMut<'_, State>,
        (): (),
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        let mut timer = Box::pin(tokio::time::sleep(TIMEOUT));
        Box::pin(poll_fn(move |context| timer.as_mut().poll(context)))
    }

    fn drop(&self, _store: Store<State>, result: Result<(), wasmtime::Error>) {
        if let Err(error) = result {
            eprintln!("an instance ended: {error:?}");
        }
    }
}
