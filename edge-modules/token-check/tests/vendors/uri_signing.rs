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
            serde_json::json!({ "cdniuc": "regex:.*", "cdnicrit": "cdnistt,cdniex" }),
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

const SECRET: &str = "a secret of more than sixteen bytes";
const NOW: i64 = 1_800_000_000;

fn mint(claims: serde_json::Value) -> String {
    let claims = JwtClaims {
        more: claims.as_object().unwrap().clone(),
        ..JwtClaims::default()
    };
    let key = SigningKey::secret(SECRET.as_bytes()).unwrap();
    Minter::new(key).with_id("k").jwt(&claims).unwrap()
}

fn edge(settings: &str, now: i64) -> Edge {
    let config = format!(
        "[[keys]]\nid = \"k\"\nsecret = \"{SECRET}\"\n[formats.uri]\ntype = \"uri-signing\"\n{settings}"
    );
    Edge::new(&config, now)
}

/// The renewed token and the attributes of its cookie.
fn renewed(edge: &mut Edge, target: &str) -> Option<(String, String)> {
    let cookie = edge.response(target)?.remove("set-cookie")?;
    let (token, attributes) = cookie.split_once("; ").unwrap();
    let token = token.strip_prefix("URISigningPackage=").unwrap();
    Some((token.to_owned(), attributes.to_owned()))
}

fn claims(token: &str) -> serde_json::Value {
    token_check::inspect(token).unwrap().content["claims"].clone()
}

/// RFC 9246 sections 2.1.12 to 2.1.14 and 3.3, and the example of appendix A.3: each answer brings the next token.
#[test]
fn a_token_renews_itself_in_a_cookie() {
    let chained = serde_json::json!({
        "cdniets": 30, "cdnistt": 1, "exp": NOW + 10, "iat": NOW - 20, "nbf": NOW - 20, "sub": "UserToken",
        "cdniuc": "regex:https://cdn\\.example/foo/bar/[0-9]{3}\\.ts",
    });
    let first = mint(chained.clone());
    let target = format!("/foo/bar/001.ts?URISigningPackage={first}");
    let mut now = edge("", NOW);
    let (second, attributes) = renewed(&mut now, &target).unwrap();
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Lax");
    let mut expected = chained;
    expected["exp"] = (NOW + 30).into();
    expected["iat"] = NOW.into();
    assert_eq!(claims(&second), expected, "all else stays");
    // The first token has ended, and the player still sends it with the first URL: the renewed one counts.
    let cookie = format!("a=b; URISigningPackage={second}");
    let mut later = edge("", NOW + 20).with("cookie", &cookie);
    let (third, _) = renewed(&mut later, &target).unwrap();
    assert_eq!(claims(&third)["exp"], NOW + 50);
    assert_eq!(
        later.get(&target),
        Ok("/foo/bar/001.ts".to_owned()),
        "both are taken out"
    );
    let rest = later.request(&target).unwrap().remove("cookie");
    assert_eq!(rest.as_deref(), Some("a=b"));
    assert!(
        renewed(&mut later, "/foo/bar/002.ts").is_some(),
        "the cookie alone"
    );
    assert_eq!(later.get("/foo/bar/x.ts"), no("path-not-allowed"));
    assert_eq!(edge("", NOW + 20).get(&target), no("token-expired"));
    let ended = edge("", NOW + 30).with("cookie", &cookie).get(&target);
    assert_eq!(ended, no("token-expired"));
    // A cookie that is no renewal does not push a good token aside.
    for other in ["URISigningPackage=x", "URISigningPackage=a.b.c"] {
        let mut beside = edge("", NOW).with("cookie", other);
        assert_eq!(beside.get(&target), Ok("/foo/bar/001.ts".to_owned()));
    }
    let forged = {
        let (signed, _) = second.rsplit_once('.').unwrap();
        format!("URISigningPackage={signed}.AAAA")
    };
    assert_eq!(
        edge("", NOW).with("cookie", &forged).get(&target),
        no("signature-invalid")
    );
    // Two of one place stay a conflict.
    let two = format!("{target}&URISigningPackage={second}");
    assert_eq!(edge("", NOW).get(&two), no("tokens-conflict"));
}

