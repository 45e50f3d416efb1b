//! Published JOSE examples, re-typed, and what attackers make of them.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use token_check::format::Verifier;
use token_check::format::jwt::{Jwt, JwtRules, parse};
use token_check::keys::{KeySet, read_jwks};
use token_check::mint::{JwtClaims, Minter};
use token_check::reason::Reason;
use token_check::{Algorithm, SigningKey};

/// RFC 7515 appendix A: the payload that its examples share.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// RFC 7520 section 4: the payload that its examples share.
const BILBO: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

/// RFC 7520 section 3.3: the RSA key of its examples.
fn bilbo() -> Value {
    json!({ "kty": "RSA", "kid": "bilbo.baggins@hobbiton.example", "use": "sig", "e": "AQAB", "n": "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw" })
}

/// Algorithm, protected header, payload, signature, key as JWK.
fn examples() -> Vec<(&'static str, &'static str, String, &'static str, Value)> {
    vec![
        (
            // RFC 7515 appendix A.1
            "HS256",
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
            JOE.to_owned(),
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            json!({ "kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow" }),
        ),
        (
            // RFC 7515 appendix A.2
            "RS256",
            "eyJhbGciOiJSUzI1NiJ9",
            JOE.to_owned(),
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            json!({ "kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" }),
        ),
        (
            // RFC 7515 appendix A.3
            "ES256",
            "eyJhbGciOiJFUzI1NiJ9",
            JOE.to_owned(),
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" }),
        ),
        (
            // RFC 8037 appendix A.4
            "EdDSA",
            "eyJhbGciOiJFZERTQSJ9",
            "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
        ),
        (
            // RFC 7520 section 4.1
            "RS256",
            "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
            BILBO.to_owned(),
            "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
            bilbo(),
        ),
        (
            // RFC 7520 section 4.2
            "PS384",
            "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
            BILBO.to_owned(),
            "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
            bilbo(),
        ),
        (
            // RFC 7520 section 4.4
            "HS256",
            "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9",
            BILBO.to_owned(),
            "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
            json!({ "kty": "oct", "kid": "018c0ae5-4d9b-471b-bfd6-eef314bc7037", "use": "sig", "alg": "HS256", "k": "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg" }),
        ),
    ]
}

fn set(jwks: &[Value]) -> KeySet {
    let keys = read_jwks(json!({ "keys": jwks }).to_string().as_bytes(), true).unwrap();
    KeySet::new(keys.into_iter().map(Into::into).collect(), false)
}

#[test]
fn published_signatures_hold_and_broken_ones_do_not() {
    for (name, header, payload, signature, jwk) in examples() {
        let keys = set(&[jwk]);
        let algorithm = Algorithm::from_jose(name).unwrap();
        let signed = format!("{header}.{payload}");
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(
            keys.verify(None, algorithm, signed.as_bytes(), &bytes)
                .is_ok(),
            "{name}"
        );
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 1;
            assert!(
                keys.verify(None, algorithm, signed.as_bytes(), &broken)
                    .is_err(),
                "{name} byte {at}"
            );
        }
        assert!(
            keys.verify(None, algorithm, format!("{signed}A").as_bytes(), &bytes)
                .is_err(),
            "{name}"
        );
        assert!(
            keys.verify(
                None,
                algorithm,
                signed.as_bytes(),
                &[bytes.as_slice(), &[0]].concat()
            )
            .is_err(),
            "{name}"
        );
        assert!(
            keys.verify(None, algorithm, signed.as_bytes(), &vec![0; bytes.len()])
                .is_err(),
            "{name}"
        );
    }
}

#[test]
fn a_published_token_is_read_whole() {
    let (_, header, payload, signature, jwk) = examples().remove(2);
    let token = format!("{header}.{payload}.{signature}");
    let grant = Jwt::new(JwtRules::default())
        .verify(&token, &set(&[jwk]))
        .unwrap();
    assert_eq!(
        (grant.issuer.as_deref(), grant.expires),
        (Some("joe"), Some(1_300_819_380))
    );
    assert_eq!(
        grant.check_times(1_300_819_380, 0).unwrap_err().reason,
        Reason::TokenExpired
    );
    assert!(grant.check_times(1_300_819_379, 0).is_ok());
}

