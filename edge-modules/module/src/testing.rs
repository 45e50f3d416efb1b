//! A host for native tests of a module's logic, and a way to run a whole exchange without a network.

use crate::{
    Answer, Collected, Counters, Edits, Forward, HeadBuffer, HeaderNames, Host, Level, Module,
    NoCounters, Reply, RequestHead, ResponseHead, Step, Verdict,
};

/// A host with a settable clock, counters of the caller's choice, and a record of what the module said.
#[derive(Debug, Default)]
pub struct TestHost<C = NoCounters> {
    /// What [`Host::now_ns`] answers.
    pub now_ns: u64,
    /// What [`Host::counters`] answers.
    pub counters: C,
    /// Names given to [`Host::refresh_document`].
    pub refreshed: Vec<String>,
    /// Lines given to [`Host::log`].
    pub logged: Vec<(Level, String)>,
}

impl<C: Counters> Host for TestHost<C> {
    fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn counters(&mut self) -> &mut dyn Counters {
        &mut self.counters
    }

    fn refresh_document(&mut self, name: &str) {
        self.refreshed.push(name.to_owned());
    }

    fn log(&mut self, level: Level, message: &str) {
        self.logged.push((level, message.to_owned()));
    }
}

/// Asks a module about one request, through the same flat head that both doors use.
///
/// # Panics
/// When the head does not fit its length fields.
pub fn decide<M: Module>(
    module: &mut M,
    host: &mut dyn Host,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> Verdict {
    let names = HeaderNames::new(module.headers());
    let mut buffer = HeadBuffer::default();
    buffer.start(method, target).expect("a test's target fits");
    for (name, value) in headers {
        buffer
            .named(&names, name, value.as_bytes())
            .expect("a test's header fits");
    }
    let head = RequestHead::decode(&names, buffer.as_bytes()).expect("just encoded");
    module.decide(&head, host)
}

/// How a response came out of an exchange.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The upstream response with edits and a body (transformed or not).
    Upstream(Edits, Vec<u8>),
    /// A response of the module's own.
    Answer(Answer),
    /// The transform gave up.
    BrokenOff(String),
}

/// Runs an exchange to its end. `chain` answers the module's own requests; `chunk` is the size in which bodies arrive.
pub fn exchange(
    verdict: Verdict,
    host: &mut dyn Host,
    first: (ResponseHead, Vec<u8>),
    chunk: usize,
    mut chain: impl FnMut(&Forward) -> (ResponseHead, Vec<u8>),
) -> Outcome {
    let mut waiting = match verdict {
        Verdict::Exchange(_, exchange) => exchange,
        Verdict::Pass(edits) => return Outcome::Upstream(edits, first.1),
        Verdict::Answer(answer) => return Outcome::Answer(answer),
    };
    let (mut head, mut body) = first;
    loop {
        let step = match waiting.respond(&head, host) {
            Reply::Pass(edits) => return Outcome::Upstream(edits, body),
            Reply::Answer(answer) => return Outcome::Answer(answer),
            Reply::Stream(edits, mut transform) => {
                let mut out = Vec::new();
                let pushed = body
                    .chunks(chunk.max(1))
                    .try_for_each(|part| transform.push(part, &mut out));
                return match pushed.and_then(|()| transform.finish(&mut out)) {
                    Ok(()) => Outcome::Upstream(edits, out),
                    Err(reason) => Outcome::BrokenOff(reason),
                };
            }
            Reply::Collect { limit, then } => {
                let collected = if body.len() > limit {
                    Collected::TooLarge
                } else {
                    Collected::Whole(body)
                };
                then(collected, host)
            }
        };
        match step {
            Step::Answer(answer) => return Outcome::Answer(answer),
            Step::Forward(forward, next) => {
                (head, body) = chain(&forward);
                waiting = next;
            }
        }
    }
}

/// Damages bytes as a fuzzer does, for property tests over saved inputs: each change is a place (counted round), a byte, and what to do there: write
/// the byte, flip a bit, insert the byte, or cut off all that follows.
pub fn damage(bytes: &mut Vec<u8>, changes: &[(usize, u8, u8)]) {
    for &(at, byte, how) in changes {
        let Some(at) = at.checked_rem(bytes.len()) else {
            return;
        };
        match how % 4 {
            0 => bytes[at] = byte,
            1 => bytes[at] ^= 1 << (byte % 8),
            2 => bytes.insert(at, byte),
            _ => bytes.truncate(at),
        }
    }
}