/// Section 2.1.14: as many segments of the path, none for all paths, no token where there are fewer.
#[test]
fn the_depth_says_which_paths_the_cookie_is_for() {
    let with = |depth: serde_json::Value| {
        mint(serde_json::json!({
            "cdniets": 30, "cdnistt": 1, "exp": NOW + 10, "cdnistd": depth, "cdniuc": "regex:.*",
        }))
    };
    for (depth, path) in [
        (0, Some("/")),
        (1, Some("/foo")),
        (2, Some("/foo/b%20r")),
        (3, Some("/foo/b%20r/001.ts")),
        (4, None),
    ] {
        let target = format!(
            "/foo/./b%20r/001.ts?URISigningPackage={}",
            with(depth.into())
        );
        let found = renewed(&mut edge("cookie-attributes = \"\"\n", NOW), &target);
        let expected = path.map(|path| format!("Path={path}"));
        assert_eq!(found.map(|(_, attributes)| attributes), expected, "{depth}");
        assert!(edge("", NOW).get(&target).is_ok(), "{depth}");
    }
    for depth in [
        serde_json::json!(-1),
        serde_json::json!("1"),
        serde_json::json!(1.5),
    ] {
        let target = format!("/foo?URISigningPackage={}", with(depth));
        assert_eq!(edge("", NOW).get(&target), no("claim-malformed"));
    }
}

#[test]
fn renewals_that_cannot_be_are_refused_by_name() {
    for (more, settings, reason) in [
        (serde_json::json!({ "cdnistt": 1 }), "", "claim-missing"),
        (
            serde_json::json!({ "cdnistt": 1, "cdniets": 0 }),
            "",
            "claim-malformed",
        ),
        (
            serde_json::json!({ "cdnistt": 1, "cdniets": -5 }),
            "",
            "claim-malformed",
        ),
        (
            serde_json::json!({ "cdnistt": 1, "cdniets": 31_536_001 }),
            "",
            "claim-malformed",
        ),
        (
            serde_json::json!({ "cdnistt": 3, "cdniets": 30 }),
            "",
            "claim-unsupported",
        ),
        (
            serde_json::json!({ "cdnistt": 2, "cdniets": 30 }),
            "carriers = [\"cookie:URISigningPackage\"]\n",
            "token-missing",
        ),
        (serde_json::json!({ "cdnistt": 2 }), "", "claim-missing"),
        (serde_json::json!({ "cdnistt": 0 }), "", "claim-missing"),
        (
            serde_json::json!({ "cdnistt": "1", "cdniets": 30 }),
            "",
            "claim-malformed",
        ),
        (
            serde_json::json!({ "cdnistt": 1, "cdniets": 30 }),
            "carriers = [\"query:URISigningPackage\"]\n",
            "claim-unsupported",
        ),
    ] {
        let mut claims = serde_json::json!({ "exp": NOW + 10, "cdniuc": "regex:.*" });
        claims
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let target = format!("/a?URISigningPackage={}", mint(claims));
        assert_eq!(edge(settings, NOW).get(&target), no(reason), "{more}");
    }
    let idle = mint(
        serde_json::json!({ "exp": NOW + 10, "cdniuc": "regex:.*", "cdnistt": 0, "cdniets": 30 }),
    );
    let target = format!("/a?URISigningPackage={idle}");
    assert!(edge("", NOW).get(&target).is_ok());
    assert_eq!(
        renewed(&mut edge("", NOW), &target),
        None,
        "0 is: not renewed"
    );
}

