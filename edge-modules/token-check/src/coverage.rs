//! What each format's tokens can say, and what becomes of it here: the rows of `MATRIX.md`, which a test writes from this table.

/// What becomes of one thing that a token can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The request is held to it.
    Enforced,
    /// The request is held to it when a trusted header tells the place or the connection; else the token is refused.
    WhenTold,
    /// It goes on to the next modules.
    Told,
    /// The format cannot say it.
    Absent,
}

impl Fate {
    /// As the matrix shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::WhenTold => "when told",
            Self::Told => "told",
            Self::Absent => "",
        }
    }
}

use Fate::{Absent as A, Enforced as E, Told as T, WhenTold as W};

/// The formats, as configurations name them, in the order of the columns.
pub const FORMATS: [&str; 10] = [
    "jwt",
    "cat",
    "uri-signing",
    "edge-auth",
    "media-cdn",
    "cloudfront",
    "cloudflare-stream",
    "secure-link",
    "bunny",
    "hmac",
];

/// What a token can say, by format.
pub const ROWS: [(&str, [Fate; 10]); 20] = [
    ("signature and algorithm", [E, E, E, E, E, E, E, E, E, E]),
    ("expiry", [E, E, E, E, E, E, E, E, E, E]),
    ("not before", [E, E, E, E, E, E, E, A, A, A]),
    ("age or time left", [E, A, A, A, A, A, E, A, A, A]),
    ("issuer", [E, E, E, A, A, A, A, A, A, A]),
    ("audience", [E, E, E, A, A, A, A, A, A, A]),
    ("subject", [T, T, T, A, A, A, A, A, A, T]),
    ("session", [T, A, A, T, T, A, A, A, A, A]),
    ("tier and entitlements", [T, A, A, A, A, A, A, A, A, A]),
    ("path scope", [E, E, E, E, E, E, E, E, E, E]),
    ("host, scheme, query", [A, E, E, A, E, E, A, E, A, E]),
    ("method", [E, E, A, A, A, A, A, A, A, E]),
    ("address", [E, E, E, E, E, E, E, E, E, E]),
    ("country", [E, E, A, A, A, A, E, A, E, A]),
    ("network (ASN)", [E, E, A, A, A, A, A, A, A, A]),
    ("coordinates, altitude", [A, W, A, A, A, A, A, A, A, A]),
    ("referrer", [E, E, A, A, E, A, A, A, A, A]),
    ("request headers", [A, E, A, A, E, A, A, A, A, A]),
    (
        "protocol and TLS key of the client",
        [A, W, A, A, A, A, A, A, A, A],
    ),
    ("single use", [E, E, E, A, A, A, A, A, A, A]),
];
