//! What needs more than the token and the path: claims about place and connection, single use, sharing, clean URLs.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

use std::sync::Arc;

use token_check::cbor::Value;
use token_check::format::cat::label;
use token_check::mint::{CatClaims, JwtClaims, Minter, Tags};
use token_check::{SigningKey, TokenCheck};
use weir_counters::{ManualClock, MemoryStore};
use weir_module::testing::{TestHost, decide};
use weir_module::{Answer, Module, NoCounters, Verdict};

const NOW: i64 = 1_800_000_000;
const SECRET: &str = "a secret of more than sixteen bytes";

fn minter() -> Minter {
    Minter::new(SigningKey::secret(SECRET.as_bytes()).unwrap())
}

fn keys() -> String {
    format!("[[keys]]\nsecret = \"{SECRET}\"\n")
}

fn jwt(claims: JwtClaims) -> String {
    let expires = Some(NOW + 600);
    minter().jwt(&JwtClaims { expires, ..claims }).unwrap()
}

type Store = Arc<MemoryStore>;

fn host() -> TestHost<Store> {
    let clock = ManualClock::at_secs(NOW.unsigned_abs());
    TestHost {
        now_ns: NOW.unsigned_abs() * 1_000_000_000,
        counters: Arc::new(MemoryStore::builder().clock(clock).build()),
        refreshed: Vec::new(),
        logged: Vec::new(),
    }
}

fn header(answer: &Answer, name: &str) -> Option<String> {
    let (_, value) = answer.headers.iter().find(|(known, _)| known == name)?;
    Some(String::from_utf8(value.clone()).unwrap())
}

/// `pass`, or the status and the code.
fn outcome(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Pass(_) => "pass".to_owned(),
        Verdict::Answer(answer) => {
            let code = header(answer, "weir-reason").unwrap_or_default();
            format!("{} {code}", answer.status)
        }
        Verdict::Exchange(..) => "exchange".to_owned(),
    }
}

#[test]
fn claims_about_place_and_connection_hold_when_they_are_told() {
    let told = "client-address = \"weir-client-ip\"\nclient-headers = [\"subdivision:x-sub\", \"coordinates:x-geo\", \
                \"altitude:x-alt\", \"alpn:x-alpn\", \"tls-public-key:x-key\"]\n";
    let cat = "[formats.cat]\ntype = \"cat\"\n";
    let headers = [
        ("weir-country", "US"),
        ("x-sub", "CA"),
        ("x-geo", "37.7749, -122.4194"),
        ("x-alt", "16"),
        ("x-alpn", "h2"),
        ("x-key", "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo="),
    ];
    let text = |text: &str| Value::from(text);
    let list = Value::Array;
    let circle = |radius: i64| {
        list(vec![
            Value::Float(37.8),
            Value::Float(-122.4),
            radius.into(),
        ])
    };
    let bytes = |byte: u8| Value::Bytes(vec![byte; 32]);
    let place = "403 country-not-allowed";
    let connection = "403 connection-not-allowed";
    for (number, value, expected) in [
        (label::CATGEOISO3166, list(vec![text("US-CA")]), "pass"),
        (
            label::CATGEOISO3166,
            list(vec![text("DE"), text("us")]),
            "pass",
        ),
        (label::CATGEOISO3166, list(vec![text("US-NY")]), place),
        (label::CATGEOCOORD, list(vec![circle(5_000)]), "pass"),
        (label::CATGEOCOORD, circle(5_000), "pass"),
        (
            label::CATGEOCOORD,
            list(vec![circle(100), circle(1_000)]),
            place,
        ),
        (label::GEOHASH, text("9q8yy"), "pass"),
        (label::GEOHASH, list(vec![text("u33"), text("9Q8")]), "pass"),
        (label::GEOHASH, text("9q9"), place),
        (label::CATGEOALT, list(vec![10.into(), 6.into()]), "pass"),
        (label::CATGEOALT, list(vec![10.into(), 5.into()]), place),
        (label::CATGEOALT, 16.into(), "pass"),
        (
            label::CATALPN,
            list(vec![
                Value::Bytes(b"h3".to_vec()),
                Value::Bytes(b"h2".to_vec()),
            ]),
            "pass",
        ),
        (label::CATALPN, list(vec![text("http/1.1")]), connection),
        (label::CATTPK, bytes(0xaa), "pass"),
        (label::CATTPK, list(vec![bytes(1), bytes(2)]), connection),
        // Shapes that cannot be read refuse.
        (label::CATGEOCOORD, list(vec![]), "401 claim-malformed"),
        (
            label::CATGEOCOORD,
            list(vec![91.into(), 0.into(), 1.into()]),
            "401 claim-malformed",
        ),
        (
            label::CATGEOCOORD,
            list(vec![0.into(), 0.into(), (-1).into()]),
            "401 claim-malformed",
        ),
        (
            label::CATGEOCOORD,
            list(vec![0.into(), 0.into()]),
            "401 claim-malformed",
        ),
        (label::GEOHASH, text("a"), "401 claim-malformed"),
        (label::GEOHASH, list(vec![]), "401 claim-malformed"),
        (
            label::CATGEOALT,
            list(vec![10.into(), Value::Float(f64::NAN)]),
            "401 token-malformed",
        ),
        (label::CATALPN, list(vec![]), "401 claim-malformed"),
        (
            label::CATTPK,
            Value::Bytes(vec![1; 20]),
            "401 claim-malformed",
        ),
        (label::CATPOR, list(vec![0.into()]), "403 claim-unsupported"),
    ] {
        let claims = CatClaims {
            expires: Some(NOW + 600),
            more: vec![(number, value.clone())],
            ..CatClaims::default()
        };
        let tags = Tags {
            cwt: true,
            cose: true,
        };
        let token = minter().cat(&claims, tags).unwrap();
        let ask = |config: &str, headers: &[(&str, &str)]| {
            let mut module = TokenCheck::configure(&format!("{config}{}{cat}", keys())).unwrap();
            let mut all = headers.to_vec();
            all.push(("common-access-token", &token));
            outcome(&decide(&mut module, &mut host(), "GET", "/a", &all))
        };
        assert_eq!(ask(told, &headers), expected, "{number}: {value:?}");
        // What no header tells is never passed over.
        let untold = ask(told, &[("x-unrelated", "1")]);
        assert_ne!(untold, "pass", "{number}: {value:?}");
        assert_ne!(ask("", &headers), "pass", "{number}: {value:?}");
    }
}

