//! COSE messages with one signer or one MAC (RFC 9052 sections 4.2 and 6.2), and COSE keys (section 7).

use crate::cbor::{self, Value};
use crate::keys::Key;
use crate::reason::{Reason, Refused};
use crate::signature::{Algorithm, VerifyingKey};

const TAG_CWT: u64 = 61;
const TAG_MAC0: u64 = 17;
const TAG_SIGN1: u64 = 18;

/// `COSE_Mac0` or `COSE_Sign1`, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The protected header as it was signed.
    pub protected: Vec<u8>,
    /// The algorithm, from the protected header.
    pub algorithm: Algorithm,
    /// The key id, from either header.
    pub key_id: Option<Vec<u8>>,
    /// What is signed.
    pub payload: Vec<u8>,
    /// The signature or MAC.
    pub signature: Vec<u8>,
    /// Whether the CWT tag (RFC 8392 section 6) stood in front.
    pub cwt_tag: bool,
    /// Whether a COSE tag stood in front.
    pub cose_tag: bool,
}

const HEADER_ALG: i64 = 1;
const HEADER_CRIT: i64 = 2;
const HEADER_KID: i64 = 4;

impl Message {
    /// Reads a message, tags present or not. A tag that is there must fit the algorithm: a MAC under the tag of a signature is refused,
    /// and so is the CWT tag without a COSE tag (RFC 8392 section 6).
    ///
    /// # Errors
    /// [`Reason::TokenMalformed`], [`Reason::AlgorithmNotAllowed`], [`Reason::CriticalUnsupported`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Refused> {
        let malformed = || Refused::from(Reason::TokenMalformed);
        let (cwt_tag, item) = match cbor::decode(bytes).map_err(|_| malformed())? {
            Value::Tag(TAG_CWT, item) => (true, *item),
            item => (false, item),
        };
        let (tag, item) = match item {
            Value::Tag(tag @ (TAG_MAC0 | TAG_SIGN1), item) => (Some(tag), *item),
            Value::Tag(..) => return Err(malformed()),
            item => (None, item),
        };
        if cwt_tag && tag.is_none() {
            return Err(malformed());
        }
        let Value::Array(parts) = item else {
            return Err(malformed());
        };
        let [
            Value::Bytes(protected),
            Value::Map(unprotected),
            Value::Bytes(payload),
            Value::Bytes(signature),
        ] = parts.as_slice()
        else {
            return Err(malformed());
        };
        let header = match protected.as_slice() {
            [] => Value::Map(Vec::new()),
            bytes => cbor::decode(bytes).map_err(|_| malformed())?,
        };
        // RFC 9052 section 3: a label stands in one bucket alone.
        let labels = header.as_map().ok_or_else(malformed)?;
        if labels
            .iter()
            .any(|(label, _)| unprotected.iter().any(|(other, _)| other == label))
        {
            return Err(malformed());
        }
        let unprotected = Value::Map(unprotected.clone());
        if header.get(HEADER_CRIT).is_some() || unprotected.get(HEADER_CRIT).is_some() {
            return Err(Reason::CriticalUnsupported.into());
        }
        let algorithm = header
            .get(HEADER_ALG)
            .and_then(Value::as_integer)
            .and_then(Algorithm::from_cose);
        let algorithm = algorithm.ok_or(Reason::AlgorithmNotAllowed)?;
        let fits = match tag {
            Some(TAG_MAC0) => algorithm.is_mac(),
            Some(_) => !algorithm.is_mac(),
            None => true,
        };
        if !fits {
            return Err(Reason::AlgorithmNotAllowed.into());
        }
        let key_id = match header.get(HEADER_KID).or(unprotected.get(HEADER_KID)) {
            Some(id) => Some(id.as_bytes().ok_or_else(malformed)?.to_vec()),
            None => None,
        };
        Ok(Self {
            protected: protected.clone(),
            algorithm,
            key_id,
            payload: payload.clone(),
            signature: signature.clone(),
            cwt_tag,
            cose_tag: tag.is_some(),
        })
    }

    /// What the signature covers: `MAC_structure` or `Sig_structure` without external data.
    pub fn signed(&self) -> Vec<u8> {
        signed(self.algorithm, &self.protected, &self.payload)
    }
}

