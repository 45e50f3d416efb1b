//! The standard door: `wasi:http/handler@0.3.0`, one request at a time for each instance.

mod delivery;
mod imports;
mod instance;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::handler::{ExpirationError, ProxyHandler};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::config::ModuleConfig;
use crate::documents::Documents;
use crate::guest::Settings;
use crate::guest::capabilities::SharedCounters;
use crate::guest::log_sink::LogSink;
use crate::message::{Body, Request, Response, fields};
use crate::node::Next;
use crate::origin::connector::{self, ConnectionPolicy};
use delivery::{Delivery, Outgoing};
use instance::{Call, Factory, Plan};

/// Requests that a module works on at once; more wait.
const AT_ONCE: usize = 64;

/// A module behind its standard handler.
pub(crate) struct Handler {
    proxy: ProxyHandler<Factory>,
    places: Arc<Semaphore>,
    timeout: Duration,
}

/// Why a handler gave no response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandlerError {
    /// It took longer than it may.
    #[error("no response in time")]
    Timeout,
    /// It trapped, could not be started, or answered an error.
    #[error("failed: {0:#}")]
    Failed(wasmtime::Error),
}

impl Handler {
    /// Compiles and links the file.
    ///
    /// # Errors
    /// No component, or one that imports what the node does not give.
    pub(crate) fn load(
        engine: &Engine,
        file: &Path,
        settings: Settings,
        log: LogSink,
        counters: SharedCounters,
        config: &ModuleConfig,
    ) -> wasmtime::Result<Self> {
        let component = Component::from_file(engine, file)?;
        let mut linker = Linker::new(engine);
        imports::link(&mut linker)?;
        let pre = ServicePre::new(linker.instantiate_pre(&component)?)?;
        let timeout = config.timeout.get();
        let plan = Plan {
            engine: engine.clone(),
            pre,
            settings,
            log,
            counters,
            documents: Arc::new(Documents::none()),
            client: connector::client(ConnectionPolicy::default())?,
            reuse: config.reuse,
            timeout,
        };
        Ok(Self {
            proxy: ProxyHandler::new(Factory::new(plan)),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            timeout,
        })
    }

    /// Lets the module handle a request; its next handler is `next`.
    ///
    /// # Errors
    /// [`HandlerError`].
    pub(crate) async fn handle(
        &self,
        next: Next,
        request: Request,
    ) -> Result<Response, HandlerError> {
        let permit = tokio::time::timeout(self.timeout, Arc::clone(&self.places).acquire_owned())
            .await
            .map_err(|_| HandlerError::Timeout)?
            .map_err(|closed| HandlerError::Failed(wasmtime::Error::msg(closed.to_string())))?;
        let request = request.map(|body| body.map_err(imports::to_wasi).boxed_unsync());
        let delivery = Delivery::new();
        let call = Call {
            next,
            delivery: Arc::clone(&delivery),
        };
        let handled = tokio::time::timeout(self.timeout, self.proxy.handle(call, request)).await;
        let response = match handled {
            Err(_) => return Err(HandlerError::Timeout),
            Ok(Err(error)) if error.is::<ExpirationError>() => return Err(HandlerError::Timeout),
            Ok(Err(error)) => return Err(HandlerError::Failed(error)),
            Ok(Ok(response)) => response,
        };
        let mut response = response.map(|body| {
            let outgoing = Outgoing {
                body,
                delivery,
                // Free again when the body has gone out.
                _place: permit,
            };
            Body::Module(outgoing.boxed_unsync())
        });
        fields::drop_hop_by_hop(response.headers_mut());
        Ok(response)
    }
}