#[test]
fn what_is_not_known_never_lets_nor_hold() {
    let set = Value::Map(vec![(label::GEOHASH.into(), "u33".into())]);
    let claims = CatClaims {
        expires: Some(NOW + 600),
        more: vec![(label::NOR, Value::Array(vec![set]))],
        ..CatClaims::default()
    };
    let token = minter()
        .cat(
            &claims,
            Tags {
                cwt: true,
                cose: true,
            },
        )
        .unwrap();
    let config = format!(
        "client-headers = [\"coordinates:x-geo\"]\n{}[formats.cat]\ntype = \"cat\"\n",
        keys()
    );
    let mut module = TokenCheck::configure(&config).unwrap();
    let mut ask = |geo: &[(&str, &str)]| {
        let mut headers = geo.to_vec();
        headers.push(("common-access-token", &token));
        outcome(&decide(&mut module, &mut host(), "GET", "/a", &headers))
    };
    assert_eq!(ask(&[("x-geo", "37.7749,-122.4194")]), "pass");
    assert_eq!(ask(&[("x-geo", "52.52,13.40")]), "403 path-not-allowed");
    assert_eq!(ask(&[]), "403 path-not-allowed");
    assert_eq!(
        ask(&[("x-geo", "37.7749,-122.4194"), ("x-geo", "0,0")]),
        "403 path-not-allowed"
    );
}

#[test]
fn a_token_for_one_use() {
    let config = format!(
        "{}[formats.jwt]\ntype = \"jwt\"\nsingle-use = true\n",
        keys()
    );
    let token = |id: Option<&str>| {
        jwt(JwtClaims {
            token_id: id.map(str::to_owned),
            ..JwtClaims::default()
        })
    };
    let mut host = host();
    // Two instances over one store.
    let mut instances = [
        TokenCheck::configure(&config).unwrap(),
        TokenCheck::configure(&config).unwrap(),
    ];
    let (one, other) = (token(Some("1")), token(Some("2")));
    let mut ask = |instance: usize, token: &str| {
        let target = format!("/a?token={token}");
        outcome(&decide(
            &mut instances[instance],
            &mut host,
            "GET",
            &target,
            &[],
        ))
    };
    assert_eq!(ask(0, &one), "pass");
    assert_eq!(ask(1, &one), "403 token-replayed");
    assert_eq!(ask(1, &other), "pass");
    assert_eq!(ask(0, &token(None)), "403 claim-missing");
    // Without shared state nobody can tell.
    let mut alone: TestHost<NoCounters> = TestHost {
        now_ns: NOW.unsigned_abs() * 1_000_000_000,
        ..TestHost::default()
    };
    let verdict = decide(
        &mut instances[0],
        &mut alone,
        "GET",
        &format!("/a?token={one}"),
        &[],
    );
    assert_eq!(outcome(&verdict), "503 state-unavailable");
}

