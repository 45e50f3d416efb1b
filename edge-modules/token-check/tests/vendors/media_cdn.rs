//! Google Media CDN: GoogleCloudPlatform/python-docs-samples, media_cdn/dualtoken_test.py (Apache-2.0), re-typed.

use super::*;

const MEDIA_EXPIRES: i64 = 1_663_070_400;
const MEDIA_KEYS: &str = r#"
[[keys]]
id = "ed"
ed25519 = "n7nwvhza11C0SuU9ay1uWjDSfzH-CpIBgXxqIz-Yd9Q="
[[keys]]
id = "shared"
secret-base64 = "g_SlMILiIWKqsC6Z2L7gy0sReDOqtSrJrE7CXNr5Nl8="
[formats.media]
type = "media-cdn"
headers = ["foo", "baz"]
"#;

const MEDIA_TOKENS: [&str; 12] = [
    "URLPrefix=aHR0cDovLzEwLjIwLjMwLjQwLw~Expires=1663070400~Signature=OQLXEjnApFGJaGZ_jvp2R7VY5q3ic-HT3igFpi9iPsJRXtQuvPF4cxZUT-rtCqzteXx3vSRhk09FxgDQauO_DA",
    "PathGlobs=/*~Expires=1663070400~Signature=9pBdD_6O6LB-4V67HZ_SOc2G_jIkSZ_tMsKnVqElmPlwKB_xDiW7DKAnv8L8CmweeZquaLFlnLogbMcIV8bNCQ",
    "FullPath~Expires=1663070400~Signature=X74OTNjtseIUmsab-YiOTZ8jyX_KG7v4YQWwcFpfFmjhzaX8NdweMc9Wglj8wxEsEW85g3_MBG3T9jzLZFQDCw",
    "URLPrefix=aHR0cDovLzEwLjIwLjMwLjQwLw~Expires=1663070400~hmac=6f5b4bb82536810d5ee111cba3e534d49c6ac3cb",
    "PathGlobs=/*~Expires=1663070400~hmac=c1c446eea24faa31392519f975fea7eefb945625",
    "FullPath~Expires=1663070400~hmac=7af78177d6bc001d5626eefe387b1774a4a99ca2",
    "URLPrefix=aHR0cDovLzEwLjIwLjMwLjQwLw~Expires=1663070400~hmac=409722313cf6d987da44bb360e60dccc3d79764520fc5e3b57654e1d4d2c862e",
    "PathGlobs=/*~Expires=1663070400~hmac=9439ecdd5c4919f76f915dea72afa85a045579794e63d8cda664f5a1140c8d93",
    "FullPath~Expires=1663070400~hmac=365b41fd77297371d890fc9a56e4e3d3baa4c7afbd230a0e9a81c8e1bcab9420",
    "PathGlobs=/*~Starts=1663027200~Expires=1663070400~SessionID=test-id~Data=test-data~Headers=Foo,BAZ~IPRanges=MjAzLjAuMTEzLjAvMjQsMjAwMTpkYjg6NGE3ZjphNzMyLzY0~Signature=A7u67hveGxGvP8KBWZlUuH0IsqhS4a2lcsXwy3uc4X3zaVuw7LY-2FQT1ZF8UxkSFAsDS3_0LYnXwXB2XdepDg",
    "PathGlobs=/*~Starts=1663027200~Expires=1663070400~SessionID=test-id~Data=test-data~Headers=Foo,BAZ~IPRanges=MjAzLjAuMTEzLjAvMjQsMjAwMTpkYjg6NGE3ZjphNzMyLzY0~hmac=b8242e8b76cbfbbd61b3540ed0eb60a2ec2fdbdb",
    "PathGlobs=/*~Starts=1663027200~Expires=1663070400~SessionID=test-id~Data=test-data~Headers=Foo,BAZ~IPRanges=MjAzLjAuMTEzLjAvMjQsMjAwMTpkYjg6NGE3ZjphNzMyLzY0~hmac=dda9c3d6f3b2e867a09fbb76209ea138dd81f8512210f970d1e92f90927bef4b",
];

fn media() -> Edge {
    Edge::new(MEDIA_KEYS, MEDIA_EXPIRES - 10)
        .with(":scheme", "http")
        .with(":authority", "10.20.30.40")
        .with("weir-client-ip", "203.0.113.9")
        .with("foo", "bar")
        .with("baz", "quux")
}

