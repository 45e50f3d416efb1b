//! JSON bodies, with our own words for what is wrong with them.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// A JSON body. An empty one is read as `{}`.
pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes =
            Bytes::from_request(request, state)
                .await
                .map_err(|rejection| match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                        StatusCode::PAYLOAD_TOO_LARGE,
                        "too-large",
                        "The body is too large",
                    ),
                    _ => Problem::bad_request("the body broke off"),
                })?;
        let text = if bytes.is_empty() { &b"{}"[..] } else { &bytes };
        let mut reader = serde_json::Deserializer::from_slice(text);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            let place = if path == "." {
                String::new()
            } else {
                format!("`{path}`: ")
            };
            Problem::bad_request(format!("{place}{}", error.into_inner()))
        })?;
        reader
            .end()
            .map_err(|error| Problem::bad_request(format!("after the JSON value: {error}")))?;
        Ok(Self(value))
    }
}
