//! The counters on Redis or Valkey: exact over any number of nodes.
//!
//! Every operation is one round trip: a script, a command or a transaction. All keys of a call are named to the server and, in a
//! cluster, every call touches one slot: `<prefix>:{#<key>}:<kind>`. A `take` of several quotas is one atomic script on a single
//! server; in a cluster each quota is drawn from on its own slot at the same time, and what was taken is given back when another
//! refuses (a request that runs at the same moment may be refused for the time of one round trip).
//!
//! Time is the server's. A call that gets no answer in time, and every call while the circuit breaker is open, is
//! [`StoreError::Unavailable`]: the caller decides what that means. Calls block their thread; on a tokio runtime make them inside
//! `block_in_place`, or use [`crate::ReconciledStore`], which never waits.

mod breaker;
mod driver;
mod reconciled;
mod scripts;

use std::time::{Duration, Instant};

use redis::Value;

use crate::gcra::Standing;
use crate::operations::{
    CounterStore, LeaseOutcome, LeaseRequest, Limit, StoreError, Takeover, check_key, check_lease,
    check_limits, check_value,
};
pub use reconciled::{DEBT_BURSTS, ReconciledStore};

use breaker::Breaker;
use driver::{Call, Driver};

/// How to reach the server and how long to wait for it.
#[derive(Clone)]
pub struct RedisOptions {
    /// `redis://[user:password@]host:port[/db]`; several for a cluster's seed nodes.
    pub urls: Vec<String>,
    /// Whether the servers form a cluster.
    pub cluster: bool,
    /// Stands in front of every key. No braces.
    pub prefix: String,
    /// The longest that a call may take.
    pub timeout: Duration,
    /// The longest that connecting may take.
    pub connect_timeout: Duration,
    /// Failures in a row after which the breaker opens.
    pub failures_to_open: u32,
    /// The first pause of an open breaker; it doubles up to `longest_pause`.
    pub shortest_pause: Duration,
    /// The longest pause of an open breaker.
    pub longest_pause: Duration,
}

impl RedisOptions {
    /// One server, with defaults fit for a request path: 50 ms for a call, the breaker open after 5 failures for 100 ms to 5 s.
    pub fn single(url: impl Into<String>) -> Self {
        Self {
            urls: vec![url.into()],
            cluster: false,
            prefix: "weir".to_owned(),
            timeout: Duration::from_millis(50),
            connect_timeout: Duration::from_millis(500),
            failures_to_open: 5,
            shortest_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
        }
    }
}

/// Addresses may hold a password.
impl std::fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisOptions")
            .field("urls", &format_args!("<{}>", self.urls.len()))
            .field("cluster", &self.cluster)
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The counters on Redis or Valkey.
#[derive(Debug)]
pub struct RedisStore {
    driver: Driver,
    breaker: Breaker,
    prefix: String,
    cluster: bool,
}

impl RedisStore {
    /// A store that connects at its first call.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for addresses or a prefix that cannot be used.
    pub fn new(options: &RedisOptions) -> Result<Self, StoreError> {
        if options.prefix.contains(['{', '}']) {
            return Err(StoreError::Invalid(format!(
                "redis: the prefix `{}` has braces",
                options.prefix
            )));
        }
        Ok(Self {
            driver: Driver::start(options)?,
            breaker: Breaker::new(
                options.failures_to_open,
                options.shortest_pause,
                options.longest_pause,
            ),
            prefix: options.prefix.clone(),
            cluster: options.cluster,
        })
    }

