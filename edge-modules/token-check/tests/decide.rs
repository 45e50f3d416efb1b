//! Whole decisions: configuration and request head in, verdict out.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

use token_check::mint::{JwtClaims, Minter};
use token_check::{Algorithm, SigningKey, TokenCheck};
use weir_module::testing::{TestHost, decide};
use weir_module::{Answer, Edit, Edits, Module, Verdict};

const NOW: i64 = 1_800_000_000;
const SECRET: &str = "a secret of more than sixteen bytes";

fn host() -> TestHost {
    TestHost {
        now_ns: NOW.unsigned_abs() * 1_000_000_000,
        ..TestHost::default()
    }
}

fn module(text: &str) -> TokenCheck {
    TokenCheck::configure(text).unwrap()
}

fn simple() -> String {
    format!("[[keys]]\nid = \"k1\"\nsecret = \"{SECRET}\"\n")
}

fn minter() -> Minter {
    Minter::new(SigningKey::secret(SECRET.as_bytes()).unwrap()).with_id("k1")
}

fn claims() -> JwtClaims {
    JwtClaims {
        expires: Some(NOW + 60),
        ..JwtClaims::default()
    }
}

fn token(claims: &JwtClaims) -> String {
    minter().jwt(claims).unwrap()
}

fn ask(module: &mut TokenCheck, target: &str, headers: &[(&str, &str)]) -> Verdict {
    decide(module, &mut host(), "GET", target, headers)
}

fn passed(verdict: Verdict) -> Edits {
    match verdict {
        Verdict::Pass(edits) => edits,
        other => panic!("refused: {other:?}"),
    }
}

fn refused(verdict: Verdict) -> (u16, String) {
    match verdict {
        Verdict::Answer(answer) => (answer.status, header(&answer, "weir-reason").unwrap()),
        other => panic!("passed: {other:?}"),
    }
}

fn header(answer: &Answer, name: &str) -> Option<String> {
    let (_, value) = answer.headers.iter().find(|(known, _)| known == name)?;
    Some(String::from_utf8(value.clone()).unwrap())
}

fn target(edits: &Edits) -> Option<String> {
    edits.iter().find_map(|edit| match edit {
        Edit::SetTarget(target) => Some(target.to_owned()),
        _ => None,
    })
}

fn set(edits: &Edits, wanted: &str) -> Option<String> {
    edits.iter().find_map(|edit| match edit {
        Edit::SetRequest(name, value) if name == wanted => {
            Some(String::from_utf8(value.to_vec()).unwrap())
        }
        _ => None,
    })
}

fn removed(edits: &Edits, wanted: &str) -> bool {
    edits.any(|edit| edit == Edit::RemoveRequest(wanted))
}

#[test]
fn a_token_passes_by_every_carrier_and_is_taken_out() {
    let token = token(&claims().cover("/vod/*"));
    let mut module = module(&simple());
    let edits = passed(ask(
        &mut module,
        &format!("/vod/a.m3u8?x=1&token={token}&y=%20"),
        &[],
    ));
    assert_eq!(target(&edits).as_deref(), Some("/vod/a.m3u8?x=1&y=%20"));
    let edits = passed(ask(&mut module, &format!("/vod/a.m3u8?token={token}"), &[]));
    assert_eq!(target(&edits).as_deref(), Some("/vod/a.m3u8"));
    let cookie = format!("a=1; weir-token={token}; b=2");
    let edits = passed(ask(&mut module, "/vod/a.m3u8", &[("cookie", &cookie)]));
    assert_eq!(set(&edits, "cookie").as_deref(), Some("a=1; b=2"));
    assert_eq!(target(&edits), None);
    let edits = passed(ask(
        &mut module,
        "/vod/a.m3u8",
        &[("cookie", &format!("weir-token={token}"))],
    ));
    assert!(removed(&edits, "cookie"));
    let edits = passed(ask(
        &mut module,
        "/vod/a.m3u8",
        &[("authorization", &format!("Bearer {token}"))],
    ));
    assert!(removed(&edits, "authorization"));
    let edits = passed(ask(&mut module, &format!("/t/{token}/vod/a.m3u8?x"), &[]));
    assert_eq!(target(&edits).as_deref(), Some("/vod/a.m3u8?x"));
    // The same token twice is one token; both copies go.
    let edits = passed(ask(
        &mut module,
        &format!("/t/{token}/vod/a?token={token}&token={token}"),
        &[],
    ));
    assert_eq!(target(&edits).as_deref(), Some("/vod/a"));
}

