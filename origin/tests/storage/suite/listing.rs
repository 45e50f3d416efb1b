//! Lists of keys, and objects that go.

use bytes::Bytes;
use weir_origin::storage::{ListOptions, PutOptions, Storage, StorageError};

use super::key;

async fn list_all(
    store: &dyn Storage,
    prefix: &str,
    delimited: bool,
    limit: usize,
) -> (Vec<String>, Vec<String>) {
    let (mut objects, mut prefixes) = (Vec::new(), Vec::new());
    let mut start_after = None;
    loop {
        let options = ListOptions {
            prefix: prefix.to_owned(),
            delimited,
            start_after,
            limit,
        };
        let page = store.list(options).await.expect("listed");
        assert!(page.objects.len() + page.prefixes.len() <= limit);
        objects.extend(page.objects.iter().map(|object| object.key.to_string()));
        prefixes.extend(page.prefixes);
        match page.next {
            Some(next) => start_after = Some(next),
            None => return (objects, prefixes),
        }
    }
}

pub(super) async fn listing(store: &dyn Storage) {
    let names = [
        "list/a-b/1",
        "list/a/1",
        "list/a/2",
        "list/a.json",
        "list/a0",
        "list/b/c/d/1",
        "list/b/c/d/2",
        "list/c",
    ];
    for name in names {
        store
            .put(
                &key(name),
                Bytes::from_static(b"x").into(),
                PutOptions::default(),
            )
            .await
            .expect("written");
    }
    let mut sorted: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    sorted.sort();
    for limit in [1, 2, 3, 1000] {
        let (objects, prefixes) = list_all(store, "list/", false, limit).await;
        assert_eq!(
            (objects, prefixes.len()),
            (sorted.clone(), 0),
            "limit {limit}"
        );
        let (objects, prefixes) = list_all(store, "list/", true, limit).await;
        assert_eq!(
            objects,
            ["list/a.json", "list/a0", "list/c"],
            "limit {limit}"
        );
        assert_eq!(
            prefixes,
            ["list/a-b/", "list/a/", "list/b/"],
            "limit {limit}"
        );
    }
    let (objects, prefixes) = list_all(store, "list/a", true, 2).await;
    assert_eq!(
        (objects, prefixes),
        (
            vec!["list/a.json".to_owned(), "list/a0".to_owned()],
            vec!["list/a-b/".to_owned(), "list/a/".to_owned()]
        )
    );
    assert_eq!(list_all(store, "list/none/", false, 10).await.0.len(), 0);
}

pub(super) async fn deleting(store: &dyn Storage) {
    store.delete(&key("list/c")).await.expect("deleted");
    store
        .delete(&key("list/c"))
        .await
        .expect("deleting what is gone is no error");
    assert!(matches!(
        store.head(&key("list/c")).await,
        Err(StorageError::NotFound)
    ));
    assert_eq!(store.delete_prefix("list/b/").await.expect("deleted"), 2);
    assert_eq!(store.delete_prefix("list/").await.expect("deleted"), 5);
    assert_eq!(list_all(store, "list/", false, 10).await.0.len(), 0);
}