    /// Charges units that were admitted without asking, each by its limit's cost, whether there is room or not. One answer for each
    /// limit: nanoseconds until its quota is full again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn settle(&self, limits: &[Limit<'_>]) -> Result<Vec<u64>, StoreError> {
        check_limits(limits)?;
        let calls = limits
            .iter()
            .map(|limit| self.call(&scripts::SETTLE, &[limit.key], "t", numbers(limit)));
        let answers = self.ask(calls.collect())?;
        answers
            .iter()
            .map(|answer| Ok(micros(integer(answer)?)))
            .collect()
    }

    fn ask(&self, calls: Vec<Call>) -> Result<Vec<Value>, StoreError> {
        if !self.breaker.allows(Instant::now()) {
            return Err(StoreError::Unavailable(
                "redis: left alone after several failures".to_owned(),
            ));
        }
        let answer = self.driver.ask(calls);
        match &answer {
            Ok(_) => self.breaker.succeeded(),
            Err(_) => self.breaker.failed(Instant::now()),
        }
        answer
    }

    fn ask_one(&self, call: Call) -> Result<Value, StoreError> {
        self.ask(vec![call])?
            .pop()
            .ok_or_else(|| unexpected(&Value::Nil))
    }

    fn call(
        &self,
        script: &'static scripts::Script,
        keys: &[&[u8]],
        kind: &str,
        arguments: Vec<Vec<u8>>,
    ) -> Call {
        Call::Script {
            script,
            keys: keys.iter().map(|key| self.key(key, kind)).collect(),
            arguments,
        }
    }

    /// `#` keeps the hash tag from being empty when a key begins with a brace.
    fn key(&self, key: &[u8], kind: &str) -> Vec<u8> {
        [self.prefix.as_bytes(), b":{#", key, b"}:", kind.as_bytes()].concat()
    }

    /// Each quota on its own slot, at the same time; given back when one refuses.
    fn take_in_cluster(&self, limits: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError> {
        let calls = limits
            .iter()
            .map(|limit| self.call(&scripts::TAKE, &[limit.key], "t", numbers(limit)));
        let answers = self.ask(calls.collect())?;
        let mut standings = Vec::with_capacity(limits.len());
        for answer in &answers {
            standings.extend(read_standings(answer)?);
        }
        if standings.len() != limits.len() {
            return Err(unexpected(&Value::Nil));
        }
        if standings.iter().all(|standing| standing.allowed) {
            return Ok(standings);
        }
        let mut refunds = Vec::new();
        for (limit, standing) in limits.iter().zip(&mut standings) {
            if standing.allowed && limit.cost > 0 {
                let arguments = vec![interval_micros(limit), limit.cost.to_string().into_bytes()];
                refunds.push(self.call(&scripts::REFUND, &[limit.key], "t", arguments));
                standing.remaining = standing
                    .remaining
                    .saturating_add(limit.cost)
                    .min(limit.burst);
                let back = limit.interval_ns.saturating_mul(limit.cost);
                standing.reset_after_ns = standing.reset_after_ns.saturating_sub(back);
            }
        }
        if !refunds.is_empty() {
            self.ask(refunds)?;
        }
        Ok(standings)
    }
}

