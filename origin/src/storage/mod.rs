//! Object storage behind one trait: a folder, an S3-compatible bucket, or memory.
//!
//! The trait holds what all of them can do exactly: whole-object writes that become visible at once, byte ranges,
//! conditional writes (the only lock that Weir uses), and listing in key order.

mod body;
mod error;
pub mod file;
pub mod memory;
mod metered;
mod object_key;
pub mod s3;

use std::fmt;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;

pub use body::{ByteStream, Checksum, PutBody, collect, concat, crc32c};
pub use error::{Cause, StorageError};
pub use metered::{Metered, StorageMetrics};
pub use object_key::{InvalidKey, ObjectKey};

/// How many objects [`Storage::delete_prefix`] deletes at once.
const DELETE_CONCURRENCY: usize = 16;

/// A strong entity tag (RFC 9110, 8.8.3) with its quotes: changes whenever the bytes change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ETag(String);

impl ETag {
    /// Wraps `tag`, adding the quotes that some stores leave out. A weak mark is dropped: stores only know whole objects.
    #[must_use]
    pub fn new(tag: &str) -> Self {
        Self(format!(
            "\"{}\"",
            tag.trim_start_matches("W/").trim_matches('"')
        ))
    }

    /// The tag with its quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a store knows about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    /// The name.
    pub key: ObjectKey,
    /// Bytes.
    pub size: u64,
    /// Changes with every write.
    pub etag: ETag,
    /// Time of the last write.
    pub modified: SystemTime,
    /// Media type, when the store keeps it; else `None` (listings of S3 do not tell).
    pub content_type: Option<String>,
}

/// The bytes a reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadRange {
    /// From `start` up to but not including `end`; an `end` beyond the object means "to its end".
    Between {
        /// First byte.
        start: u64,
        /// First byte that is no longer wanted.
        end: u64,
    },
    /// From this byte to the end.
    From(u64),
    /// The last so many bytes, or all when there are fewer.
    Last(u64),
}

impl ReadRange {
    /// The half-open range within an object of `size` bytes.
    ///
    /// # Errors
    /// [`StorageError::RangeNotSatisfiable`] when no byte of the object is wanted.
    pub fn resolve(self, size: u64) -> Result<(u64, u64), StorageError> {
        let (start, end) = match self {
            Self::Between { start, end } => (start, end.min(size)),
            Self::From(start) => (start, size),
            Self::Last(count) => (size.saturating_sub(count), size),
        };
        if start >= end {
            Err(StorageError::RangeNotSatisfiable { size })
        } else {
            Ok((start, end))
        }
    }
}

/// How to read.
#[derive(Debug, Clone, Default)]
pub struct GetOptions {
    /// Only these bytes; all when `None`.
    pub range: Option<ReadRange>,
    /// Only if the object still has this tag, else [`StorageError::PreconditionFailed`].
    pub if_match: Option<ETag>,
}

/// When a write may happen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PutCondition {
    /// Always.
    #[default]
    None,
    /// Only if no object has the key (`If-None-Match: *`).
    IfAbsent,
    /// Only if the object still has this tag (`If-Match`).
    IfMatch(ETag),
}

/// How to write.
#[derive(Debug, Clone, Default)]
pub struct PutOptions {
    /// Media type kept with the object.
    pub content_type: Option<String>,
    /// `Cache-Control` kept with the object, for stores that serve viewers themselves.
    pub cache_control: Option<String>,
    /// `Content-Encoding` kept with the object.
    pub content_encoding: Option<String>,
    /// What the bytes must hash to.
    pub checksum: Option<Checksum>,
    /// When the write may happen.
    pub condition: PutCondition,
    /// Readable by nobody but this program's user, where the store knows such a thing (file mode 0600).
    pub private: bool,
}