const SECRET: [u8; 32] = [5; 32];

fn forge(header: &Value, claims: &str) -> String {
    let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!(
        "{}.{}",
        base64(header.to_string().as_bytes()),
        base64(claims.as_bytes())
    );
    let key = SigningKey::secret(&SECRET).unwrap();
    format!(
        "{signed}.{}",
        base64(&key.sign(Algorithm::Hs256, signed.as_bytes()).unwrap())
    )
}

fn verify(token: &str) -> Result<token_check::grant::Grant, Reason> {
    let keys = set(&[json!({ "kty": "oct", "kid": "k", "k": URL_SAFE_NO_PAD.encode(SECRET) })]);
    Jwt::new(JwtRules::default())
        .verify(token, &keys)
        .map_err(|refused| refused.reason)
}

#[test]
fn headers_that_attackers_send() {
    let claims = r#"{"exp":2000000000}"#;
    assert!(verify(&forge(&json!({ "alg": "HS256", "kid": "k" }), claims)).is_ok());
    for (header, reason) in [
        (json!({ "alg": "none" }), Reason::AlgorithmNotAllowed),
        (json!({ "alg": "None" }), Reason::AlgorithmNotAllowed),
        (json!({ "alg": "" }), Reason::AlgorithmNotAllowed),
        (json!({ "alg": "hs256" }), Reason::AlgorithmNotAllowed),
        (json!({ "alg": "HS512" }), Reason::AlgorithmNotAllowed),
        (json!({ "alg": "RS256" }), Reason::AlgorithmNotAllowed),
        (json!({ "alg": "HMAC-MD5" }), Reason::AlgorithmNotAllowed),
        (json!({ "alg": ["HS256"] }), Reason::TokenMalformed),
        (json!({ "alg": null }), Reason::TokenMalformed),
        (json!({}), Reason::AlgorithmNotAllowed),
        (
            json!({ "alg": "HS256", "crit": ["exp"], "exp": 1 }),
            Reason::CriticalUnsupported,
        ),
        (
            json!({ "alg": "HS256", "crit": [] }),
            Reason::CriticalUnsupported,
        ),
        (
            json!({ "alg": "HS256", "b64": false }),
            Reason::CriticalUnsupported,
        ),
        (json!({ "alg": "HS256", "kid": 1 }), Reason::TokenMalformed),
        (
            json!({ "alg": "HS256", "kid": "../../../dev/null" }),
            Reason::KeyUnknown,
        ),
        (
            json!({ "alg": "HS256", "kid": "k' or '1'='1" }),
            Reason::KeyUnknown,
        ),
    ] {
        assert_eq!(
            verify(&forge(&header, claims)).unwrap_err(),
            reason,
            "{header}"
        );
    }
    // A key that the token brings along is never looked at.
    let own = json!({ "alg": "HS256", "jwk": { "kty": "oct", "k": URL_SAFE_NO_PAD.encode([6; 32]) }, "jku": "https://evil.example/jwks" });
    let signed = forge(&own, claims);
    assert!(verify(&signed).is_ok(), "the configured key signed it");
}

