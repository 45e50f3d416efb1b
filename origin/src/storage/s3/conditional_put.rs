//! Objects written in one request, under a condition where there is one.

use std::time::Duration;

use super::errors::{is_conflict, is_precondition_failed, translate};
use super::request_body::{self, Integrity, WriteId};
use super::{ConditionalWrites, S3Storage, WRITE_ID, meta};
use crate::storage::{ObjectKey, ObjectMeta, PutCondition, PutOptions, Storage, StorageError};

/// How often a write is tried when the service reports a conflict with another write in progress (409).
const CONFLICT_ATTEMPTS: u32 = 5;

impl S3Storage {
    /// Whether the object there was written by `write`.
    ///
    /// A conditional write whose answer got lost is sent again by the client and then fails on its own success.
    /// So a failed condition is believed only after a look at who wrote the object.
    pub(super) async fn was_ours(
        &self,
        key: &ObjectKey,
        write: &WriteId,
    ) -> Result<Option<ObjectMeta>, StorageError> {
        let head = self
            .client
            .head_object()
            .bucket(&self.settings.bucket)
            .key(self.full_key(key))
            .send()
            .await;
        match head {
            Ok(head)
                if head
                    .metadata()
                    .and_then(|all| all.get(WRITE_ID))
                    .map(String::as_str)
                    == Some(write.as_str()) =>
            {
                let size = u64::try_from(head.content_length().unwrap_or(0)).unwrap_or(0);
                Ok(Some(meta(
                    key,
                    size,
                    head.e_tag(),
                    head.last_modified(),
                    head.content_type(),
                )))
            }
            Ok(_) => Ok(None),
            Err(error) => match translate("head", error) {
                StorageError::NotFound => Ok(None),
                error => Err(error),
            },
        }
    }

    pub(super) async fn put_whole(
        &self,
        key: &ObjectKey,
        chunks: Vec<bytes::Bytes>,
        options: &PutOptions,
    ) -> Result<ObjectMeta, StorageError> {
        let write = WriteId::random();
        let size = chunks.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
        let integrity = Integrity::of(&chunks, self.settings.checksum());
        let native = self.settings.conditional_writes() == ConditionalWrites::Native;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let mut request = self
                .client
                .put_object()
                .bucket(&self.settings.bucket)
                .key(self.full_key(key))
                .set_content_type(options.content_type.clone())
                .set_cache_control(options.cache_control.clone())
                .set_content_encoding(options.content_encoding.clone())
                .metadata(WRITE_ID, write.as_str())
                .content_length(i64::try_from(size).unwrap_or(i64::MAX))
                .set_checksum_crc32_c(integrity.crc32c.clone())
                .set_content_md5(integrity.md5.clone())
                .body(request_body::body_of(chunks.clone()));
            match &options.condition {
                PutCondition::IfAbsent if native => request = request.if_none_match("*"),
                PutCondition::IfMatch(etag) if native => request = request.if_match(etag.as_str()),
                _ => {}
            }
            match request.send().await {
                Ok(done) => {
                    return Ok(meta(
                        key,
                        size,
                        done.e_tag(),
                        None,
                        options.content_type.as_deref(),
                    ));
                }
                Err(error) if is_conflict(&error) && attempt < CONFLICT_ATTEMPTS => {
                    tokio::time::sleep(Duration::from_millis(20) * 2_u32.pow(attempt)).await;
                }
                Err(error) if is_precondition_failed(&error) => {
                    return self
                        .was_ours(key, &write)
                        .await?
                        .ok_or(StorageError::PreconditionFailed);
                }
                Err(error) => {
                    return Err(match (translate("put", error), &options.condition) {
                        // `If-Match` on a key without an object answers 404.
                        (StorageError::NotFound, PutCondition::IfMatch(_)) => {
                            StorageError::PreconditionFailed
                        }
                        (error, _) => error,
                    });
                }
            }
        }
    }

    /// Checks the condition here, for services that cannot.
    pub(super) async fn check_condition(
        &self,
        key: &ObjectKey,
        condition: &PutCondition,
    ) -> Result<(), StorageError> {
        let current = match self.head(key).await {
            Ok(meta) => Some(meta.etag),
            Err(StorageError::NotFound) => None,
            Err(error) => return Err(error),
        };
        let holds = match condition {
            PutCondition::None => true,
            PutCondition::IfAbsent => current.is_none(),
            PutCondition::IfMatch(etag) => current.as_ref() == Some(etag),
        };
        if holds {
            Ok(())
        } else {
            Err(StorageError::PreconditionFailed)
        }
    }
}
