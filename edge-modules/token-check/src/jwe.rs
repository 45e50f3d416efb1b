//! JSON Web Encryption in compact form (RFC 7516 section 7.1), read with symmetric keys: what a token keeps from its bearer.
//!
//! Key management is `dir` or AES key wrap (`A128KW`, `A256KW`; RFC 7518 sections 4.4 and 4.5), content encryption AES-GCM (`A128GCM`,
//! `A256GCM`; section 5.3). A public key has no place here: the token is signed by whoever encrypts.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use aes_kw::{KwAes128, KwAes256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A key that decrypts. Its `Debug` shows the name alone.
#[derive(Clone)]
pub struct DecryptionKey {
    /// The name that tokens call it by.
    pub id: Option<String>,
    /// 16 or 32 bytes.
    secret: Box<[u8]>,
}

impl DecryptionKey {
    /// A key of 16 or 32 bytes; none of another length.
    pub fn new(id: Option<String>, secret: &[u8]) -> Option<Self> {
        matches!(secret.len(), 16 | 32).then(|| Self {
            id,
            secret: secret.into(),
        })
    }
}

impl std::fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecryptionKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Why nothing was decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JweError {
    /// Not a compact JWE, or it does not hold under any of the keys.
    Broken,
    /// An algorithm that is not taken, a critical header, compression, or no key of that name.
    Unsupported,
}

/// True for the look of a compact JWE: five parts.
pub fn looks_like_jwe(text: &str) -> bool {
    text.matches('.').count() == 4
}

/// Decrypts; keys of the name that the header gives, else those without a name.
///
/// # Errors
/// [`JweError`].
pub fn decrypt(text: &str, keys: &[DecryptionKey]) -> Result<Vec<u8>, JweError> {
    let parts: Vec<&str> = text.split('.').collect();
    let [protected, wrapped, nonce, ciphertext, tag] = parts.as_slice() else {
        return Err(JweError::Broken);
    };
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| JweError::Broken);
    let header = crate::json::object(&bytes(protected)?).map_err(|_| JweError::Broken)?;
    if ["crit", "zip"]
        .iter()
        .any(|name| header.contains_key(*name))
    {
        return Err(JweError::Unsupported);
    }
    let member = |name: &str| header.get(name).and_then(serde_json::Value::as_str);
    let (Some(algorithm), Some(encryption)) = (member("alg"), member("enc")) else {
        return Err(JweError::Unsupported);
    };
    let id = member("kid");
    let named = |id: Option<&str>| keys.iter().any(|key| key.id.as_deref() == id);
    let wanted = id.filter(|_| named(id));
    let candidates = keys
        .iter()
        .filter(|key| id.is_none() || key.id.as_deref() == wanted);
    let (wrapped, nonce) = (bytes(wrapped)?, bytes(nonce)?);
    let sealed = [bytes(ciphertext)?, bytes(tag)?].concat();
    // The tag stands alone in the compact form and has 16 bytes (RFC 7518 section 5.3).
    if nonce.len() != 12 || bytes(tag)?.len() != 16 {
        return Err(JweError::Broken);
    }
    let payload = || Payload {
        msg: &sealed,
        aad: protected.as_bytes(),
    };
    let mut outcome = JweError::Unsupported;
    for key in candidates {
        let Some(content_key) = content_key(algorithm, &key.secret, &wrapped)? else {
            outcome = JweError::Broken;
            continue;
        };
        let opened = match encryption {
            "A128GCM" => open::<Aes128Gcm>(&content_key, &nonce, payload()),
            "A256GCM" => open::<Aes256Gcm>(&content_key, &nonce, payload()),
            _ => return Err(JweError::Unsupported),
        };
        match opened {
            Some(plain) => return Ok(plain),
            None => outcome = JweError::Broken,
        }
    }
    Err(outcome)
}

/// The content encryption key; none when it does not unwrap.
fn content_key(
    algorithm: &str,
    secret: &[u8],
    wrapped: &[u8],
) -> Result<Option<Vec<u8>>, JweError> {
    let mut room = [0; 32];
    let unwrapped = match algorithm {
        // RFC 7518 section 4.5: nothing is wrapped.
        "dir" if wrapped.is_empty() => return Ok(Some(secret.to_vec())),
        "dir" => return Err(JweError::Broken),
        "A128KW" => KwAes128::new_from_slice(secret)
            .ok()
            .and_then(|kek| kek.unwrap_key(wrapped, &mut room).ok()),
        "A256KW" => KwAes256::new_from_slice(secret)
            .ok()
            .and_then(|kek| kek.unwrap_key(wrapped, &mut room).ok()),
        _ => return Err(JweError::Unsupported),
    };
    Ok(unwrapped.map(<[u8]>::to_vec))
}

