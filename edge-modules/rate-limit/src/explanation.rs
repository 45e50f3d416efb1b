//! Why a request was decided as it was, told only to those who hold the debug key.
//!
//! The request carries `weir-debug: <unix seconds>.<hex HMAC-SHA-256>` over `<unix seconds> <path>`; it is good for five minutes.

use std::fmt::Write as _;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use weir_module::RequestHead;

use crate::quota::{Draw, Drawn};
use crate::request::Request;

/// The request header that asks.
pub(crate) const ASKS: &str = "weir-debug";
/// The response header that tells.
pub(crate) const TELLS: &str = "weir-decision";

const GOOD_FOR_SECS: u64 = 300;

/// Checks the signature of requests that ask.
#[derive(Clone)]
pub(crate) struct Explainer {
    key: Vec<u8>,
}

impl Explainer {
    /// Checks signatures under this key.
    pub(crate) fn new(key: &str) -> Self {
        Self {
            key: key.as_bytes().to_vec(),
        }
    }

    /// True when the request asks for an explanation and may have one.
    pub(crate) fn is_asked(&self, head: &RequestHead<'_>, now_ns: u64) -> bool {
        let Some((time, signature)) = head
            .header_str(ASKS)
            .and_then(|value| value.split_once('.'))
        else {
            return false;
        };
        let (Ok(signed_at), Ok(signature)) = (time.parse::<u64>(), hex::decode(signature)) else {
            return false;
        };
        if signed_at.abs_diff(now_ns / 1_000_000_000) > GOOD_FOR_SECS {
            return false;
        }
        self.mac(&format!("{time} {}", head.path()))
            .is_some_and(|mac| mac.verify_slice(&signature).is_ok())
    }

    fn mac(&self, text: &str) -> Option<Hmac<Sha256>> {
        // HMAC takes a key of any length, so this is always there.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(text.as_bytes());
        Some(mac)
    }
}

impl std::fmt::Debug for Explainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Explainer(<secret>)")
    }
}

/// The explanation: `tier=free class=segment cost=1 route=- free:allowed;r=99;key=…`. Keys hold no secret; tokens are digests.
pub(crate) fn explain(request: &Request<'_>, drawn: &[(&Draw<'_>, Drawn)]) -> String {
    let route = request.route.unwrap_or("-");
    let mut text = format!(
        "tier={} class={} cost={} route={route}",
        request.tier, request.class, request.cost
    );
    for (draw, drawn) in drawn {
        let verdict = if drawn.allowed { "allowed" } else { "refused" };
        let key = String::from_utf8_lossy(&draw.key);
        let _ = write!(
            text,
            " {}:{verdict};r={};factor={};key={key}",
            draw.quota.name, drawn.remaining, draw.factor
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_module::{HeadBuffer, HeaderNames};

    #[test]
    fn only_a_fresh_signature_over_the_path_asks() {
        let explainer = Explainer::new("0123456789abcdef");
        let sign = |text: &str| hex::encode(explainer.mac(text).unwrap().finalize().into_bytes());
        let asked = |path: &str, header: String, now: u64| {
            let names = HeaderNames::new([ASKS]);
            let mut buffer = HeadBuffer::default();
            buffer.start("GET", path).unwrap();
            buffer.named(&names, ASKS, header.as_bytes()).unwrap();
            explainer.is_asked(
                &RequestHead::decode(&names, buffer.as_bytes()).unwrap(),
                now * 1_000_000_000,
            )
        };
        let good = format!("1000.{}", sign("1000 /a.m3u8"));
        assert!(asked("/a.m3u8?x=1", good.clone(), 1_000));
        assert!(asked("/a.m3u8", good.clone(), 1_300));
        assert!(!asked("/a.m3u8", good.clone(), 1_301));
        assert!(!asked("/b.m3u8", good.clone(), 1_000));
        assert!(!asked(
            "/a.m3u8",
            format!("1001.{}", sign("1000 /a.m3u8")),
            1_000
        ));
        assert!(!asked("/a.m3u8", "1000.".into(), 1_000));
        assert!(!asked("/a.m3u8", "x".into(), 1_000));
        assert_eq!(format!("{explainer:?}"), "Explainer(<secret>)");
    }
}
