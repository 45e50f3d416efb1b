//! Who may watch what, and how much of it: tokens in every carrier and every way of being bad, quotas, and the way round the edge.
#![allow(clippy::unwrap_used)]

use serde_json::json;
use token_check::SigningKey;
use token_check::mint::Minter;
use weir_tests::locate::sample_film;
use weir_tests::system::{Store, System};
use weir_tests::tokens;
use weir_tests::viewer::{Fetched, Viewer};

fn start() -> System {
    System::start(Store::Folder)
        .unwrap_or_else(|error| panic!("{error:#}"))
        .expect("a folder is always there")
}

/// The signed URL of the multivariant playlist.
fn signed(system: &System, id: &str, wishes: &serde_json::Value) -> String {
    let grant = system
        .origin
        .playback(id, wishes)
        .unwrap_or_else(|error| panic!("{error:#}"));
    grant["urls"][0]["url"]
        .as_str()
        .expect("a grant has a URL")
        .to_owned()
}

fn publish(system: &System) -> String {
    system
        .origin
        .publish(&sample_film())
        .unwrap_or_else(|error| panic!("{error:#}"))
}

/// Tells nothing of the token, so that a failed test may be shown to anybody.
fn shown(fetched: &Fetched) -> String {
    format!("{} {}", fetched.status, fetched.url.path())
}

#[test]
fn a_token_is_needed_and_every_bad_one_is_refused() {
    let system = start();
    let id = publish(&system);
    let other = publish(&system);
    let url = signed(
        &system,
        &id,
        &json!({ "subject": "ada", "lifetime_seconds": 600 }),
    );
    let (path, token) = url
        .split_once("?token=")
        .expect("the token stands in the query");
    let viewer = Viewer::default().with("origin", "https://player.example");
    let refused = |url: &str, status: u16, code: &str| {
        let answer = viewer.get(url).unwrap();
        let problem = answer
            .problem()
            .unwrap_or_else(|error| panic!("{code}: {error:#}"));
        assert_eq!(
            (answer.status, problem.as_str()),
            (status, code),
            "{}",
            answer.text()
        );
        assert_eq!(
            answer.header("cache-control"),
            "no-store",
            "{code}: a refusal must not be stored"
        );
        assert!(
            !answer.header("access-control-allow-origin").is_empty(),
            "{code}: a player must be able to read the error"
        );
        assert!(
            !answer.text().contains(token),
            "{code}: the token is in the answer"
        );
    };
    assert_eq!(viewer.get(&url).unwrap().status, 200);
    refused(path, 401, "token-missing");
    refused(
        &format!("{path}?token={}", tokens::tampered(token)),
        401,
        "token-malformed",
    );
    let cut = &token[..token.len() - 4];
    let wrong_signature = format!(
        "{cut}{}",
        if token.ends_with("AAAA") {
            "BBBB"
        } else {
            "AAAA"
        }
    );
    refused(
        &format!("{path}?token={wrong_signature}"),
        401,
        "signature-invalid",
    );
    refused(&format!("{path}?token=x"), 401, "token-malformed");
    // A good token of another film.
    let foreign = path.replace(&id, &other);
    refused(&format!("{foreign}?token={token}"), 403, "path-not-allowed");
    // Signed by a stranger: with a shared secret, which these keys are not for, and with a key of the right kind.
    let claims = tokens::claims("ada", "/vod/");
    refused(
        &format!("{path}?token={}", tokens::signed(&claims)),
        401,
        "algorithm-not-allowed",
    );
    let stranger = Minter::new(SigningKey::ed25519(&[7; 32]))
        .jwt(&claims)
        .expect("the claims can be written");
    let answer = viewer.get(&format!("{path}?token={stranger}")).unwrap();
    assert_eq!(answer.status, 401, "{}", answer.text());
    let code = answer.problem().unwrap();
    assert!(
        matches!(code.as_str(), "key-unknown" | "signature-invalid"),
        "{code}"
    );
    // Two that differ.
    let second = signed(&system, &id, &json!({ "subject": "bob" }));
    let second = second
        .split_once("?token=")
        .expect("the token stands in the query")
        .1;
    let both = Viewer::default()
        .with("authorization", &format!("Bearer {second}"))
        .get(&url)
        .unwrap();
    assert_eq!(both.status, 400, "{}", both.text());
    // One second of life, then none.
    let short = signed(
        &system,
        &id,
        &json!({ "subject": "ada", "lifetime_seconds": 1 }),
    );
    std::thread::sleep(std::time::Duration::from_millis(2100));
    refused(&short, 403, "token-expired");
    // A path that can be read in two ways.
    let answer = viewer
        .get(&format!(
            "{}?token={token}",
            path.replace("/vod/", "/vod/x/%2e%2e/")
        ))
        .unwrap();
    assert!(matches!(answer.status, 400 | 403), "{}", shown(&answer));
}

