//! Why a request is refused: the stable codes that players, logs and metrics see.

use std::borrow::Cow;
use std::fmt;

/// The reason for a refusal. Each has a code that never changes and a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The path can be read in two ways, or climbs above the root.
    PathAmbiguous,
    /// Two different tokens in one request.
    TokensConflict,
    /// No token where one is needed.
    TokenMissing,
    /// A token that is not well formed.
    TokenMalformed,
    /// An algorithm that the key or the configuration does not allow, `none` among them.
    AlgorithmNotAllowed,
    /// No key fits the token.
    KeyUnknown,
    /// The key set could not be fetched yet.
    KeysUnavailable,
    /// The signature does not hold.
    SignatureInvalid,
    /// A critical extension that is not understood.
    CriticalUnsupported,
    /// A claim of the wrong type or out of range.
    ClaimMalformed,
    /// A claim that the configuration requires is absent.
    ClaimMissing,
    /// A claim that restricts in a way that cannot be enforced here.
    ClaimUnsupported,
    /// Too late.
    TokenExpired,
    /// Too early.
    TokenNotYetValid,
    /// Issued too long ago, or in the future.
    TokenAgeNotAllowed,
    /// Another issuer's token, or a key of another issuer.
    IssuerNotAllowed,
    /// A token for somebody else's service.
    AudienceNotAllowed,
    /// The token does not cover this path.
    PathNotAllowed,
    /// The token does not cover this method.
    MethodNotAllowed,
    /// The token is bound to another client address.
    AddressNotAllowed,
    /// The token is bound to other countries or places.
    CountryNotAllowed,
    /// The token is bound to another network.
    AsnNotAllowed,
    /// The token is bound to another page.
    ReferrerNotAllowed,
    /// The token is bound to the value of a request header.
    HeaderNotAllowed,
    /// The token is bound to another protocol or TLS client.
    ConnectionNotAllowed,
    /// The token was taken back.
    TokenRevoked,
    /// The token was used before and may be used once.
    TokenReplayed,
    /// The session is seen in too many places.
    SessionShared,
    /// The session is seen in too many places: sign in again.
    SessionChallenged,
    /// What the decision needs from the shared state is not there.
    StateUnavailable,
    /// The route takes nobody.
    RouteClosed,
}

impl Reason {
    /// Every reason, for tests and documents.
    pub const ALL: [Reason; 31] = [
        Self::PathAmbiguous,
        Self::TokensConflict,
        Self::TokenMissing,
        Self::TokenMalformed,
        Self::AlgorithmNotAllowed,
        Self::KeyUnknown,
        Self::KeysUnavailable,
        Self::SignatureInvalid,
        Self::CriticalUnsupported,
        Self::ClaimMalformed,
        Self::ClaimMissing,
        Self::ClaimUnsupported,
        Self::TokenExpired,
        Self::TokenNotYetValid,
        Self::TokenAgeNotAllowed,
        Self::IssuerNotAllowed,
        Self::AudienceNotAllowed,
        Self::PathNotAllowed,
        Self::MethodNotAllowed,
        Self::AddressNotAllowed,
        Self::CountryNotAllowed,
        Self::AsnNotAllowed,
        Self::ReferrerNotAllowed,
        Self::HeaderNotAllowed,
        Self::ConnectionNotAllowed,
        Self::TokenRevoked,
        Self::TokenReplayed,
        Self::SessionShared,
        Self::SessionChallenged,
        Self::StateUnavailable,
        Self::RouteClosed,
    ];

