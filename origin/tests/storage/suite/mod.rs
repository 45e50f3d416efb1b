//! What every store must do, whatever it is made of.

mod conditions;
mod listing;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use weir_origin::storage::{
    Checksum, GetOptions, ObjectKey, PutBody, PutOptions, ReadRange, Storage, StorageError, crc32c,
};

use conditions::{conditional_writes, races_have_one_winner};
use listing::{deleting, listing};

/// Larger than one part of a multipart upload, and no multiple of any buffer size.
const LARGE: usize = (16 << 20) + 1_234_567;

pub(crate) async fn run(store: Arc<dyn Storage>) {
    let store = store.as_ref();
    store.check().await.expect("the store is ready");
    whole_objects(store).await;
    ranges(store).await;
    streams(store).await;
    broken_bodies_leave_nothing(store).await;
    conditional_writes(store).await;
    races_have_one_winner(store).await;
    listing(store).await;
    deleting(store).await;
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(name).expect("a valid key")
}

async fn read(
    store: &dyn Storage,
    name: &str,
    range: Option<ReadRange>,
) -> Result<Bytes, StorageError> {
    let options = GetOptions {
        range,
        ..GetOptions::default()
    };
    store.get(&key(name), options).await?.bytes(1 << 26).await
}

fn pattern(length: usize) -> Bytes {
    (0..length)
        .map(|index| u8::try_from((index * 31 + index / 251) % 256).expect("below 256"))
        .collect()
}

fn in_pieces(bytes: &Bytes, length: Option<u64>) -> PutBody {
    let pieces: Vec<_> = bytes
        .chunks(1_000_003)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    PutBody::Stream {
        length,
        stream: futures_util::stream::iter(pieces).boxed(),
    }
}

async fn whole_objects(store: &dyn Storage) {
    let name = key("whole/playlist.m3u8");
    assert!(matches!(
        store.head(&name).await,
        Err(StorageError::NotFound)
    ));
    assert!(matches!(
        store.get(&name, GetOptions::default()).await,
        Err(StorageError::NotFound)
    ));
    let options = PutOptions {
        content_type: Some("application/vnd.apple.mpegurl".to_owned()),
        ..PutOptions::default()
    };
    let chunks = vec![Bytes::from_static(b"#EXT"), Bytes::from_static(b"M3U\n")];
    let written = store
        .put(&name, chunks.into(), options.clone())
        .await
        .expect("written");
    assert_eq!(written.size, 8);
    let head = store.head(&name).await.expect("there");
    assert_eq!((head.size, &head.etag), (8, &written.etag));
    assert_eq!(
        head.content_type.as_deref(),
        Some("application/vnd.apple.mpegurl")
    );
    assert_eq!(
        read(store, "whole/playlist.m3u8", None)
            .await
            .expect("readable"),
        "#EXTM3U\n"
    );

    let replaced = store
        .put(&name, Bytes::from_static(b"12345678").into(), options)
        .await
        .expect("replaced");
    assert_ne!(
        replaced.etag, written.etag,
        "the same length, yet another tag"
    );
    let stale = GetOptions {
        if_match: Some(written.etag),
        ..GetOptions::default()
    };
    assert!(matches!(
        store.get(&name, stale).await,
        Err(StorageError::PreconditionFailed)
    ));
    let fresh = GetOptions {
        if_match: Some(replaced.etag),
        ..GetOptions::default()
    };
    store.get(&name, fresh).await.expect("unchanged since");

    store
        .put(
            &key("whole/empty"),
            PutBody::Chunks(Vec::new()),
            PutOptions::default(),
        )
        .await
        .expect("an empty object");
    assert_eq!(
        store.head(&key("whole/empty")).await.expect("there").size,
        0
    );
    assert_eq!(
        read(store, "whole/empty", None).await.expect("readable"),
        ""
    );
}

async fn ranges(store: &dyn Storage) {
    store
        .put(
            &key("range"),
            Bytes::from_static(b"0123456789").into(),
            PutOptions::default(),
        )
        .await
        .expect("written");
    let cases = [
        (ReadRange::Between { start: 2, end: 5 }, "234", (2, 5)),
        (ReadRange::Between { start: 8, end: 50 }, "89", (8, 10)),
        (ReadRange::From(7), "789", (7, 10)),
        (ReadRange::Last(2), "89", (8, 10)),
        (ReadRange::Last(20), "0123456789", (0, 10)),
    ];
    for (range, expected, bounds) in cases {
        let object = store
            .get(
                &key("range"),
                GetOptions {
                    range: Some(range),
                    ..GetOptions::default()
                },
            )
            .await
            .expect("in range");
        assert_eq!((object.range, object.meta.size), (bounds, 10), "{range:?}");
        assert_eq!(
            object.bytes(100).await.expect("readable"),
            expected,
            "{range:?}"
        );
    }
    for range in [
        ReadRange::From(10),
        ReadRange::Between { start: 12, end: 14 },
        ReadRange::Between { start: 3, end: 3 },
    ] {
        let error = read(store, "range", Some(range))
            .await
            .expect_err("nothing there");
        assert!(
            matches!(error, StorageError::RangeNotSatisfiable { size: 10 }),
            "{range:?}: {error}"
        );
    }
}

async fn streams(store: &dyn Storage) {
    let large = pattern(LARGE);
    for length in [Some(LARGE as u64), None] {
        let checksum = Some(Checksum::Crc32c(crc32c(std::slice::from_ref(&large))));
        let options = PutOptions {
            checksum,
            ..PutOptions::default()
        };
        let written = store
            .put(&key("large/film.mp4"), in_pieces(&large, length), options)
            .await
            .expect("written");
        assert_eq!(written.size, LARGE as u64);
        assert!(
            read(store, "large/film.mp4", None).await.expect("readable") == large,
            "the same bytes"
        );
        let middle = ReadRange::Between {
            start: (16 << 20) - 5,
            end: (16 << 20) + 5,
        };
        let around_the_seam = read(store, "large/film.mp4", Some(middle))
            .await
            .expect("readable");
        assert_eq!(around_the_seam, large.slice((16 << 20) - 5..(16 << 20) + 5));
    }
}

async fn broken_bodies_leave_nothing(store: &dyn Storage) {
    let small = pattern(1000);
    let large = pattern(LARGE);
    for (name, bytes) in [("broken/small", &small), ("broken/large", &large)] {
        let wrong_sum = PutOptions {
            checksum: Some(Checksum::Sha256([7; 32])),
            ..PutOptions::default()
        };
        let error = store
            .put(&key(name), in_pieces(bytes, None), wrong_sum)
            .await
            .expect_err("a wrong checksum");
        assert!(
            matches!(
                error,
                StorageError::BodyMismatch {
                    what: "sha-256",
                    ..
                }
            ),
            "{error}"
        );
        let short = in_pieces(bytes, Some(bytes.len() as u64 + 1));
        let error = store
            .put(&key(name), short, PutOptions::default())
            .await
            .expect_err("a short body");
        assert!(
            matches!(error, StorageError::BodyMismatch { what: "length", .. }),
            "{error}"
        );
        let pieces = vec![
            Ok(bytes.clone()),
            Err(std::io::Error::other("the sender hung up")),
        ];
        let broken = PutBody::Stream {
            length: None,
            stream: futures_util::stream::iter(pieces).boxed(),
        };
        let error = store
            .put(&key(name), broken, PutOptions::default())
            .await
            .expect_err("a broken body");
        assert!(matches!(error, StorageError::Body(_)), "{error}");
        assert!(
            matches!(store.head(&key(name)).await, Err(StorageError::NotFound)),
            "{name} must not exist"
        );
    }
}