#[test]
fn a_shared_session_is_found_over_instances() {
    let config = |more: &str| {
        format!(
            "client-address = \"weir-client-ip\"\n{}[sharing]\naddresses = 2\nagents = 2\n{more}\n",
            keys()
        )
    };
    let token = jwt(JwtClaims {
        session: Some("s1".to_owned()),
        ..JwtClaims::default()
    });
    let other = jwt(JwtClaims {
        session: Some("s2".to_owned()),
        ..JwtClaims::default()
    });
    for (action, expected) in [
        ("refuse", "403 session-shared"),
        ("challenge", "401 session-challenged"),
        ("observe", "pass"),
    ] {
        let config = config(&format!("action = \"{action}\""));
        let mut host = host();
        let mut instances: Vec<_> = (0..2)
            .map(|_| TokenCheck::configure(&config).unwrap())
            .collect();
        let mut ask = |instance: usize, token: &str, address: &str, country: &str, agent: &str| {
            let headers = [
                ("weir-client-ip", address),
                ("weir-country", country),
                ("user-agent", agent),
            ];
            let target = format!("/a?token={token}");
            let verdict = decide(
                &mut instances[instance],
                &mut host,
                "GET",
                &target,
                &headers,
            );
            (outcome(&verdict), host.logged.len())
        };
        let pass = "pass".to_owned();
        assert_eq!(ask(0, &token, "192.0.2.1", "DE", "tv"), (pass.clone(), 0));
        assert_eq!(
            ask(1, &token, "192.0.2.2", "DE", "phone"),
            (pass.clone(), 0)
        );
        // One more address of the same /64 is none.
        assert_eq!(ask(1, &other, "2001:db8::1", "DE", "tv"), (pass.clone(), 0));
        assert_eq!(ask(0, &other, "2001:db8::2", "DE", "tv"), (pass.clone(), 0));
        assert_eq!(ask(0, &other, "2001:db8::3", "DE", "tv"), (pass.clone(), 0));
        let (third, lines) = ask(0, &token, "192.0.2.3", "DE", "tv");
        assert_eq!((third.as_str(), lines), (expected, 1), "a third address");
        // Another session is not concerned; a second country is too many.
        assert_eq!(ask(0, &other, "2001:db8::1", "DE", "tv").0, pass);
        assert_eq!(ask(0, &other, "2001:db8::1", "FR", "tv").0, expected);
    }
    let mut alone: TestHost<NoCounters> = TestHost {
        now_ns: NOW.unsigned_abs() * 1_000_000_000,
        ..TestHost::default()
    };
    for (more, expected) in [
        ("", "pass"),
        ("on-store-error = \"deny\"", "503 state-unavailable"),
    ] {
        let mut module = TokenCheck::configure(&config(more)).unwrap();
        let headers = [("weir-client-ip", "192.0.2.1")];
        let verdict = decide(
            &mut module,
            &mut alone,
            "GET",
            &format!("/a?token={token}"),
            &headers,
        );
        assert_eq!(outcome(&verdict), expected);
    }
}

#[test]
fn a_token_moves_out_of_the_url() {
    let config = format!("clean-url-cookie = \"weir-token\"\n{}", keys());
    let mut module = TokenCheck::configure(&config).unwrap();
    let mut host = host();
    let token = jwt(JwtClaims::default());
    let moved = decide(
        &mut module,
        &mut host,
        "GET",
        &format!("/vod/./a?x=1&token={token}&y"),
        &[],
    );
    let Verdict::Answer(answer) = moved else {
        panic!("{moved:?}")
    };
    assert_eq!(answer.status, 302);
    assert_eq!(header(&answer, "location").as_deref(), Some("/vod/a?x=1&y"));
    assert_eq!(
        header(&answer, "cache-control").as_deref(),
        Some("no-store")
    );
    let cookie = header(&answer, "set-cookie").unwrap();
    assert_eq!(
        cookie,
        format!("weir-token={token}; Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax")
    );
    let with_cookie = format!("weir-token={token}");
    let back = decide(
        &mut module,
        &mut host,
        "GET",
        "/vod/a?x=1&y",
        &[("cookie", &with_cookie)],
    );
    assert_eq!(outcome(&back), "pass");
    // A bad token is refused where it stands; other carriers and methods are left alone.
    let bad = decide(
        &mut module,
        &mut host,
        "GET",
        &format!("/vod/a?token={token}x"),
        &[],
    );
    assert_eq!(outcome(&bad), "401 signature-invalid");
    let post = decide(
        &mut module,
        &mut host,
        "POST",
        &format!("/vod/a?token={token}"),
        &[],
    );
    assert_eq!(outcome(&post), "pass");
    let bearer = format!("Bearer {token}");
    let other = decide(
        &mut module,
        &mut host,
        "GET",
        "/vod/a",
        &[("authorization", &bearer)],
    );
    assert_eq!(outcome(&other), "pass");
}

#[test]
fn wrong_settings_name_their_key() {
    for (text, key) in [
        ("client-headers = [\"x-geo\"]", "client-headers[0]"),
        (
            "client-headers = [\"alpn:x\", \"alpn:y\"]",
            "client-headers[1]",
        ),
        ("client-headers = [\"alpn:X\"]", "client-headers[0]"),
        ("client-headers = [\"altitude:\"]", "client-headers[0]"),
        ("clean-url-cookie = \"other\"", "clean-url-cookie"),
        ("clean-url-attributes = \"a\\nb\"", "clean-url-attributes"),
        ("[sharing]\nwindow = 59", "sharing.window"),
        ("[sharing]\nthreshold = 0", "sharing.threshold"),
        ("[sharing]\nagents = 0", "sharing.agents"),
        ("[sharing]\naction = \"shout\"", "sharing.action"),
    ] {
        let error = TokenCheck::configure(&format!("{text}\n{}", keys()))
            .err()
            .unwrap();
        assert_eq!(error.key(), key, "{error}");
    }
}
