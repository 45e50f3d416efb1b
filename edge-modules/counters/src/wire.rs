//! The operations as bytes, for a state authority over HTTP: one request body, one answer body, [`CONTENT_TYPE`].
//!
//! A request is the version (1), the operation (1 byte) and its fields; an answer is the version, the outcome (0 done, 1 unavailable,
//! 2 invalid) and the result or the reason. Numbers are little-endian; bytes and lists come after their length or count (u32); an optional
//! field comes after a byte that says whether it is there.
//!
//! | operation | fields | result |
//! |---|---|---|
//! | 1 take | count, then key, interval, burst, cost (u64) of each | count, then allowed (1), remaining, retry-after, reset-after (u64) of each |
//! | 2 lease | set, holder, capacity (u32), ttl (u64), takeover (1: drop the oldest) | granted (1), active (u32), optional dropped, retry-after (u64) |
//! | 3 release | set, holder | held (1) |
//! | 4 increment | key, by (i64), ttl (u64) | sum (i64) |
//! | 5 get | key | optional value |
//! | 6 put-if | key, optional expected, value, ttl (u64) | written (1) |
//! | 7 delete | key | removed (1) |

use crate::fields::{byte, bytes, i64, push_bytes, push_u32, push_u64, u32, u64};
use crate::gcra::Standing;
use crate::operations::{
    CounterStore, LeaseOutcome, LeaseRequest, Limit, MAX_LIMITS, StoreError, Takeover, check_key,
    check_lease, check_limits, check_value,
};

/// The media type of both bodies.
pub const CONTENT_TYPE: &str = "application/vnd.weir.counters";
/// The longest body that a well-formed request or answer has: the largest value and what stands around it.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

const VERSION: u8 = 1;
const DONE: u8 = 0;
const UNAVAILABLE: u8 = 1;
const INVALID: u8 = 2;

/// Answers one request body from a store: what an authority does.
pub fn serve(store: &(impl CounterStore + ?Sized), request: &[u8]) -> Vec<u8> {
    let mut out = vec![VERSION, DONE];
    let refused = match run(store, request, &mut out) {
        Some(Ok(())) => return out,
        Some(Err(error)) => error,
        None => StoreError::Invalid("the request body cannot be read".to_owned()),
    };
    let (outcome, why) = match &refused {
        StoreError::Unavailable(why) => (UNAVAILABLE, why),
        StoreError::Invalid(why) => (INVALID, why),
    };
    let mut out = vec![VERSION, outcome];
    push_bytes(&mut out, why.as_bytes());
    out
}

/// None: the request cannot be read.
fn run(
    store: &(impl CounterStore + ?Sized),
    request: &[u8],
    out: &mut Vec<u8>,
) -> Option<Result<(), StoreError>> {
    let mut rest = request;
    if byte(&mut rest)? != VERSION {
        return None;
    }
    let operation = byte(&mut rest)?;
    let rest = &mut rest;
    let done = match operation {
        1 => {
            let count = usize::try_from(u32(rest)?)
                .ok()
                .filter(|count| *count <= MAX_LIMITS)?;
            let mut limits = Vec::with_capacity(count);
            for _ in 0..count {
                limits.push(Limit {
                    key: bytes(rest)?,
                    interval_ns: u64(rest)?,
                    burst: u64(rest)?,
                    cost: u64(rest)?,
                });
            }
            at_end(rest)?;
            store.take(&limits).map(|standings| {
                push_u32(out, u32::try_from(standings.len()).unwrap_or(0));
                for standing in standings {
                    out.push(u8::from(standing.allowed));
                    for number in [
                        standing.remaining,
                        standing.retry_after_ns,
                        standing.reset_after_ns,
                    ] {
                        push_u64(out, number);
                    }
                }
            })
        }
        2 => {
            let (set, holder, capacity, ttl_ns) =
                (bytes(rest)?, bytes(rest)?, u32(rest)?, u64(rest)?);
            let takeover = if flag(rest)? {
                Takeover::DropOldest
            } else {
                Takeover::RefuseNewest
            };
            at_end(rest)?;
            store
                .lease(LeaseRequest {
                    set,
                    holder,
                    capacity,
                    ttl_ns,
                    takeover,
                })
                .map(|outcome| {
                    out.push(u8::from(outcome.granted));
                    push_u32(out, outcome.active);
                    push_optional(out, outcome.dropped.as_deref());
                    push_u64(out, outcome.retry_after_ns);
                })
        }
        3 => {
            let (set, holder) = (bytes(rest)?, bytes(rest)?);
            at_end(rest)?;
            store
                .release(set, holder)
                .map(|held| out.push(u8::from(held)))
        }
        4 => {
            let (key, by, ttl_ns) = (bytes(rest)?, i64(rest)?, u64(rest)?);
            at_end(rest)?;
            store
                .increment(key, by, ttl_ns)
                .map(|sum| out.extend_from_slice(&sum.to_le_bytes()))
        }
        5 => {
            let key = bytes(rest)?;
            at_end(rest)?;
            store
                .get(key)
                .map(|value| push_optional(out, value.as_deref()))
        }
        6 => {
            let (key, expected, value, ttl_ns) =
                (bytes(rest)?, optional(rest)?, bytes(rest)?, u64(rest)?);
            at_end(rest)?;
            store
                .put_if(key, expected, value, ttl_ns)
                .map(|written| out.push(u8::from(written)))
        }
        7 => {
            let key = bytes(rest)?;
            at_end(rest)?;
            store.delete(key).map(|removed| out.push(u8::from(removed)))
        }
        _ => return None,
    };
    Some(done)
}

