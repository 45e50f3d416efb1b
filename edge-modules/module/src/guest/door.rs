//! The fast door: `weir:edge/door`, one synchronous call for each request.

use std::cell::RefCell;
use std::thread::LocalKey;

use crate::guest::Slot;
use crate::guest::slot::{Document, GuestHost, Ready, broken_configuration, log_line};
use crate::{Counters, Ended, Level, Module, Problem, RequestHead, Verdict};

#[doc(hidden)]
pub mod bindings {
    #![allow(missing_docs, clippy::all, unreachable_pub)]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "weir:edge/quick",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_door",
        default_bindings_module: "weir_module::guest::door::bindings",
    });
}
pub use bindings::exports::weir::edge::door as wit;
use bindings::weir::edge::documents;

/// How often a module looks for newer documents: once a second.
const DOCUMENT_POLL_NS: u64 = 1_000_000_000;

/// `describe`.
///
/// # Errors
/// The configuration error.
pub fn describe<M: Module>(
    slot: &'static LocalKey<RefCell<Slot<M>>>,
) -> Result<wit::Needs, String> {
    slot.with_borrow_mut(|slot| {
        let ready = slot.ready()?;
        Ok(wit::Needs {
            headers: ready.names.as_slice().to_vec(),
            documents: ready
                .documents
                .iter()
                .map(|document| wit::DocumentNeed {
                    name: document.need.name.clone(),
                    url: document.need.url.clone(),
                    max_age: document.need.max_age,
                })
                .collect(),
        })
    })
}

/// `decide`.
pub fn decide<M: Module, C: Counters + Default>(
    slot: &'static LocalKey<RefCell<Slot<M>>>,
    now_ns: u64,
    head: &[u8],
) -> wit::Verdict {
    slot.with_borrow_mut(|slot| match slot.ready() {
        Ok(ready) => decide_ready::<M, C>(ready, now_ns, head),
        Err(text) => answer(broken_configuration(&text), None),
    })
}

fn decide_ready<M: Module, C: Counters + Default>(
    ready: &mut Ready<M>,
    now_ns: u64,
    head: &[u8],
) -> wit::Verdict {
    poll_documents(ready, now_ns);
    let head = match RequestHead::decode(&ready.names, head) {
        Ok(head) => head,
        Err(error) => {
            log_line(
                M::NAME,
                Level::Error,
                &format!("the host sent a head that cannot be read: {error}"),
            );
            return answer(
                Problem::new(500, "bad-head", "The request head cannot be read").into_answer(),
                None,
            );
        }
    };
    let mut host = GuestHost::<C>::new(M::NAME, now_ns, &mut ready.documents);
    let verdict = match ready.module.decide(&head, &mut host) {
        Verdict::Pass(edits) => wit::Verdict::Pass(edits.into_bytes()),
        Verdict::Answer(made) => answer(made, head.request_id()),
        Verdict::Exchange(..) => wit::Verdict::Exchange,
    };
    for document in ready
        .documents
        .iter_mut()
        .filter(|document| document.wanted)
    {
        document.wanted = false;
        documents::refresh(&document.need.name);
    }
    verdict
}

/// `ended`.
pub fn ended<M: Module, C: Counters + Default>(
    slot: &'static LocalKey<RefCell<Slot<M>>>,
    now_ns: u64,
    note: &[u8],
    status: u16,
    bytes: u64,
) {
    slot.with_borrow_mut(|slot| {
        if let Ok(ready) = slot.ready() {
            let mut host = GuestHost::<C>::new(M::NAME, now_ns, &mut ready.documents);
            ready.module.ended(note, Ended { status, bytes }, &mut host);
        }
    });
}

fn answer(made: crate::Answer, request_id: Option<&str>) -> wit::Verdict {
    match made.encode(request_id) {
        Ok(bytes) => wit::Verdict::Answer(bytes),
        Err(error) => {
            let fallback = Problem::new(
                500,
                "bad-answer",
                "A module made an answer that cannot be sent",
            )
            .detail(error.to_string())
            .into_answer();
            wit::Verdict::Answer(fallback.encode(request_id).unwrap_or_default())
        }
    }
}

fn poll_documents<M: Module>(ready: &mut Ready<M>, now_ns: u64) {
    for Document {
        need,
        have,
        not_before_ns,
        ..
    } in &mut ready.documents
    {
        if now_ns < *not_before_ns {
            continue;
        }
        *not_before_ns = now_ns.saturating_add(DOCUMENT_POLL_NS);
        if let Some(newer) = documents::newer(&need.name, *have) {
            *have = newer.version;
            if let Err(why) = ready.module.load_document(&need.name, &newer.body) {
                log_line(
                    M::NAME,
                    Level::Error,
                    &format!(
                        "document `{}` refused, the last good one stays: {why}",
                        need.name
                    ),
                );
            }
        }
    }
}

#[doc(hidden)]
#[macro_export]
macro_rules! guest_export_door {
    ($module:ty, $counters:ty) => {
        struct WeirDoor;
        ::std::thread_local! {
            static SLOT: ::std::cell::RefCell<$crate::guest::Slot<$module>> =
                const { ::std::cell::RefCell::new($crate::guest::Slot::new()) };
        }
        impl $crate::guest::door::wit::Guest for WeirDoor {
            fn describe() -> ::std::result::Result<$crate::guest::door::wit::Needs, ::std::string::String> {
                $crate::guest::door::describe(&SLOT)
            }
            fn decide(now_ns: u64, head: ::std::vec::Vec<u8>) -> $crate::guest::door::wit::Verdict {
                $crate::guest::door::decide::<$module, $counters>(&SLOT, now_ns, &head)
            }
            fn ended(now_ns: u64, note: ::std::vec::Vec<u8>, status: u16, bytes: u64) {
                $crate::guest::door::ended::<$module, $counters>(&SLOT, now_ns, &note, status, bytes)
            }
        }
        $crate::guest::door::bindings::export_door!(WeirDoor with_types_in $crate::guest::door::bindings);
    };
}
