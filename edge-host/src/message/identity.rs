//! The request id and the trace that a request belongs to.

use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

use super::fields::REQUEST_ID;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// The longest id that is taken over from a client.
const MAX_ID: usize = 128;

/// Makes ids: a random start for each process, then counting, mixed so that they do not tell how many there were.
#[derive(Debug)]
pub(crate) struct Identities {
    key: u64,
    next: AtomicU64,
}

impl Identities {
    /// # Errors
    /// The system has no random bytes.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self {
            key: getrandom::u64()?,
            next: AtomicU64::new(getrandom::u64()?),
        })
    }

    /// Gives a request its id: the client's when it is well formed, else a new one.
    pub(crate) fn identify(&self, headers: &mut HeaderMap) -> HeaderValue {
        if let Some(id) = headers.get(REQUEST_ID)
            && is_well_formed(id.as_bytes())
        {
            return id.clone();
        }
        let (a, b) = self.draw();
        let id = hex(a, b);
        // Hexadecimal digits are visible ASCII.
        let id = HeaderValue::from_bytes(&id).unwrap_or(HeaderValue::from_static("0"));
        headers.insert(REQUEST_ID, id.clone());
        id
    }

    /// Makes this node a span of the request's trace (W3C Trace Context): the trace id stays, the parent id is new. Without a
    /// valid `traceparent` nothing is added, and `tracestate` goes too (section 3.3.1 there).
    pub(crate) fn trace(&self, headers: &mut HeaderMap) {
        let Some(parent) = headers.get(TRACEPARENT) else {
            return;
        };
        let Some(trace) = parent.to_str().ok().and_then(Trace::parse) else {
            headers.remove(TRACEPARENT);
            headers.remove(TRACESTATE);
            return;
        };
        let (span, _) = self.draw();
        let value = format!("00-{}-{:016x}-{:02x}", trace.id, span.max(1), trace.flags);
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(TRACEPARENT, value);
        }
    }

    fn draw(&self) -> (u64, u64) {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        (mix(count ^ self.key), mix(count.wrapping_add(self.key)))
    }
}

/// The finaliser of SplitMix64: a bijection, so ids of one process never repeat.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn hex(a: u64, b: u64) -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = [0; 32];
    for (place, byte) in out
        .chunks_exact_mut(2)
        .zip(a.to_be_bytes().into_iter().chain(b.to_be_bytes()))
    {
        place[0] = DIGITS[usize::from(byte >> 4)];
        place[1] = DIGITS[usize::from(byte & 15)];
    }
    out
}

fn is_well_formed(id: &[u8]) -> bool {
    (1..=MAX_ID).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:+/=".contains(byte))
}

struct Trace<'a> {
    id: &'a str,
    flags: u8,
}

impl<'a> Trace<'a> {
    /// `version "-" trace-id "-" parent-id "-" trace-flags`, more only in later versions.
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, id, parent, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let lower_hex = |text: &str, length| {
            text.len() == length
                && text
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let sound = lower_hex(version, 2)
            && version != "ff"
            && (version != "00" || parts.next().is_none())
            && lower_hex(id, 32)
            && id.bytes().any(|byte| byte != b'0')
            && lower_hex(parent, 16)
            && parent.bytes().any(|byte| byte != b'0')
            && lower_hex(flags, 2);
        sound.then_some(Self {
            id,
            flags: u8::from_str_radix(flags, 16).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_kept_when_sound_and_made_when_not() {
        let identities = Identities::new().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("abc-1"));
        assert_eq!(identities.identify(&mut headers), "abc-1");
        headers.insert(REQUEST_ID, HeaderValue::from_static("a b\"c"));
        let made = identities.identify(&mut headers);
        assert_eq!(made.len(), 32);
        assert_eq!(headers[REQUEST_ID], made);
        headers.remove(REQUEST_ID);
        assert_ne!(identities.identify(&mut headers), made);
    }

    #[test]
    fn the_trace_goes_on_and_the_span_is_ours() {
        let identities = Identities::new().unwrap();
        let mut headers = HeaderMap::new();
        let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        headers.insert(TRACEPARENT, HeaderValue::from_static(sent));
        identities.trace(&mut headers);
        let now = headers[TRACEPARENT].to_str().unwrap();
        assert!(now.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && now.ends_with("-01"));
        assert_ne!(now, sent);
        headers.insert(TRACEPARENT, HeaderValue::from_static("00-0-0-0"));
        identities.trace(&mut headers);
        assert!(!headers.contains_key(TRACEPARENT));
    }
}
