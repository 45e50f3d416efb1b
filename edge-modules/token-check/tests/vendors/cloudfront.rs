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

fn canned_cookies(query: &str) -> String {
    query
        .split('&')
        .map(|pair| format!("CloudFront-{pair}"))
        .collect::<Vec<_>>()
        .join("; ")
}
