//! One conformance suite, run against every store.

#[path = "../support/mod.rs"]
mod support;

mod suite;

use std::sync::Arc;

use bytes::Bytes;
use support::minio::Minio;
use weir_origin::storage::file::FileStorage;
use weir_origin::storage::memory::MemoryStorage;
use weir_origin::storage::s3::{ChecksumMode, ConditionalWrites, S3Settings, S3Storage, Secret};
use weir_origin::storage::{GetOptions, ObjectKey, PutOptions, Storage, StorageError};

#[tokio::test]
async fn memory_conforms() {
    suite::run(Arc::new(MemoryStorage::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn file_conforms() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    suite::run(Arc::new(FileStorage::open(folder.path()).expect("opens"))).await;
    let left = std::fs::read_dir(folder.path().join(".weir/temporary"))
        .expect("readable")
        .count();
    assert_eq!(left, 0, "no temporary file stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_conforms() {
    let Some(minio) = Minio::start().await else {
        return;
    };
    suite::run(Arc::new(
        S3Storage::connect(minio.settings("some/prefix")).await,
    ))
    .await;
    // The settings of other flavours, against the same server.
    let other = S3Settings {
        checksum: Some(ChecksumMode::Md5),
        conditional_writes: Some(ConditionalWrites::SingleWriter),
        ..minio.settings("")
    };
    suite::run(Arc::new(S3Storage::connect(other).await)).await;
}

/// What the one client wrote, another client that shares no code with it reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_independent_client_agrees() {
    let Some(minio) = Minio::start().await else {
        return;
    };
    let store = S3Storage::connect(minio.settings("p")).await;
    let client = minio.independent_client();
    let large: Bytes = (0..40_000_000_u32)
        .map(|index| u8::try_from(index % 253).expect("below 253"))
        .collect();
    let options = PutOptions {
        content_type: Some("video/mp4".to_owned()),
        cache_control: Some("public, max-age=31536000, immutable".to_owned()),
        ..PutOptions::default()
    };
    for (name, bytes) in [
        ("seg.m4s", Bytes::from_static(b"a segment")),
        ("film.mp4", large),
    ] {
        let key = ObjectKey::new(name).expect("a valid key");
        let written = store
            .put(&key, bytes.clone().into(), options.clone())
            .await
            .expect("written");
        let read = client
            .objects()
            .get(&minio.bucket, format!("p/{name}"))
            .send()
            .await
            .expect("there");
        assert_eq!(read.content_type.as_deref(), Some("video/mp4"));
        assert_eq!(
            read.etag.as_deref().map(|tag| tag.trim_matches('"')),
            Some(written.etag.as_str().trim_matches('"'))
        );
        assert!(
            read.bytes().await.expect("readable") == bytes,
            "{name}: the same bytes"
        );
    }
    client
        .objects()
        .put(&minio.bucket, "p/theirs")
        .body_bytes("from outside")
        .send()
        .await
        .expect("written");
    let theirs = store
        .get(
            &ObjectKey::new("theirs").expect("a valid key"),
            GetOptions::default(),
        )
        .await
        .expect("there");
    assert_eq!(theirs.bytes(100).await.expect("readable"), "from outside");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_of_the_service_are_named() {
    let Some(minio) = Minio::start().await else {
        return;
    };
    let key = ObjectKey::new("a").expect("a valid key");
    let stranger = S3Settings {
        secret_access_key: Secret::new("wrong"),
        ..minio.settings("")
    };
    let error = S3Storage::connect(stranger)
        .await
        .get(&key, GetOptions::default())
        .await
        .expect_err("a wrong key");
    assert!(
        matches!(error, StorageError::AccessDenied { .. }),
        "{error:?}"
    );
    let elsewhere = S3Settings {
        bucket: "no-such-bucket".to_owned(),
        ..minio.settings("")
    };
    let error = S3Storage::connect(elsewhere)
        .await
        .check()
        .await
        .expect_err("no bucket");
    assert!(
        matches!(error, StorageError::Unavailable { .. }),
        "{error:?}"
    );
    let settings = S3Settings {
        attempts: 1,
        connect_timeout_seconds: 1,
        ..minio.settings("")
    };
    drop(minio);
    let error = S3Storage::connect(settings)
        .await
        .head(&key)
        .await
        .expect_err("nobody answers");
    assert!(error.is_transient(), "{error:?}");
}

/// Two handles on one folder stand for two processes: the lock files decide between them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_origins_on_one_folder_do_not_lose_updates() {
    use weir_origin::storage::{PutCondition, PutOptions};
    let folder = tempfile::tempdir().expect("a temporary folder");
    let key = ObjectKey::new("counter").expect("a valid key");
    let first = FileStorage::open(folder.path()).expect("opens");
    first
        .put(&key, Bytes::from_static(b"0").into(), PutOptions::default())
        .await
        .expect("written");
    let increments = (0..4).map(|_| {
        let store = FileStorage::open(folder.path()).expect("opens");
        let key = key.clone();
        tokio::spawn(async move {
            let mut done = 0;
            while done < 10 {
                let object = store
                    .get(&key, GetOptions::default())
                    .await
                    .expect("readable");
                let condition = PutCondition::IfMatch(object.meta.etag.clone());
                let text = String::from_utf8(object.bytes(100).await.expect("readable").to_vec())
                    .expect("text");
                let next = text.parse::<u32>().expect("a number") + 1;
                let options = PutOptions {
                    condition,
                    ..PutOptions::default()
                };
                match store
                    .put(&key, next.to_string().into_bytes().into(), options)
                    .await
                {
                    Ok(_) => done += 1,
                    Err(StorageError::PreconditionFailed) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        })
    });
    for task in increments.collect::<Vec<_>>() {
        task.await.expect("finished");
    }
    let total = first
        .get(&key, GetOptions::default())
        .await
        .expect("readable")
        .bytes(100)
        .await
        .expect("readable");
    assert_eq!(total, "40");
}
