//! Signing keys: for minting tokens, and for formats that answer with a token of their own.

use std::fmt;

use pkcs8::DecodePrivateKey;

use super::{Algorithm, KeyError, P256PublicKey, P384PublicKey, VerifyingKey, mac};

/// What a token is signed with. Its `Debug` shows the kind and never the key.
#[derive(Clone)]
pub enum SigningKey {
    /// A shared secret.
    Secret(Box<[u8]>),
    /// An Ed25519 key.
    Ed25519(Box<ed25519_dalek::SigningKey>),
    /// A P-256 key.
    P256(Box<p256::ecdsa::SigningKey>),
    /// A P-384 key.
    P384(Box<p384::ecdsa::SigningKey>),
    /// An RSA key; native builds only, modules never sign with RSA.
    #[cfg(not(target_arch = "wasm32"))]
    Rsa(Box<rsa::RsaPrivateKey>),
}

/// Why nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The key is of another kind than the algorithm needs.
    #[error("{algorithm} cannot sign with a key of kind {key}")]
    Mismatch {
        /// The algorithm asked for.
        algorithm: Algorithm,
        /// The kind of the key.
        key: &'static str,
    },
    /// The signing arithmetic itself failed.
    #[error("signing failed")]
    Failed,
}

impl SigningKey {
    /// A shared secret of at least 16 bytes.
    ///
    /// # Errors
    /// [`KeyError::Size`].
    pub fn secret(bytes: &[u8]) -> Result<Self, KeyError> {
        match VerifyingKey::secret(bytes)? {
            VerifyingKey::Secret(secret) => Ok(Self::Secret(secret)),
            _ => Err(KeyError::Unsupported),
        }
    }