#[test]
fn what_the_token_says_goes_on_and_what_the_client_says_does_not() {
    let claims = JwtClaims {
        subject: Some("ada lovelace\r\nx: y".to_owned()),
        tier: Some("premium".to_owned()),
        session: Some("s-1".to_owned()),
        entitlements: vec!["max-height=1080".to_owned(), "hdr".to_owned()],
        max_streams: Some(3),
        ..claims()
    };
    let target = format!("/a?token={}", token(&claims));
    let forged = [
        ("weir-tier", "free"),
        ("weir-token", "x"),
        ("weir-client-ip", "10.0.0.1"),
        ("weir-country", "DE"),
        ("weir-variant", "b"),
    ];
    let edits = passed(ask(&mut module(&simple()), &target, &forged));
    assert_eq!(
        set(&edits, "weir-subject").as_deref(),
        Some("ada%20lovelace%0D%0Ax:%20y")
    );
    assert_eq!(set(&edits, "weir-tier").as_deref(), Some("premium"));
    assert_eq!(set(&edits, "weir-session").as_deref(), Some("s-1"));
    assert_eq!(
        set(&edits, "weir-entitlements").as_deref(),
        Some("max-height=1080, hdr, max-streams=3")
    );
    for name in [
        "weir-token",
        "weir-client-ip",
        "weir-country",
        "weir-variant",
    ] {
        assert!(removed(&edits, name), "{name}");
    }
    // Behind the node the node's own headers stay, the identity headers still do not.
    let behind = format!(
        "client-address = \"weir-client-ip\"\naccess = \"optional\"\n{}",
        simple()
    );
    let edits = passed(ask(
        &mut module(&behind),
        "/a",
        &[("weir-client-ip", "192.0.2.1"), ("weir-subject", "eve")],
    ));
    assert_eq!(
        edits.iter().collect::<Vec<_>>(),
        [Edit::RemoveRequest("weir-subject")]
    );
}

