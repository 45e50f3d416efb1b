//! RFC 9246.

use super::*;

#[test]
fn signed_uris_hold() {
    use base64::Engine;
    use sha2::Digest;
    let secret = "a secret of more than sixteen bytes";
    let minter = Minter::new(SigningKey::secret(secret.as_bytes()).unwrap());
    let config = format!(
        "[[keys]]\nsecret = \"{secret}\"\n[formats.uri]\ntype = \"uri-signing\"\nissuers = [\"csp\"]\n"
    );
    let now = 1_800_000_000;
    let mint = |more: serde_json::Value| {
        let mut claims = JwtClaims {
            issuer: Some("csp".to_owned()),
            expires: Some(now + 60),
            ..JwtClaims::default()
        };
        claims.more = more.as_object().unwrap().clone();
        minter.jwt(&claims).unwrap()
    };
    let get = |token: &str, target: &str| {
        let and = if target.contains('?') { '&' } else { '?' };
        Edge::new(&config, now).get(&format!("{target}{and}URISigningPackage={token}"))
    };
    let regex = mint(
        serde_json::json!({ "cdniv": 1, "cdniuc": "regex:https://cdn\\.example/vod/[a-z]+\\.m3u8" }),
    );
    assert_eq!(
        get(&regex, "/vod/film.m3u8"),
        Ok("/vod/film.m3u8".to_owned())
    );
    assert_eq!(get(&regex, "/vod/film.m3u8x"), no("path-not-allowed"));
    assert_eq!(get(&regex, "/vod/film.m3u8?x=1"), no("path-not-allowed"));
    let alternatives = mint(
        serde_json::json!({ "cdniuc": "regex:https://cdn\\.example/a|https://cdn\\.example/b" }),
    );
    assert_eq!(get(&alternatives, "/b"), Ok("/b".to_owned()));
    assert_eq!(
        get(&alternatives, "/bc"),
        no("path-not-allowed"),
        "both sides of the bar are anchored"
    );
    let digest = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .encode(sha2::Sha256::digest("https://cdn.example/a?x=1"));
    let hash = mint(serde_json::json!({ "cdniuc": format!("hash:sha-256;{digest}") }));
    assert_eq!(get(&hash, "/a?x=1"), Ok("/a?x=1".to_owned()));
    assert_eq!(get(&hash, "/a?x=2"), no("path-not-allowed"));
    for (claims, reason) in [
        (serde_json::json!({}), "claim-missing"),
        (
            serde_json::json!({ "cdniuc": "prefix:/" }),
            "claim-unsupported",
        ),
        (
            serde_json::json!({ "cdniuc": "hash:md5;AAAA" }),
            "claim-unsupported",
        ),
        (
            serde_json::json!({ "cdniuc": "regex:(" }),
            "claim-malformed",
        ),
        (
            serde_json::json!({ "cdniuc": "regex:.*", "cdniv": 2 }),
            "claim-unsupported",
        ),
        (
            serde_json::json!({ "cdniuc": "regex:.*", "cdnicrit": "exp,cdnix" }),
            "critical-unsupported",
        ),
        (
            serde_json::json!({ "cdniuc": "regex:.*", "cdnicrit": "cdnistt", "cdnistt": 1, "cdniets": 60 }),
            "critical-unsupported",
        ),
        (
            serde_json::json!({ "cdniuc": "regex:.*", "cdniip": "198.51.100.0/24" }),
            "address-not-allowed",
        ),
        (
            serde_json::json!({ "cdniuc": "regex:.*", "cdniip": "x" }),
            "claim-malformed",
        ),
        (
            serde_json::json!({ "cdniuc": "regex:.*", "jti": "once" }),
            "state-unavailable",
        ),
        (
            serde_json::json!({ "cdniuc": "regex:.*", "iss": "other" }),
            "issuer-not-allowed",
        ),
    ] {
        assert_eq!(get(&mint(claims.clone()), "/a"), no(reason), "{claims}");
    }
    let good = serde_json::json!({ "cdniuc": "regex:.*", "cdniip": "192.0.2.0/24", "cdnicrit": "cdniip, exp" });
    assert_eq!(get(&mint(good), "/a"), Ok("/a".to_owned()));
}
