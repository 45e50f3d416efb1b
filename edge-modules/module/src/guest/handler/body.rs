//! Bodies as streams: made from bytes, collected, or run through a transform.

use wasip3::http::types::{ErrorCode, Response, Trailers};
use wasip3::wit_bindgen::rt::async_support::{FutureReader, StreamReader, StreamResult};
use wasip3::{spawn_local, wit_future, wit_stream};

use super::headers::Headers;
use super::message;
use crate::{BodyTransform, Collected};

/// How much is read at once. A larger buffer means fewer turns through the host.
const CHUNK: usize = 64 * 1024;

pub(super) fn from_bytes(bytes: Vec<u8>) -> StreamReader<u8> {
    let (mut writer, reader) = wit_stream::new();
    spawn_local(async move {
        // What is left over belongs to a reader that has gone away.
        let _ = writer.write_all(bytes).await;
    });
    reader
}

/// Reads a response's body whole, up to `limit` bytes.
pub(super) async fn collect(response: Response, limit: usize) -> Collected {
    if Headers::of_response(&response)
        .content_length()
        .is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > limit))
    {
        return Collected::TooLarge;
    }
    let (mut contents, end) = Response::consume_body(response, message::accepted());
    let mut whole = Vec::new();
    loop {
        let (result, chunk) = contents.read(Vec::with_capacity(CHUNK)).await;
        whole.extend_from_slice(&chunk);
        if whole.len() > limit {
            return Collected::TooLarge;
        }
        if !matches!(result, StreamResult::Complete(_)) {
            break;
        }
    }
    drop(contents);
    match end.await {
        Ok(_) => Collected::Whole(whole),
        Err(_) => Collected::Broken,
    }
}

/// The end of a body: trailers, or why it broke.
type End = FutureReader<Result<Option<Trailers>, ErrorCode>>;

/// A body that runs through a transform as it is read. When the transform gives up, or the source breaks, the body ends with an
/// error, so that nobody takes half a body for a whole one.
pub(super) fn transformed(
    response: Response,
    mut transform: Box<dyn BodyTransform>,
    module: &'static str,
) -> (StreamReader<u8>, End) {
    let (mut contents, source_end) = Response::consume_body(response, message::accepted());
    let (mut writer, reader) = wit_stream::new();
    let (end_writer, end_reader) =
        wit_future::new(|| Err(ErrorCode::InternalError(Some("body broken off".to_owned()))));
    spawn_local(async move {
        let mut buffer = Vec::with_capacity(CHUNK);
        loop {
            let (result, chunk) = contents.read(buffer).await;
            let mut out = Vec::with_capacity(chunk.len() + chunk.len() / 4);
            let pushed = transform.push(&chunk, &mut out);
            if let Err(why) = pushed {
                crate::guest::slot::log_line(
                    module,
                    crate::Level::Error,
                    &format!("response broken off: {why}"),
                );
                return;
            }
            if !out.is_empty() && !writer.write_all(out).await.is_empty() {
                return;
            }
            if !matches!(result, StreamResult::Complete(_)) {
                break;
            }
            buffer = chunk;
            buffer.clear();
        }
        drop(contents);
        let end = source_end.await;
        if end.is_ok() {
            let mut out = Vec::new();
            if let Err(why) = transform.finish(&mut out) {
                crate::guest::slot::log_line(
                    module,
                    crate::Level::Error,
                    &format!("response broken off: {why}"),
                );
                return;
            }
            if !out.is_empty() && !writer.write_all(out).await.is_empty() {
                return;
            }
        }
        drop(writer);
        let _ = end_writer.write(end).await;
    });
    (reader, end_reader)
}