#[test]
fn media_cdn_vectors_hold_and_broken_ones_do_not() {
    for token in MEDIA_TOKENS {
        let mut edge = media();
        assert_eq!(
            edge.get(&format!("/example.m3u8?edge-cache-token={token}")),
            Ok("/example.m3u8".to_owned()),
            "{token}"
        );
        assert_eq!(
            edge.get(&format!("/edge-cache-token/{token}/example.m3u8"))
                .is_ok(),
            !token.contains("/*"),
            "{token}"
        );
        let last = if token.ends_with('A') { 'B' } else { 'A' };
        let broken = format!("{}{last}", &token[..token.len() - 1]);
        assert!(
            edge.get(&format!("/example.m3u8?edge-cache-token={broken}"))
                .is_err(),
            "{broken}"
        );
        let longer = token.replace("Expires=1663070400", "Expires=1663070401");
        assert_eq!(
            edge.get(&format!("/example.m3u8?edge-cache-token={longer}")),
            no("signature-invalid")
        );
        edge.now = MEDIA_EXPIRES;
        assert_eq!(
            edge.get(&format!("/example.m3u8?edge-cache-token={token}")),
            no("token-expired")
        );
    }
    // The one path is no other, remembered or not; a prefix is of one host and scheme.
    let mut edge = media();
    for token in [MEDIA_TOKENS[2], MEDIA_TOKENS[5], MEDIA_TOKENS[8]] {
        edge.get(&format!("/example.m3u8?edge-cache-token={token}"))
            .unwrap();
        assert_eq!(
            edge.get(&format!("/other.m3u8?edge-cache-token={token}")),
            no("signature-invalid")
        );
    }
    let mut elsewhere = media().with(":authority", "10.20.30.41");
    assert_eq!(
        elsewhere.get(&format!("/a?edge-cache-token={}", MEDIA_TOKENS[0])),
        no("path-not-allowed")
    );
    for token in &MEDIA_TOKENS[9..] {
        let request = format!("/a?edge-cache-token={token}");
        assert_eq!(
            media().with("foo", "other").get(&request),
            no("signature-invalid")
        );
        assert_eq!(
            media().with("weir-client-ip", "198.51.100.1").get(&request),
            no("address-not-allowed")
        );
        let mut early = media();
        early.now = 1_663_027_199;
        assert_eq!(early.get(&request), no("token-not-yet-valid"));
    }
}

#[test]
fn media_cdn_tokens_are_minted_alike() {
    let seed: [u8; 32] =
        hex::decode("0c951c9cb82e5452a6542167586b9b1b531983b7d6027c5a70c8ca0e15593062")
            .unwrap()
            .try_into()
            .unwrap();
    let secret = hex::decode(
        "83f4a53082e22162aab02e99d8bee0cb4b11783 3aab52ac9ac4ec25cdaf9365f".replace(' ', ""),
    )
    .unwrap();
    let minters = [
        Minter::new(SigningKey::ed25519(&seed)),
        Minter::new(SigningKey::secret(&secret).unwrap()).with_algorithm(Algorithm::HmacSha1),
        Minter::new(SigningKey::secret(&secret).unwrap()),
    ];
    for (at, minter) in minters.iter().enumerate() {
        let bare = |scope| MediaCdnClaims {
            scope,
            not_before: None,
            expires: MEDIA_EXPIRES,
            session: None,
            data: None,
            headers: vec![],
            networks: vec![],
        };
        let scopes = [
            MediaCdnScope::UrlPrefix("http://10.20.30.40/".to_owned()),
            MediaCdnScope::PathGlobs("/*".to_owned()),
            MediaCdnScope::FullPath("/example.m3u8".to_owned()),
        ];
        for (kind, scope) in scopes.into_iter().enumerate() {
            assert_eq!(
                minter.media_cdn(&bare(scope)).unwrap(),
                MEDIA_TOKENS[at * 3 + kind]
            );
        }
        let full = MediaCdnClaims {
            not_before: Some(1_663_027_200),
            session: Some("test-id".to_owned()),
            data: Some("test-data".to_owned()),
            headers: vec![
                ("Foo".to_owned(), "bar".to_owned()),
                ("BAZ".to_owned(), "quux".to_owned()),
            ],
            networks: vec![
                "203.0.113.0/24".to_owned(),
                "2001:db8:4a7f:a732/64".to_owned(),
            ],
            ..bare(MediaCdnScope::PathGlobs("/*".to_owned()))
        };
        assert_eq!(minter.media_cdn(&full).unwrap(), MEDIA_TOKENS[9 + at]);
    }
}