#[test]
fn the_token_is_handed_on_only_when_asked() {
    let token = token(&claims());
    let mut off = module(&simple());
    assert_eq!(
        set(
            &passed(ask(&mut off, &format!("/a?token={token}"), &[])),
            "weir-token"
        ),
        None
    );
    let mut on = module(&format!("propagate = \"header\"\n{}", simple()));
    let edits = passed(ask(
        &mut on,
        &format!("/a?token={token}"),
        &[("weir-token", "query:token=forged")],
    ));
    assert_eq!(
        set(&edits, "weir-token"),
        Some(format!("query:token={token}"))
    );
    let edits = passed(ask(&mut on, &format!("/t/{token}/a"), &[]));
    assert_eq!(set(&edits, "weir-token"), Some(format!("path:{token}")));
    let edits = passed(ask(
        &mut on,
        "/a",
        &[
            ("cookie", &format!("weir-token={token}")),
            ("weir-token", "x"),
        ],
    ));
    assert_eq!(
        (set(&edits, "weir-token"), removed(&edits, "weir-token")),
        (None, true)
    );
}

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
fn a_remembered_token_is_still_held_to_its_limits() {
    let mut module = module(&simple());
    let token = token(&claims().cover("/vod/*"));
    let mut host = host();
    let mut at = |seconds: i64, path: &str| {
        host.now_ns = (NOW + seconds).unsigned_abs() * 1_000_000_000;
        decide(
            &mut module,
            &mut host,
            "GET",
            &format!("{path}?token={token}"),
            &[],
        )
    };
    passed(at(0, "/vod/a"));
    passed(at(59, "/vod/b"));
    assert_eq!(refused(at(59, "/live/b")).1, "path-not-allowed");
    assert_eq!(refused(at(60, "/vod/a")).1, "token-expired");
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

#[test]
fn routes_choose_access_and_formats() {
    let text = format!(
        r#"
[[routes]]
paths = ["/public/*", "/play/"]
access = "public"
[[routes]]
paths = ["/secret/*"]
access = "closed"
[[routes]]
paths = ["/maybe/*"]
access = "optional"
[[routes]]
paths = ["/strict/*"]
formats = ["strict"]
[formats.lax]
type = "jwt"
[formats.strict]
type = "jwt"
issuers = ["https://strict.example"]
carriers = ["query:token"]
{}"#,
        simple()
    );
    let mut module = module(&text);
    let lax = token(&claims());
    let strict = token(&JwtClaims {
        issuer: Some("https://strict.example".to_owned()),
        ..claims()
    });
    assert!(passed(ask(&mut module, "/public/a?token=x", &[])).is_empty());
    assert_eq!(
        refused(ask(&mut module, &format!("/secret/a?token={lax}"), &[])).1,
        "route-closed"
    );
    assert_eq!(
        refused(ask(
            &mut module,
            &format!("/x/../secret/a?token={lax}"),
            &[]
        ))
        .1,
        "route-closed"
    );
    assert!(passed(ask(&mut module, "/maybe/a", &[])).is_empty());
    assert_eq!(
        refused(ask(&mut module, "/maybe/a?token=x", &[])).1,
        "token-malformed"
    );
    assert_eq!(
        refused(ask(&mut module, &format!("/strict/a?token={lax}"), &[])).1,
        "issuer-not-allowed"
    );
    passed(ask(&mut module, &format!("/strict/a?token={strict}"), &[]));
    passed(ask(&mut module, &format!("/other/a?token={lax}"), &[]));
    // The lax format's path carrier does not lead round the strict route.
    assert_eq!(
        refused(ask(&mut module, &format!("/t/{lax}/strict/a"), &[])).1,
        "token-missing"
    );
}

#[test]
fn keys_by_url_rotate_and_survive_a_broken_document() {
    let config = r#"
[[keys]]
name = "provider"
jwks-url = "https://id.example/jwks.json"
issuer = "https://id.example"
"#;
    let mut module = module(config);
    let needs = module.documents();
    assert_eq!(
        (
            needs[0].name.as_str(),
            needs[0].url.as_str(),
            needs[0].max_age
        ),
        ("keys:provider", "https://id.example/jwks.json", 300)
    );
    let old = Minter::new(SigningKey::ed25519(&[1; 32])).with_id("old");
    let new = Minter::new(SigningKey::ed25519(&[2; 32])).with_id("new");
    let claims = JwtClaims {
        issuer: Some("https://id.example".to_owned()),
        ..claims()
    };
    let jwks = |minters: &[&Minter]| {
        let keys: Vec<_> = minters
            .iter()
            .map(|minter| minter.public_jwk().unwrap())
            .collect();
        serde_json::json!({ "keys": keys }).to_string()
    };
    let request = |minter: &Minter| format!("/a?token={}", minter.jwt(&claims).unwrap());
    let mut host = host();
    let ask = |module: &mut TokenCheck, host: &mut TestHost, minter: &Minter| {
        decide(module, host, "GET", &request(minter), &[])
    };

    assert_eq!(
        refused(ask(&mut module, &mut host, &old)),
        (503, "keys-unavailable".to_owned())
    );
    module
        .load_document("keys:provider", jwks(&[&old]).as_bytes())
        .unwrap();
    passed(ask(&mut module, &mut host, &old));
    host.refreshed.clear();
    host.now_ns += 10_000_000_000;
    assert_eq!(refused(ask(&mut module, &mut host, &new)).1, "key-unknown");
    assert_eq!(refused(ask(&mut module, &mut host, &new)).1, "key-unknown");
    assert_eq!(
        host.refreshed,
        ["keys:provider"],
        "asked once in ten seconds"
    );

    module
        .load_document("keys:provider", jwks(&[&old, &new]).as_bytes())
        .unwrap();
    passed(ask(&mut module, &mut host, &old));
    passed(ask(&mut module, &mut host, &new));
    for broken in [
        "",
        "<html>",
        "{\"keys\":[]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}",
    ] {
        module
            .load_document("keys:provider", broken.as_bytes())
            .unwrap_err();
    }
    passed(ask(&mut module, &mut host, &new));
    module
        .load_document("keys:provider", jwks(&[&new]).as_bytes())
        .unwrap();
    assert_eq!(
        refused(ask(&mut module, &mut host, &old)).1,
        "key-unknown",
        "a remembered token dies with its key"
    );
    passed(ask(&mut module, &mut host, &new));
}

#[test]
fn a_key_serves_its_issuer_and_algorithm_alone() {
    let ed = Minter::new(SigningKey::ed25519(&[1; 32])).with_id("ed");
    let jwk = ed.public_jwk().unwrap();
    let x = jwk["x"].as_str().unwrap();
    let config = format!(
        "[[keys]]\nid = \"ed\"\nissuer = \"a\"\ned25519 = \"{x}\"\n[[keys]]\nid = \"mac\"\nissuer = \"b\"\nsecret = \"{SECRET}\"\n"
    );
    let mut module = module(&config);
    let of = |issuer: &str| JwtClaims {
        issuer: Some(issuer.to_owned()),
        ..claims()
    };
    passed(ask(
        &mut module,
        &format!("/a?token={}", ed.jwt(&of("a")).unwrap()),
        &[],
    ));
    assert_eq!(
        refused(ask(
            &mut module,
            &format!("/a?token={}", ed.jwt(&of("b")).unwrap()),
            &[]
        ))
        .1,
        "issuer-not-allowed"
    );
    assert_eq!(
        refused(ask(
            &mut module,
            &format!("/a?token={}", ed.jwt(&claims()).unwrap()),
            &[]
        ))
        .1,
        "issuer-not-allowed"
    );
    // Algorithm confusion: HMAC keyed with the bytes of the public key, under the public key's id.
    let der = SigningKey::ed25519(&[1; 32])
        .verifying_key()
        .unwrap()
        .to_spki_der()
        .unwrap();
    let confused = Minter::new(SigningKey::secret(&der).unwrap()).with_id("ed");
    assert_eq!(
        refused(ask(
            &mut module,
            &format!("/a?token={}", confused.jwt(&of("a")).unwrap()),
            &[]
        ))
        .1,
        "algorithm-not-allowed"
    );
    let longer = Minter::new(SigningKey::secret(SECRET.as_bytes()).unwrap())
        .with_id("mac")
        .with_algorithm(Algorithm::Hs512);
    assert_eq!(
        refused(ask(
            &mut module,
            &format!("/a?token={}", longer.jwt(&of("b")).unwrap()),
            &[]
        ))
        .1,
        "algorithm-not-allowed"
    );
}

#[test]
fn wrong_configurations_name_their_key() {
    for (text, key) in [
        (String::new(), "formats.jwt.keys"),
        ("[[keys]]\n".to_owned(), "keys[0]"),
        (
            "[[keys]]\nsecret = \"short\"\n".to_owned(),
            "keys[0].secret",
        ),
        (
            "[[keys]]\nsecret = \"\"\nallow-short = true\n".to_owned(),
            "keys[0].secret",
        ),
        (
            "[[keys]]\nsecret-hex = \"xy\"\n".to_owned(),
            "keys[0].secret-hex",
        ),
        ("[[keys]]\npem = \"x\"\n".to_owned(), "keys[0].pem"),
        ("[[keys]]\njwks = \"{}\"\n".to_owned(), "keys[0].jwks"),
        (
            "[[keys]]\njwks-url = \"ftp://x\"\n".to_owned(),
            "keys[0].jwks-url",
        ),
        (
            format!("{}algorithms = [\"none\"]\n", simple()),
            "keys[0].algorithms[0]",
        ),
        (
            format!("{}algorithms = [\"RS256\"]\n", simple()),
            "keys[0].algorithms",
        ),
        (format!("{0}{0}", simple()), "keys[1].name"),
        (
            format!(
                "{}[formats.a]\ntype = \"jwt\"\nkeys = [\"nope\"]\n",
                simple()
            ),
            "formats.a.keys[0]",
        ),
        (
            format!("{}[formats.a]\ntype = \"jwt\"\ncarriers = []\n", simple()),
            "formats.a.carriers",
        ),
        (
            format!(
                "{}[formats.a]\ntype = \"jwt\"\ncarriers = [\"body:x\"]\n",
                simple()
            ),
            "formats.a.carriers[0]",
        ),
        (
            format!(
                "{}[formats.a]\ntype = \"jwt\"\nalgorithms = [\"none\"]\n",
                simple()
            ),
            "formats.a.algorithms[0]",
        ),
        (
            format!(
                "{}[formats.a]\ntype = \"jwt\"\nclock-skew = 601\n",
                simple()
            ),
            "formats.a.clock-skew",
        ),
        (
            format!("{}[[routes]]\npaths = []\n", simple()),
            "routes[0].paths",
        ),
        (
            format!("{}[[routes]]\npaths = [\"a/../b\"]\n", simple()),
            "routes[0].paths[0]",
        ),
        (
            format!(
                "{}[[routes]]\npaths = [\"/a\"]\nformats = [\"x\"]\n",
                simple()
            ),
            "routes[0].formats[0]",
        ),
        (
            format!("{}[[routes]]\npaths = [\"/a\"]\nformats = []\n", simple()),
            "routes[0].formats",
        ),
        (
            format!("expired-status = 200\n{}", simple()),
            "expired-status",
        ),
        (format!("access = \"open\"\n{}", simple()), "access"),
        (
            format!("client-address = \"x-real-ip\"\n{}", simple()),
            "client-address",
        ),
        (format!("realm = 'a\"b'\n{}", simple()), "realm"),
        (format!("remember = 65537\n{}", simple()), "remember"),
        (
            format!("{}[cors]\norigins = [\"player.example\"]\n", simple()),
            "cors.origins[0]",
        ),
        (
            format!("{}[cors]\ncredentials = true\n", simple()),
            "cors.credentials",
        ),
    ] {
        let error = TokenCheck::configure(&text)
            .err()
            .unwrap_or_else(|| panic!("taken: {text}"));
        assert_eq!(error.key(), key, "{error}");
        assert!(!error.to_string().contains(SECRET), "{error}");
    }
}

#[test]
fn a_token_that_was_taken_back_is_refused() {
    let config = format!(
        "{}[revocations]\nurl = \"https://origin.example/_weir/revocations\"\n",
        simple()
    );
    let mut module = module(&config);
    assert_eq!(module.documents()[0].name, "revocations");
    let named = JwtClaims {
        subject: Some("ada".to_owned()),
        session: Some("s1".to_owned()),
        token_id: Some("t1".to_owned()),
        ..claims()
    };
    let request = format!("/a?token={}", token(&named));
    assert_eq!(
        refused(ask(&mut module, &request, &[])),
        (503, "state-unavailable".to_owned())
    );
    let list = |entries: &str| format!("{{\"revocations\":[{entries}]}}");
    module
        .load_document("revocations", list("").as_bytes())
        .unwrap();
    passed(ask(&mut module, &request, &[]));
    for (entry, stops) in [
        (
            r#"{"kind":"subject","value":"ada","reason":"x"}"#.to_owned(),
            true,
        ),
        (r#"{"kind":"session","value":"s1"}"#.to_owned(), true),
        (r#"{"kind":"token","value":"t1"}"#.to_owned(), true),
        (r#"{"kind":"token","value":"ada"}"#.to_owned(), false),
        (r#"{"kind":"subject","value":"Ada"}"#.to_owned(), false),
        (
            format!(r#"{{"kind":"subject","value":"ada","until":{NOW}}}"#),
            true,
        ),
        (
            format!(r#"{{"kind":"subject","value":"ada","until":{}}}"#, NOW - 1),
            false,
        ),
    ] {
        module
            .load_document("revocations", list(&entry).as_bytes())
            .unwrap();
        let verdict = ask(&mut module, &request, &[]);
        assert_eq!(matches!(verdict, Verdict::Answer(_)), stops, "{entry}");
        if stops {
            assert_eq!(refused(verdict), (403, "token-revoked".to_owned()));
        }
    }
    module
        .load_document(
            "revocations",
            list(r#"{"kind":"subject","value":"ada"}"#).as_bytes(),
        )
        .unwrap();
    for broken in [
        "",
        "{}",
        "[]",
        r#"{"revocations":[{"kind":"user","value":"x"}]}"#,
        r#"{"revocations":[{"kind":"subject"}]}"#,
    ] {
        module
            .load_document("revocations", broken.as_bytes())
            .unwrap_err();
        assert_eq!(
            refused(ask(&mut module, &request, &[])).1,
            "token-revoked",
            "the last good copy stays"
        );
    }
    let lax = format!("{config}until-loaded = \"pass\"\n");
    passed(ask(
        &mut TokenCheck::configure(&lax).unwrap(),
        &request,
        &[],
    ));
}
