//! A store in an S3-compatible bucket.

mod conditional_put;
mod connect;
mod errors;
mod multipart;
mod request_body;
mod settings;

use std::time::SystemTime;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream as SdkByteStream;
use futures_util::StreamExt;
use tokio::sync::Mutex;

use self::errors::{is_precondition_failed, is_range_error, translate};
pub use self::settings::{
    ChecksumMode, ConditionalWrites, Flavour, MIN_PART_SIZE, S3Settings, Secret,
};
use super::{
    ByteStream, ETag, GetOptions, ListOptions, ListPage, Object, ObjectKey, ObjectMeta, PutBody,
    PutCondition, PutOptions, ReadRange, Storage, StorageError, after_prefix,
};

/// The metadata entry that marks a write as ours (see [`S3Storage::was_ours`]).
const WRITE_ID: &str = "weir-write";

/// A store in an S3-compatible bucket.
#[derive(Debug)]
pub struct S3Storage {
    client: Client,
    settings: S3Settings,
    prefix: String,
    /// Held over look-then-write when the service has no conditional writes of its own.
    single_writer: Mutex<()>,
}

impl S3Storage {
    fn full_key(&self, key: &ObjectKey) -> String {
        format!("{}{}", self.prefix, key.as_str())
    }
}

#[async_trait]
impl Storage for S3Storage {
    async fn put(
        &self,
        key: &ObjectKey,
        body: PutBody,
        options: PutOptions,
    ) -> Result<ObjectMeta, StorageError> {
        let single_writer = self.settings.conditional_writes() == ConditionalWrites::SingleWriter;
        let _guard = if single_writer && options.condition != PutCondition::None {
            let guard = self.single_writer.lock().await;
            self.check_condition(key, &options.condition).await?;
            Some(guard)
        } else {
            None
        };
        let mut stream = body.into_checked_stream(options.checksum);
        let part_size = self.settings.part_size.max(MIN_PART_SIZE);
        let (first, ended) = multipart::next_part(&mut stream, part_size).await?;
        if ended {
            return self.put_whole(key, first, &options).await;
        }
        multipart::upload(self, key, first, stream, &options).await
    }

    async fn get(&self, key: &ObjectKey, options: GetOptions) -> Result<Object, StorageError> {
        let range = options.range.map(|range| match range {
            ReadRange::Between { start, end } => format!("bytes={start}-{}", end.saturating_sub(1)),
            ReadRange::From(start) => format!("bytes={start}-"),
            ReadRange::Last(count) => format!("bytes=-{count}"),
        });
        if let Some(ReadRange::Between { start, end }) = options.range
            && start >= end
        {
            let size = self.head(key).await?.size;
            return Err(StorageError::RangeNotSatisfiable { size });
        }
        let request = self
            .client
            .get_object()
            .bucket(&self.settings.bucket)
            .key(self.full_key(key))
            .set_range(range);
        let answer = match request
            .set_if_match(options.if_match.map(|etag| etag.as_str().to_owned()))
            .send()
            .await
        {
            Ok(answer) => answer,
            Err(error) if is_range_error(&error) => {
                let size = self.head(key).await?.size;
                return Err(StorageError::RangeNotSatisfiable { size });
            }
            Err(error) if is_precondition_failed(&error) => {
                return Err(StorageError::PreconditionFailed);
            }
            Err(error) => return Err(translate("get", error)),
        };
        let length = u64::try_from(answer.content_length().unwrap_or(0)).unwrap_or(0);
        let (start, size) = answer
            .content_range()
            .and_then(parse_content_range)
            .unwrap_or((0, length));
        let meta = meta(
            key,
            size,
            answer.e_tag(),
            answer.last_modified(),
            answer.content_type(),
        );
        Ok(Object {
            meta,
            range: (start, start + length),
            body: body_stream(answer.body),
        })
    }

