//! The verifier against an independent implementation.

use super::*;

/// Another implementation reads what is minted here, and the other way round.
#[test]
fn agrees_with_an_independent_implementation() {
    use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
    let rsa_pem = include_str!("../keys/rsa-2048.pem");
    let keys = [
        (
            Algorithm::EdDsa,
            jsonwebtoken::Algorithm::EdDSA,
            SigningKey::ed25519(&[1; 32]),
        ),
        (
            Algorithm::Es256,
            jsonwebtoken::Algorithm::ES256,
            SigningKey::p256(&[2; 32]).unwrap(),
        ),
        (
            Algorithm::Es384,
            jsonwebtoken::Algorithm::ES384,
            SigningKey::p384(&[3; 48]).unwrap(),
        ),
        (
            Algorithm::Hs256,
            jsonwebtoken::Algorithm::HS256,
            SigningKey::secret(&SECRET).unwrap(),
        ),
        (
            Algorithm::Hs384,
            jsonwebtoken::Algorithm::HS384,
            SigningKey::secret(&SECRET).unwrap(),
        ),
        (
            Algorithm::Hs512,
            jsonwebtoken::Algorithm::HS512,
            SigningKey::secret(&SECRET).unwrap(),
        ),
        (
            Algorithm::Rs256,
            jsonwebtoken::Algorithm::RS256,
            SigningKey::from_pem(rsa_pem).unwrap(),
        ),
        (
            Algorithm::Rs384,
            jsonwebtoken::Algorithm::RS384,
            SigningKey::from_pem(rsa_pem).unwrap(),
        ),
        (
            Algorithm::Rs512,
            jsonwebtoken::Algorithm::RS512,
            SigningKey::from_pem(rsa_pem).unwrap(),
        ),
        (
            Algorithm::Ps256,
            jsonwebtoken::Algorithm::PS256,
            SigningKey::from_pem(rsa_pem).unwrap(),
        ),
        (
            Algorithm::Ps384,
            jsonwebtoken::Algorithm::PS384,
            SigningKey::from_pem(rsa_pem).unwrap(),
        ),
        (
            Algorithm::Ps512,
            jsonwebtoken::Algorithm::PS512,
            SigningKey::from_pem(rsa_pem).unwrap(),
        ),
    ];
    for (algorithm, theirs, key) in keys {
        let minter = Minter::new(key.clone())
            .with_algorithm(algorithm)
            .with_id("k");
        let claims = JwtClaims {
            subject: Some("ada".to_owned()),
            expires: Some(4_000_000_000),
            ..JwtClaims::default()
        };
        let token = minter.jwt(&claims).unwrap();
        let (encoding, decoding) = match (&key, key.to_pem()) {
            (SigningKey::Ed25519(_), Some(pem)) => {
                let jwk = serde_json::from_value(minter.public_jwk().unwrap()).unwrap();
                (
                    EncodingKey::from_ed_pem(pem.as_bytes()).unwrap(),
                    DecodingKey::from_jwk(&jwk).unwrap(),
                )
            }
            (SigningKey::Rsa(_), Some(pem)) => {
                let jwk = serde_json::from_value(minter.public_jwk().unwrap()).unwrap();
                (
                    EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
                    DecodingKey::from_jwk(&jwk).unwrap(),
                )
            }
            (_, Some(pem)) => {
                let jwk = serde_json::from_value(minter.public_jwk().unwrap()).unwrap();
                (
                    EncodingKey::from_ec_pem(pem.as_bytes()).unwrap(),
                    DecodingKey::from_jwk(&jwk).unwrap(),
                )
            }
            (_, None) => (
                EncodingKey::from_secret(&SECRET),
                DecodingKey::from_secret(&SECRET),
            ),
        };
        let read =
            jsonwebtoken::decode::<Value>(&token, &decoding, &Validation::new(theirs)).unwrap();
        assert_eq!(read.claims["sub"], "ada", "{algorithm}");
        let signed = jsonwebtoken::encode(
            &Header::new(theirs),
            &json!({ "sub": "bob", "exp": 4_000_000_000_u64 }),
            &encoding,
        )
        .unwrap();
        let keys = KeySet::new(vec![minter.verifying_key().unwrap().into()], false);
        let grant = Jwt::new(JwtRules::default())
            .verify(&signed, &keys)
            .unwrap();
        assert_eq!(grant.subject.as_deref(), Some("bob"), "{algorithm}");
    }
}

#[test]
fn inspection_shows_what_is_there_and_decides_nothing() {
    let token = forge(&json!({ "alg": "none" }), r#"{"sub":"ada"}"#);
    let inspection = token_check::inspect(&token).unwrap();
    assert_eq!(inspection.format, "jwt");
    assert_eq!(inspection.content["claims"]["sub"], "ada");
    assert!(parse("a.b").is_err());
}