/// None when the key has the wrong length or the tag does not hold.
fn open<C: KeyInit + Aead>(key: &[u8], nonce: &[u8], payload: Payload<'_, '_>) -> Option<Vec<u8>> {
    let cipher = C::new_from_slice(key).ok()?;
    cipher.decrypt(nonce.try_into().ok()?, payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 9246 appendix A.
    fn key() -> DecryptionKey {
        let secret = URL_SAFE_NO_PAD.decode("4uFxxV7fhNmrtiah2d1fFg").unwrap();
        let id = "f-WbjxBC3dPuI3d24kP2hfvos7Qz688UTi6aB0hN998".to_owned();
        DecryptionKey::new(Some(id), &secret).unwrap()
    }

    /// An address encrypted by the tool behind the drafts of RFC 9246 under that key.
    const ADDRESS: &str = "eyJhbGciOiJkaXIiLCJraWQiOiJmLVdianhCQzNkUHVJM2QyNGtQMmhmdm9zN1F6Njg4VVRpNmFCMGhOOTk4IiwiZW5jIjoiQTEyOEdDTSJ9..oGLsnF8fLlFcUXK0.KFfBBH_FPYFu-RBFBR3rhQ.6_MVaa4t7JiVX2IgUkZ3jA";

    #[test]
    fn the_published_address_opens() {
        assert_eq!(decrypt(ADDRESS, &[key()]).unwrap(), b"[2001:db8::1/32]");
        let unnamed = DecryptionKey { id: None, ..key() };
        assert!(
            decrypt(ADDRESS, &[unnamed]).is_ok(),
            "a key without a name serves any"
        );
    }

    #[test]
    fn what_does_not_hold_stays_shut() {
        let other = DecryptionKey::new(Some("other".to_owned()), &[1; 16]).unwrap();
        assert_eq!(decrypt(ADDRESS, &[other]), Err(JweError::Unsupported));
        assert_eq!(decrypt(ADDRESS, &[]), Err(JweError::Unsupported));
        let wrong = DecryptionKey::new(key().id, &[1; 16]).unwrap();
        assert_eq!(decrypt(ADDRESS, &[wrong]), Err(JweError::Broken));
        let longer = DecryptionKey::new(key().id, &[1; 32]).unwrap();
        assert_eq!(decrypt(ADDRESS, &[longer]), Err(JweError::Broken));
        for (from, to) in [
            ("..oGLs", ".AAAA.oGLs"),
            ("oGLsnF8fLlFcUXK0", "oGLsnF8fLlFcUXK1"),
            ("oGLsnF8fLlFcUXK0", "oGLsnF8fLlFcUXK0oGLs"),
            ("KFfB", "KFfC"),
            ("6_MV", "7_MV"),
            (".6_MVaa4t7JiVX2IgUkZ3jA", ".6_MVaa4t7JiVX2IgUkY"),
            (".6_MVaa4t7JiVX2IgUkZ3jA", ""),
        ] {
            let broken = ADDRESS.replace(from, to);
            assert_eq!(decrypt(&broken, &[key()]), Err(JweError::Broken), "{to}");
        }
        let with = |header: &str| {
            let (_, rest) = ADDRESS.split_once('.').unwrap();
            decrypt(
                &format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header)),
                &[DecryptionKey { id: None, ..key() }],
            )
        };
        for (header, outcome) in [
            (
                r#"{"alg":"RSA-OAEP","enc":"A128GCM"}"#,
                JweError::Unsupported,
            ),
            (
                r#"{"alg":"dir","enc":"A128CBC-HS256"}"#,
                JweError::Unsupported,
            ),
            (r#"{"alg":"dir"}"#, JweError::Unsupported),
            (
                r#"{"alg":"dir","enc":"A128GCM","zip":"DEF"}"#,
                JweError::Unsupported,
            ),
            (
                r#"{"alg":"dir","enc":"A128GCM","crit":["x"],"x":1}"#,
                JweError::Unsupported,
            ),
            (
                r#"{"alg":"dir","enc":"A128GCM","enc":"A128GCM"}"#,
                JweError::Broken,
            ),
            (r#"{"alg":"dir","enc":"A128GCM"}"#, JweError::Broken),
        ] {
            assert_eq!(with(header), Err(outcome), "{header}");
        }
    }

    /// RFC 3394 section 4.1 wraps the content key.
    #[test]
    fn a_wrapped_key_is_unwrapped() {
        let kek = hex::decode("000102030405060708090a0b0c0d0e0f").unwrap();
        let wrapped = hex::decode("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5").unwrap();
        let content_key = hex::decode("00112233445566778899aabbccddeeff").unwrap();
        let protected = URL_SAFE_NO_PAD.encode(r#"{"alg":"A128KW","enc":"A128GCM"}"#);
        let nonce = [9; 12];
        let payload = Payload {
            msg: b"192.0.2.7".as_slice(),
            aad: protected.as_bytes(),
        };
        let cipher = Aes128Gcm::new_from_slice(&content_key).unwrap();
        let sealed = cipher.encrypt((&nonce).into(), payload).unwrap();
        let (text, tag) = sealed.split_at(sealed.len() - 16);
        let parts = [&wrapped, &nonce[..], text, tag].map(|part| URL_SAFE_NO_PAD.encode(part));
        let token = format!("{protected}.{}", parts.join("."));
        let key = |secret: &[u8]| [DecryptionKey::new(None, secret).unwrap()];
        assert_eq!(decrypt(&token, &key(&kek)).unwrap(), b"192.0.2.7");
        assert_eq!(decrypt(&token, &key(&content_key)), Err(JweError::Broken));
        assert_eq!(decrypt(&token, &key(&[0; 32])), Err(JweError::Broken));
        assert!(DecryptionKey::new(None, &[0; 24]).is_none());
    }
}
