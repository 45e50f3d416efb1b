//! The standard door: `wasi:http/handler@0.3.0`, imported as the next handler and exported as our own.

mod body;
mod documents;
mod exchange;
mod headers;
mod message;

use std::cell::RefCell;
use std::thread::LocalKey;

pub use wasip3;
use wasip3::http::types::{ErrorCode, Request, Response};

use crate::guest::slot::{GuestHost, broken_configuration, head_refused};
use crate::guest::{Slot, unix_now_ns};
use crate::{
    Answer, Counters, Edit, Edits, Ended, Exchange, Module, Problem, RequestHead, Verdict,
};
use headers::Headers;
use message::Incoming;

mod next {
    #![allow(missing_docs, clippy::all, unreachable_pub)]
    wasip3::wit_bindgen::generate!({
        inline: "package weir:sdk-chain; world chain { import wasi:http/handler@0.3.0; }",
        path: "../../wit",
        world: "weir:sdk-chain/chain",
        with: {
            "wasi:http/types@0.3.0": wasip3::http::types,
            "wasi:clocks/types@0.3.0": wasip3::clocks::types,
        },
        generate_all,
        runtime_path: "wasip3::wit_bindgen::rt",
    });
    pub(super) use wasi::http::handler::handle;
}

type Place<M> = &'static LocalKey<RefCell<Slot<M>>>;

/// `handle`. Never an `Err`: hosts turn that into an empty 500, and a viewer deserves a reason.
///
/// # Errors
/// None; the type is the interface's.
pub async fn handle<M: Module, C: Counters + Default + 'static>(
    place: Place<M>,
    request: Request,
) -> Result<Response, ErrorCode> {
    let request = Incoming::read(request);
    let (asked_head, id) = (request.asked_head(), request.id());
    let prepared = place.with_borrow_mut(|slot| slot.ready().map(|_| ()));
    if let Err(text) = prepared {
        return Ok(message::answer(
            broken_configuration(&text),
            id.as_deref(),
            asked_head,
        ));
    }
    documents::bring(place).await;

    let verdict = match decide::<M, C>(place, &request) {
        Ok(decided) => decided,
        Err(refusal) => return Ok(message::answer(*refusal, id.as_deref(), asked_head)),
    };
    Ok(match verdict {
        Verdict::Answer(made) => message::answer(made, id.as_deref(), asked_head),
        Verdict::Pass(edits) => {
            pass::<M, C>(place, request, edits, id.as_deref(), asked_head).await
        }
        Verdict::Exchange(edits, waiting) => {
            let viewer = exchange::Viewer { id, asked_head };
            forward::<M, C>(place, request, &edits, waiting, viewer).await
        }
    })
}

fn decide<M: Module, C: Counters + Default>(
    place: Place<M>,
    request: &Incoming,
) -> Result<Verdict, Box<Answer>> {
    place.with_borrow_mut(|slot| {
        let ready = slot
            .ready()
            .map_err(|text| Box::new(broken_configuration(&text)))?;
        let buffer = request
            .head(&ready.names)
            .map_err(|error| Box::new(head_refused(&error)))?;
        let head = RequestHead::decode(&ready.names, buffer.as_bytes())
            .map_err(|error| Box::new(head_refused(&error)))?;
        let mut host = GuestHost::<C>::new(M::NAME, unix_now_ns(), &mut ready.documents);
        Ok(ready.module.decide(&head, &mut host))
    })
}

async fn pass<M: Module, C: Counters + Default>(
    place: Place<M>,
    request: Incoming,
    edits: Edits,
    id: Option<&str>,
    asked_head: bool,
) -> Response {
    let response = match send(request, &edits, id, asked_head).await {
        Ok(response) => message::edit_response(response, &[&edits]),
        Err(refusal) => refusal,
    };
    for note in edits.iter().filter_map(|edit| match edit {
        Edit::Watch(note) => Some(note),
        _ => None,
    }) {
        let end = Ended {
            status: response.get_status_code(),
            bytes: Headers::of_response(&response)
                .content_length()
                .unwrap_or(0),
        };
        place.with_borrow_mut(|slot| {
            if let Ok(ready) = slot.ready() {
                let mut host = GuestHost::<C>::new(M::NAME, unix_now_ns(), &mut ready.documents);
                ready.module.ended(note, end, &mut host);
            }
        });
    }
    response
}

async fn forward<M: Module, C: Counters + Default + 'static>(
    place: Place<M>,
    request: Incoming,
    edits: &Edits,
    waiting: Box<dyn Exchange>,
    viewer: exchange::Viewer,
) -> Response {
    let origin = exchange::Template::of(&request);
    match send(request, edits, viewer.id.as_deref(), viewer.asked_head).await {
        Ok(response) => {
            exchange::run::<M, C>(place, response, edits, waiting, origin, viewer).await
        }
        Err(refusal) => refusal,
    }
}

/// The next handler's response, or the problem that stands for its failure.
async fn send(
    request: Incoming,
    edits: &Edits,
    id: Option<&str>,
    asked_head: bool,
) -> Result<Response, Response> {
    next::handle(request.edited(edits))
        .await
        .map_err(|error| message::answer(upstream_failed(&error), id, asked_head))
}

fn upstream_failed(error: &ErrorCode) -> Answer {
    use ErrorCode as E;
    match error {
        E::DnsTimeout
        | E::ConnectionTimeout
        | E::ConnectionReadTimeout
        | E::ConnectionWriteTimeout
        | E::HttpResponseTimeout => {
            Problem::new(504, "origin-timeout", "The origin did not answer in time").into_answer()
        }
        _ => Problem::new(502, "origin-unreachable", "The origin cannot be reached").into_answer(),
    }
}

#[doc(hidden)]
#[macro_export]
macro_rules! guest_export_handler {
    ($module:ty, $counters:ty) => {
        struct WeirHandler;
        ::std::thread_local! {
            static SLOT: ::std::cell::RefCell<$crate::guest::Slot<$module>> =
                const { ::std::cell::RefCell::new($crate::guest::Slot::new()) };
        }
        impl $crate::guest::handler::wasip3::exports::http::handler::Guest for WeirHandler {
            async fn handle(
                request: $crate::guest::handler::wasip3::http::types::Request,
            ) -> ::std::result::Result<
                $crate::guest::handler::wasip3::http::types::Response,
                $crate::guest::handler::wasip3::http::types::ErrorCode,
            > {
                $crate::guest::handler::handle::<$module, $counters>(&SLOT, request).await
            }
        }
        $crate::guest::handler::wasip3::http::service::export!(WeirHandler);
    };
}
