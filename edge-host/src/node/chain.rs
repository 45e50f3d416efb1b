//! The chain of a route: viewer modules, the cache, origin modules, the origin.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use http::request::Parts;
use weir_module::{Answer, Edit, Edits};

use super::module::Module;
use super::record::{Outcome, Record};
use super::route::Route;
use crate::cache::{Cache, Call, Lookup, Upstream};
use crate::door::{self, DoorError, Verdict};
use crate::handler::HandlerError;
use crate::message::problem::{Fault, from_answer};
use crate::message::{Request, Response, fields};

/// One request's way: shared by everything that works on it.
pub(crate) struct Way {
    pub(crate) route: Arc<Route>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) id: http::HeaderValue,
    pub(crate) record: Record,
}

/// Which chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before the cache.
    Viewer,
    /// Behind the cache.
    Origin,
}

/// The rest of a chain, from one module on: what a standard handler calls as its next handler.
#[derive(Clone)]
pub(crate) struct Next {
    way: Arc<Way>,
    stage: Stage,
    index: usize,
}

impl Next {
    /// The whole of a chain.
    pub(super) fn first(way: Arc<Way>, stage: Stage) -> Self {
        Self {
            way,
            stage,
            index: 0,
        }
    }

    /// Runs it. Boxed, since a handler in it runs the rest of it.
    pub(crate) fn run_boxed(self, request: Request) -> BoxFuture<'static, Response> {
        Box::pin(self.run(request))
    }

    /// Runs the doors one after the other, in place, until one needs more.
    pub(super) async fn run(mut self, request: Request) -> Response {
        let way = Arc::clone(&self.way);
        let modules = match self.stage {
            Stage::Viewer => &way.route.viewer,
            Stage::Origin => &way.route.origin_modules,
        };
        let (mut parts, mut body) = request.into_parts();
        let mut changes = Vec::new();
        let mut response = None;
        while let Some(module) = modules.get(self.index) {
            self.index += 1;
            match way.decide(module, &mut parts, &mut changes) {
                Step::Next => {}
                Step::Done(answer) => {
                    response = Some(answer);
                    break;
                }
                Step::Handler => {
                    let request = Request::from_parts(parts, std::mem::take(&mut body));
                    return way.finish(way.exchange(module, self, request).await, changes);
                }
            }
        }
        let response = match response {
            Some(response) => response,
            None => {
                let request = Request::from_parts(parts, body);
                match self.stage {
                    Stage::Viewer => through_cache(&way, request).await,
                    Stage::Origin => way.route.origin.send(request).await,
                }
            }
        };
        way.finish(response, changes)
    }
}

/// What follows a module's decision.
enum Step {
    Next,
    Done(Response),
    Handler,
}

