//! Documents by URL, fetched by the module itself where no host keeps them fresh.
//!
//! A first copy is waited for; an aged one is fetched while the old one still serves. A failed fetch is tried again after a
//! pause, and the last good copy stays in force.

use wasip3::http::client;
use wasip3::http::types::{Fields, Method, Request, RequestOptions, Scheme};
use wasip3::spawn_local;

use super::{Place, body, message};
use crate::guest::slot::log_line;
use crate::guest::unix_now_ns;
use crate::{Collected, Level, Module};

/// A key set or a list is small; 1 MiB is a mistake or an attack.
const LIMIT: usize = 1024 * 1024;
/// Between two tries for the same document, in nanoseconds.
const PAUSE_NS: u64 = 5_000_000_000;
/// For connecting and for the first byte, in nanoseconds.
const TIMEOUT_NS: u64 = 3_000_000_000;

/// Brings what is missing, starts fetching what has aged.
pub(super) async fn bring<M: Module>(place: Place<M>) {
    let now = unix_now_ns();
    let mut missing = Vec::new();
    place.with_borrow_mut(|slot| {
        let Ok(ready) = slot.ready() else { return };
        for document in &mut ready.documents {
            let age = now.saturating_sub(document.have);
            let aged = age >= u64::from(document.need.max_age).saturating_mul(1_000_000_000);
            if (aged || document.wanted) && now >= document.not_before_ns {
                document.not_before_ns = now.saturating_add(PAUSE_NS);
                document.wanted = false;
                if document.have == 0 {
                    missing.push((document.need.name.clone(), document.need.url.clone()));
                } else {
                    let (name, url) = (document.need.name.clone(), document.need.url.clone());
                    spawn_local(async move { fetch_into(place, &name, &url).await });
                }
            }
        }
    });
    for (name, url) in missing {
        fetch_into(place, &name, &url).await;
    }
}

async fn fetch_into<M: Module>(place: Place<M>, name: &str, url: &str) {
    let outcome = fetch(url).await.and_then(|body| {
        place.with_borrow_mut(|slot| {
            let ready = slot.ready()?;
            ready.module.load_document(name, &body)?;
            if let Some(document) = ready
                .documents
                .iter_mut()
                .find(|document| document.need.name == name)
            {
                document.have = unix_now_ns();
            }
            Ok(())
        })
    });
    if let Err(why) = outcome {
        log_line(
            M::NAME,
            Level::Error,
            &format!("document `{name}` not loaded, the last good one stays: {why}"),
        );
    }
}

async fn fetch(url: &str) -> Result<Vec<u8>, String> {
    let (scheme, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (Scheme::Https, rest),
        (None, Some(rest)) => (Scheme::Http, rest),
        (None, None) => return Err("the URL is neither http nor https".to_owned()),
    };
    let (authority, target) = match rest.find(['/', '?']) {
        Some(at) if rest[at..].starts_with('/') => (&rest[..at], rest[at..].to_owned()),
        Some(at) => (&rest[..at], format!("/{}", &rest[at..])),
        None => (rest, "/".to_owned()),
    };
    let options = RequestOptions::new();
    let _ = options.set_connect_timeout(Some(TIMEOUT_NS));
    let _ = options.set_first_byte_timeout(Some(TIMEOUT_NS));
    let (request, _sent) = Request::new(Fields::new(), None, message::no_trailers(), Some(options));
    let _ = request.set_method(&Method::Get);
    let _ = request.set_scheme(Some(&scheme));
    let _ = request.set_authority(Some(authority));
    let _ = request.set_path_with_query(Some(&target));
    let response = client::send(request)
        .await
        .map_err(|error| error.to_string())?;
    match response.get_status_code() {
        200 => match body::collect(response, LIMIT).await {
            Collected::Whole(body) => Ok(body),
            Collected::TooLarge => Err(format!("larger than {LIMIT} bytes")),
            Collected::Broken => Err("the connection broke".to_owned()),
        },
        status => Err(format!("status {status}")),
    }
}