/// Carries a request body to an authority.
pub trait Transport {
    /// Sends a body and waits for the answer's body, at most the transport's time-out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn exchange(&self, body: Vec<u8>) -> Result<Vec<u8>, StoreError>;
}

/// The counters of an authority.
#[derive(Debug, Clone)]
pub struct RemoteStore<T>(pub T);

impl<T: Transport> RemoteStore<T> {
    fn ask<R>(
        &self,
        operation: u8,
        write: impl FnOnce(&mut Vec<u8>),
        read: impl FnOnce(&mut &[u8]) -> Option<R>,
    ) -> Result<R, StoreError> {
        let mut body = vec![VERSION, operation];
        write(&mut body);
        let answer = self.0.exchange(body)?;
        read_answer(&answer, read).unwrap_or_else(|| {
            Err(StoreError::Unavailable(
                "the authority's answer cannot be read".to_owned(),
            ))
        })
    }
}

fn read_answer<R>(
    answer: &[u8],
    read: impl FnOnce(&mut &[u8]) -> Option<R>,
) -> Option<Result<R, StoreError>> {
    let mut rest = answer;
    if byte(&mut rest)? != VERSION {
        return None;
    }
    let outcome = byte(&mut rest)?;
    let rest = &mut rest;
    let result = match outcome {
        DONE => Ok(read(rest)?),
        UNAVAILABLE => Err(StoreError::Unavailable(reason(rest)?)),
        INVALID => Err(StoreError::Invalid(reason(rest)?)),
        _ => return None,
    };
    at_end(rest)?;
    Some(result)
}

fn reason(rest: &mut &[u8]) -> Option<String> {
    Some(String::from_utf8_lossy(bytes(rest)?).into_owned())
}

