//! Runs an [`Exchange`] to its end over the rest of the chain.

use wasip3::http::types::{Request, Response, Scheme};

use super::headers::Headers;
use super::message::Incoming;
use super::{Place, body, message, next, upstream_failed};
use crate::guest::slot::{GuestHost, log_line};
use crate::guest::unix_now_ns;
use crate::{
    BodyTransform, Collected, Counters, Edits, Exchange, Forward, Host, Level, Module, Problem,
    Reply, ResponseHead, Step,
};

/// What is known of the request that the viewer sent.
pub(super) struct Viewer {
    pub(super) id: Option<String>,
    pub(super) asked_head: bool,
}

/// What a request of the module's own takes over from the viewer's.
pub(super) struct Template {
    scheme: Option<Scheme>,
    authority: Option<String>,
    headers: Headers,
}

/// Bodies up to this size, in bytes, are rewritten whole.
const WHOLE: u64 = 256 * 1024;

/// Headers that say where a request comes from and where it belongs, not what it asks for.
const CARRIED: [&str; 4] = ["host", "x-request-id", "traceparent", "tracestate"];

impl Template {
    pub(super) fn of(request: &Incoming) -> Self {
        let carried = CARRIED.iter().flat_map(|name| {
            let values = request.headers.values(name);
            values.map(|value| ((*name).to_owned(), value.to_vec()))
        });
        Self {
            headers: carried.collect::<Vec<_>>().into(),
            scheme: request.request.get_scheme(),
            authority: request.request.get_authority(),
        }
    }

    fn request(&self, forward: &Forward) -> Request {
        let mut headers = self.headers.clone();
        for (name, value) in &forward.headers {
            headers.set(name, value);
        }
        let fields = headers.into_fields();
        // A new request is a GET.
        let (request, _sent) = Request::new(fields, None, message::no_trailers(), None);
        let _ = request.set_path_with_query(Some(&forward.target));
        let _ = request.set_scheme(self.scheme.as_ref());
        let _ = request.set_authority(self.authority.as_deref());
        request
    }
}

pub(super) async fn run<M: Module, C: Counters + Default + 'static>(
    place: Place<M>,
    mut response: Response,
    edits: &Edits,
    mut waiting: Box<dyn Exchange>,
    template: Template,
    viewer: Viewer,
) -> Response {
    let id = viewer.id.as_deref();
    loop {
        let head = ResponseHead {
            status: response.get_status_code(),
            headers: Headers::of_response(&response).into_entries(),
        };
        let step = match with_host::<M, C, _>(place, |host| waiting.respond(&head, host)) {
            Reply::Pass(more) => {
                return message::edit_response(response, &[edits, &more]);
            }
            Reply::Answer(made) => return message::answer(made, id, viewer.asked_head),
            Reply::Stream(more, transform) => {
                let mut headers = Headers::from(head.headers);
                let length = headers.content_length();
                headers.edit_response(edits);
                headers.edit_response(&more);
                headers.remove("content-length");
                let rewritten = Rewritten {
                    status: head.status,
                    headers,
                    length,
                };
                return stream(response, rewritten, transform, M::NAME, &viewer).await;
            }
            Reply::Collect { limit, then } => {
                let collected = body::collect(response, limit).await;
                with_host::<M, C, _>(place, |host| then(collected, host))
            }
        };
        match step {
            Step::Answer(made) => return message::answer(made, id, viewer.asked_head),
            Step::Forward(forward, after) => {
                response = match next::handle(template.request(&forward)).await {
                    Ok(response) => response,
                    Err(error) => {
                        return message::answer(upstream_failed(&error), id, viewer.asked_head);
                    }
                };
                waiting = after;
            }
        }
    }
}

/// The head of a response whose body is rewritten.
struct Rewritten {
    status: u16,
    headers: Headers,
    /// What the body announced before.
    length: Option<u64>,
}

/// A body of known, small size is rewritten whole, so that it goes out with its length and in few writes; any other as it flows.
async fn stream(
    response: Response,
    head: Rewritten,
    mut transform: Box<dyn BodyTransform>,
    module: &'static str,
    viewer: &Viewer,
) -> Response {
    let Rewritten {
        status,
        mut headers,
        length,
    } = head;
    if viewer.asked_head {
        return message::finish(status, headers, None);
    }
    if length.is_none_or(|length| length > WHOLE) {
        let (contents, end) = body::transformed(response, transform, module);
        let (rebuilt, _sent) = Response::new(headers.into_fields(), Some(contents), end);
        let _ = rebuilt.set_status_code(status);
        return rebuilt;
    }
    let id = viewer.id.as_deref();
    let Collected::Whole(whole) = body::collect(response, usize::MAX).await else {
        let broken = Problem::new(502, "origin-broke-off", "The origin broke its response off");
        return message::answer(broken.into_answer(), id, false);
    };
    let mut out = Vec::with_capacity(whole.len() + whole.len() / 2);
    if let Err(why) = transform
        .push(&whole, &mut out)
        .and_then(|()| transform.finish(&mut out))
    {
        log_line(module, Level::Error, &format!("response refused: {why}"));
        let refused = Problem::new(
            502,
            "response-not-readable",
            "The origin's response cannot be rewritten",
        );
        return message::answer(refused.into_answer(), id, false);
    }
    headers.set("content-length", out.len().to_string().as_bytes());
    message::finish(status, headers, Some(out))
}

fn with_host<M: Module, C: Counters + Default, T>(
    place: Place<M>,
    call: impl FnOnce(&mut dyn Host) -> T,
) -> T {
    place.with_borrow_mut(|slot| {
        let documents = match slot.ready() {
            Ok(ready) => ready.documents.as_mut_slice(),
            // A module that answered once stays configured; an empty list keeps this total.
            Err(_) => &mut [],
        };
        call(&mut GuestHost::<C>::new(M::NAME, unix_now_ns(), documents))
    })
}
