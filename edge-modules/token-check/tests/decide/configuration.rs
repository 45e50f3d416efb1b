//! Routes, keys, and configurations that are wrong.

use super::*;

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
