//! The Redis store against a real server: right answers, many clients, a server that dies, freezes or comes back empty, a cluster.
#![allow(clippy::unwrap_used)]

mod redis_server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis_server::Server;
use weir_counters::{
    CounterStore, Limit, ReconciledStore, RedisOptions, RedisStore, StoreError, conformance,
};

const SECOND: u64 = 1_000_000_000;

fn options(server: &Server) -> RedisOptions {
    // The machine that tests run on may be busy; what is measured is not the speed.
    RedisOptions {
        timeout: Duration::from_millis(500),
        ..RedisOptions::single(server.url())
    }
}

fn store(server: &Server) -> RedisStore {
    RedisStore::new(&options(server)).unwrap()
}

fn limit(key: &[u8], burst: u64) -> Limit<'_> {
    Limit {
        key,
        interval_ns: 3_600 * SECOND,
        burst,
        cost: 1,
    }
}

#[test]
fn every_operation_answers_as_the_contract_says() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = store(&server);
    conformance::check(&store);
}

#[test]
fn clients_of_1_4_and_16_instances_get_burst_plus_rate_times_time() {
    let Some(server) = Server::start() else {
        return;
    };
    for instances in [1, 4, 16] {
        let stores: Vec<RedisStore> = (0..instances).map(|_| store(&server)).collect();
        let key = format!("shared-{instances}");
        // The burst outlasts any pause that a busy machine makes: no unit is lost because nobody came for it.
        let limit = Limit {
            key: key.as_bytes(),
            interval_ns: 2_000_000,
            burst: 1_000,
            cost: 1,
        };
        for store in &stores {
            store.take(&[Limit { cost: 0, ..limit }]).unwrap();
        }
        let admitted = AtomicU64::new(0);
        let started = Instant::now();
        std::thread::scope(|scope| {
            for thread in 0..16 {
                let (store, admitted) = (&stores[thread % instances], &admitted);
                scope.spawn(move || {
                    while started.elapsed() < Duration::from_millis(1_500) {
                        if store.take(&[limit]).unwrap()[0].allowed {
                            admitted.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        // What came back while the last threads were waiting for a processor.
        let millis = || u64::try_from(started.elapsed().as_millis()).unwrap();
        let before = millis();
        while stores[0].take(&[limit]).unwrap()[0].allowed {
            admitted.fetch_add(1, Ordering::Relaxed);
        }
        let (least, most) = (1_000 + before / 2, 1_000 + millis() / 2 + 1);
        let admitted = admitted.into_inner();
        println!("{instances} instances: {admitted} admitted, {least} to {most} due");
        assert!(admitted <= most, "{admitted} admitted, {most} were due");
        assert!(
            admitted * 100 >= least * 99,
            "{admitted} admitted of {least}"
        );
    }
}

#[test]
fn a_server_killed_in_mid_load_delays_nobody_and_comes_back() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let options = RedisOptions {
        timeout: Duration::from_millis(100),
        longest_pause: Duration::from_millis(500),
        ..options(&server)
    };
    let store = RedisStore::new(&options).unwrap();
    let stop = AtomicBool::new(false);
    let (answered, refused, slowest) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let (store, stop, answered, refused, slowest) =
                (&store, &stop, &answered, &refused, &slowest);
            scope.spawn(move || {
                let key = thread.to_le_bytes();
                while !stop.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    match store.take(&[limit(&key, 1_000_000)]) {
                        Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
                        Err(StoreError::Unavailable(_)) => {
                            // As a module would go on with the next request.
                            std::thread::sleep(Duration::from_micros(200));
                            refused.fetch_add(1, Ordering::Relaxed)
                        }
                        Err(error) => panic!("{error}"),
                    };
                    slowest.fetch_max(
                        u64::try_from(begun.elapsed().as_millis()).unwrap(),
                        Ordering::Relaxed,
                    );
                }
            });
        }
        std::thread::sleep(Duration::from_millis(400));
        assert!(answered.load(Ordering::Relaxed) > 0 && refused.load(Ordering::Relaxed) == 0);
        server.kill();
        std::thread::sleep(Duration::from_millis(600));
        let (before, failed) = (
            answered.load(Ordering::Relaxed),
            refused.load(Ordering::Relaxed),
        );
        assert!(
            failed > 8,
            "calls fail at once instead of waiting: {failed}"
        );
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(answered.load(Ordering::Relaxed), before);
        server.restart();
        let until = Instant::now() + Duration::from_secs(10);
        while answered.load(Ordering::Relaxed) == before && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(
            answered.load(Ordering::Relaxed) > before,
            "found again without help"
        );
        stop.store(true, Ordering::Relaxed);
    });
    let slowest = slowest.into_inner();
    println!("slowest call {slowest} ms");
    assert!(slowest < 2_000, "{slowest} ms");
}

#[test]
fn a_frozen_server_costs_a_few_time_outs_and_then_nothing() {
    let Some(server) = Server::start() else {
        return;
    };
    let options = RedisOptions {
        timeout: Duration::from_millis(100),
        shortest_pause: Duration::from_secs(5),
        ..options(&server)
    };
    let store = RedisStore::new(&options).unwrap();
    store.take(&[limit(b"k", 10)]).unwrap();
    server.signal("STOP");
    let begun = Instant::now();
    for _ in 0..200 {
        assert!(matches!(
            store.take(&[limit(b"k", 10)]),
            Err(StoreError::Unavailable(_))
        ));
    }
    let took = begun.elapsed();
    server.signal("CONT");
    assert!(
        took < Duration::from_secs(3),
        "200 calls took {took:?}: 5 time-outs of 100 ms, then the breaker"
    );
}

#[test]
fn a_server_that_forgot_the_scripts_learns_them_again() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = store(&server);
    assert!(store.take(&[limit(b"k", 2)]).unwrap()[0].allowed);
    server.command(&["script", "flush"]);
    assert!(store.take(&[limit(b"k", 2)]).unwrap()[0].allowed);
    assert!(!store.take(&[limit(b"k", 2)]).unwrap()[0].allowed);
    assert_eq!(server.command(&["keys", "*"]), "weir:{#k}:t");
}

#[test]
fn a_cluster_keeps_to_its_slots() {
    let Some(servers) = (0..3)
        .map(|_| Server::start_as(true))
        .collect::<Option<Vec<_>>>()
    else {
        return;
    };
    for (server, slots) in
        servers
            .iter()
            .zip([("0", "5460"), ("5461", "10922"), ("10923", "16383")])
    {
        assert_eq!(
            server.command(&["cluster", "addslotsrange", slots.0, slots.1]),
            "OK"
        );
    }
    for other in &servers[1..] {
        assert_eq!(
            servers[0].command(&["cluster", "meet", "127.0.0.1", &other.port.to_string()]),
            "OK"
        );
    }
    let until = Instant::now() + Duration::from_secs(20);
    while !servers.iter().all(|server| {
        server
            .command(&["cluster", "info"])
            .contains("cluster_state:ok")
    }) {
        assert!(Instant::now() < until, "the cluster did not form");
        std::thread::sleep(Duration::from_millis(100));
    }
    let urls = servers.iter().map(Server::url).collect();
    let store = RedisStore::new(&RedisOptions {
        urls,
        cluster: true,
        connect_timeout: Duration::from_secs(5),
        timeout: Duration::from_secs(2),
        ..options(&servers[0])
    })
    .unwrap();
    conformance::check(&store);
    let spread = servers
        .iter()
        .filter(|server| server.command(&["dbsize"]) != "0")
        .count();
    assert!(spread > 1, "the keys live on {spread} of 3 servers");
}

#[test]
fn nodes_that_settle_in_the_background_admit_the_right_rate_in_the_long_run() {
    let Some(server) = Server::start() else {
        return;
    };
    let nodes: Vec<ReconciledStore> = (0..4)
        .map(|_| ReconciledStore::new(Arc::new(store(&server)), Duration::from_millis(50)).unwrap())
        .collect();
    // 500 a second and a burst of 100; each of the four nodes is asked for much more.
    let limit = Limit {
        key: b"shared",
        interval_ns: 2_000_000,
        burst: 100,
        cost: 1,
    };
    let admitted = AtomicU64::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for node in &nodes {
            let admitted = &admitted;
            scope.spawn(move || {
                while started.elapsed() < Duration::from_secs(4) {
                    if node.take(&[limit]).unwrap()[0].allowed {
                        admitted.fetch_add(1, Ordering::Relaxed);
                    }
                    std::thread::sleep(Duration::from_micros(300));
                }
            });
        }
    });
    let admitted = admitted.into_inner();
    let due = 100 + u64::try_from(started.elapsed().as_millis()).unwrap() / 2;
    println!(
        "4 nodes settling each 50 ms: {admitted} admitted, {due} due, {:+.1} %",
        (admitted as f64 / due as f64 - 1.0) * 100.0
    );
    // The first moment may cost a burst for each further node; it is repaid within the run.
    assert!(
        admitted <= due + due / 10,
        "{admitted} admitted, {due} were due"
    );
    assert!(admitted >= due / 2, "{admitted} admitted, {due} were due");
}

#[test]
fn a_node_without_its_server_counts_for_itself_and_settles_up() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let node = ReconciledStore::new(Arc::new(store(&server)), Duration::from_millis(50)).unwrap();
    server.kill();
    let admitted = (0..50)
        .filter(|_| node.take(&[limit(b"k", 20)]).unwrap()[0].allowed)
        .count();
    assert_eq!(admitted, 20);
    std::thread::sleep(Duration::from_millis(300));
    assert!(node.failed_settlements() > 0);
    server.restart();
    let other = store(&server);
    let until = Instant::now() + Duration::from_secs(15);
    while other
        .take(&[Limit {
            cost: 0,
            ..limit(b"k", 20)
        }])
        .is_ok_and(|standings| standings[0].remaining > 0)
    {
        assert!(
            Instant::now() < until,
            "what was admitted alone is charged when the server is back"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}
