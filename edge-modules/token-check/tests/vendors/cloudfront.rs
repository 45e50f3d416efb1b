//! CloudFront.

use super::*;

fn cloudfront() -> Edge {
    let pem = SigningKey::from_pem(include_str!("../keys/rsa-2048.pem"))
        .unwrap()
        .to_pem()
        .unwrap();
    Edge::new(
        &format!(
            "[[keys]]\nid = \"K2JCJMDEHXQW5F\"\nalgorithms = [\"RS1\"]\npem = \"\"\"{pem}\"\"\"\n[formats.cf]\ntype = \"cloudfront\"\n"
        ),
        1_767_290_399,
    )
}

fn cloudfront_minter() -> Minter {
    let key = SigningKey::from_pem(include_str!("../keys/rsa-2048.pem")).unwrap();
    Minter::new(key)
        .with_algorithm(Algorithm::Rs1)
        .with_id("K2JCJMDEHXQW5F")
}

#[test]
fn cloudfront_urls_and_cookies_hold() {
    let canned = cloudfront_minter()
        .cloudfront_canned("https://cdn.example/a.mp4?size=1", 1_767_290_400)
        .unwrap();
    let mut edge = cloudfront();
    assert_eq!(
        edge.get(&format!("/a.mp4?size=1&{canned}")),
        Ok("/a.mp4?size=1".to_owned())
    );
    assert_eq!(
        edge.get(&format!("/a.mp4?size=2&{canned}")),
        no("signature-invalid")
    );
    assert_eq!(
        edge.get(&format!("/b.mp4?size=1&{canned}")),
        no("signature-invalid")
    );
    assert_eq!(
        edge.get(&format!(
            "/a.mp4?size=1&{}",
            canned.replace("1767290400", "1767290401")
        )),
        no("signature-invalid")
    );
    assert_eq!(
        edge.get(&format!("/a.mp4?size=1&{}", canned.replace("K2J", "X2J"))),
        no("key-unknown")
    );
    assert_eq!(
        edge.get(&format!("/a.mp4?size=1&{canned}&Expires=1867290400")),
        no("token-malformed")
    );
    assert_eq!(
        cloudfront()
            .with(":authority", "other.example")
            .get(&format!("/a.mp4?size=1&{canned}")),
        no("signature-invalid")
    );
    edge.now = 1_767_290_400;
    assert_eq!(
        edge.get(&format!("/a.mp4?size=1&{canned}")),
        no("token-expired")
    );

    let policy = r#"{"Statement":[{"Resource":"http*://cdn.example/film/*?quality=high","Condition":{"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"},"DateGreaterThan":{"AWS:EpochTime":1767290000},"DateLessThan":{"AWS:EpochTime":1767290400}}}]}"#;
    let custom = cloudfront_minter().cloudfront_custom(policy).unwrap();
    let mut edge = cloudfront();
    assert_eq!(
        edge.get(&format!("/film/a/b.ts?quality=high&{custom}")),
        Ok("/film/a/b.ts?quality=high".to_owned())
    );
    assert_eq!(
        edge.get(&format!("/film/a/b.ts?{custom}")),
        no("path-not-allowed")
    );
    assert_eq!(
        edge.get(&format!("/film/../x?quality=high&{custom}")),
        no("path-not-allowed")
    );
    assert_eq!(
        cloudfront()
            .with("weir-client-ip", "198.51.100.1")
            .get(&format!("/film/a?quality=high&{custom}")),
        no("address-not-allowed")
    );
    edge.now = 1_767_290_000;
    assert_eq!(
        edge.get(&format!("/film/a?quality=high&{custom}")),
        no("token-not-yet-valid")
    );

    let cookies = canned_cookies(
        &cloudfront_minter()
            .cloudfront_custom(&policy.replace("?quality=high", ""))
            .unwrap(),
    );
    assert_eq!(
        cloudfront().with("cookie", &cookies).get("/film/a.ts"),
        Ok("/film/a.ts".to_owned())
    );
    assert_eq!(
        cloudfront().with("cookie", &cookies).get("/other/a.ts"),
        no("path-not-allowed")
    );

    for broken in [
        r#"{"Statement":[]}"#,
        r#"{"Statement":[{"Resource":"*"}]}"#,
        r#"{"Statement":[{"Resource":"*","Condition":{}}]}"#,
        r#"{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":"1867290400"}}}]}"#,
        r#"{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":1867290400},"StringLike":{"x":"y"}}}]}"#,
        r#"{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":1867290400}}},{"Resource":"*"}]}"#,
        r#"{"Statement":[{"Resource":"*","Resource":"x","Condition":{"DateLessThan":{"AWS:EpochTime":1867290400}}}]}"#,
    ] {
        let query = cloudfront_minter().cloudfront_custom(broken).unwrap();
        assert!(
            cloudfront().get(&format!("/a?{query}")).is_err(),
            "{broken}"
        );
    }
}

