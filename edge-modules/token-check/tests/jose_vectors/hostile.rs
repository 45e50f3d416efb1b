//! What attackers send, and what can be read in two ways.

use super::*;

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
