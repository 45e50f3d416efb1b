//! What a verified token grants, in one shape for every format: who, until when, and within which limits.

use std::sync::Arc;

use crate::format::long_token::LongToken;
use crate::reason::{Reason, Refused};
pub use crate::restriction::{AccessRule, Request, Restriction};
pub use crate::uri_part::UriPart;

/// What a verified token says. Everything that limits it is in `restrictions`, so that a new format adds no new check.
#[derive(Debug, Clone, Default)]
pub struct Grant {
    /// Who issued it.
    pub issuer: Option<String>,
    /// Whom it speaks of: goes on as `weir-subject`.
    pub subject: Option<String>,
    /// The token's own id.
    pub token_id: Option<String>,
    /// The playback session: goes on as `weir-session`.
    pub session: Option<String>,
    /// The subscription tier: goes on as `weir-tier`.
    pub tier: Option<String>,
    /// What the subject may have, each `name` or `name=value`: goes on as `weir-entitlements`.
    pub entitlements: Vec<String>,
    /// From this second on (Unix time).
    pub not_before: Option<i64>,
    /// Until before this second (Unix time).
    pub expires: Option<i64>,
    /// When it was made (Unix time).
    pub issued_at: Option<i64>,
    /// What is put in front of the path that goes on: the token's own place in it.
    pub path_prefix: Option<String>,
    /// All of these must hold.
    pub restrictions: Vec<Restriction>,
    /// What the issuer wants answered when a limit does not hold.
    pub on_failure: Vec<(Reason, FailureAnswer)>,
    /// How often the token may be used.
    pub replay: Replay,
    /// How the token renews itself.
    pub renewal: Option<Box<Renewal>>,
    /// The longer token that is handed out for this one.
    pub exchange: Option<Box<LongToken>>,
}

/// How often a token may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Replay {
    /// As often as one likes.
    #[default]
    Permitted,
    /// Once, anywhere; needs the shared state.
    Once,
    /// Once for each path; needs the shared state.
    OncePerPath,
}

/// An answer that the token itself prescribes for a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureAnswer {
    /// The status, 300 to 599.
    pub status: u16,
    /// Headers to add.
    pub headers: Vec<(String, String)>,
}

/// How a token is replaced by one that lasts longer. The new expiry counts from the moment of renewal, never from the old expiry, so that
/// renewing often gains nothing.
#[derive(Debug, Clone)]
pub struct Renewal {
    /// How the new token travels.
    pub by: RenewalCarrier,
    /// Seconds that the new token lasts.
    pub lasts: i64,
    /// Seconds before the expiry from which on the token is renewed; none for at every request.
    pub deadline: Option<i64>,
    /// What the new token says.
    pub claims: RenewedClaims,
    /// What signs the new token; none until the token's own key is known.
    pub signer: Option<Signer>,
}

/// The claims of a token that renews itself, in the form in which they are signed again.
#[derive(Debug, Clone)]
pub enum RenewedClaims {
    /// A CBOR map, and the tags that stood in front.
    Cat(crate::cbor::Value, crate::cose::Tags),
    /// A JSON object.
    Jwt(serde_json::Map<String, serde_json::Value>),
}

/// What signs a token that this module makes.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The private key or the shared secret.
    pub key: Arc<crate::signature::SigningKey>,
    /// With which algorithm.
    pub algorithm: crate::signature::Algorithm,
    /// The name that the new token gives the key.
    pub key_id: Option<Vec<u8>>,
}

/// How a renewed token travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenewalCarrier {
    /// In a cookie of this name, with these attributes.
    Cookie(String, Vec<String>),
    /// In a cookie of this name, for paths that begin with as many segments of this one, with these further attributes.
    CookieBelow(String, usize, Vec<String>),
    /// In a response header of this name, with these parameters.
    Header(String, Vec<String>),
    /// In this query parameter of the URLs that a playlist names.
    Query(String),
    /// In a redirect to the same URL, with this status.
    Redirect(u16),
}

impl Grant {
    /// Checks the token's times against the clock, `skew` seconds of difference forgiven.
    ///
    /// # Errors
    /// [`Reason::TokenExpired`], [`Reason::TokenNotYetValid`] (RFC 7519 sections 4.1.4 and 4.1.5).
    pub fn check_times(&self, now: i64, skew: i64) -> Result<(), Refused> {
        if self
            .expires
            .is_some_and(|expires| now >= expires.saturating_add(skew))
        {
            return Err(Reason::TokenExpired.into());
        }
        if self
            .not_before
            .is_some_and(|from| now < from.saturating_sub(skew))
        {
            return Err(Reason::TokenNotYetValid.into());
        }
        Ok(())
    }

    /// Checks everything that depends on the request.
    ///
    /// # Errors
    /// The first limit that does not hold.
    pub fn check(&self, request: &Request<'_>) -> Result<(), Refused> {
        self.restrictions
            .iter()
            .try_for_each(|restriction| restriction.check(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_half_open() {
        let grant = Grant {
            not_before: Some(100),
            expires: Some(200),
            ..Grant::default()
        };
        let reason = |now, skew| {
            grant
                .check_times(now, skew)
                .err()
                .map(|refused| refused.reason)
        };
        assert_eq!(reason(99, 0), Some(Reason::TokenNotYetValid));
        assert_eq!(reason(100, 0), None);
        assert_eq!(reason(199, 0), None);
        assert_eq!(reason(200, 0), Some(Reason::TokenExpired));
        assert_eq!(reason(204, 5), None);
        assert_eq!(reason(95, 5), None);
        let extreme = Grant {
            not_before: Some(i64::MIN),
            expires: Some(i64::MAX),
            ..Grant::default()
        };
        assert!(extreme.check_times(0, 60).is_ok());
    }
}