    /// The code: short, stable, the end of the problem's `type`.
    pub fn code(self) -> &'static str {
        self.row().0
    }

    /// The status, unless the configuration says otherwise (an expired token may answer 410).
    pub fn status(self) -> u16 {
        self.row().1
    }

    /// One sentence for people.
    pub fn title(self) -> &'static str {
        self.row().2
    }

    /// The `error` of `WWW-Authenticate: Bearer` (RFC 6750 section 3.1); none when the request had no token at all.
    pub fn bearer_error(self) -> Option<&'static str> {
        match (self, self.status()) {
            (Self::TokenMissing, _) => None,
            (Self::TokenExpired, _) | (_, 401) => Some("invalid_token"),
            (_, 400) => Some("invalid_request"),
            _ => Some("insufficient_scope"),
        }
    }

    fn row(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::PathAmbiguous => (
                "path-ambiguous",
                400,
                "The path can be read in more than one way",
            ),
            Self::TokensConflict => (
                "tokens-conflict",
                400,
                "The request carries different tokens",
            ),
            Self::TokenMissing => ("token-missing", 401, "A token is needed"),
            Self::TokenMalformed => ("token-malformed", 401, "The token cannot be read"),
            Self::AlgorithmNotAllowed => (
                "algorithm-not-allowed",
                401,
                "The token's algorithm is not allowed",
            ),
            Self::KeyUnknown => ("key-unknown", 401, "No key fits the token"),
            Self::KeysUnavailable => ("keys-unavailable", 503, "The keys are not available yet"),
            Self::SignatureInvalid => (
                "signature-invalid",
                401,
                "The token's signature does not hold",
            ),
            Self::CriticalUnsupported => (
                "critical-unsupported",
                401,
                "The token has a critical extension that is not understood",
            ),
            Self::ClaimMalformed => (
                "claim-malformed",
                401,
                "A claim of the token cannot be read",
            ),
            Self::ClaimMissing => ("claim-missing", 403, "The token lacks a claim"),
            Self::ClaimUnsupported => (
                "claim-unsupported",
                403,
                "The token restricts in a way not supported here",
            ),
            Self::TokenExpired => ("token-expired", 403, "The token has expired"),
            Self::TokenNotYetValid => ("token-not-yet-valid", 403, "The token is not valid yet"),
            Self::TokenAgeNotAllowed => (
                "token-age-not-allowed",
                403,
                "The token was issued too long ago",
            ),
            Self::IssuerNotAllowed => (
                "issuer-not-allowed",
                403,
                "The token's issuer is not allowed",
            ),
            Self::AudienceNotAllowed => (
                "audience-not-allowed",
                403,
                "The token is meant for another service",
            ),
            Self::PathNotAllowed => (
                "path-not-allowed",
                403,
                "The token does not cover this path",
            ),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                403,
                "The token does not cover this method",
            ),
            Self::AddressNotAllowed => (
                "address-not-allowed",
                403,
                "The token is bound to another address",
            ),
            Self::CountryNotAllowed => (
                "country-not-allowed",
                403,
                "The token is bound to another place",
            ),
            Self::AsnNotAllowed => (
                "asn-not-allowed",
                403,
                "The token is bound to another network",
            ),
            Self::ReferrerNotAllowed => (
                "referrer-not-allowed",
                403,
                "The token is bound to another page",
            ),
            Self::HeaderNotAllowed => (
                "header-not-allowed",
                403,
                "The token is bound to another request header",
            ),
            Self::ConnectionNotAllowed => (
                "connection-not-allowed",
                403,
                "The token is bound to another connection",
            ),
            Self::TokenRevoked => ("token-revoked", 403, "The token was taken back"),
            Self::TokenReplayed => ("token-replayed", 403, "The token was used before"),
            Self::SessionShared => (
                "session-shared",
                403,
                "The session is in use in too many places",
            ),
            Self::SessionChallenged => (
                "session-challenged",
                401,
                "The session is used in too many places: sign in again",
            ),
            Self::StateUnavailable => (
                "state-unavailable",
                503,
                "The decision needs state that is out of reach",
            ),
            Self::RouteClosed => ("route-closed", 403, "Nobody may have this"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A refusal: the reason and, where it helps, what exactly (a claim's name, never its value).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}{subject}", if subject.is_empty() { "" } else { ": " })]
pub struct Refused {
    /// The reason.
    pub reason: Reason,
    /// The claim, parameter or header concerned; may be empty.
    pub subject: Cow<'static, str>,
}

impl Refused {
    /// A refusal about one claim, parameter or header.
    pub fn about(reason: Reason, subject: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason,
            subject: subject.into(),
        }
    }
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            subject: Cow::Borrowed(""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_statuses_are_refusals() {
        let codes: HashSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert!(matches!(reason.status(), 400 | 401 | 403 | 503), "{reason}");
        }
    }
}
