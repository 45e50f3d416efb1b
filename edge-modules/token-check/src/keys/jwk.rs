//! JSON Web Keys and sets of them (RFC 7517, RFC 7518 section 6, RFC 8037).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::Key;
use crate::signature::{Algorithm, KeyError, VerifyingKey};

/// A key set that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// Not a JSON object with unique member names.
    #[error("not a JSON object with unique member names")]
    NotAnObject,
    /// `keys` is missing or not an array.
    #[error("the set has no `keys` array")]
    NoKeys,
    /// Far more keys than anyone rotates.
    #[error("the set has more than 256 keys")]
    TooMany,
    /// No key of the set can check a signature here.
    #[error("no key of the set can be used")]
    NoneUsable,
}

/// Reads a JWK Set (RFC 7517 section 5), or one bare JWK. Keys that are for encryption, of unknown type, or inconsistent in
/// themselves are left out, as the section demands. Shared secrets (`oct`) are taken only when `secrets` says so: a document fetched by
/// URL must never bring one in.
///
/// # Errors
/// [`JwksError`].
pub fn read_jwks(bytes: &[u8], secrets: bool) -> Result<Vec<Key>, JwksError> {
    let document = crate::json::object(bytes).map_err(|_| JwksError::NotAnObject)?;
    if document.contains_key("kty") {
        return read_jwk(&document, secrets)
            .map(|key| vec![key])
            .ok_or(JwksError::NoneUsable);
    }
    let list = document
        .get("keys")
        .and_then(Value::as_array)
        .ok_or(JwksError::NoKeys)?;
    if list.len() > 256 {
        return Err(JwksError::TooMany);
    }
    let keys: Vec<Key> = list
        .iter()
        .filter_map(Value::as_object)
        .filter_map(|jwk| read_jwk(jwk, secrets))
        .collect();
    if keys.is_empty() {
        Err(JwksError::NoneUsable)
    } else {
        Ok(keys)
    }
}

fn read_jwk(jwk: &Map<String, Value>, secrets: bool) -> Option<Key> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    // RFC 7517 sections 4.2 and 4.3: present and different means not for us.
    if jwk.contains_key("use") && text("use") != Some("sig") {
        return None;
    }
    if let Some(operations) = jwk.get("key_ops") {
        let operations = operations.as_array()?;
        if !operations
            .iter()
            .any(|operation| operation == "verify" || operation == "sign")
        {
            return None;
        }
    }
    let material = read_material(jwk, secrets).ok()??;
    let algorithms = match jwk.get("alg") {
        Some(name) => vec![Algorithm::from_jose(name.as_str()?)?],
        None => match material {
            // A secret that may serve several hash lengths is not bound; without `alg` it is for the usual one.
            VerifyingKey::Secret(_) => vec![Algorithm::Hs256],
            _ => material
                .algorithms()
                .iter()
                .copied()
                .filter(|algorithm| !algorithm.is_legacy())
                .collect(),
        },
    };
    let key = Key::new(material, &algorithms).ok()?;
    Some(match jwk.get("kid") {
        Some(id) => key.with_id(id.as_str()?),
        None => key,
    })
}

fn read_material(
    jwk: &Map<String, Value>,
    secrets: bool,
) -> Result<Option<VerifyingKey>, KeyError> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let bytes = |name: &str| {
        text(name)
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
            .ok_or(KeyError::Malformed("a member is missing or not base64url"))
    };
    Ok(match (text("kty"), text("crv")) {
        (Some("oct"), _) if secrets => Some(VerifyingKey::secret(&bytes("k")?)?),
        (Some("OKP"), Some("Ed25519")) => Some(VerifyingKey::ed25519(&bytes("x")?)?),
        (Some("RSA"), _) => Some(VerifyingKey::rsa(&bytes("n")?, &bytes("e")?)?),
        (Some("EC"), Some("P-256")) => {
            Some(VerifyingKey::p256(&point(&bytes("x")?, &bytes("y")?, 32)?)?)
        }
        (Some("EC"), Some("P-384")) => {
            Some(VerifyingKey::p384(&point(&bytes("x")?, &bytes("y")?, 48)?)?)
        }
        _ => None,
    })
}

/// An uncompressed SEC 1 point. Coordinates have the full length of the field (RFC 7518 section 6.2.1.2).
fn point(x: &[u8], y: &[u8], length: usize) -> Result<Vec<u8>, KeyError> {
    if x.len() != length || y.len() != length {
        return Err(KeyError::Malformed("a coordinate of the wrong length"));
    }
    Ok([&[4], x, y].concat())
}

