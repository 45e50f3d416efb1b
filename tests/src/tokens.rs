//! Tokens for tests, in every state that a viewer may come with.

use std::time::{SystemTime, UNIX_EPOCH};

use token_check::SigningKey;
use token_check::mint::{JwtClaims, Minter};

/// A shared secret for tests.
pub const SECRET: &str = "a-shared-secret-of-the-tests-only-0123456789";

/// Seconds since 1970.
///
/// # Panics
/// The clock stands before 1970.
pub fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock stands after 1970");
    i64::try_from(since.as_secs()).expect("the clock stands before the year 292 billion")
}

/// Nanoseconds since 1970.
///
/// # Panics
/// The clock stands before 1970 or after 2554.
pub fn now_ns() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock stands after 1970");
    u64::try_from(since.as_nanos()).expect("the clock stands before 2554")
}

/// Claims for a subject and everything under `path`, valid for an hour.
pub fn claims(subject: &str, path: &str) -> JwtClaims {
    JwtClaims {
        subject: Some(subject.to_owned()),
        expires: Some(now() + 3600),
        ..JwtClaims::default()
    }
    .cover(format!("{path}*"))
}

/// Signs claims with [`SECRET`] (HS256).
///
/// # Panics
/// Claims that cannot be written.
pub fn signed(claims: &JwtClaims) -> String {
    let key = SigningKey::secret(SECRET.as_bytes()).expect("the secret is long enough");
    Minter::new(key)
        .jwt(claims)
        .expect("the claims can be written")
}

/// A token whose payload was changed after it was signed.
pub fn tampered(token: &str) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    if let Some(payload) = parts.get_mut(1) {
        let flipped = if payload.starts_with('e') { 'f' } else { 'e' };
        payload.replace_range(0..1, &flipped.to_string());
    }
    parts.join(".")
}
