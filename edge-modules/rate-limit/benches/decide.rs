//! What a decision costs in the module itself, in nanoseconds, over a store that answers at once: natively with
//! `cargo bench -p rate-limit --bench decide`, and in WebAssembly with
//! `cargo build -p rate-limit --bench decide --profile wasm --target wasm32-wasip2` and `wasmtime run` of the file it names.
#![allow(missing_docs, clippy::unwrap_used)] // A bench: a failure here is a failed run.

use std::hint::black_box;
use std::time::Instant;

use rate_limit::RateLimit;
use weir_module::counters::{LeaseOutcome, Limit, Standing, StoreError, Takeover};
use weir_module::testing::TestHost;
use weir_module::{Counters, HeadBuffer, HeaderNames, Module, RequestHead};

/// Every quota has room, every lease is granted.
#[derive(Debug, Default)]
struct Plenty;

impl Counters for Plenty {
    fn take(&mut self, limits: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError> {
        let standing = Standing {
            allowed: true,
            remaining: 99,
            retry_after_ns: 0,
            reset_after_ns: 600_000_000,
        };
        Ok(vec![standing; limits.len()])
    }
    fn lease(
        &mut self,
        _set: &[u8],
        _holder: &[u8],
        _capacity: u32,
        _ttl_ns: u64,
        _takeover: Takeover,
    ) -> Result<LeaseOutcome, StoreError> {
        Ok(LeaseOutcome {
            granted: true,
            active: 1,
            dropped: None,
            retry_after_ns: 0,
        })
    }
    fn release(&mut self, _set: &[u8], _holder: &[u8]) -> Result<bool, StoreError> {
        Ok(true)
    }
    fn increment(&mut self, _key: &[u8], by: i64, _ttl_ns: u64) -> Result<i64, StoreError> {
        Ok(by)
    }
    fn get(&mut self, _key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }
    fn put_if(
        &mut self,
        _key: &[u8],
        _expected: Option<&[u8]>,
        _value: &[u8],
        _ttl_ns: u64,
    ) -> Result<bool, StoreError> {
        Ok(true)
    }
    fn delete(&mut self, _key: &[u8]) -> Result<bool, StoreError> {
        Ok(true)
    }
}

fn main() {
    let subject = [
        ("weir-client-ip", "192.0.2.7"),
        ("weir-subject", "ada"),
        ("weir-tier", "premium"),
        ("weir-session", "s1"),
    ];
    let two = "[[policies]]\nname = \"burst\"\nrate = \"50/1s\"\nkey = \"client-ip\"\n";
    for (name, config, headers) in [
        ("shipped configuration, by address", "", &subject[..1]),
        ("shipped configuration, by subject", "", &subject[..]),
        ("a second policy by address", two, &subject[..]),
        (
            "no fields unless refused",
            "fields = \"refused\"\n",
            &subject[..],
        ),
    ] {
        let mut module = RateLimit::configure(config).unwrap();
        let names = HeaderNames::new(module.headers());
        let mut buffer = HeadBuffer::default();
        let target = "/vod/film/video/1080p/segment-00042.m4s?x=1";
        buffer.start("GET", target).unwrap();
        for (name, value) in headers {
            buffer.named(&names, name, value.as_bytes()).unwrap();
        }
        let mut host = TestHost {
            now_ns: 1_800_000_000_000_000_000,
            counters: Plenty,
            refreshed: Vec::new(),
            logged: Vec::new(),
        };
        measure(name, || {
            let head = RequestHead::decode(&names, buffer.as_bytes()).unwrap();
            black_box(module.decide(&head, &mut host));
        });
    }
}

/// The best of many short rounds: a busy machine leaves some of them undisturbed.
fn measure(name: &str, mut run: impl FnMut()) {
    let best = (0..1000)
        .map(|_| {
            let begin = Instant::now();
            (0..200).for_each(|_| run());
            begin.elapsed().as_nanos() / 200
        })
        .min()
        .unwrap_or_default();
    println!("{name:<44} {best:>10} ns");
}
