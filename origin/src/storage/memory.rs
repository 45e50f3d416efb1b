//! A store that lives and dies with the process, for tests.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;

use super::{
    ETag, GetOptions, ListOptions, ListPage, Object, ObjectKey, ObjectMeta, PutBody, PutCondition,
    PutOptions, Storage, StorageError, after_prefix, collect, concat,
};

/// The largest object in bytes: tests need no more, and a mistake should not eat the machine.
const MAX_OBJECT_BYTES: u64 = 1 << 30;

/// Objects in a sorted map.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, (ObjectMeta, Bytes)>,
    writes: u64,
}

impl MemoryStorage {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one map operation, so a panic elsewhere cannot leave the map half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn put(
        &self,
        key: &ObjectKey,
        body: PutBody,
        options: PutOptions,
    ) -> Result<ObjectMeta, StorageError> {
        let bytes =
            concat(collect(body.into_checked_stream(options.checksum), MAX_OBJECT_BYTES).await?);
        let mut state = self.state();
        let current = state.objects.get(key.as_str()).map(|(meta, _)| &meta.etag);
        let holds = match &options.condition {
            PutCondition::None => true,
            PutCondition::IfAbsent => current.is_none(),
            PutCondition::IfMatch(etag) => current == Some(etag),
        };
        if !holds {
            return Err(StorageError::PreconditionFailed);
        }
        state.writes += 1;
        let meta = ObjectMeta {
            key: key.clone(),
            size: bytes.len() as u64,
            etag: ETag::new(&format!("{:x}", state.writes)),
            modified: SystemTime::now(),
            content_type: options.content_type,
        };
        state
            .objects
            .insert(key.as_str().to_owned(), (meta.clone(), bytes));
        Ok(meta)
    }

    async fn get(&self, key: &ObjectKey, options: GetOptions) -> Result<Object, StorageError> {
        let (meta, bytes) = self
            .state()
            .objects
            .get(key.as_str())
            .cloned()
            .ok_or(StorageError::NotFound)?;
        if options.if_match.is_some_and(|etag| etag != meta.etag) {
            return Err(StorageError::PreconditionFailed);
        }
        let range = options
            .range
            .map_or(Ok((0, meta.size)), |range| range.resolve(meta.size))?;
        let index = |offset: u64| {
            usize::try_from(offset)
                .unwrap_or(usize::MAX)
                .min(bytes.len())
        };
        let slice = bytes.slice(index(range.0)..index(range.1));
        Ok(Object {
            meta,
            range,
            body: futures_util::stream::iter([Ok(slice)]).boxed(),
        })
    }

    async fn head(&self, key: &ObjectKey) -> Result<ObjectMeta, StorageError> {
        self.state()
            .objects
            .get(key.as_str())
            .map(|(meta, _)| meta.clone())
            .ok_or(StorageError::NotFound)
    }

    async fn list(&self, options: ListOptions) -> Result<ListPage, StorageError> {
        let state = self.state();
        let mut page = ListPage::default();
        let mut cursor = options.start_after.filter(|after| *after > options.prefix);
        loop {
            let from = cursor
                .as_ref()
                .map_or(Bound::Included(options.prefix.as_str()), |after| {
                    Bound::Excluded(after.as_str())
                });
            let Some((key, (meta, _))) = state
                .objects
                .range::<str, _>((from, Bound::Unbounded))
                .next()
            else {
                break;
            };
            let Some(rest) = key.strip_prefix(&options.prefix) else {
                break;
            };
            if page.objects.len() + page.prefixes.len() == options.limit {
                page.next = cursor;
                break;
            }
            match rest.find('/').filter(|_| options.delimited) {
                Some(slash) => {
                    let prefix = key[..=options.prefix.len() + slash].to_owned();
                    cursor = Some(after_prefix(&prefix));
                    page.prefixes.push(prefix);
                }
                None => {
                    cursor = Some(key.clone());
                    page.objects.push(meta.clone());
                }
            }
        }
        Ok(page)
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StorageError> {
        self.state().objects.remove(key.as_str());
        Ok(())
    }

    async fn check(&self) -> Result<(), StorageError> {
        Ok(())
    }
}
