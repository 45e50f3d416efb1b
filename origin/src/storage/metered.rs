//! Counts and times what a store is asked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::{
    GetOptions, ListOptions, ListPage, Object, ObjectKey, ObjectMeta, PutBody, PutOptions, Storage,
    StorageError,
};

/// Where the figures go.
pub trait StorageMetrics: Send + Sync + std::fmt::Debug {
    /// One request to the store has ended: its name, `ok` or an error code, and how long it took
    /// (for reads: until the first byte could be read).
    fn request(&self, operation: &'static str, outcome: &'static str, took: Duration);
}

/// A store that reports every request.
#[derive(Debug)]
pub struct Metered<M> {
    inner: Arc<dyn Storage>,
    metrics: M,
}

impl<M: StorageMetrics> Metered<M> {
    /// Wraps a store.
    pub fn new(inner: Arc<dyn Storage>, metrics: M) -> Self {
        Self { inner, metrics }
    }

    async fn measure<T>(
        &self,
        operation: &'static str,
        request: impl Future<Output = Result<T, StorageError>> + Send,
    ) -> Result<T, StorageError> {
        let start = Instant::now();
        let result = request.await;
        self.metrics.request(
            operation,
            result.as_ref().map_or_else(StorageError::code, |_| "ok"),
            start.elapsed(),
        );
        result
    }
}

#[async_trait]
impl<M: StorageMetrics> Storage for Metered<M> {
    async fn put(
        &self,
        key: &ObjectKey,
        body: PutBody,
        options: PutOptions,
    ) -> Result<ObjectMeta, StorageError> {
        self.measure("put", self.inner.put(key, body, options))
            .await
    }

    async fn get(&self, key: &ObjectKey, options: GetOptions) -> Result<Object, StorageError> {
        self.measure("get", self.inner.get(key, options)).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<ObjectMeta, StorageError> {
        self.measure("head", self.inner.head(key)).await
    }

    async fn list(&self, options: ListOptions) -> Result<ListPage, StorageError> {
        self.measure("list", self.inner.list(options)).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StorageError> {
        self.measure("delete", self.inner.delete(key)).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.measure("check", self.inner.check()).await
    }
}