    /// An Ed25519 key from its 32 byte seed (RFC 8032 section 5.1.5). The caller draws the seed from a strong source.
    pub fn ed25519(seed: &[u8; 32]) -> Self {
        Self::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(seed)))
    }

    /// A P-256 key from its 32 byte scalar, big endian.
    ///
    /// # Errors
    /// Zero or not below the group order.
    pub fn p256(scalar: &[u8]) -> Result<Self, KeyError> {
        p256::ecdsa::SigningKey::from_slice(scalar)
            .map(|key| Self::P256(Box::new(key)))
            .map_err(|_| KeyError::Malformed("not a P-256 scalar"))
    }

    /// A P-384 key from its 48 byte scalar, big endian.
    ///
    /// # Errors
    /// Zero or not below the group order.
    pub fn p384(scalar: &[u8]) -> Result<Self, KeyError> {
        p384::ecdsa::SigningKey::from_slice(scalar)
            .map(|key| Self::P384(Box::new(key)))
            .map_err(|_| KeyError::Malformed("not a P-384 scalar"))
    }

    /// A private key in PEM: PKCS #8, PKCS #1 or SEC 1.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if let Ok(key) = ed25519_dalek::SigningKey::from_pkcs8_pem(text) {
            return Ok(Self::Ed25519(Box::new(key)));
        }
        if let Ok(key) = p256::SecretKey::from_pkcs8_pem(text)
            .or_else(|_| p256::SecretKey::from_sec1_pem(text).map_err(|_| ()))
        {
            return Ok(Self::P256(Box::new(key.into())));
        }
        if let Ok(key) = p384::SecretKey::from_pkcs8_pem(text)
            .or_else(|_| p384::SecretKey::from_sec1_pem(text).map_err(|_| ()))
        {
            return Ok(Self::P384(Box::new(key.into())));
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            use rsa::pkcs1::DecodeRsaPrivateKey;
            if let Ok(key) = rsa::RsaPrivateKey::from_pkcs8_pem(text) {
                return Ok(Self::Rsa(Box::new(key)));
            }
            if let Ok(key) = rsa::RsaPrivateKey::from_pkcs1_pem(text) {
                return Ok(Self::Rsa(Box::new(key)));
            }
        }
        Err(KeyError::Malformed("not a private key of a supported kind"))
    }

    /// The key as PKCS #8 PEM, for safe keeping; none for a secret.
    pub fn to_pem(&self) -> Option<String> {
        use pkcs8::{EncodePrivateKey, LineEnding};
        let text = match self {
            Self::Secret(_) => return None,
            Self::Ed25519(key) => key.to_pkcs8_pem(LineEnding::LF).ok()?,
            Self::P256(key) => p256::SecretKey::from(key.as_nonzero_scalar())
                .to_pkcs8_pem(LineEnding::LF)
                .ok()?,
            Self::P384(key) => p384::SecretKey::from(key.as_nonzero_scalar())
                .to_pkcs8_pem(LineEnding::LF)
                .ok()?,
            #[cfg(not(target_arch = "wasm32"))]
            Self::Rsa(key) => key.to_pkcs8_pem(LineEnding::LF).ok()?,
        };
        Some(text.to_string())
    }

    /// The algorithm that this key signs with when nothing else is said.
    pub fn default_algorithm(&self) -> Algorithm {
        match self {
            Self::Secret(_) => Algorithm::Hs256,
            Self::Ed25519(_) => Algorithm::EdDsa,
            Self::P256(_) => Algorithm::Es256,
            Self::P384(_) => Algorithm::Es384,
            #[cfg(not(target_arch = "wasm32"))]
            Self::Rsa(_) => Algorithm::Rs256,
        }
    }

    /// The key that checks what this one signs.
    ///
    /// # Errors
    /// An RSA key outside the sizes that [`VerifyingKey::rsa`] takes.
    pub fn verifying_key(&self) -> Result<VerifyingKey, KeyError> {
        Ok(match self {
            Self::Secret(secret) => VerifyingKey::Secret(secret.clone()),
            Self::Ed25519(key) => VerifyingKey::Ed25519(Box::new(key.verifying_key())),
            Self::P256(key) => {
                VerifyingKey::P256(Box::new(P256PublicKey::new(*key.verifying_key())))
            }
            Self::P384(key) => {
                VerifyingKey::P384(Box::new(P384PublicKey::new(*key.verifying_key())))
            }
            #[cfg(not(target_arch = "wasm32"))]
            Self::Rsa(key) => {
                use rsa::traits::PublicKeyParts;
                return VerifyingKey::rsa(&key.n().to_bytes_be(), &key.e().to_bytes_be());
            }
        })
    }

    /// Signs a message. ECDSA is deterministic (RFC 6979), `r || s`, with the low `s`.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, SignError> {
        use p256::ecdsa::signature::Signer as _;
        let mismatch = SignError::Mismatch {
            algorithm,
            key: self.kind(),
        };
        Ok(match (self, algorithm) {
            (Self::Secret(secret), _) => mac(algorithm, secret, message).ok_or(mismatch)?,
            (Self::Ed25519(key), Algorithm::EdDsa) => key.sign(message).to_bytes().to_vec(),
            (Self::P256(key), Algorithm::Es256) => {
                let signature: p256::ecdsa::Signature =
                    key.try_sign(message).map_err(|_| SignError::Failed)?;
                signature
                    .normalize_s()
                    .unwrap_or(signature)
                    .to_bytes()
                    .to_vec()
            }
            (Self::P256(key), Algorithm::EcdsaSha1) => {
                use p256::ecdsa::signature::hazmat::PrehashSigner as _;
                use sha1::Digest as _;
                let digest = sha1::Sha1::digest(message);
                let signature: p256::ecdsa::Signature =
                    key.sign_prehash(&digest).map_err(|_| SignError::Failed)?;
                let low = signature.normalize_s().unwrap_or(signature);
                low.to_bytes().to_vec()
            }
            (Self::P384(key), Algorithm::Es384) => {
                let signature: p384::ecdsa::Signature =
                    key.try_sign(message).map_err(|_| SignError::Failed)?;
                signature
                    .normalize_s()
                    .unwrap_or(signature)
                    .to_bytes()
                    .to_vec()
            }
            #[cfg(not(target_arch = "wasm32"))]
            (Self::Rsa(key), _) => sign_rsa(key, algorithm, message, mismatch)?,
            _ => return Err(mismatch),
        })
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Secret(_) => "secret",
            Self::Ed25519(_) => "Ed25519",
            Self::P256(_) => "P-256",
            Self::P384(_) => "P-384",
            #[cfg(not(target_arch = "wasm32"))]
            Self::Rsa(_) => "RSA",
        }
    }
}