/// An object being read.
pub struct Object {
    /// About the whole object.
    pub meta: ObjectMeta,
    /// The half-open byte range that `body` holds.
    pub range: (u64, u64),
    /// The bytes.
    pub body: ByteStream,
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("meta", &self.meta)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

impl Object {
    /// Reads the whole body.
    ///
    /// # Errors
    /// When the store fails in mid-stream or the body is larger than `limit` bytes.
    pub async fn bytes(self, limit: u64) -> Result<Bytes, StorageError> {
        collect(self.body, limit).await.map(concat)
    }
}

/// What to list.
#[derive(Debug, Clone)]
pub struct ListOptions {
    /// Only keys that start with this text.
    pub prefix: String,
    /// Roll up what follows the next `/` after the prefix, as folders do.
    pub delimited: bool,
    /// Only what sorts after this text; [`ListPage::next`] of the page before.
    pub start_after: Option<String>,
    /// At most so many entries (1 to 1000).
    pub limit: usize,
}

/// Part of a listing, in ascending byte order of the keys.
#[derive(Debug, Clone, Default)]
pub struct ListPage {
    /// The objects.
    pub objects: Vec<ObjectMeta>,
    /// The rolled-up prefixes, each ending in `/`.
    pub prefixes: Vec<String>,
    /// The `start_after` of the next page; `None` when this is the last.
    pub next: Option<String>,
}

/// An object store.
#[async_trait]
pub trait Storage: Send + Sync + fmt::Debug {
    /// Writes an object. It becomes visible whole or not at all, and it is durable when this returns.
    async fn put(
        &self,
        key: &ObjectKey,
        body: PutBody,
        options: PutOptions,
    ) -> Result<ObjectMeta, StorageError>;

    /// Opens an object.
    async fn get(&self, key: &ObjectKey, options: GetOptions) -> Result<Object, StorageError>;

    /// What the store knows about an object.
    async fn head(&self, key: &ObjectKey) -> Result<ObjectMeta, StorageError>;

    /// One page of keys.
    async fn list(&self, options: ListOptions) -> Result<ListPage, StorageError>;

    /// Deletes an object. That it did not exist is no error.
    async fn delete(&self, key: &ObjectKey) -> Result<(), StorageError>;

    /// Whether the store can be reached and used now.
    async fn check(&self) -> Result<(), StorageError>;

    /// Deletes every object whose key starts with `prefix`; says how many.
    async fn delete_prefix(&self, prefix: &str) -> Result<u64, StorageError> {
        let mut deleted = 0;
        let mut start_after = None;
        loop {
            let page = self
                .list(ListOptions {
                    prefix: prefix.to_owned(),
                    delimited: false,
                    start_after,
                    limit: 1000,
                })
                .await?;
            let deletions = page
                .objects
                .iter()
                .map(|object| self.delete(&object.key))
                .collect::<Vec<_>>();
            let mut deletions =
                futures_util::stream::iter(deletions).buffer_unordered(DELETE_CONCURRENCY);
            while let Some(result) = deletions.next().await {
                result?;
                deleted += 1;
            }
            match page.next {
                Some(next) => start_after = Some(next),
                None => return Ok(deleted),
            }
        }
    }
}

/// The text that sorts after everything under a rolled-up prefix (which ends in `/`): where a listing goes on.
fn after_prefix(prefix: &str) -> String {
    // Keys are ASCII, so the last code point sorts after every key under the prefix and before its next sibling.
    format!("{prefix}\u{10FFFF}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_resolve_as_rfc_9110_says() {
        assert_eq!(
            ReadRange::Between { start: 2, end: 5 }
                .resolve(10)
                .expect("inside"),
            (2, 5)
        );
        assert_eq!(
            ReadRange::Between { start: 2, end: 50 }
                .resolve(10)
                .expect("cut"),
            (2, 10)
        );
        assert_eq!(ReadRange::From(9).resolve(10).expect("last byte"), (9, 10));
        assert_eq!(ReadRange::Last(3).resolve(10).expect("suffix"), (7, 10));
        assert_eq!(ReadRange::Last(30).resolve(10).expect("all"), (0, 10));
        for (range, size) in [
            (ReadRange::From(10), 10),
            (ReadRange::Last(0), 10),
            (ReadRange::From(0), 0),
        ] {
            assert!(
                matches!(
                    range.resolve(size),
                    Err(StorageError::RangeNotSatisfiable { .. })
                ),
                "{range:?}"
            );
        }
    }

    #[test]
    fn tags_are_quoted_once() {
        assert_eq!(ETag::new("abc").as_str(), "\"abc\"");
        assert_eq!(ETag::new("\"abc\""), ETag::new("W/\"abc\""));
    }
}