/// The public JWK of a key, for publishing; none for a shared secret.
pub fn to_jwk(key: &Key) -> Option<Value> {
    let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let mut jwk = match key.material() {
        VerifyingKey::Secret(_) => return None,
        VerifyingKey::Ed25519(point) => {
            json!({ "kty": "OKP", "crv": "Ed25519", "x": base64(point.as_bytes()) })
        }
        VerifyingKey::P256(point) => {
            let point = point.public().to_encoded_point(false);
            json!({ "kty": "EC", "crv": "P-256", "x": base64(point.x()?), "y": base64(point.y()?) })
        }
        VerifyingKey::P384(point) => {
            let point = point.public().to_encoded_point(false);
            json!({ "kty": "EC", "crv": "P-384", "x": base64(point.x()?), "y": base64(point.y()?) })
        }
        VerifyingKey::Rsa(key) => {
            json!({ "kty": "RSA", "n": base64(&key.modulus()), "e": base64(&key.exponent()) })
        }
    };
    jwk["use"] = json!("sig");
    if let [algorithm] = key.algorithms() {
        jwk["alg"] = json!(algorithm.name());
    }
    if let Some(id) = key.id() {
        jwk["kid"] = json!(std::str::from_utf8(id).ok()?);
    }
    Some(jwk)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::SigningKey;

    #[test]
    fn what_is_published_is_read_back() {
        for (signing, algorithm) in [
            (SigningKey::ed25519(&[1; 32]), Algorithm::EdDsa),
            (SigningKey::p256(&[2; 32]).unwrap(), Algorithm::Es256),
            (SigningKey::p384(&[3; 48]).unwrap(), Algorithm::Es384),
            (crate::test_keys::rsa(), Algorithm::Ps256),
        ] {
            let key = Key::new(signing.verifying_key().unwrap(), &[algorithm])
                .unwrap()
                .with_id("k1");
            let set = json!({ "keys": [to_jwk(&key).unwrap()] }).to_string();
            let back = read_jwks(set.as_bytes(), false).unwrap();
            assert_eq!(back[0].id(), Some(b"k1".as_slice()));
            assert_eq!(back[0].algorithms(), [algorithm]);
            assert_eq!(
                back[0].material().to_spki_der(),
                key.material().to_spki_der()
            );
        }
        let secret =
            Key::new(VerifyingKey::secret(&[1; 32]).unwrap(), &[Algorithm::Hs256]).unwrap();
        assert_eq!(to_jwk(&secret), None);
    }

    #[test]
    fn keys_that_are_not_for_signatures_are_left_out() {
        let good = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "good", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        let with = |name: &str, value: Value| {
            let mut jwk = good.clone();
            jwk["kid"] = json!("bad");
            jwk[name] = value;
            jwk
        };
        let bad = [
            with("use", json!("enc")),
            with("use", json!(1)),
            with("key_ops", json!(["encrypt"])),
            with("alg", json!("HS256")),
            with("alg", json!("none")),
            with("alg", json!("RS1")),
            with("kty", json!("RSA")),
            with("crv", json!("X25519")),
            with("x", json!("AAAA")),
            with("x", json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")),
            with("kid", json!(7)),
            json!({ "kty": "oct", "kid": "bad", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }),
            json!({ "kty": "EC", "crv": "P-256", "kid": "bad", "x": "AAAA", "y": "AAAA" }),
            json!("not an object"),
        ];
        for jwk in bad {
            let set = json!({ "keys": [good, jwk] }).to_string();
            let keys = read_jwks(set.as_bytes(), false).unwrap();
            assert_eq!(
                keys.iter().map(Key::id).collect::<Vec<_>>(),
                [Some(b"good".as_slice())],
                "{set}"
            );
        }
    }

    #[test]
    fn broken_sets_are_refused_whole() {
        for (text, error) in [
            ("", JwksError::NotAnObject),
            ("[]", JwksError::NotAnObject),
            (r#"{"keys":[],"keys":[]}"#, JwksError::NotAnObject),
            ("{}", JwksError::NoKeys),
            (r#"{"keys":{}}"#, JwksError::NoKeys),
            (r#"{"keys":[]}"#, JwksError::NoneUsable),
            (
                r#"{"keys":[{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}"#,
                JwksError::NoneUsable,
            ),
        ] {
            assert_eq!(
                read_jwks(text.as_bytes(), false).unwrap_err(),
                error,
                "{text}"
            );
        }
    }
}