/// Every private operation is blinded with fresh randomness: the `rsa` crate's arithmetic is not constant time (RUSTSEC-2023-0071).
#[cfg(not(target_arch = "wasm32"))]
fn sign_rsa(
    key: &rsa::RsaPrivateKey,
    algorithm: Algorithm,
    message: &[u8],
    mismatch: SignError,
) -> Result<Vec<u8>, SignError> {
    use rsa::{Pkcs1v15Sign, Pss, sha2::Digest as _};
    let random = &mut rsa::rand_core::OsRng;
    let signed = match algorithm {
        // The DigestInfo prefix is given by hand: the crate's `sha1` feature would be one more copy of SHA-1.
        Algorithm::Rs1 => {
            let scheme = Pkcs1v15Sign {
                hash_len: Some(20),
                prefix: super::rsa::SHA1_INFO.into(),
            };
            key.sign_with_rng(random, scheme, &sha1::Sha1::digest(message))
        }
        Algorithm::Rs256 => key.sign_with_rng(
            random,
            Pkcs1v15Sign::new::<sha2::Sha256>(),
            &sha2::Sha256::digest(message),
        ),
        Algorithm::Rs384 => key.sign_with_rng(
            random,
            Pkcs1v15Sign::new::<sha2::Sha384>(),
            &sha2::Sha384::digest(message),
        ),
        Algorithm::Rs512 => key.sign_with_rng(
            random,
            Pkcs1v15Sign::new::<sha2::Sha512>(),
            &sha2::Sha512::digest(message),
        ),
        Algorithm::Ps256 => key.sign_with_rng(
            random,
            Pss::new::<sha2::Sha256>(),
            &sha2::Sha256::digest(message),
        ),
        Algorithm::Ps384 => key.sign_with_rng(
            random,
            Pss::new::<sha2::Sha384>(),
            &sha2::Sha384::digest(message),
        ),
        Algorithm::Ps512 => key.sign_with_rng(
            random,
            Pss::new::<sha2::Sha512>(),
            &sha2::Sha512::digest(message),
        ),
        _ => return Err(mismatch),
    };
    signed.map_err(|_| SignError::Failed)
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"what is signed";

    fn round_trip(key: &SigningKey) {
        let verifying = key.verifying_key().unwrap();
        for &algorithm in verifying.algorithms() {
            let signature = key.sign(algorithm, MESSAGE).unwrap();
            assert!(
                verifying.verify(algorithm, MESSAGE, &signature),
                "{algorithm}"
            );
            for bit in [0, 7, signature.len() * 4, signature.len() * 8 - 1] {
                let mut broken = signature.clone();
                broken[bit / 8] ^= 1 << (bit % 8);
                assert!(
                    !verifying.verify(algorithm, MESSAGE, &broken),
                    "{algorithm} bit {bit}"
                );
            }
            assert!(
                !verifying.verify(algorithm, b"another", &signature),
                "{algorithm}"
            );
            assert!(
                !verifying.verify(algorithm, MESSAGE, &signature[1..]),
                "{algorithm}"
            );
            assert!(!verifying.verify(algorithm, MESSAGE, &[]), "{algorithm}");
            for (other, _) in Algorithm::NAMES {
                if other != algorithm {
                    assert!(
                        !verifying.verify(other, MESSAGE, &signature),
                        "{algorithm} as {other}"
                    );
                }
            }
        }
        if let Some(pem) = key.to_pem() {
            let again = SigningKey::from_pem(&pem).unwrap().verifying_key().unwrap();
            assert_eq!(again.to_spki_der(), verifying.to_spki_der());
            let der = verifying.to_spki_der().unwrap();
            assert_eq!(
                VerifyingKey::from_spki_der(&der).unwrap().to_spki_der(),
                Some(der)
            );
        }
    }

    #[test]
    fn every_kind_of_key_signs_what_it_verifies() {
        round_trip(&SigningKey::secret(&[7; 32]).unwrap());
        round_trip(&SigningKey::ed25519(&[9; 32]));
        round_trip(&SigningKey::p256(&[11; 32]).unwrap());
        round_trip(&SigningKey::p384(&[13; 48]).unwrap());
        round_trip(&crate::test_keys::rsa());
    }

    #[test]
    fn a_key_never_signs_with_another_kinds_algorithm() {
        let error = SigningKey::ed25519(&[9; 32])
            .sign(Algorithm::Hs256, MESSAGE)
            .unwrap_err();
        assert_eq!(
            error,
            SignError::Mismatch {
                algorithm: Algorithm::Hs256,
                key: "Ed25519"
            }
        );
        assert!(SigningKey::secret(&[7; 15]).is_err());
        assert!(
            VerifyingKey::ed25519(&[0; 32]).is_err(),
            "a point of small order"
        );
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(
            format!("{:?}", SigningKey::secret(b"0123456789abcdef").unwrap()),
            "SigningKey(secret)"
        );
        assert_eq!(
            format!("{:?}", VerifyingKey::secret(b"0123456789abcdef").unwrap()),
            "Secret(..)"
        );
    }
}