fn signed(algorithm: Algorithm, protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let context = if algorithm.is_mac() {
        "MAC0"
    } else {
        "Signature1"
    };
    cbor::encode(&Value::Array(vec![
        context.into(),
        protected.into(),
        Value::Bytes(Vec::new()),
        payload.into(),
    ]))
}

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tags {
    /// The CWT tag in front; needs the COSE tag.
    pub cwt: bool,
    /// The COSE tag in front.
    pub cose: bool,
}

/// Signs a payload into a message, the key id in the unprotected header as most implementations expect it.
///
/// # Errors
/// What `sign` answers, or an algorithm without a COSE number.
pub(crate) fn seal<E>(
    algorithm: Algorithm,
    key_id: Option<&[u8]>,
    payload: &[u8],
    tags: Tags,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Option<Vec<u8>>, E> {
    let Some(number) = algorithm.to_cose() else {
        return Ok(None);
    };
    let protected = cbor::encode(&Value::Map(vec![(HEADER_ALG.into(), number.into())]));
    let unprotected = key_id
        .map(|id| (HEADER_KID.into(), id.into()))
        .into_iter()
        .collect();
    let signature = sign(&signed(algorithm, &protected, payload))?;
    let parts = vec![
        Value::Bytes(protected),
        Value::Map(unprotected),
        payload.into(),
        Value::Bytes(signature),
    ];
    let mut item = Value::Array(parts);
    if tags.cose || tags.cwt {
        let tag = if algorithm.is_mac() {
            TAG_MAC0
        } else {
            TAG_SIGN1
        };
        item = Value::Tag(tag, Box::new(item));
    }
    if tags.cwt {
        item = Value::Tag(TAG_CWT, Box::new(item));
    }
    Ok(Some(cbor::encode(&item)))
}

/// Reads a COSE_KeySet, or one COSE_Key (RFC 9052 section 7, RFC 9053 section 7). Keys that cannot be used are left out; shared secrets
/// are taken only when `secrets` says so.
///
/// # Errors
/// A text for the log: not CBOR, not a key set, or no usable key.
pub fn read_cose_keys(bytes: &[u8], secrets: bool) -> Result<Vec<Key>, String> {
    let set = cbor::decode(bytes).map_err(|error| error.to_string())?;
    let list = match &set {
        Value::Array(list) => list.as_slice(),
        Value::Map(_) => std::slice::from_ref(&set),
        _ => return Err("not a COSE key set".to_owned()),
    };
    if list.len() > 256 {
        return Err("the set has more than 256 keys".to_owned());
    }
    let keys: Vec<Key> = list
        .iter()
        .filter_map(|key| read_key(key, secrets))
        .collect();
    if keys.is_empty() {
        Err("no key of the set can be used".to_owned())
    } else {
        Ok(keys)
    }
}

fn read_key(key: &Value, secrets: bool) -> Option<Key> {
    let bytes = |label| key.get(label).and_then(Value::as_bytes);
    let number = |label| key.get(label).and_then(Value::as_integer);
    let material = match (number(1)?, number(-1)) {
        (1, Some(6)) => VerifyingKey::ed25519(bytes(-2)?).ok()?,
        (2, Some(1)) => VerifyingKey::p256(&[&[4], bytes(-2)?, bytes(-3)?].concat()).ok()?,
        (2, Some(2)) => VerifyingKey::p384(&[&[4], bytes(-2)?, bytes(-3)?].concat()).ok()?,
        (3, _) => VerifyingKey::rsa(bytes(-1)?, bytes(-2)?).ok()?,
        (4, _) if secrets => VerifyingKey::secret(bytes(-1)?).ok()?,
        _ => return None,
    };
    if let Some(operations) = key.get(4) {
        // sign, verify, MAC create, MAC verify (RFC 9052 table 5).
        let ours = |operation: &Value| matches!(operation.as_integer(), Some(1 | 2 | 9 | 10));
        if !operations.as_array()?.iter().any(ours) {
            return None;
        }
    }
    let algorithms = match key.get(3) {
        Some(algorithm) => vec![Algorithm::from_cose(algorithm.as_integer()?)?],
        None if matches!(material, VerifyingKey::Secret(_)) => vec![Algorithm::Hs256],
        None => material
            .algorithms()
            .iter()
            .copied()
            .filter(|algorithm| !algorithm.is_legacy())
            .collect(),
    };
    let built = Key::new(material, &algorithms).ok()?;
    Some(match key.get(2) {
        Some(id) => built.with_id(id.as_bytes()?),
        None => built,
    })
}