#[test]
fn a_token_may_travel_in_query_cookie_header_and_path() {
    let system = start();
    let id = publish(&system);
    let url = signed(
        &system,
        &id,
        &json!({ "subject": "ada", "tier": "premium" }),
    );
    let (bare, token) = url
        .split_once("?token=")
        .expect("the token stands in the query");
    let in_path = signed(
        &system,
        &id,
        &json!({ "subject": "ada", "tier": "premium", "carrier": "path" }),
    );
    assert!(in_path.contains("/t/"), "{in_path}");
    for (name, viewer, url) in [
        ("query", Viewer::default(), url.as_str()),
        (
            "cookie",
            Viewer::default().with("cookie", &format!("theme=dark; weir-token={token}")),
            bare,
        ),
        (
            "header",
            Viewer::default().with("authorization", &format!("Bearer {token}")),
            bare,
        ),
        ("path", Viewer::default(), in_path.as_str()),
    ] {
        let everything = viewer.play(url).unwrap();
        assert!(
            everything.len() > 10,
            "{name}: only {} resources",
            everything.len()
        );
        for fetched in everything {
            assert!(
                matches!(fetched.status, 200 | 206),
                "{name}: {}",
                shown(&fetched)
            );
        }
    }
}

#[test]
fn the_quota_of_a_tier_ends_with_429_for_its_viewer_alone() {
    let system = System::start_with(Store::Folder, |settings| {
        settings.replace("[modules.rate-limit.config.client]", "[modules.rate-limit.config.tiers.free]\nrate = \"5/1m\"\n\n[modules.rate-limit.config.client]")
    });
    let system = system
        .unwrap_or_else(|error| panic!("{error:#}"))
        .expect("a folder is always there");
    let id = publish(&system);
    let ada = signed(&system, &id, &json!({ "subject": "ada", "tier": "free" }));
    let bob = signed(&system, &id, &json!({ "subject": "bob", "tier": "free" }));
    let viewer = Viewer::default();
    let answers: Vec<_> = (0..8).map(|_| viewer.get(&ada).unwrap()).collect();
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429, 429]);
    assert!(
        !answers[0].header("ratelimit").is_empty(),
        "quota is told before it ends"
    );
    let refused = &answers[5];
    let wait: u64 = refused
        .header("retry-after")
        .parse()
        .expect("retry-after in seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    refused.problem().unwrap();
    assert_eq!(
        viewer.get(&bob).unwrap().status,
        200,
        "another viewer has a quota of their own"
    );
}

#[test]
fn the_origin_serves_media_to_the_edge_alone() {
    let system = start();
    let id = publish(&system);
    let url = signed(&system, &id, &json!({ "subject": "ada" }));
    let path = url
        .strip_prefix(&system.node.url(""))
        .expect("the URL leads to the edge");
    let direct = Viewer::default().get(&system.origin.url(path)).unwrap();
    assert_eq!(direct.status, 403, "{}", direct.text());
    let guessed = Viewer::default()
        .with("weir-edge-secret", "guess")
        .get(&system.node.url(path))
        .unwrap();
    assert_eq!(
        guessed.status, 200,
        "the node sets the secret, whatever a client sends"
    );
    // What the programs say of themselves is not for viewers.
    for path in ["/metrics", "/readyz"] {
        let answer = Viewer::default().get(&system.node.url(path)).unwrap();
        assert_eq!(answer.status, 403, "{path}: {}", answer.text());
    }
}