impl<T: Transport> CounterStore for RemoteStore<T> {
    fn take(&self, limits: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError> {
        check_limits(limits)?;
        let write = |out: &mut Vec<u8>| {
            push_u32(out, u32::try_from(limits.len()).unwrap_or(0));
            for limit in limits {
                push_bytes(out, limit.key);
                for number in [limit.interval_ns, limit.burst, limit.cost] {
                    push_u64(out, number);
                }
            }
        };
        self.ask(1, write, |rest| {
            let count = usize::try_from(u32(rest)?)
                .ok()
                .filter(|count| *count == limits.len())?;
            let mut standings = Vec::with_capacity(count);
            for _ in 0..count {
                standings.push(Standing {
                    allowed: flag(rest)?,
                    remaining: u64(rest)?,
                    retry_after_ns: u64(rest)?,
                    reset_after_ns: u64(rest)?,
                });
            }
            Some(standings)
        })
    }

    fn lease(&self, request: LeaseRequest<'_>) -> Result<LeaseOutcome, StoreError> {
        check_lease(&request)?;
        let write = |out: &mut Vec<u8>| {
            push_bytes(out, request.set);
            push_bytes(out, request.holder);
            push_u32(out, request.capacity);
            push_u64(out, request.ttl_ns);
            out.push(u8::from(request.takeover == Takeover::DropOldest));
        };
        self.ask(2, write, |rest| {
            Some(LeaseOutcome {
                granted: flag(rest)?,
                active: u32(rest)?,
                dropped: optional(rest)?.map(<[u8]>::to_vec),
                retry_after_ns: u64(rest)?,
            })
        })
    }

    fn release(&self, set: &[u8], holder: &[u8]) -> Result<bool, StoreError> {
        check_key(set)?;
        check_key(holder)?;
        let write = |out: &mut Vec<u8>| {
            push_bytes(out, set);
            push_bytes(out, holder);
        };
        self.ask(3, write, flag)
    }

    fn increment(&self, key: &[u8], by: i64, ttl_ns: u64) -> Result<i64, StoreError> {
        check_key(key)?;
        let write = |out: &mut Vec<u8>| {
            push_bytes(out, key);
            out.extend_from_slice(&by.to_le_bytes());
            push_u64(out, ttl_ns);
        };
        self.ask(4, write, i64)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        check_key(key)?;
        self.ask(
            5,
            |out| push_bytes(out, key),
            |rest| Some(optional(rest)?.map(<[u8]>::to_vec)),
        )
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
        if expected.is_some_and(|expected| check_value(expected).is_err()) {
            return Ok(false);
        }
        let write = |out: &mut Vec<u8>| {
            push_bytes(out, key);
            push_optional(out, expected);
            push_bytes(out, value);
            push_u64(out, ttl_ns);
        };
        self.ask(6, write, flag)
    }

    fn delete(&self, key: &[u8]) -> Result<bool, StoreError> {
        check_key(key)?;
        self.ask(7, |out| push_bytes(out, key), flag)
    }
}

fn push_optional(out: &mut Vec<u8>, value: Option<&[u8]>) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        push_bytes(out, value);
    }
}

fn optional<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    if flag(rest)? {
        Some(Some(bytes(rest)?))
    } else {
        Some(None)
    }
}

fn flag(rest: &mut &[u8]) -> Option<bool> {
    match byte(rest)? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// Trailing bytes are a sign of two sides that mean different things.
fn at_end(rest: &[u8]) -> Option<()> {
    rest.is_empty().then_some(())
}

/// Reads any bytes as a request and as an answer: the body of the fuzz target. Answers must be readable by the other side.
pub fn fuzz(data: &[u8]) {
    struct Fixed<'d>(&'d [u8]);
    impl Transport for Fixed<'_> {
        fn exchange(&self, _: Vec<u8>) -> Result<Vec<u8>, StoreError> {
            Ok(self.0.to_vec())
        }
    }
    let store = crate::MemoryStore::builder()
        .shards(1)
        .max_bytes(1 << 16)
        .build();
    let answer = serve(&store, data);
    assert!(matches!(answer.as_slice(), [VERSION, DONE..=INVALID, ..]));
    let remote = RemoteStore(Fixed(data));
    let _ = remote.take(&[Limit {
        key: b"k",
        interval_ns: 1,
        burst: 1,
        cost: 1,
    }]);
    let _ = remote.lease(LeaseRequest {
        set: b"s",
        holder: b"h",
        capacity: 1,
        ttl_ns: 1,
        takeover: Takeover::DropOldest,
    });
    let _ = (
        remote.get(b"k"),
        remote.increment(b"k", 1, 1),
        remote.delete(b"k"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_answered(data: Vec<u8>, operation in 0u8..9, versioned: bool) {
            let data = if versioned { [&[VERSION, operation], data.as_slice()].concat() } else { data };
            fuzz(&data);
        }
    }

    #[test]
    fn a_wrong_call_comes_back_as_invalid() {
        let store = crate::MemoryStore::default();
        let mut body = vec![VERSION, 5];
        push_bytes(&mut body, b"");
        assert_eq!(serve(&store, &body)[..2], [VERSION, INVALID]);
        body.push(0);
        assert_eq!(
            serve(&store, &body)[..2],
            [VERSION, INVALID],
            "trailing bytes"
        );
    }
}