#[test]
fn claims_that_cannot_be_read_refuse() {
    let header = json!({ "alg": "HS256" });
    for (claims, reason) in [
        (r#"{}"#, Reason::ClaimMissing),
        (r#"{"exp":"2000000000"}"#, Reason::ClaimMalformed),
        (r#"{"exp":null}"#, Reason::ClaimMalformed),
        (r#"{"exp":true}"#, Reason::ClaimMalformed),
        (r#"{"exp":[2000000000]}"#, Reason::ClaimMalformed),
        (r#"{"exp":1e300}"#, Reason::ClaimMalformed),
        (r#"{"exp":18446744073709551615}"#, Reason::ClaimMalformed),
        (r#"{"exp":1e999}"#, Reason::TokenMalformed),
        (r#"{"exp":NaN}"#, Reason::TokenMalformed),
        (r#"{"exp":2000000000,"exp":1}"#, Reason::TokenMalformed),
        (r#"{"exp":2000000000,"\u0065xp":1}"#, Reason::TokenMalformed),
        (r#"{"exp":2000000000}x"#, Reason::TokenMalformed),
        (r#"[2000000000]"#, Reason::TokenMalformed),
        (r#"{"exp":2000000000,"nbf":"x"}"#, Reason::ClaimMalformed),
        (r#"{"exp":2000000000,"iss":1}"#, Reason::ClaimMalformed),
        (
            r#"{"exp":2000000000,"sub":{"a":1}}"#,
            Reason::ClaimMalformed,
        ),
        (r#"{"exp":2000000000,"aud":1}"#, Reason::ClaimMalformed),
        (
            r#"{"exp":2000000000,"aud":["x"]}"#,
            Reason::AudienceNotAllowed,
        ),
        (r#"{"exp":2000000000,"aud":[]}"#, Reason::AudienceNotAllowed),
        (
            r#"{"exp":2000000000,"paths":["vod/*"]}"#,
            Reason::ClaimMalformed,
        ),
        (
            r#"{"exp":2000000000,"paths":{"a":1}}"#,
            Reason::ClaimMalformed,
        ),
        (
            r#"{"exp":2000000000,"networks":["300.0.0.1"]}"#,
            Reason::ClaimMalformed,
        ),
        (
            r#"{"exp":2000000000,"countries":["Germany"]}"#,
            Reason::ClaimMalformed,
        ),
        (
            r#"{"exp":2000000000,"asns":["AS1"]}"#,
            Reason::ClaimMalformed,
        ),
        (
            r#"{"exp":2000000000,"max_streams":-1}"#,
            Reason::ClaimMalformed,
        ),
        (
            r#"{"exp":2000000000,"entitlements":["a,b"]}"#,
            Reason::ClaimMalformed,
        ),
        (
            r#"{"exp":2000000000,"entitlements":["a\r\nb"]}"#,
            Reason::ClaimMalformed,
        ),
        (
            r#"{"exp":2000000000,"entitlements":{"a":[]}}"#,
            Reason::ClaimMalformed,
        ),
    ] {
        assert_eq!(
            verify(&forge(&header, claims)).unwrap_err(),
            reason,
            "{claims}"
        );
    }
    // Fractions fall against the token.
    let grant = verify(&forge(&header, r#"{"exp":1000.9,"nbf":900.1}"#)).unwrap();
    assert_eq!((grant.expires, grant.not_before), (Some(1000), Some(901)));
    let grant = verify(&forge(&header, r#"{"exp":-1.5}"#)).unwrap();
    assert_eq!(grant.expires, Some(-2));
    // An empty list of paths covers nothing; it is not the same as no list.
    let grant = verify(&forge(&header, r#"{"exp":2000000000,"paths":[]}"#)).unwrap();
    assert_eq!(grant.restrictions.len(), 1);
    let grant = verify(&forge(
        &header,
        r#"{"exp":2000000000,"entitlements":{"max-height":1080,"hdr":true,"uhd":false}}"#,
    ))
    .unwrap();
    assert_eq!(grant.entitlements, ["hdr", "max-height=1080"]);
}

#[test]
fn encodings_that_can_be_read_two_ways_refuse() {
    let good = forge(&json!({ "alg": "HS256" }), r#"{"exp":2000000000}"#);
    assert!(verify(&good).is_ok());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let last = signature.chars().last().unwrap();
    // The last character of 32 bytes in base64 carries two unused bits: all four spellings decode alike in a lax decoder.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = alphabet.find(last).unwrap();
    for other in (at & !3)..(at | 3) + 1 {
        let spelled = format!(
            "{signed}.{}{}",
            &signature[..signature.len() - 1],
            &alphabet[other..=other]
        );
        assert_eq!(verify(&spelled).is_ok(), other == at, "{spelled}");
    }
    for broken in [
        format!("{good}="),
        format!("{good}.x"),
        format!(" {good}"),
        good.replacen('.', "..", 1),
        format!("{signed}."),
        signed.to_owned(),
        format!(".{good}"),
        "..".to_owned(),
        "a".repeat(9000),
        good.replace('e', "e\u{0}"),
    ] {
        assert!(verify(&broken).is_err(), "{broken}");
    }
}

/// Another implementation reads what is minted here, and the other way round.
#[test]
fn agrees_with_an_independent_implementation() {
    use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
    let rsa_pem = include_str!("keys/rsa-2048.pem");
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
