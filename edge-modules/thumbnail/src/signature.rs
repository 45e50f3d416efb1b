//! Signed options: nobody but the holder of a key can make the edge compute a size. The signature is HMAC-SHA256 (RFC 2104)
//! over the path, `?`, and every query pair except the signature itself, percent-decoded and sorted, so that a signer in
//! any language needs no knowledge of the options and their order does not matter. Several keys may be valid at a time, which
//! is how they are rotated.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::error::OptionError;

/// The query name of the signature: `s=<key id>.<base64url without padding>`.
pub const NAME: &str = "s";
/// The query name of the time after which a signature is void, in Unix seconds.
pub const EXPIRES: &str = "exp";

/// The shortest secret: shorter ones can be tried out.
const SHORTEST_SECRET: usize = 16;

/// A secret with its name.
#[derive(Clone)]
pub struct SigningKey {
    id: String,
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Takes a secret.
    ///
    /// # Errors
    /// A secret under 16 bytes, or an id that could not stand in a query.
    pub fn new(id: &str, secret: &str) -> Result<Self, String> {
        if id.is_empty()
            || !id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        {
            return Err("`id` takes letters, digits, `-` and `_`".to_owned());
        }
        if secret.len() < SHORTEST_SECRET {
            return Err(format!(
                "`secret` must have at least {SHORTEST_SECRET} bytes"
            ));
        }
        let mac = Hmac::new_from_slice(secret.as_bytes()).map_err(|error| error.to_string())?;
        Ok(Self {
            id: id.to_owned(),
            mac,
        })
    }

    /// The name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The value of `s` for a path and its decoded pairs.
    pub fn sign(&self, path: &str, pairs: &[(String, String)]) -> String {
        let tag = self.digest(path, pairs).finalize().into_bytes();
        format!("{}.{}", self.id, URL_SAFE_NO_PAD.encode(tag))
    }

    fn digest(&self, path: &str, pairs: &[(String, String)]) -> Hmac<Sha256> {
        let mut sorted: Vec<String> = pairs
            .iter()
            .filter(|(name, _)| name != NAME)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        sorted.sort_unstable();
        let mut mac = self.mac.clone();
        mac.update(path.as_bytes());
        mac.update(b"?");
        mac.update(sorted.join("&").as_bytes());
        mac
    }
}

/// Checks the signature and the expiry among the pairs.
///
/// # Errors
/// No signature, an unknown key, a wrong signature, or one that has expired.
pub fn verify(
    keys: &[SigningKey],
    path: &str,
    pairs: &[(String, String)],
    now_s: u64,
) -> Result<(), OptionError> {
    let find = |wanted: &str| {
        pairs
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.as_str())
    };
    let signature = find(NAME).ok_or(OptionError::Signature("the options need a signature `s`"))?;
    let wrong = OptionError::Signature("the signature does not match the options");
    let (id, tag) = signature.split_once('.').ok_or_else(|| wrong.clone())?;
    let key = keys
        .iter()
        .find(|key| key.id == id)
        .ok_or_else(|| wrong.clone())?;
    let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| wrong.clone())?;
    // `verify_slice` compares in constant time.
    key.digest(path, pairs)
        .verify_slice(&tag)
        .map_err(|_| wrong)?;
    match find(EXPIRES).map(str::parse::<u64>) {
        None => Ok(()),
        Some(Ok(expires)) if now_s <= expires => Ok(()),
        Some(Ok(_)) => Err(OptionError::Signature("the signature has expired")),
        Some(Err(_)) => Err(OptionError::Signature("`exp` takes Unix seconds")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::query;

    fn key(id: &str) -> SigningKey {
        SigningKey::new(id, &format!("a secret for {id} that is long")).unwrap()
    }

    fn pairs(text: &str) -> Vec<(String, String)> {
        query::pairs(text).collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn a_signature_holds_for_any_order_and_for_nothing_else() {
        let keys = [key("old"), key("new")];
        for signer in &keys {
            let signature = signer.sign("/a.jpg", &pairs("w=320&q=80"));
            let check = |path: &str, query: &str| {
                verify(&keys, path, &pairs(&format!("{query}&s={signature}")), 0)
            };
            assert!(check("/a.jpg", "q=80&w=320").is_ok());
            assert!(check("/a.jpg", "q=80&w=%3320").is_ok());
            assert!(check("/b.jpg", "q=80&w=320").is_err());
            assert!(check("/a.jpg", "q=80&w=640").is_err());
            assert!(check("/a.jpg", "q=80&w=320&h=1").is_err());
        }
        assert!(verify(&keys, "/a.jpg", &pairs("w=1"), 0).is_err());
        assert!(
            verify(
                &keys[..1],
                "/a.jpg",
                &pairs(&format!("w=1&s={}", keys[1].sign("/a.jpg", &pairs("w=1")))),
                0
            )
            .is_err()
        );
    }

    #[test]
    fn a_signature_expires() {
        let keys = [key("k")];
        let signed = format!(
            "w=1&exp=100&s={}",
            keys[0].sign("/a.jpg", &pairs("w=1&exp=100"))
        );
        assert!(verify(&keys, "/a.jpg", &pairs(&signed), 100).is_ok());
        assert_eq!(
            verify(&keys, "/a.jpg", &pairs(&signed), 101),
            Err(OptionError::Signature("the signature has expired"))
        );
    }

    #[test]
    fn the_published_example_holds() {
        // As `printf '/img/a.jpg?q=80&w=320' | openssl dgst -sha256 -hmac 0123456789abcdef -binary | basenc --base64url` gives it.
        let key = SigningKey::new("k1", "0123456789abcdef").unwrap();
        assert_eq!(key.sign("/img/a.jpg", &pairs("w=320&q=80")), EXAMPLE);
    }

    const EXAMPLE: &str = "k1.S6vTncZuupMGmrfV4joIurn36MXmHtl9R-Fhdm5dESw";
}
