//! Cloudflare Stream.

use super::*;

#[test]
fn stream_tokens_stand_for_their_video() {
    let key = SigningKey::from_pem(include_str!("../keys/rsa-2048.pem")).unwrap();
    let pem = key.to_pem().unwrap();
    let minter = Minter::new(key).with_id("k1");
    let config = format!(
        "[[keys]]\nid = \"k1\"\npem = \"\"\"{pem}\"\"\"\n[formats.stream]\ntype = \"cloudflare-stream\"\n"
    );
    let now = 1_800_000_000;
    let video = "ea95132c15732412d22c1476fa83f27a";
    let mint = |rules: Option<serde_json::Value>, expires: i64| {
        let mut claims = JwtClaims {
            subject: Some(video.to_owned()),
            expires: Some(expires),
            ..JwtClaims::default()
        };
        claims
            .more
            .extend(rules.map(|rules| ("accessRules".to_owned(), rules)));
        minter.jwt(&claims).unwrap()
    };
    let edge = || Edge::new(&config, now);
    let token = mint(None, now + 60);
    let there = format!("/{video}/manifest/video.m3u8?x=1");
    assert_eq!(
        edge().get(&format!("/{token}/manifest/video.m3u8?x=1")),
        Ok(there.clone())
    );
    assert_eq!(
        edge().get(&format!("/{video}/manifest/video.m3u8")),
        no("token-missing")
    );
    assert_eq!(
        edge().get(&format!("/{}/manifest/video.m3u8", mint(None, now))),
        no("token-expired")
    );
    assert_eq!(
        edge().get(&format!(
            "/{}/manifest/video.m3u8",
            mint(None, now + 90_000)
        )),
        no("token-age-not-allowed")
    );
    let rule = |kind: &str, action: &str| serde_json::json!({ "type": kind, "action": action, "country": ["DE"], "ip": ["192.0.2.0/24"] });
    for (rules, expected) in [
        (vec![rule("any", "allow")], None),
        (vec![rule("any", "block")], Some("address-not-allowed")),
        (vec![rule("ip.src", "allow"), rule("any", "block")], None),
        (
            vec![rule("ip.geoip.country", "block"), rule("any", "allow")],
            Some("address-not-allowed"),
        ),
        (vec![], None),
        // The vendor's first example: nothing but a country is kept out.
        (
            vec![
                serde_json::json!({ "type": "ip.geoip.country", "action": "block", "country": ["US", "MX"] }),
            ],
            None,
        ),
        (vec![rule("asn", "allow")], Some("claim-malformed")),
        (vec![rule("any", "perhaps")], Some("claim-malformed")),
    ] {
        let token = mint(Some(serde_json::Value::Array(rules.clone())), now + 60);
        let outcome = edge().get(&format!("/{token}/manifest/video.m3u8?x=1"));
        assert_eq!(
            outcome,
            expected.map_or_else(|| Ok(there.clone()), no),
            "{rules:?}"
        );
        // A rule about what the host does not tell is not passed over.
        let mut blind = edge();
        blind.headers.retain(|(name, _)| !name.starts_with("weir-"));
        let about_place = rules.first().is_some_and(|rule| rule["type"] != "any");
        assert!(
            !about_place || blind.get(&format!("/{token}/manifest/video.m3u8")).is_err(),
            "{rules:?}"
        );
    }
}
