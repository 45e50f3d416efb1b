//! The tokens of both sides, good for a day, made anew for each run.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use md5::Digest as _;
use sha2::Sha256;

/// The shared secret. It guards nothing.
pub(super) const SECRET: &str = "a secret for benchmarks that guards nothing";

/// `secure_link` of nginx: MD5 over expiry, path and secret.
pub(super) fn secure_link(path: &str) -> String {
    let expires = tomorrow();
    let digest = md5::Md5::digest(format!("{expires}{path} {SECRET}"));
    format!("md5={}&expires={expires}", URL_SAFE_NO_PAD.encode(digest))
}

/// A JWT with HS256 (RFC 7515), scoped by nothing but its life.
pub(super) fn jwt(_path: &str) -> String {
    let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = encode(serde_json::json!({ "alg": "HS256", "typ": "JWT" }));
    let claims = encode(serde_json::json!({ "sub": "viewer-1", "exp": tomorrow() }));
    let signed = format!("{header}.{claims}");
    // HMAC takes keys of any length.
    let signature = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())
        .map(|mut mac| {
            mac.update(signed.as_bytes());
            URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
        })
        .unwrap_or_default();
    format!("token={signed}.{signature}")
}

fn tomorrow() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
        + 86_400
}