impl Way {
    fn decide(
        self: &Arc<Self>,
        module: &Arc<Module>,
        parts: &mut Parts,
        changes: &mut Vec<(Arc<Module>, Edits)>,
    ) -> Step {
        let Some(door) = &module.door else {
            return Step::Handler;
        };
        let verdict = match door.decide(unix_now_ns(), parts) {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(too_large)) => {
                tracing::debug!(module = &*module.name, "head refused: {too_large}");
                self.record.outcome(module, Outcome::Refused);
                return Step::Done(Fault::HeadTooLarge.response(Some(&self.id)));
            }
            Err(error) => {
                self.report(module, &error);
                return Step::Done(Fault::Module.response(Some(&self.id)));
            }
        };
        match verdict {
            Verdict::Pass(edits) => {
                self.record.outcome(module, Outcome::Passed);
                if edits.is_empty() {
                    return Step::Next;
                }
                let applied = Edits::decode(edits)
                    .map_err(|error| error.to_string())
                    .and_then(|edits| {
                        door::apply_to_request(&edits, parts)
                            .map_err(|error| error.to_string())
                            .map(|()| edits)
                    });
                match applied {
                    Ok(edits) => {
                        for edit in edits.iter() {
                            if let Edit::Watch(note) = edit {
                                self.record.watch(module, note);
                            }
                        }
                        if edits.any(|edit| edit.is_response_header()) {
                            changes.push((Arc::clone(module), edits));
                        }
                        Step::Next
                    }
                    Err(why) => Step::Done(self.nonsense(module, &why)),
                }
            }
            Verdict::Answer(bytes) => match Answer::decode(&bytes) {
                Ok(answer) if (200..=599).contains(&answer.status) => {
                    self.record.outcome(module, Outcome::Answered);
                    Step::Done(from_answer(answer, Some(&self.id)))
                }
                Ok(answer) => {
                    let why = format!("an answer of status {}", answer.status);
                    Step::Done(self.nonsense(module, &why))
                }
                Err(error) => Step::Done(self.nonsense(module, &error.to_string())),
            },
            Verdict::Exchange => Step::Handler,
        }
    }

    /// Calls a module's standard handler, which calls the rest of the chain.
    async fn exchange(
        self: &Arc<Self>,
        module: &Arc<Module>,
        next: Next,
        request: Request,
    ) -> Response {
        let Some(handler) = &module.handler else {
            let why = "it wants to see the response, and has no standard handler: set `path`";
            return self.nonsense(module, why);
        };
        match handler.handle(next, request).await {
            Ok(response) => {
                self.record.outcome(module, Outcome::Exchanged);
                response
            }
            Err(error) => {
                let outcome = match &error {
                    HandlerError::Timeout => Outcome::TimedOut,
                    HandlerError::Failed(_) => Outcome::Trapped,
                };
                self.record.outcome(module, outcome);
                tracing::error!(module = &*module.name, request_id = ?self.id, "{error}");
                let fault = match error {
                    HandlerError::Timeout => Fault::ModuleTimeout,
                    HandlerError::Failed(_) => Fault::Module,
                };
                fault.response(Some(&self.id))
            }
        }
    }

    /// Response edits, the innermost module's first.
    fn finish(&self, mut response: Response, changes: Vec<(Arc<Module>, Edits)>) -> Response {
        for (module, edits) in changes.into_iter().rev() {
            if let Err(error) = door::apply_to_response(&edits, response.headers_mut()) {
                return self.nonsense(&module, &error.to_string());
            }
        }
        response
    }

    fn nonsense(&self, module: &Arc<Module>, why: &str) -> Response {
        self.record.outcome(module, Outcome::Trapped);
        tracing::error!(module = &*module.name, request_id = ?self.id, "the module said nonsense: {why}");
        Fault::Module.response(Some(&self.id))
    }

    fn report(&self, module: &Arc<Module>, error: &DoorError) {
        self.record.outcome(module, Outcome::Trapped);
        tracing::error!(module = &*module.name, request_id = ?self.id, "{error}");
    }
}

async fn through_cache(way: &Arc<Way>, request: Request) -> Response {
    let policy = &way.route.cache;
    let authority = request.uri().authority().map_or("", |host| host.as_str());
    let scope = way.route.scope(authority);
    let (mut parts, body) = request.into_parts();
    if !policy.ignore_query.is_empty() {
        crate::cache::leave_out_parameters(&mut parts.uri, &policy.ignore_query);
    }
    let call = || Call {
        scope: Arc::clone(&scope),
        policy: Arc::clone(policy),
        upstream: Arc::new(BehindCache(Arc::clone(way))),
    };
    let (mut response, status) =
        match way
            .cache
            .lookup(&parts, !body.is_empty(), call, &scope, policy)
        {
            Lookup::Hit(response, status) => (response, status),
            Lookup::Miss(miss) => {
                let request = Request::from_parts(parts, body);
                way.cache
                    .forward(miss, request, call(), Some(&way.id))
                    .await
            }
        };
    way.record.cache(status);
    if policy.status_header {
        status.write(way.route.origin.node(), response.headers_mut());
    }
    response
}

/// What the cache asks: the origin modules, then the origin.
struct BehindCache(Arc<Way>);

impl Upstream for BehindCache {
    fn send(&self, mut request: Request) -> BoxFuture<'static, Response> {
        let next = Next::first(Arc::clone(&self.0), Stage::Origin);
        if next.way.route.cache.enabled {
            // What is stored is for everyone: no module behind the cache may see who asked first.
            let client = request.headers_mut().remove(fields::CLIENT_IP);
            fields::drop_internal(request.headers_mut());
            if let Some(client) = client {
                request.headers_mut().insert(fields::CLIENT_IP, client);
            }
        }
        next.run_boxed(request)
    }
}

pub(super) fn unix_now_ns() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