/// A P-256 key signs in DER, with SHA-1 unless the parameter says otherwise, as `openssl dgst -sha1 -sign` does.
#[test]
fn keys_of_both_kinds_sign_with_both_hashes() {
    let ecdsa = SigningKey::p256(&[3; 32]).unwrap();
    let rsa = SigningKey::from_pem(include_str!("../keys/rsa-2048.pem")).unwrap();
    let policy = r#"{"Statement":[{"Resource":"https://cdn.example/film/*","Condition":{"DateLessThan":{"AWS:EpochTime":1767290400}}}]}"#;
    for (key, algorithm) in [
        (&ecdsa, Algorithm::EcdsaSha1),
        (&ecdsa, Algorithm::Es256),
        (&rsa, Algorithm::Rs1),
        (&rsa, Algorithm::Rs256),
    ] {
        let edge = |bound: &str| {
            let pem = key.to_pem().unwrap();
            let config = format!(
                "[[keys]]\nid = \"K2\"\nalgorithms = [\"{bound}\"]\npem = \"\"\"{pem}\"\"\"\n[formats.cf]\ntype = \"cloudfront\"\n"
            );
            Edge::new(&config, 1_767_290_399)
        };
        let minter = Minter::new(key.clone())
            .with_algorithm(algorithm)
            .with_id("K2");
        let url = minter
            .cloudfront_canned("https://cdn.example/a.mp4", 1_767_290_400)
            .unwrap();
        let custom = minter.cloudfront_custom(policy).unwrap();
        let sha256 = matches!(algorithm, Algorithm::Es256 | Algorithm::Rs256);
        assert_eq!(
            url.ends_with("&Hash-Algorithm=SHA256"),
            sha256,
            "{algorithm}"
        );
        let mut own = edge(algorithm.name());
        assert_eq!(
            own.get(&format!("/a.mp4?{url}")),
            Ok("/a.mp4".to_owned()),
            "{algorithm}"
        );
        assert_eq!(
            own.get(&format!("/film/b?{custom}")),
            Ok("/film/b".to_owned()),
            "{algorithm}"
        );
        assert_eq!(
            edge(algorithm.name())
                .with("cookie", &canned_cookies(&custom))
                .get("/film/b"),
            Ok("/film/b".to_owned()),
            "{algorithm}"
        );
        // The same signature said to be of the other hash, and a key bound to another algorithm.
        let other = match sha256 {
            true => url.replace("&Hash-Algorithm=SHA256", ""),
            false => format!("{url}&Hash-Algorithm=SHA256"),
        };
        assert_eq!(
            own.get(&format!("/a.mp4?{other}")),
            no("algorithm-not-allowed"),
            "{algorithm}"
        );
        let named = format!("{url}&Hash-Algorithm=SHA1");
        let twice = own.get(&format!("/a.mp4?{named}"));
        match sha256 {
            true => assert!(twice.is_err(), "two values of one parameter"),
            false => assert_eq!(twice, Ok("/a.mp4".to_owned()), "the default, said"),
        }
        assert_eq!(
            own.get(&format!("/b.mp4?{url}")),
            no("signature-invalid"),
            "{algorithm}"
        );
    }
    let refused = Minter::new(SigningKey::ed25519(&[1; 32]))
        .with_id("K2")
        .cloudfront_custom(policy);
    assert!(refused.is_err());
}

fn canned_cookies(query: &str) -> String {
    query
        .split('&')
        .map(|pair| format!("CloudFront-{pair}"))
        .collect::<Vec<_>>()
        .join("; ")
}
