//! Writes under conditions, alone and against each other.

use bytes::Bytes;
use futures_util::future::join_all;
use weir_origin::storage::{PutBody, PutCondition, PutOptions, Storage, StorageError};

use super::{LARGE, in_pieces, key, pattern, read};

pub(super) async fn conditional_writes(store: &dyn Storage) {
    let name = key("condition/asset.json");
    let with = |condition| PutOptions {
        condition,
        ..PutOptions::default()
    };
    let body = |text: &'static str| PutBody::from(Bytes::from_static(text.as_bytes()));
    let missing = store
        .put(
            &name,
            body("x"),
            with(PutCondition::IfMatch(weir_origin::storage::ETag::new(
                "0123",
            ))),
        )
        .await;
    assert!(
        matches!(missing, Err(StorageError::PreconditionFailed)),
        "{missing:?}"
    );
    let first = store
        .put(&name, body("one"), with(PutCondition::IfAbsent))
        .await
        .expect("absent");
    let again = store
        .put(&name, body("two"), with(PutCondition::IfAbsent))
        .await;
    assert!(
        matches!(again, Err(StorageError::PreconditionFailed)),
        "{again:?}"
    );
    let second = store
        .put(
            &name,
            body("two"),
            with(PutCondition::IfMatch(first.etag.clone())),
        )
        .await
        .expect("unchanged");
    let stale = store
        .put(
            &name,
            body("three"),
            with(PutCondition::IfMatch(first.etag)),
        )
        .await;
    assert!(
        matches!(stale, Err(StorageError::PreconditionFailed)),
        "{stale:?}"
    );
    assert_eq!(
        read(store, "condition/asset.json", None)
            .await
            .expect("readable"),
        "two"
    );
    assert_eq!(store.head(&name).await.expect("there").etag, second.etag);

    let large = pattern(LARGE);
    let refused = store
        .put(&name, in_pieces(&large, None), with(PutCondition::IfAbsent))
        .await;
    assert!(
        matches!(refused, Err(StorageError::PreconditionFailed)),
        "{refused:?}"
    );
    assert_eq!(
        read(store, "condition/asset.json", None)
            .await
            .expect("readable"),
        "two"
    );
}

pub(super) async fn races_have_one_winner(store: &dyn Storage) {
    for round in 0..5 {
        let name = key(&format!("race/{round}"));
        let attempts = (0..8).map(|writer| {
            let name = name.clone();
            let options = PutOptions {
                condition: PutCondition::IfAbsent,
                ..PutOptions::default()
            };
            async move {
                store
                    .put(
                        &name,
                        format!("writer {writer}").into_bytes().into(),
                        options,
                    )
                    .await
            }
        });
        let results = join_all(attempts).await;
        let winners: Vec<usize> = (0..8).filter(|writer| results[*writer].is_ok()).collect();
        assert_eq!(winners.len(), 1, "{results:?}");
        let stored = read(store, &format!("race/{round}"), None)
            .await
            .expect("readable");
        assert_eq!(
            stored,
            format!("writer {}", winners[0]),
            "the winner's bytes are there"
        );
    }
}
