//! What the S3 client's errors mean.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

use crate::storage::StorageError;

/// The store's word for a client error; the client's text is kept as the source.
pub(super) fn translate<E>(
    operation: &'static str,
    error: SdkError<E, HttpResponse>,
) -> StorageError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let status = status_of(&error);
    let code = error.code().unwrap_or_default();
    match (status, code) {
        (_, "NoSuchKey" | "NotFound") | (Some(404), "") => StorageError::NotFound,
        (Some(412), _) | (_, "PreconditionFailed") => StorageError::PreconditionFailed,
        (_, "AccessDenied" | "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken")
        | (Some(401 | 403), _) => StorageError::AccessDenied {
            operation,
            source: describe(&error).into(),
        },
        (_, "BadDigest") => StorageError::BodyMismatch {
            what: "checksum on the way to the store",
            expected: "the sent one".to_owned(),
            actual: "another".to_owned(),
        },
        _ => StorageError::unavailable(operation, describe(&error)),
    }
}

/// The whole chain as text. The SDK's error holds the raw answer, which may name keys; its context does not.
fn describe<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            format!(
                "the store answered {status} {}",
                service.err().code().unwrap_or("without a code")
            )
        }
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            "no connection in time".to_owned()
        }
        other => DisplayErrorContext(other).to_string(),
    }
}

fn status_of<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}

/// A condition did not hold (some old services say 304).
pub(super) fn is_precondition_failed<E>(error: &SdkError<E, HttpResponse>) -> bool {
    matches!(status_of(error), Some(412 | 304))
}

/// Another conditional write to the key is in progress: try again.
pub(super) fn is_conflict<E>(error: &SdkError<E, HttpResponse>) -> bool {
    status_of(error) == Some(409)
}

/// The range lies outside the object.
pub(super) fn is_range_error<E>(error: &SdkError<E, HttpResponse>) -> bool {
    status_of(error) == Some(416)
}