impl CounterStore for RedisStore {
    fn take(&self, limits: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError> {
        check_limits(limits)?;
        if limits.is_empty() {
            return Ok(Vec::new());
        }
        if self.cluster && limits.len() > 1 {
            return self.take_in_cluster(limits);
        }
        let keys: Vec<&[u8]> = limits.iter().map(|limit| limit.key).collect();
        let arguments = limits.iter().flat_map(numbers).collect();
        let standings =
            read_standings(&self.ask_one(self.call(&scripts::TAKE, &keys, "t", arguments))?)?;
        if standings.len() == limits.len() {
            Ok(standings)
        } else {
            Err(unexpected(&Value::Nil))
        }
    }

    fn lease(&self, request: LeaseRequest<'_>) -> Result<LeaseOutcome, StoreError> {
        check_lease(&request)?;
        let takeover = match request.takeover {
            Takeover::DropOldest => "drop",
            Takeover::RefuseNewest => "refuse",
        };
        let arguments = vec![
            request.holder.to_vec(),
            request.capacity.to_string().into_bytes(),
            millis_up(request.ttl_ns).to_string().into_bytes(),
            takeover.as_bytes().to_vec(),
        ];
        let answer = self.ask_one(self.call(&scripts::LEASE, &[request.set], "l", arguments))?;
        let Value::Array(fields) = &answer else {
            return Err(unexpected(&answer));
        };
        let [granted, active, retry, dropped] = fields.as_slice() else {
            return Err(unexpected(&answer));
        };
        let dropped = if let Value::BulkString(holder) = dropped {
            Some(holder.clone())
        } else {
            None
        };
        Ok(LeaseOutcome {
            granted: integer(granted)? == 1,
            active: u32::try_from(integer(active)?).unwrap_or(u32::MAX),
            dropped,
            retry_after_ns: micros(integer(retry)?.saturating_mul(1_000)),
        })
    }

    fn release(&self, set: &[u8], holder: &[u8]) -> Result<bool, StoreError> {
        check_key(set)?;
        check_key(holder)?;
        let answer =
            self.ask_one(self.call(&scripts::RELEASE, &[set], "l", vec![holder.to_vec()]))?;
        Ok(integer(&answer)? == 1)
    }

    fn increment(&self, key: &[u8], by: i64, ttl_ns: u64) -> Result<i64, StoreError> {
        check_key(key)?;
        let name = self.key(key, "n");
        let mut transaction = redis::pipe();
        transaction.atomic();
        let first = transaction.cmd("SET").arg(&name).arg(0).arg("NX");
        if ttl_ns > 0 {
            first.arg("PX").arg(millis_up(ttl_ns));
        }
        transaction.ignore().cmd("INCRBY").arg(&name).arg(by);
        let asked = self.ask_one(Call::Transaction(transaction));
        match &asked {
            Ok(Value::Array(answers)) => answers
                .last()
                .map_or_else(|| Err(unexpected(&Value::Nil)), integer),
            Ok(other) => integer(other),
            Err(StoreError::Unavailable(why)) if why.contains("overflow") => {
                let limit = if by > 0 { i64::MAX } else { i64::MIN };
                let mut set = redis::cmd("SET");
                set.arg(&name).arg(limit).arg("KEEPTTL");
                self.ask_one(Call::Command(set))?;
                Ok(limit)
            }
            Err(error) => Err(error.clone()),
        }
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        check_key(key)?;
        let mut get = redis::cmd("GET");
        get.arg(self.key(key, "v"));
        match self.ask_one(Call::Command(get))? {
            Value::Nil => Ok(None),
            Value::BulkString(bytes) => Ok(Some(bytes)),
            other => Err(unexpected(&other)),
        }
    }

    fn put_if(
        &self,
        key: &[u8],
        expected: Option<&[u8]>,
        value: &[u8],
        ttl_ns: u64,
    ) -> Result<bool, StoreError> {
        check_key(key)?;
        check_value(value)?;
        let ttl = if ttl_ns == 0 { 0 } else { millis_up(ttl_ns) };
        let arguments = vec![
            if expected.is_some() {
                b"1".to_vec()
            } else {
                b"0".to_vec()
            },
            expected.unwrap_or_default().to_vec(),
            value.to_vec(),
            ttl.to_string().into_bytes(),
        ];
        Ok(integer(&self.ask_one(self.call(&scripts::PUT_IF, &[key], "v", arguments))?)? == 1)
    }

    fn delete(&self, key: &[u8]) -> Result<bool, StoreError> {
        check_key(key)?;
        let mut delete = redis::cmd("DEL");
        for kind in ["t", "l", "n", "v"] {
            delete.arg(self.key(key, kind));
        }
        Ok(integer(&self.ask_one(Call::Command(delete))?)? > 0)
    }
}

/// The three numbers of a limit, as `take.lua` and `settle.lua` want them.
fn numbers(limit: &Limit<'_>) -> Vec<Vec<u8>> {
    vec![
        interval_micros(limit),
        limit.burst.to_string().into_bytes(),
        limit.cost.to_string().into_bytes(),
    ]
}

/// The interval in microseconds with three decimals.
fn interval_micros(limit: &Limit<'_>) -> Vec<u8> {
    format!(
        "{}.{:03}",
        limit.interval_ns / 1_000,
        limit.interval_ns % 1_000
    )
    .into_bytes()
}

fn read_standings(answer: &Value) -> Result<Vec<Standing>, StoreError> {
    let Value::Array(numbers) = answer else {
        return Err(unexpected(answer));
    };
    let standing = |four: &[Value]| {
        let [allowed, remaining, retry, reset] = four else {
            return Err(unexpected(answer));
        };
        let retry = integer(retry)?;
        Ok(Standing {
            allowed: integer(allowed)? == 1,
            remaining: u64::try_from(integer(remaining)?).unwrap_or(0),
            retry_after_ns: if retry < 0 { u64::MAX } else { micros(retry) },
            reset_after_ns: micros(integer(reset)?),
        })
    };
    numbers.chunks(4).map(standing).collect()
}

fn integer(value: &Value) -> Result<i64, StoreError> {
    match value {
        Value::Int(number) => Ok(*number),
        other => Err(unexpected(other)),
    }
}

fn micros(micros: i64) -> u64 {
    u64::try_from(micros).unwrap_or(0).saturating_mul(1_000)
}

/// Redis keeps expiries in milliseconds; a shorter one must not become "none". At most 100 years, which its clock still holds.
fn millis_up(ns: u64) -> u64 {
    ns.div_ceil(1_000_000).clamp(1, 100 * 366 * 86_400_000)
}

fn unexpected(value: &Value) -> StoreError {
    let kind = match value {
        Value::Nil => "nothing",
        Value::Int(_) => "a number",
        Value::Array(_) => "an array",
        Value::BulkString(_) => "a string",
        _ => "something else",
    };
    StoreError::Unavailable(format!(
        "redis: the server answered {kind} where another kind was due"
    ))
}
