//! The built adapters in Wasmtime: `weir:state/counters` over what each host has.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;

use weir_counters::{CounterStore as _, Limit, StoreError, conformance};
use weir_tests::locate;
use weir_tests::node::Node;
use weir_tests::process::free_port;
use weir_tests::wasm::{Adapter, Bucket, environment};

const KEY: &str = "a-key-of-many-bytes";

fn load(adapter: &str, configuration: &str, bucket: &Bucket) -> Adapter {
    Adapter::load(
        &locate::dist(&format!("node/{adapter}.wasm")),
        &[environment(adapter, configuration)],
        bucket,
    )
    .unwrap_or_else(|error| panic!("{adapter}: {error:#}"))
}

/// A quota that gives nothing back while a test runs.
fn limit(key: &[u8], burst: u64) -> Limit<'_> {
    Limit {
        key,
        interval_ns: 3_600_000_000_000,
        burst,
        cost: 1,
    }
}

/// Units that `instances` get together out of a quota of `burst`, all asking at the same time.
fn admitted(instances: Vec<Adapter>, burst: u64) -> usize {
    let start = Arc::new(std::sync::Barrier::new(instances.len()));
    let threads: Vec<_> = instances
        .into_iter()
        .map(|instance| {
            let start = Arc::clone(&start);
            std::thread::spawn(move || {
                start.wait();
                (0..burst)
                    .filter(|_| instance.take(&[limit(b"shared", burst)]).unwrap()[0].allowed)
                    .count()
            })
        })
        .collect();
    threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .sum()
}

#[test]
fn local_counters_answer_every_operation() {
    conformance::check(&load("state-local", "", &Bucket::default()));
}

#[test]
fn key_value_counters_answer_every_operation() {
    let bucket = Bucket::default();
    conformance::check(&load("state-keyvalue", "", &bucket));
    // One cell for everything: no key may be lost among the others.
    conformance::check(&load("state-keyvalue", "cells = 1", &bucket));
}

#[test]
fn instances_on_one_bucket_are_one_quota_from_its_first_use_on() {
    for _ in 0..8 {
        let bucket = Bucket::default();
        let instances = (0..4)
            .map(|_| load("state-keyvalue", "", &bucket))
            .collect();
        assert_eq!(admitted(instances, 20), 20);
    }
}

#[test]
fn a_store_that_the_host_does_not_have_is_named() {
    let adapter = load("state-keyvalue", "store = \"other\"", &Bucket::default());
    match adapter.get(b"k") {
        Err(StoreError::Unavailable(why)) => assert!(why.contains("`other`"), "{why}"),
        other => panic!("{other:?}"),
    }
}

/// A node that serves its counters, with nothing behind it.
fn authority() -> (Node, SocketAddr) {
    let address = free_port().unwrap();
    let listen = free_port().unwrap();
    let nowhere = free_port().unwrap();
    let node = Node::start(address, nowhere, |settings| {
        // Nothing of the sample's modules is needed: their keys would come from an origin that is not there.
        let routes = "[origins.main]\nurls = [\"http://127.0.0.1:9\"]\n[[routes]]\nname = \"all\"\norigin = \"main\"\n";
        let listeners = settings.split("[wasm]").next().unwrap().to_owned();
        format!("{listeners}[state.serve]\nlisten = \"{listen}\"\nkey = {KEY:?}\n{routes}")
    })
    .unwrap();
    (node, listen)
}

#[test]
fn an_authority_counts_for_all_hosts() {
    let (_node, listen) = authority();
    let configuration = |key: &str| {
        format!("url = \"http://{listen}/counters\"\nkey = {key:?}\ntimeout-ms = 10000\n")
    };
    let bucket = Bucket::default();
    conformance::check(&load("state-http", &configuration(KEY), &bucket));
    let instances = (0..4)
        .map(|_| load("state-http", &configuration(KEY), &bucket))
        .collect();
    assert_eq!(admitted(instances, 20), 20);
    let stranger = load(
        "state-http",
        &configuration("another-key-of-bytes"),
        &bucket,
    );
    match stranger.get(b"k") {
        Err(StoreError::Unavailable(why)) => assert!(why.contains("key"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_authority_that_is_away_is_unavailable() {
    let nowhere = free_port().unwrap();
    let configuration = format!("url = \"http://{nowhere}/counters\"\nkey = {KEY:?}\n");
    let adapter = load("state-http", &configuration, &Bucket::default());
    for _ in 0..3 {
        let answer = adapter.take(&[limit(b"k", 1)]);
        assert!(
            matches!(answer, Err(StoreError::Unavailable(_))),
            "{answer:?}"
        );
    }
}
