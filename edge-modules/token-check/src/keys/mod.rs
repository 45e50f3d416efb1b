//! Keys with what they are bound to, and the sets in which a token's key is looked up.

mod jwk;

use std::fmt;
use std::sync::Arc;

pub use self::jwk::{JwksError, read_jwks, to_jwk};
use crate::grant::Signer;
use crate::reason::Reason;
use crate::signature::{Algorithm, SigningKey, VerifyingKey};

/// A verifying key, bound to algorithms and, where known, to an id and an issuer.
#[derive(Clone)]
pub struct Key {
    id: Option<Box<[u8]>>,
    algorithms: Vec<Algorithm>,
    issuer: Option<String>,
    material: VerifyingKey,
    /// The private half, when the configuration holds it.
    signer: Option<Arc<SigningKey>>,
}

impl Key {
    /// A key for some of the algorithms that its kind can serve.
    ///
    /// # Errors
    /// The first algorithm that this kind of key cannot serve.
    pub fn new(material: VerifyingKey, algorithms: &[Algorithm]) -> Result<Self, Algorithm> {
        match algorithms
            .iter()
            .find(|algorithm| !material.algorithms().contains(algorithm))
        {
            Some(wrong) => Err(*wrong),
            None => Ok(Self {
                id: None,
                algorithms: algorithms.to_vec(),
                issuer: None,
                material,
                signer: None,
            }),
        }
    }

    /// Names the key: `kid` of JOSE and COSE, key pair id, key name.
    #[must_use]
    pub fn with_id(mut self, id: impl AsRef<[u8]>) -> Self {
        self.id = Some(id.as_ref().into());
        self
    }

    /// Binds the key to an issuer: a token of another issuer is refused although its signature holds.
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Lets the key sign as well as check: for formats that answer with a token of their own.
    #[must_use]
    pub fn with_signer(mut self, signer: Arc<SigningKey>) -> Self {
        self.signer = Some(signer);
        self
    }

    /// What signs under this key: its private half, or the shared secret itself.
    pub fn signer(&self) -> Option<Arc<SigningKey>> {
        match &self.material {
            VerifyingKey::Secret(secret) => Some(Arc::new(SigningKey::Secret(secret.clone()))),
            _ => self.signer.clone(),
        }
    }

    /// The name.
    pub fn id(&self) -> Option<&[u8]> {
        self.id.as_deref()
    }

    /// The issuer that the key belongs to.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The algorithms that it may be used with.
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// The key itself.
    pub fn material(&self) -> &VerifyingKey {
        &self.material
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id.as_deref().map(String::from_utf8_lossy);
        f.debug_struct("Key")
            .field("id", &id)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

/// How many keys are tried for one token: bounds the work that a token without a key id can cause.
const MAX_TRIES: usize = 16;

/// The keys that one token format accepts.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Vec<Arc<Key>>,
    /// A source of keys has not been fetched yet.
    incomplete: bool,
}

impl KeySet {
    /// A set. `incomplete` says that more keys are expected: not finding one is then a fault of this side.
    pub fn new(keys: Vec<Arc<Key>>, incomplete: bool) -> Self {
        Self { keys, incomplete }
    }

    /// The keys.
    pub fn keys(&self) -> &[Arc<Key>] {
        &self.keys
    }

    /// The keys that a token with this key id may be signed with: those of that name, else those without a name.
    /// A token without a key id may be signed with any.
    ///
    /// # Errors
    /// [`Reason::KeyUnknown`], or [`Reason::KeysUnavailable`] while a source is missing.
    pub fn candidates(&self, id: Option<&[u8]>) -> Result<Vec<&Key>, Reason> {
        let named = |wanted: Option<&[u8]>| -> Vec<&Key> {
            self.keys
                .iter()
                .map(Arc::as_ref)
                .filter(|key| key.id() == wanted)
                .take(MAX_TRIES)
                .collect()
        };
        let found = match id {
            Some(_) => Some(named(id))
                .filter(|keys| !keys.is_empty())
                .unwrap_or_else(|| named(None)),
            None => self.keys.iter().map(Arc::as_ref).take(MAX_TRIES).collect(),
        };
        match found.is_empty() {
            false => Ok(found),
            true if self.incomplete => Err(Reason::KeysUnavailable),
            true => Err(Reason::KeyUnknown),
        }
    }