/// Sections 2.1.2 and 2.1.10, the address as a draft's example encrypted it under the key of appendix A.
#[test]
fn an_encrypted_address_binds() {
    const ADDRESS: &str = "eyJhbGciOiJkaXIiLCJraWQiOiJmLVdianhCQzNkUHVJM2QyNGtQMmhmdm9zN1F6Njg4VVRpNmFCMGhOOTk4IiwiZW5jIjoiQTEyOEdDTSJ9..oGLsnF8fLlFcUXK0.KFfBBH_FPYFu-RBFBR3rhQ.6_MVaa4t7JiVX2IgUkZ3jA";
    let keys = |id: &str, secret: &str| {
        format!("decryption-keys = [{{ id = \"{id}\", secret-base64 = \"{secret}\" }}]\n")
    };
    let right = keys(
        "f-WbjxBC3dPuI3d24kP2hfvos7Qz688UTi6aB0hN998",
        "4uFxxV7fhNmrtiah2d1fFg",
    );
    let token = mint(serde_json::json!({
        "exp": NOW + 10, "cdniuc": "regex:.*", "cdniip": ADDRESS, "cdnicrit": "cdniip",
    }));
    let target = format!("/a?URISigningPackage={token}");
    let from = |settings: &str, address: &str| {
        edge(settings, NOW)
            .with("weir-client-ip", address)
            .get(&target)
    };
    assert_eq!(from(&right, "2001:db8:ffff::9"), Ok("/a".to_owned()));
    assert_eq!(from(&right, "2001:db9::9"), no("address-not-allowed"));
    assert_eq!(from(&right, "192.0.2.7"), no("address-not-allowed"));
    assert_eq!(
        from("", "2001:db8::9"),
        no("claim-unsupported"),
        "nobody here can read it"
    );
    let wrong = right.replace("4uFx", "5uFx");
    assert_eq!(from(&wrong, "2001:db8::9"), no("claim-malformed"));
    assert_eq!(
        from(&keys("other", "4uFxxV7fhNmrtiah2d1fFg"), "2001:db8::9"),
        no("claim-unsupported")
    );
    for (address, expected) in [
        ("[192.0.2.0/24]", true),
        ("192.0.2.7", true),
        ("[198.51.100.1]", false),
    ] {
        let token =
            mint(serde_json::json!({ "exp": NOW + 10, "cdniuc": "regex:.*", "cdniip": address }));
        let found = edge("", NOW).get(&format!("/a?URISigningPackage={token}"));
        assert_eq!(found.is_ok(), expected, "{address}");
    }
    // The subject, encrypted as well, goes on decrypted where that can be done.
    let token = mint(serde_json::json!({ "exp": NOW + 10, "cdniuc": "regex:.*", "sub": ADDRESS }));
    let target = format!("/a?URISigningPackage={token}");
    let subject = |settings: &str| {
        edge(settings, NOW)
            .request(&target)
            .unwrap()
            .remove("weir-subject")
    };
    assert_eq!(subject(&right).as_deref(), Some("[2001:db8::1/32]"));
    assert_eq!(subject("").as_deref(), Some(ADDRESS));
    assert_eq!(edge(&wrong, NOW).get(&target), no("claim-malformed"));
}

/// Appendix A.1: the hash of the URI, in either spelling of base64.
#[test]
fn the_published_hash_holds() {
    for digest in [
        "2tderfWPa86Ku7YnzW51YUp7dGUjBS/3SW3ELx4hmWY",
        "2tderfWPa86Ku7YnzW51YUp7dGUjBS_3SW3ELx4hmWY",
    ] {
        let container = format!("hash:sha-256;{digest}");
        let token = mint(serde_json::json!({ "exp": NOW + 10, "cdniuc": container }));
        let ask = |path: &str, scheme: &str| {
            edge("", NOW)
                .with(":scheme", scheme)
                .with(":authority", "cdni.example")
                .get(&format!("{path}?URISigningPackage={token}"))
        };
        assert_eq!(ask("/foo/bar", "http"), Ok("/foo/bar".to_owned()));
        assert_eq!(ask("/foo/bar/", "http"), no("path-not-allowed"));
        assert_eq!(ask("/foo/bar", "https"), no("path-not-allowed"));
    }
}

/// Section 3.3.1: with transport 2 the new token goes into the query of what the playlist names; there is no other way to carry it.
#[test]
fn a_renewal_by_query_is_handed_to_the_playlist() {
    let token = mint(serde_json::json!({
        "exp": NOW + 10, "cdniuc": "regex:.*", "cdnistt": 2, "cdniets": 30,
    }));
    let target = format!("/a/main.m3u8?URISigningPackage={token}");
    let config = |more: &str| {
        format!(
            "{more}[[keys]]\nid = \"k\"\nsecret = \"{SECRET}\"\n[formats.uri]\ntype = \"uri-signing\"\n"
        )
    };
    let handing = config("propagate = \"header\"\n");
    let mut edge = Edge::new(&handing, NOW);
    let handed = edge.request(&target).unwrap().remove("weir-token").unwrap();
    let renewed = handed.strip_prefix("query:URISigningPackage=").unwrap();
    assert_ne!(renewed, token);
    assert!(!edge.response(&target).unwrap().contains_key("set-cookie"));
    let later = format!("/a/1.ts?URISigningPackage={renewed}");
    assert_eq!(
        Edge::new(&handing, NOW + 29).get(&later),
        Ok("/a/1.ts".to_owned())
    );
    assert_eq!(
        Edge::new(&handing, NOW + 30).get(&later),
        no("token-expired"),
        "the time counts from the renewal"
    );
    // Where nobody rewrites playlists the token that came goes on serving until it ends.
    let mut alone = Edge::new(&config(""), NOW);
    assert_eq!(alone.get(&target), Ok("/a/main.m3u8".to_owned()));
    assert!(!alone.request(&target).unwrap().contains_key("weir-token"));
}
