//! The one place that turns an error into an answer: problem details (RFC 9457).

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::catalogue::{CatalogueError, Failure};
use crate::jobs::QueueError;
use crate::storage::StorageError;

/// The media type of problem bodies.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// An error as clients see it.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: Option<String>,
    retry_after: Option<u64>,
    more: Map<String, Value>,
}

/// The body of every error, for the OpenAPI document.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// `urn:weir:problem:` and a stable code.
    #[schema(example = "urn:weir:problem:media-unsupported")]
    r#type: String,
    /// The kind of problem, the same every time.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened this time and what to do.
    detail: Option<String>,
    /// Finds the request in the log.
    request_id: Option<String>,
    /// The track of a media problem, as the source numbers it.
    track: Option<u32>,
    /// The codec of a media problem.
    codec: Option<String>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self {
            status,
            code,
            title,
            detail: None,
            retry_after: None,
            more: Map::new(),
        }
    }

    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is nothing here")
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad-request",
            "The request cannot be understood",
        )
        .with_detail(detail)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "conflict",
            "The asset is in another state",
        )
        .with_detail(detail)
    }

    /// Broken or unsupported media: 422 with track, codec and reason.
    pub(crate) fn media(failure: &Failure) -> Self {
        let (code, title) = match failure.code.as_str() {
            "media-unsupported" => ("media-unsupported", "The media cannot be packaged as it is"),
            _ => ("media-broken", "The media is broken"),
        };
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, title)
            .with_detail(failure.detail.as_str());
        if let Some(track) = failure.track {
            problem = problem.with("track", track);
        }
        if let Some(codec) = &failure.codec {
            problem = problem.with("codec", codec.as_str());
        }
        problem
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong here",
        )
    }

    fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "storage-unavailable",
            "The object store does not answer",
        )
        .retry_after(5)
    }

    /// The final answer, with the id of the request it belongs to.
    pub(crate) fn render(&self, request_id: &str) -> Response {
        let mut body = Map::new();
        body.insert(
            "type".to_owned(),
            json!(format!("urn:weir:problem:{}", self.code)),
        );
        body.insert("title".to_owned(), json!(self.title));
        body.insert("status".to_owned(), json!(self.status.as_u16()));
        if let Some(detail) = &self.detail {
            body.insert("detail".to_owned(), json!(detail));
        }
        body.insert("request_id".to_owned(), json!(request_id));
        body.extend(self.more.clone());
        let mut response = Response::new(Body::from(Value::Object(body).to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Carries the problem to [`super::request_context`], which knows the request's id and renders it.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NotFound | StorageError::InvalidKey(_) => Self::not_found(),
            StorageError::BodyMismatch { .. } => Self::new(
                StatusCode::BAD_REQUEST,
                "body-mismatch",
                "The body is not what was announced",
            )
            .with_detail(error.to_string()),
            StorageError::Body(_) => {
                Self::new(StatusCode::BAD_REQUEST, "body-broken", "The body broke off")
                    .with_detail("send it again")
            }
            StorageError::PreconditionFailed => Self::conflict(error.to_string()),
            StorageError::RangeNotSatisfiable { size } => Self::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "range-not-satisfiable",
                "The range lies outside the object",
            )
            .with("size", size),
            StorageError::AccessDenied { .. } | StorageError::Unavailable { .. } => {
                tracing::error!(error = %error, cause = std::error::Error::source(&error).map(tracing::field::display), "the store failed");
                Self::unavailable()
            }
        }
    }
}

impl From<CatalogueError> for Problem {
    fn from(error: CatalogueError) -> Self {
        match error {
            CatalogueError::NotFound => Self::new(
                StatusCode::NOT_FOUND,
                "asset-not-found",
                "There is no such asset",
            ),
            CatalogueError::Busy => Self::new(
                StatusCode::CONFLICT,
                "asset-busy",
                "The asset is being changed by others",
            )
            .retry_after(1),
            CatalogueError::Storage(error) => error.into(),
            CatalogueError::Damaged(_) => {
                tracing::error!(error = %error, "an asset's record cannot be read");
                Self::internal()
            }
        }
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::AlreadyQueued | QueueError::NoJob | QueueError::Lost => {
                Self::conflict(error.to_string())
            }
            QueueError::Storage(error) => error.into(),
            QueueError::Damaged(_) => {
                tracing::error!(error = %error, "a job's record cannot be read");
                Self::internal()
            }
        }
    }
}