    /// Finds the key under which the signature holds.
    ///
    /// # Errors
    /// [`Reason::KeyUnknown`], [`Reason::KeysUnavailable`]; [`Reason::AlgorithmNotAllowed`] when no candidate is bound to
    /// `algorithm`; [`Reason::SignatureInvalid`].
    pub fn verify(
        &self,
        id: Option<&[u8]>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<&Key, Reason> {
        let mut outcome = Reason::AlgorithmNotAllowed;
        for key in self.candidates(id)? {
            if key.algorithms.contains(&algorithm) {
                if key.material.verify(algorithm, message, signature) {
                    return Ok(key);
                }
                outcome = Reason::SignatureInvalid;
            }
        }
        // A token without a key id may belong to the set that is still missing.
        if self.incomplete && id.is_none() {
            Err(Reason::KeysUnavailable)
        } else {
            Err(outcome)
        }
    }

    /// What renews a token that `key` has checked: the key itself when its private half is here, else another private key of the set that
    /// serves this issuer, since an issuer keeps its own. `own` is the algorithm and the key id of the token.
    pub(crate) fn renewer(
        &self,
        key: &Key,
        own: (Algorithm, Option<Vec<u8>>),
        issuer: Option<&str>,
        allowed: impl Fn(Algorithm) -> bool,
    ) -> Option<Signer> {
        if let Some(signing) = key.signer() {
            return Some(Signer {
                key: signing,
                algorithm: own.0,
                key_id: own.1,
            });
        }
        let serves = |other: &&Arc<Key>| {
            let bound = other.issuer().is_none_or(|bound| Some(bound) == issuer);
            bound && !matches!(other.material, VerifyingKey::Secret(_))
        };
        self.keys.iter().filter(serves).find_map(|other| {
            Some(Signer {
                key: other.signer()?,
                algorithm: *other.algorithms.iter().find(|one| allowed(**one))?,
                key_id: other.id().map(<[u8]>::to_vec),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(byte: u8) -> Key {
        Key::new(
            VerifyingKey::secret(&[byte; 32]).unwrap(),
            &[Algorithm::Hs256],
        )
        .unwrap()
    }

    fn sign(byte: u8) -> Vec<u8> {
        crate::signature::mac(Algorithm::Hs256, &[byte; 32], b"m").unwrap()
    }

    #[test]
    fn a_named_key_serves_its_name_alone() {
        let set = KeySet::new(
            vec![
                Arc::new(secret(1).with_id("a")),
                Arc::new(secret(2).with_id("b")),
            ],
            false,
        );
        assert!(
            set.verify(Some(b"a"), Algorithm::Hs256, b"m", &sign(1))
                .is_ok()
        );
        assert!(set.verify(None, Algorithm::Hs256, b"m", &sign(2)).is_ok());
        let refused =
            |id, algorithm, byte| set.verify(id, algorithm, b"m", &sign(byte)).unwrap_err();
        assert_eq!(
            refused(Some(b"a".as_slice()), Algorithm::Hs256, 2),
            Reason::SignatureInvalid
        );
        assert_eq!(
            refused(Some(b"c".as_slice()), Algorithm::Hs256, 1),
            Reason::KeyUnknown
        );
        assert_eq!(
            refused(Some(b"a".as_slice()), Algorithm::Hs512, 1),
            Reason::AlgorithmNotAllowed
        );
        assert_eq!(
            refused(None, Algorithm::EdDsa, 1),
            Reason::AlgorithmNotAllowed
        );
    }

    #[test]
    fn a_key_is_not_bound_to_what_it_cannot_serve() {
        let public = crate::test_keys::rsa().verifying_key().unwrap();
        assert_eq!(
            Key::new(public, &[Algorithm::Rs256, Algorithm::Hs256]).unwrap_err(),
            Algorithm::Hs256
        );
    }

    #[test]
    fn a_missing_source_is_this_sides_fault() {
        let set = KeySet::new(vec![Arc::new(secret(1).with_id("a"))], true);
        assert_eq!(
            set.verify(Some(b"x"), Algorithm::Hs256, b"m", &sign(1))
                .unwrap_err(),
            Reason::KeysUnavailable
        );
        assert_eq!(
            set.verify(None, Algorithm::Hs256, b"m", &sign(9))
                .unwrap_err(),
            Reason::KeysUnavailable
        );
        assert_eq!(
            set.verify(Some(b"a"), Algorithm::Hs256, b"m", &sign(9))
                .unwrap_err(),
            Reason::SignatureInvalid
        );
        assert!(
            set.verify(Some(b"a"), Algorithm::Hs256, b"m", &sign(1))
                .is_ok()
        );
    }
}
