//! Signatures and message authentication codes: one table of algorithms for every token format.
//!
//! A key knows its kind, an algorithm names the kind it needs, and a pair that does not fit is refused before any arithmetic:
//! a public key can never serve as an HMAC secret (RFC 8725 section 3.1).

mod ecdsa;
mod rsa;
mod sign;

use std::fmt;

use hmac::{Hmac, Mac};
use pkcs8::DecodePublicKey;
use pkcs8::der::{Decode, Encode};
use subtle::ConstantTimeEq;

pub use self::ecdsa::{P256PublicKey, P384PublicKey};
pub use self::rsa::RsaPublicKey;
pub use self::sign::{SignError, SigningKey};

/// A signature or MAC algorithm, by its JOSE name where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Algorithm {
    /// HMAC-MD5. Only in formats that fix it.
    HmacMd5,
    /// HMAC-SHA1. Only in formats that fix it.
    HmacSha1,
    Hs256,
    Hs384,
    Hs512,
    /// RSA PKCS #1 v1.5 with SHA-1. Only in formats that fix it (CloudFront).
    Rs1,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    /// ECDSA on P-256 with SHA-1. Only in formats that fix it (CloudFront).
    EcdsaSha1,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Every algorithm with its name.
    pub const NAMES: [(Algorithm, &'static str); 16] = [
        (Self::HmacMd5, "HMAC-MD5"),
        (Self::HmacSha1, "HMAC-SHA1"),
        (Self::Hs256, "HS256"),
        (Self::Hs384, "HS384"),
        (Self::Hs512, "HS512"),
        (Self::Rs1, "RS1"),
        (Self::Rs256, "RS256"),
        (Self::Rs384, "RS384"),
        (Self::Rs512, "RS512"),
        (Self::Ps256, "PS256"),
        (Self::Ps384, "PS384"),
        (Self::Ps512, "PS512"),
        (Self::Es256, "ES256"),
        (Self::Es384, "ES384"),
        (Self::EcdsaSha1, "ECDSA-SHA1"),
        (Self::EdDsa, "EdDSA"),
    ];

    /// Reads a configured name: the JOSE names, `Ed25519` (RFC 9864), and the names of the fixed ones.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDsa);
        }
        Self::NAMES
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(algorithm, _)| *algorithm)
    }

    /// Reads the `alg` of a JOSE header (RFC 7518 section 3.1). SHA-1 and MD5 have no place there; `none` is no algorithm.
    pub fn from_jose(name: &str) -> Option<Self> {
        Self::from_name(name).filter(|algorithm| !algorithm.is_legacy())
    }

    /// Reads a COSE algorithm number (RFC 9053 sections 2 and 3.1, RFC 8230 section 2, RFC 8812 section 2, RFC 9864 section 2: the names
    /// that say the curve too).
    pub fn from_cose(number: i64) -> Option<Self> {
        Some(match number {
            5 => Self::Hs256,
            6 => Self::Hs384,
            7 => Self::Hs512,
            -7 | -9 => Self::Es256,
            -35 | -51 => Self::Es384,
            -8 | -19 => Self::EdDsa,
            -37 => Self::Ps256,
            -38 => Self::Ps384,
            -39 => Self::Ps512,
            -257 => Self::Rs256,
            -258 => Self::Rs384,
            -259 => Self::Rs512,
            _ => return None,
        })
    }

    /// The COSE number, for algorithms that have one.
    pub fn to_cose(self) -> Option<i64> {
        [5, 6, 7, -7, -35, -8, -37, -38, -39, -257, -258, -259]
            .into_iter()
            .find(|number| Self::from_cose(*number) == Some(self))
    }

    /// The name.
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(algorithm, _)| *algorithm == self)
            .map_or("", |(_, name)| name)
    }

    /// True for message authentication codes, whose key is a shared secret.
    pub fn is_mac(self) -> bool {
        matches!(
            self,
            Self::HmacMd5 | Self::HmacSha1 | Self::Hs256 | Self::Hs384 | Self::Hs512
        )
    }

    /// True for algorithms that only a format with a fixed algorithm may use.
    pub fn is_legacy(self) -> bool {
        matches!(
            self,
            Self::HmacMd5 | Self::HmacSha1 | Self::Rs1 | Self::EcdsaSha1
        )
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a signature is checked with.
#[derive(Clone)]
pub enum VerifyingKey {
    /// A shared secret.
    Secret(Box<[u8]>),
    /// An Ed25519 public key.
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    /// A P-256 public key.
    P256(Box<P256PublicKey>),
    /// A P-384 public key.
    P384(Box<P384PublicKey>),
    /// An RSA public key of 2048 to 8192 bits.
    Rsa(Box<RsaPublicKey>),
}

/// A key that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The encoding is broken.
    #[error("the key cannot be read: {0}")]
    Malformed(&'static str),
    /// A kind of key that no algorithm here uses.
    #[error("the key's type or curve is not supported")]
    Unsupported,
    /// Too small to be safe, or absurdly large.
    #[error("the key has {bits} bits; {allowed} are allowed")]
    Size {
        /// Size of the key.
        bits: usize,
        /// The allowed range, for people.
        allowed: &'static str,
    },
}

const OID_RSA: &str = "1.2.840.113549.1.1.1";
const OID_EC: &str = "1.2.840.10045.2.1";
const OID_ED25519: &str = "1.3.101.112";

impl VerifyingKey {
    /// A shared secret, at least 16 bytes (RFC 7518 section 3.2 asks for as many as the hash has; shorter ones exist in the
    /// field, so only the hopeless are refused).
    ///
    /// # Errors
    /// [`KeyError::Size`].
    pub fn secret(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() < 16 {
            return Err(KeyError::Size {
                bits: bytes.len() * 8,
                allowed: "at least 128",
            });
        }
        Ok(Self::Secret(bytes.into()))
    }

    /// An Ed25519 public key, 32 bytes (RFC 8032 section 5.1.5). Points of small order are refused: anything verifies under them.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn ed25519(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes = <&[u8; 32]>::try_from(bytes)
            .map_err(|_| KeyError::Malformed("an Ed25519 key has 32 bytes"))?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes)
            .map_err(|_| KeyError::Malformed("not a curve point"))?;
        if key.is_weak() {
            return Err(KeyError::Malformed("a point of small order"));
        }
        Ok(Self::Ed25519(Box::new(key)))
    }

    /// A P-256 public key, SEC 1 point.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn p256(point: &[u8]) -> Result<Self, KeyError> {
        p256::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .map(|key| Self::P256(Box::new(P256PublicKey::new(key))))
            .map_err(|_| KeyError::Malformed("not a P-256 point"))
    }

    /// A P-384 public key, SEC 1 point.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn p384(point: &[u8]) -> Result<Self, KeyError> {
        p384::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .map(|key| Self::P384(Box::new(P384PublicKey::new(key))))
            .map_err(|_| KeyError::Malformed("not a P-384 point"))
    }

    /// An RSA public key: modulus and exponent, big endian.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        RsaPublicKey::new(modulus, exponent).map(|key| Self::Rsa(Box::new(key)))
    }

    /// A PEM text: `PUBLIC KEY` (RFC 5280 SubjectPublicKeyInfo), `RSA PUBLIC KEY` (PKCS #1), or a private key, of which the
    /// public half is taken.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (label, document) = pkcs8::Document::from_pem(text.trim())
            .map_err(|_| KeyError::Malformed("not one PEM block"))?;
        match label {
            "PUBLIC KEY" => Self::from_spki_der(document.as_bytes()),
            "RSA PUBLIC KEY" => Self::from_pkcs1_der(document.as_bytes()),
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
                SigningKey::from_pem(text)?.verifying_key()
            }
            _ => Err(KeyError::Malformed("neither a public nor a private key")),
        }
    }

    /// A DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        let info = pkcs8::SubjectPublicKeyInfoRef::try_from(der)
            .map_err(|_| KeyError::Malformed("not a SubjectPublicKeyInfo"))?;
        let bits = info
            .subject_public_key
            .as_bytes()
            .ok_or(KeyError::Malformed("an odd bit string"))?;
        match info.algorithm.oid.to_string().as_str() {
            OID_RSA => Self::from_pkcs1_der(bits),
            OID_ED25519 => Self::ed25519(bits),
            OID_EC => p256::ecdsa::VerifyingKey::from_public_key_der(der)
                .map(|key| Self::P256(Box::new(P256PublicKey::new(key))))
                .or_else(|_| {
                    p384::ecdsa::VerifyingKey::from_public_key_der(der)
                        .map(|key| Self::P384(Box::new(P384PublicKey::new(key))))
                })
                .map_err(|_| KeyError::Unsupported),
            _ => Err(KeyError::Unsupported),
        }
    }

    fn from_pkcs1_der(der: &[u8]) -> Result<Self, KeyError> {
        let key = pkcs1::RsaPublicKey::from_der(der)
            .map_err(|_| KeyError::Malformed("not an RSA public key"))?;
        Self::rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes())
    }

    /// The public key as DER SubjectPublicKeyInfo; none for a secret.
    pub fn to_spki_der(&self) -> Option<Vec<u8>> {
        use pkcs8::EncodePublicKey;
        match self {
            Self::Secret(_) => None,
            Self::Ed25519(key) => Some(key.to_public_key_der().ok()?.into_vec()),
            Self::P256(key) => Some(key.public().to_public_key_der().ok()?.into_vec()),
            Self::P384(key) => Some(key.public().to_public_key_der().ok()?.into_vec()),
            Self::Rsa(key) => {
                let (modulus, exponent) = (key.modulus(), key.exponent());
                let inner = pkcs1::RsaPublicKey {
                    modulus: pkcs1::UintRef::new(&modulus).ok()?,
                    public_exponent: pkcs1::UintRef::new(&exponent).ok()?,
                }
                .to_der()
                .ok()?;
                let info = pkcs8::SubjectPublicKeyInfoRef {
                    algorithm: pkcs1::ALGORITHM_ID,
                    subject_public_key: pkcs8::der::asn1::BitStringRef::from_bytes(&inner).ok()?,
                };
                info.to_der().ok()
            }
        }
    }

    /// The algorithms that this kind of key can serve, most usual first.
    pub fn algorithms(&self) -> &'static [Algorithm] {
        use Algorithm as A;
        match self {
            Self::Secret(_) => &[A::Hs256, A::Hs384, A::Hs512, A::HmacSha1, A::HmacMd5],
            Self::Ed25519(_) => &[A::EdDsa],
            Self::P256(_) => &[A::Es256, A::EcdsaSha1],
            Self::P384(_) => &[A::Es384],
            Self::Rsa(_) => &[
                A::Rs256,
                A::Rs384,
                A::Rs512,
                A::Ps256,
                A::Ps384,
                A::Ps512,
                A::Rs1,
            ],
        }
    }

    /// True when `signature` over `message` holds under this key with `algorithm`. A MAC is compared in constant time.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Self::Secret(secret), _) if algorithm.is_mac() => mac(algorithm, secret, message)
                .is_some_and(|expected| bool::from(expected.ct_eq(signature))),
            (Self::Ed25519(key), Algorithm::EdDsa) => {
                ed25519_dalek::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
            }
            (Self::P256(key), Algorithm::Es256) => key.verify(message, signature),
            (Self::P256(key), Algorithm::EcdsaSha1) => key.verify_sha1(message, signature),
            (Self::P384(key), Algorithm::Es384) => key.verify(message, signature),
            (Self::Rsa(key), _) => key.verify(algorithm, message, signature),
            _ => false,
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret(_) => "Secret(..)",
            Self::Ed25519(_) => "Ed25519(..)",
            Self::P256(_) => "P256(..)",
            Self::P384(_) => "P384(..)",
            Self::Rsa(_) => "Rsa(..)",
        })
    }
}

/// The MAC of a message; none when `algorithm` is not a MAC.
pub(crate) fn mac(algorithm: Algorithm, secret: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    macro_rules! hmac {
        ($hash:ty) => {{
            // HMAC takes keys of every length (RFC 2104 section 2).
            let mut mac = Hmac::<$hash>::new_from_slice(secret).ok()?;
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        }};
    }
    Some(match algorithm {
        Algorithm::HmacMd5 => hmac!(md5::Md5),
        Algorithm::HmacSha1 => hmac!(sha1::Sha1),
        Algorithm::Hs256 => hmac!(sha2::Sha256),
        Algorithm::Hs384 => hmac!(sha2::Sha384),
        Algorithm::Hs512 => hmac!(sha2::Sha512),
        _ => return None,
    })
}
