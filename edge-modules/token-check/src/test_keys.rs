//! Keys for tests alone; they guard nothing.

use crate::signature::SigningKey;

/// A 2048-bit RSA key.
pub(crate) fn rsa() -> SigningKey {
    SigningKey::from_pem(include_str!("../tests/keys/rsa-2048.pem")).unwrap()
}
