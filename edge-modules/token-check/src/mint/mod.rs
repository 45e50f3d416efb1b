//! Makes tokens: for the origin's playback URLs, for operators' tools, and for tests.
//!
//! ```
//! use token_check::mint::{JwtClaims, Minter};
//! use token_check::SigningKey;
//!
//! let key = SigningKey::ed25519(&[7; 32]); // draw the seed from a strong source
//! let minter = Minter::new(key).with_id("2026-11");
//! let claims = JwtClaims { subject: Some("ada".into()), expires: Some(1_800_000_000), ..JwtClaims::default() }
//!     .cover("/vod/film/*");
//! let token = minter.jwt(&claims)?;
//! assert_eq!(token.split('.').count(), 3);
//! # Ok::<(), token_check::mint::MintError>(())
//! ```

mod cat;
mod jwt;
mod vendor;

pub use self::cat::CatClaims;
pub use self::jwt::JwtClaims;
pub(crate) use self::jwt::compact;
pub use self::vendor::{BunnyClaims, EdgeAuthClaims, MediaCdnClaims, MediaCdnScope};
pub use crate::cose::Tags;
pub use crate::format::hmac::Encoding;
use crate::keys::{Key, to_jwk};
use crate::signature::{Algorithm, KeyError, SignError, SigningKey};

/// Why no token was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The key does not serve the algorithm, or signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The format has no place for a value, or could not be verified again.
    #[error("`{field}` cannot be written: {reason}")]
    Field {
        /// Which value.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// A signing key with its id and algorithm.
#[derive(Debug, Clone)]
pub struct Minter {
    key: SigningKey,
    id: Option<String>,
    algorithm: Algorithm,
}

impl Minter {
    /// A minter for a key's usual algorithm.
    pub fn new(key: SigningKey) -> Self {
        Self {
            algorithm: key.default_algorithm(),
            key,
            id: None,
        }
    }

    /// Names the key in every token that can name one.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Another algorithm of the same kind of key.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key's id.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The key that checks what this one signs, bound to its algorithm and id.
    ///
    /// # Errors
    /// A key that no verifier would take (an RSA key of odd size), or an algorithm of another kind of key.
    pub fn verifying_key(&self) -> Result<Key, KeyError> {
        let key = Key::new(self.key.verifying_key()?, &[self.algorithm])
            .map_err(|_| KeyError::Unsupported)?;
        Ok(match &self.id {
            Some(id) => key.with_id(id),
            None => key,
        })
    }

    /// The public JWK for a JWKS document; none for a shared secret.
    pub fn public_jwk(&self) -> Option<serde_json::Value> {
        to_jwk(&self.verifying_key().ok()?)
    }

    /// A JSON Web Token (RFC 7519) in compact form.
    ///
    /// # Errors
    /// [`MintError`].
    pub fn jwt(&self, claims: &JwtClaims) -> Result<String, MintError> {
        jwt::mint(&self.key, self.algorithm, self.id.as_deref(), claims)
    }

    /// A Common Access Token (CTA-5007), base64url, with the tags that its readers expect.
    ///
    /// # Errors
    /// [`MintError`].
    pub fn cat(&self, claims: &CatClaims, tags: Tags) -> Result<String, MintError> {
        cat::mint(&self.key, self.algorithm, self.id.as_deref(), claims, tags)
    }
}
