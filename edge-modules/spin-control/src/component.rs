//! The component: Spin's HTTP trigger in, its key-value store and variables out.

use serde_json::json;
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::http::{FullBody, Request, Response};
use spin_sdk::http_service;
use spin_sdk::key_value::Store;
use weir_module::{Answer, Problem};

use crate::revocation::{Details, Revocation, list_document};
use crate::{Route, authorised, route};

/// A note on a revocation is short.
const BODY_LIMIT: usize = 4096;

#[http_service]
async fn handle(request: Request) -> Response<FullBody<bytes::Bytes>> {
    let id = request
        .headers()
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .map(str::to_owned);
    let answer = match answer(request).await {
        Ok(answer) => answer,
        Err(problem) => problem.into_answer(),
    };
    let (status, headers, body) = answer.render(id.as_deref());
    let mut response = Response::builder()
        .status(status)
        .header("content-length", body.len());
    for (name, value) in &headers {
        response = response.header(name.as_ref(), value.as_slice());
    }
    response
        .body(FullBody::new(body.into()))
        .unwrap_or_else(|_| {
            let mut broken = Response::new(FullBody::new(bytes::Bytes::new()));
            *broken.status_mut() = spin_sdk::http::StatusCode::INTERNAL_SERVER_ERROR;
            broken
        })
}

async fn answer(request: Request) -> Result<Answer, Problem> {
    let call = route(request.method().as_str(), request.uri().path())?;
    if call.needs_key() {
        let key = spin_sdk::variables::get("control_key")
            .await
            .unwrap_or_default();
        let given = request
            .headers()
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        if !authorised(given, &key) {
            return Ok(Problem::new(401, "key-required", "The operator's key is required")
                .detail("send authorization: Bearer <control_key>; the variable control_key has at least 16 characters")
                .into_answer()
                .header("www-authenticate", "Bearer realm=\"weir\""));
        }
    }
    match call {
        Route::Health => {
            // A store that cannot be opened is the one thing that this endpoint depends on.
            store().await?;
            Ok(json_answer(200, &json!({ "status": "ok" })))
        }
        Route::Versions => {
            let modules = spin_sdk::variables::get("modules")
                .await
                .unwrap_or_default();
            let modules: serde_json::Value = serde_json::from_str(&modules).unwrap_or(json!({}));
            Ok(json_answer(
                200,
                &json!({ "weir": env!("CARGO_PKG_VERSION"), "modules": modules }),
            ))
        }
        Route::List => list().await,
        Route::Revoke(entry) => {
            let details = details(request).await?;
            let bytes = serde_json::to_vec(&details).map_err(|error| store_failed(&error))?;
            store()
                .await?
                .set(entry.key(), bytes)
                .await
                .map_err(|error| store_failed(&error))?;
            Ok(Answer::new(204))
        }
        Route::Restore(entry) => {
            store()
                .await?
                .delete(entry.key())
                .await
                .map_err(|error| store_failed(&error))?;
            Ok(Answer::new(204))
        }
    }
}

async fn list() -> Result<Answer, Problem> {
    let store = store().await?;
    let keys = store
        .get_keys()
        .await
        .collect()
        .await
        .map_err(|error| store_failed(&error))?;
    let mut entries = Vec::new();
    for entry in keys.iter().filter_map(|key| Revocation::from_key(key)) {
        let details = store
            .get(entry.key())
            .await
            .map_err(|error| store_failed(&error))?;
        // None: another operator restored it a moment ago.
        entries.extend(details.map(|details| (entry, details)));
    }
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    Ok(json_answer(200, &list_document(&entries, now)))
}

async fn details(request: Request) -> Result<Details, Problem> {
    let bad = |detail: String| {
        Problem::new(400, "bad-revocation", "This cannot be revoked").detail(detail)
    };
    let body = request
        .into_body()
        .bytes()
        .await
        .map_err(|error| bad(format!("the body broke off: {error}")))?;
    if body.is_empty() {
        return Ok(Details::default());
    }
    if body.len() > BODY_LIMIT {
        return Err(bad(format!(
            "the body has {} bytes, at most {BODY_LIMIT} are allowed",
            body.len()
        )));
    }
    serde_json::from_slice(&body).map_err(|error| {
        bad(format!(
            "the body is {{\"until\": seconds, \"reason\": text}}: {error}"
        ))
    })
}

async fn store() -> Result<Store, Problem> {
    Store::open_default()
        .await
        .map_err(|error| store_failed(&error))
}

fn store_failed(error: &dyn std::fmt::Display) -> Problem {
    eprintln!("ERROR spin-control: key-value store: {error}");
    Problem::new(
        503,
        "store-unavailable",
        "The key-value store does not answer",
    )
    .detail("check key_value_stores in spin.toml and the store behind `default`")
}

fn json_answer(status: u16, value: &serde_json::Value) -> Answer {
    Answer::new(status)
        .header("cache-control", "no-store")
        .with_body("application/json", value.to_string())
}
