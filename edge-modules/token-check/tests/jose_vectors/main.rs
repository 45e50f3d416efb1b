//! Published JOSE examples, re-typed, and what attackers make of them.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

mod hostile;
mod oracle;
mod published;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use token_check::format::Verifier;
use token_check::format::jwt::{Jwt, JwtRules, parse};
use token_check::keys::{KeySet, read_jwks};
use token_check::mint::{JwtClaims, Minter};
use token_check::reason::Reason;
use token_check::{Algorithm, SigningKey};

/// RFC 7515 appendix A: the payload that its examples share.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// RFC 7520 section 4: the payload that its examples share.
const BILBO: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

/// RFC 7520 section 3.3: the RSA key of its examples.
fn bilbo() -> Value {
    json!({ "kty": "RSA", "kid": "bilbo.baggins@hobbiton.example", "use": "sig", "e": "AQAB", "n": "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw" })
}

fn set(jwks: &[Value]) -> KeySet {
    let keys = read_jwks(json!({ "keys": jwks }).to_string().as_bytes(), true).unwrap();
    KeySet::new(keys.into_iter().map(Into::into).collect(), false)
}

const SECRET: [u8; 32] = [5; 32];

fn forge(header: &Value, claims: &str) -> String {
    let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!(
        "{}.{}",
        base64(header.to_string().as_bytes()),
        base64(claims.as_bytes())
    );
    let key = SigningKey::secret(&SECRET).unwrap();
    format!(
        "{signed}.{}",
        base64(&key.sign(Algorithm::Hs256, signed.as_bytes()).unwrap())
    )
}

fn verify(token: &str) -> Result<token_check::grant::Grant, Reason> {
    let keys = set(&[json!({ "kty": "oct", "kid": "k", "k": URL_SAFE_NO_PAD.encode(SECRET) })]);
    Jwt::new(JwtRules::default())
        .verify(token, &keys)
        .map_err(|refused| refused.reason)
}