    async fn head(&self, key: &ObjectKey) -> Result<ObjectMeta, StorageError> {
        let request = self
            .client
            .head_object()
            .bucket(&self.settings.bucket)
            .key(self.full_key(key));
        let head = request
            .send()
            .await
            .map_err(|error| translate("head", error))?;
        let size = u64::try_from(head.content_length().unwrap_or(0)).unwrap_or(0);
        Ok(meta(
            key,
            size,
            head.e_tag(),
            head.last_modified(),
            head.content_type(),
        ))
    }

    async fn list(&self, options: ListOptions) -> Result<ListPage, StorageError> {
        let request = self
            .client
            .list_objects_v2()
            .bucket(&self.settings.bucket)
            .prefix(format!("{}{}", self.prefix, options.prefix))
            .set_delimiter(options.delimited.then(|| "/".to_owned()))
            .set_start_after(
                options
                    .start_after
                    .map(|after| format!("{}{after}", self.prefix)),
            )
            .max_keys(i32::try_from(options.limit.clamp(1, 1000)).unwrap_or(1000));
        let answer = request
            .send()
            .await
            .map_err(|error| translate("list", error))?;
        let mut page = ListPage::default();
        for object in answer.contents() {
            let Some(name) = object
                .key()
                .and_then(|name| name.strip_prefix(&self.prefix))
            else {
                continue;
            };
            // What no key of ours can name was not written by us.
            let Ok(key) = ObjectKey::new(name) else {
                continue;
            };
            let size = u64::try_from(object.size().unwrap_or(0)).unwrap_or(0);
            page.objects.push(meta(
                &key,
                size,
                object.e_tag(),
                object.last_modified(),
                None,
            ));
        }
        let prefixes = answer
            .common_prefixes()
            .iter()
            .filter_map(|common| common.prefix());
        page.prefixes = prefixes
            .filter_map(|prefix| prefix.strip_prefix(&self.prefix))
            .map(str::to_owned)
            .collect();
        if answer.is_truncated() == Some(true) {
            let last_prefix = page.prefixes.last().map(|prefix| after_prefix(prefix));
            let last_object = answer
                .contents()
                .last()
                .and_then(|object| object.key()?.strip_prefix(&self.prefix));
            page.next = last_prefix.max(last_object.map(str::to_owned));
        }
        Ok(page)
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StorageError> {
        let request = self
            .client
            .delete_object()
            .bucket(&self.settings.bucket)
            .key(self.full_key(key));
        match request
            .send()
            .await
            .map_err(|error| translate("delete", error))
        {
            Ok(_) | Err(StorageError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn check(&self) -> Result<(), StorageError> {
        let request = self.client.head_bucket().bucket(&self.settings.bucket);
        request.send().await.map(drop).map_err(|error| {
            match translate("reaching the bucket", error) {
                StorageError::NotFound => {
                    StorageError::unavailable("reaching the bucket", "the bucket does not exist")
                }
                error => error,
            }
        })
    }
}

fn meta(
    key: &ObjectKey,
    size: u64,
    etag: Option<&str>,
    modified: Option<&aws_sdk_s3::primitives::DateTime>,
    content_type: Option<&str>,
) -> ObjectMeta {
    let modified = modified
        .and_then(|time| SystemTime::try_from(*time).ok())
        .unwrap_or_else(SystemTime::now);
    ObjectMeta {
        key: key.clone(),
        size,
        etag: ETag::new(etag.unwrap_or_default()),
        modified,
        content_type: content_type.map(str::to_owned),
    }
}

/// First byte and whole size out of `bytes 0-99/1234` (RFC 9110, 14.4).
fn parse_content_range(text: &str) -> Option<(u64, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.parse().ok()?, size.parse().ok()?))
}

fn body_stream(body: SdkByteStream) -> ByteStream {
    futures_util::stream::unfold(body, |mut body| async move {
        let item = body.next().await?;
        Some((
            item.map_err(|error| StorageError::unavailable("get", error).into()),
            body,
        ))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_parse() {
        assert_eq!(parse_content_range("bytes 5-9/1234"), Some((5, 1234)));
        assert_eq!(parse_content_range("bytes */1234"), None);
        assert_eq!(parse_content_range("items 5-9/1234"), None);
    }
}
