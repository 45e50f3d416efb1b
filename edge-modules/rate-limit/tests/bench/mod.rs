//! A module on a store in memory, with a clock that moves when told.
#![allow(dead_code, unreachable_pub)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rate_limit::RateLimit;
use weir_counters::{CounterStore, ManualClock, MemoryStore};
use weir_module::counters::{LeaseOutcome, Limit, Standing, StoreError, Takeover};
use weir_module::testing::{TestHost, decide};
use weir_module::{Answer, AnswerBody, Counters, Edit, Module, Verdict};

pub const SECOND: u64 = 1_000_000_000;

pub struct Bench {
    pub module: RateLimit,
    pub host: TestHost<Counting>,
    clock: ManualClock,
}

impl Bench {
    pub fn new(config: &str) -> Self {
        let clock = ManualClock::at_secs(1_000);
        let store = Arc::new(MemoryStore::builder().clock(clock.clone()).build());
        let counters = Counting {
            store,
            calls: AtomicU64::new(0),
        };
        let host = TestHost {
            now_ns: 1_000 * SECOND,
            counters,
            refreshed: Vec::new(),
            logged: Vec::new(),
        };
        Self {
            module: RateLimit::configure(config).unwrap(),
            host,
            clock,
        }
    }

    pub fn ask(&mut self, target: &str, headers: &[(&str, &str)]) -> Verdict {
        decide(&mut self.module, &mut self.host, "GET", target, headers)
    }

    pub fn passes(&mut self, target: &str, headers: &[(&str, &str)]) -> bool {
        matches!(self.ask(target, headers), Verdict::Pass(_))
    }

    pub fn wait(&mut self, ns: u64) {
        self.clock.advance_ns(ns);
        self.host.now_ns += ns;
    }
}

pub fn answer(verdict: Verdict) -> Answer {
    match verdict {
        Verdict::Answer(answer) => answer,
        other => panic!("expected an answer, got {other:?}"),
    }
}

pub fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer
        .headers
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| std::str::from_utf8(value).unwrap())
}

pub fn problem(answer: &Answer) -> serde_json::Value {
    let AnswerBody::Problem(problem) = &answer.body else {
        panic!("a problem body")
    };
    serde_json::from_slice(&problem.clone().to_json(Some("r-1"))).unwrap()
}

pub fn response_edit(verdict: &Verdict, name: &str) -> Option<String> {
    let Verdict::Pass(edits) = verdict else {
        return None;
    };
    edits.iter().find_map(|edit| match edit {
        Edit::AppendResponse(known, value) | Edit::SetResponse(known, value) if known == name => {
            Some(String::from_utf8(value.to_vec()).unwrap())
        }
        _ => None,
    })
}

/// A store that counts its calls.
pub struct Counting {
    store: Arc<MemoryStore>,
    calls: AtomicU64,
}

impl Counting {
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    fn store(&self) -> &MemoryStore {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.store
    }
}

impl Counters for Counting {
    fn take(&mut self, limits: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError> {
        self.store().take(limits)
    }
    fn lease(
        &mut self,
        set: &[u8],
        holder: &[u8],
        capacity: u32,
        ttl_ns: u64,
        takeover: Takeover,
    ) -> Result<LeaseOutcome, StoreError> {
        self.store().lease(weir_counters::LeaseRequest {
            set,
            holder,
            capacity,
            ttl_ns,
            takeover,
        })
    }
    fn release(&mut self, set: &[u8], holder: &[u8]) -> Result<bool, StoreError> {
        self.store().release(set, holder)
    }
    fn increment(&mut self, key: &[u8], by: i64, ttl_ns: u64) -> Result<i64, StoreError> {
        self.store().increment(key, by, ttl_ns)
    }
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store().get(key)
    }
    fn put_if(
        &mut self,
        key: &[u8],
        expected: Option<&[u8]>,
        value: &[u8],
        ttl_ns: u64,
    ) -> Result<bool, StoreError> {
        self.store().put_if(key, expected, value, ttl_ns)
    }
    fn delete(&mut self, key: &[u8]) -> Result<bool, StoreError> {
        self.store().delete(key)
    }
}
