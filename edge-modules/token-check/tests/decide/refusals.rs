//! Refusals: their codes, and that a player can read them.

use super::*;

#[test]
fn refusals_have_stable_codes() {
    let mut module = module(&simple());
    let good = token(&claims());
    let expired = token(&JwtClaims {
        expires: Some(NOW),
        ..claims()
    });
    let early = token(&JwtClaims {
        not_before: Some(NOW + 1),
        ..claims()
    });
    let scoped = token(&claims().cover("/vod/film/*"));
    let mut methods = claims();
    methods.methods = vec!["HEAD".to_owned()];
    let other_key = Minter::new(SigningKey::secret(&[9; 32]).unwrap());
    let forged = other_key.clone().with_id("k1").jwt(&claims()).unwrap();
    let unknown = other_key.with_id("k2").jwt(&claims()).unwrap();
    let endless = token(&JwtClaims {
        expires: None,
        ..claims()
    });
    let audience = token(&JwtClaims {
        audiences: vec!["other".to_owned()],
        ..claims()
    });
    let mut at_home = claims();
    at_home.networks = vec!["192.0.2.0/24".to_owned()];
    for (request, status, code) in [
        ("/a".to_owned(), 401, "token-missing"),
        ("/a?token=".to_owned(), 401, "token-malformed"),
        ("/a?token=x".to_owned(), 401, "token-malformed"),
        (format!("/a?token={expired}"), 403, "token-expired"),
        (format!("/a?token={early}"), 403, "token-not-yet-valid"),
        (
            format!("/vod/other/x?token={scoped}"),
            403,
            "path-not-allowed",
        ),
        (
            format!("/vod/film/../other/x?token={scoped}"),
            403,
            "path-not-allowed",
        ),
        (
            format!("/vod/film/%2e%2e/other/x?token={scoped}"),
            403,
            "path-not-allowed",
        ),
        (
            format!("/vod/film/..%2fother/x?token={scoped}"),
            400,
            "path-ambiguous",
        ),
        (
            format!("/t/{scoped}/vod/film/../../../vod/other"),
            401,
            "token-malformed",
        ),
        (
            format!("/a?token={}", token(&methods)),
            403,
            "method-not-allowed",
        ),
        (format!("/a?token={forged}"), 401, "signature-invalid"),
        (format!("/a?token={unknown}"), 401, "key-unknown"),
        (format!("/a?token={endless}"), 403, "claim-missing"),
        (format!("/a?token={audience}"), 403, "audience-not-allowed"),
        (
            format!("/a?token={}", token(&at_home)),
            403,
            "address-not-allowed",
        ),
        (
            format!("/a?token={good}&token={scoped}"),
            400,
            "tokens-conflict",
        ),
        (
            format!("/t/{good}/a?token={scoped}"),
            400,
            "tokens-conflict",
        ),
        (format!("/a?token={good}x"), 401, "signature-invalid"),
    ] {
        // Twice: a token that was refused is refused again, remembered or not.
        for _ in 0..2 {
            assert_eq!(
                refused(ask(&mut module, &request, &[])),
                (status, code.to_owned()),
                "{request}"
            );
        }
    }
    let both = [("authorization", format!("Bearer {scoped}"))];
    let both: Vec<(&str, &str)> = both
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    assert_eq!(
        refused(ask(&mut module, &format!("/a?token={good}"), &both)).1,
        "tokens-conflict"
    );
}

#[test]
fn a_refusal_can_be_read_by_a_player() {
    let mut module = module(&format!(
        "expired-status = 410\nrealm = \"films\"\n{}",
        simple()
    ));
    let expired = token(&JwtClaims {
        expires: Some(1),
        ..claims()
    });
    let Verdict::Answer(answer) = ask(
        &mut module,
        &format!("/a?token={expired}"),
        &[("origin", "https://p.example")],
    ) else {
        panic!("an expired token passed");
    };
    assert_eq!(answer.status, 410);
    assert_eq!(
        header(&answer, "cache-control").as_deref(),
        Some("no-store")
    );
    assert_eq!(
        header(&answer, "access-control-allow-origin").as_deref(),
        Some("*")
    );
    let Verdict::Answer(answer) = ask(&mut module, "/a", &[]) else {
        panic!("no token passed")
    };
    assert_eq!(
        header(&answer, "www-authenticate").as_deref(),
        Some("Bearer realm=\"films\"")
    );
    let (_, _, body) = answer.render(Some("r1"));
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["type"], "urn:weir:problem:token-missing");
    assert_eq!(body["request_id"], "r1");
}

#[test]
fn preflights_are_answered_and_listed_origins_echoed() {
    let listed = format!(
        "[cors]\norigins = [\"https://p.example\"]\ncredentials = true\n{}",
        simple()
    );
    let mut module = module(&listed);
    let preflight = |origin| {
        [
            ("origin", origin),
            ("access-control-request-method", "GET"),
            ("access-control-request-headers", "range, authorization"),
        ]
    };
    let verdict = decide(
        &mut module,
        &mut host(),
        "OPTIONS",
        "/a",
        &preflight("https://p.example"),
    );
    let Verdict::Answer(answer) = verdict else {
        panic!("a preflight passed")
    };
    assert_eq!(answer.status, 204);
    assert_eq!(
        header(&answer, "access-control-allow-origin").as_deref(),
        Some("https://p.example")
    );
    assert_eq!(
        header(&answer, "access-control-allow-credentials").as_deref(),
        Some("true")
    );
    assert_eq!(
        header(&answer, "access-control-allow-headers").as_deref(),
        Some("range, authorization")
    );
    let verdict = decide(
        &mut module,
        &mut host(),
        "OPTIONS",
        "/a",
        &preflight("https://evil.example"),
    );
    let Verdict::Answer(answer) = verdict else {
        panic!("a preflight passed")
    };
    assert_eq!(header(&answer, "access-control-allow-origin"), None);
    // OPTIONS that is no preflight needs a token.
    let verdict = decide(&mut module, &mut host(), "OPTIONS", "/a", &[]);
    assert_eq!(refused(verdict).1, "token-missing");
}
