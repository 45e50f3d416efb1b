//! Uploads of large objects in parts.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::errors::{is_precondition_failed, translate};
use super::request_body::{Integrity, WriteId, body_of};
use super::{ConditionalWrites, S3Storage, WRITE_ID, meta};
use crate::storage::s3::settings::{ChecksumMode, MIN_PART_SIZE};
use crate::storage::{ByteStream, ObjectKey, ObjectMeta, PutCondition, PutOptions, StorageError};

/// S3's limit on the number of parts.
const MAX_PARTS: i32 = 10_000;
/// After every so many parts the part size doubles, so that a stream of unknown length never meets [`MAX_PARTS`].
const PARTS_PER_DOUBLING: i32 = 1_000;

/// Takes bytes off the stream until there are `size` of them; says whether the stream has ended.
pub(super) async fn next_part(
    stream: &mut ByteStream,
    size: u64,
) -> Result<(Vec<Bytes>, bool), StorageError> {
    let mut part = Vec::new();
    let mut length = 0;
    while length < size {
        match stream.next().await {
            Some(chunk) => {
                let chunk = chunk?;
                length += chunk.len() as u64;
                part.push(chunk);
            }
            None => return Ok((part, true)),
        }
    }
    Ok((part, false))
}

/// Uploads `first` and the rest of the stream, then makes the object visible.
pub(super) async fn upload(
    store: &S3Storage,
    key: &ObjectKey,
    first: Vec<Bytes>,
    stream: ByteStream,
    options: &PutOptions,
) -> Result<ObjectMeta, StorageError> {
    let write = WriteId::random();
    let algorithm =
        (store.settings.checksum() == ChecksumMode::Crc32c).then_some(ChecksumAlgorithm::Crc32C);
    let created = store
        .client
        .create_multipart_upload()
        .bucket(&store.settings.bucket)
        .key(store.full_key(key))
        .set_content_type(options.content_type.clone())
        .set_cache_control(options.cache_control.clone())
        .set_content_encoding(options.content_encoding.clone())
        .set_checksum_algorithm(algorithm)
        .metadata(WRITE_ID, write.as_str())
        .send()
        .await
        .map_err(|error| translate("put", error))?;
    let upload_id = created.upload_id().unwrap_or_default().to_owned();
    let result = async {
        let (parts, size) = send_parts(store, key, &upload_id, first, stream).await?;
        complete(store, key, &upload_id, parts, size, &write, options).await
    }
    .await;
    if result.is_err() {
        // Parts of an upload that is never completed are paid for and invisible.
        let abort = store
            .client
            .abort_multipart_upload()
            .bucket(&store.settings.bucket)
            .key(store.full_key(key))
            .upload_id(&upload_id);
        if let Err(error) = abort.send().await {
            tracing::warn!(error = %translate("abort", error), "could not abort a multipart upload");
        }
    }
    result
}

async fn send_parts(
    store: &S3Storage,
    key: &ObjectKey,
    upload_id: &str,
    first: Vec<Bytes>,
    mut stream: ByteStream,
) -> Result<(Vec<CompletedPart>, u64), StorageError> {
    let concurrency = store.settings.part_concurrency.max(1);
    let mut part_size = store.settings.part_size.max(MIN_PART_SIZE);
    let mut sending = FuturesUnordered::new();
    let mut parts = Vec::new();
    let mut size = 0;
    let mut number = 1;
    let mut pending = Some((first, false));
    while let Some((chunks, ended)) = pending.take() {
        if number > MAX_PARTS {
            return Err(StorageError::BodyMismatch {
                what: "part count",
                expected: MAX_PARTS.to_string(),
                actual: "more".to_owned(),
            });
        }
        size += chunks.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
        if !chunks.is_empty() {
            sending.push(send_part(store, key, upload_id, number, chunks));
        }
        number += 1;
        if number % PARTS_PER_DOUBLING == 0 {
            part_size = part_size.saturating_mul(2);
        }
        if !ended {
            while sending.len() >= concurrency {
                parts.extend(sending.next().await.transpose()?);
            }
            pending = Some(next_part(&mut stream, part_size).await?);
        }
    }
    while let Some(part) = sending.next().await {
        parts.push(part?);
    }
    parts.sort_unstable_by_key(CompletedPart::part_number);
    Ok((parts, size))
}

async fn send_part(
    store: &S3Storage,
    key: &ObjectKey,
    upload_id: &str,
    number: i32,
    chunks: Vec<Bytes>,
) -> Result<CompletedPart, StorageError> {
    let integrity = Integrity::of(&chunks, store.settings.checksum());
    let length = chunks.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
    let sent = store
        .client
        .upload_part()
        .bucket(&store.settings.bucket)
        .key(store.full_key(key))
        .upload_id(upload_id)
        .part_number(number)
        .content_length(i64::try_from(length).unwrap_or(i64::MAX))
        .set_checksum_crc32_c(integrity.crc32c.clone())
        .set_content_md5(integrity.md5.clone())
        .body(body_of(chunks))
        .send()
        .await
        .map_err(|error| translate("put", error))?;
    let part = CompletedPart::builder()
        .part_number(number)
        .set_e_tag(sent.e_tag().map(str::to_owned));
    Ok(part.set_checksum_crc32_c(integrity.crc32c).build())
}

async fn complete(
    store: &S3Storage,
    key: &ObjectKey,
    upload_id: &str,
    parts: Vec<CompletedPart>,
    size: u64,
    write: &WriteId,
    options: &PutOptions,
) -> Result<ObjectMeta, StorageError> {
    let mut request = store
        .client
        .complete_multipart_upload()
        .bucket(&store.settings.bucket)
        .key(store.full_key(key))
        .upload_id(upload_id)
        .multipart_upload(
            CompletedMultipartUpload::builder()
                .set_parts(Some(parts))
                .build(),
        );
    if store.settings.conditional_writes() == ConditionalWrites::Native {
        match &options.condition {
            PutCondition::None => {}
            PutCondition::IfAbsent => request = request.if_none_match("*"),
            PutCondition::IfMatch(etag) => request = request.if_match(etag.as_str()),
        }
    }
    match request.send().await {
        Ok(done) => Ok(meta(
            key,
            size,
            done.e_tag(),
            None,
            options.content_type.as_deref(),
        )),
        // The answer to a completion may get lost; the client's next attempt then finds no such upload, or its own object.
        Err(error) if is_precondition_failed(&error) || error.code() == Some("NoSuchUpload") => {
            match store.was_ours(key, write).await? {
                Some(meta) => Ok(meta),
                None if is_precondition_failed(&error) => Err(StorageError::PreconditionFailed),
                None => Err(translate("put", error)),
            }
        }
        Err(error) => Err(translate("put", error)),
    }
}
