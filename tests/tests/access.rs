//! Who may watch what, and how much of it: tokens in every carrier and every way of being bad, quotas, and the way round the edge.
#![allow(clippy::unwrap_used)]

use serde_json::json;
use token_check::SigningKey;
use token_check::mint::Minter;
use weir_tests::locate::sample_film;
use weir_tests::playlist;
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

/// The `EXT-X-KEY` lines of the first playlist of video that `url` leads to, the address of that playlist, and its text.
fn keys_of(viewer: &Viewer, url: &str) -> (Vec<String>, url::Url, String) {
    let multivariant = viewer.get(url).unwrap();
    let text = multivariant.text();
    let variant = text
        .lines()
        .skip_while(|line| !line.starts_with("#EXT-X-STREAM-INF"))
        .nth(1);
    let address = multivariant.url.join(variant.unwrap()).unwrap();
    let media = viewer.get(address.as_str()).unwrap().text();
    let lines = media.lines().filter(|line| line.starts_with("#EXT-X-KEY"));
    let uris = lines.filter_map(|line| playlist::attribute(line, "URI"));
    (uris.collect(), address, media)
}

#[test]
fn a_key_comes_through_the_node_to_who_may_watch_and_opens_what_is_played() {
    use aes::cipher::{BlockModeDecrypt as _, KeyIvInit as _, block_padding::Pkcs7};
    let system = start();
    let wishes = json!({ "title": "protected", "protection": { "scheme": "aes-128" } });
    let id = system
        .origin
        .publish_as(&sample_film(), &wishes)
        .unwrap_or_else(|error| panic!("{error:#}"));
    let other = publish(&system);
    let viewer = Viewer::default();
    let url = signed(&system, &id, &json!({ "subject": "ada" }));
    let (keys, address, media) = keys_of(&viewer, &url);
    assert!(!keys.is_empty(), "the playlist names a key: {media}");
    let key_url = address.join(&keys[0]).unwrap();
    assert_eq!(key_url.origin(), url::Url::parse(&url).unwrap().origin());
    let key = viewer.get(key_url.as_str()).unwrap();
    assert_eq!((key.status, key.body.len()), (200, 16), "{}", shown(&key));
    assert!(key.header("cache-control").contains("no-store"));

    // It opens the first segment (RFC 8216bis 4.4.4.4: the sequence number is the vector where none stands).
    let line = media.lines().find(|line| line.starts_with("#EXT-X-KEY"));
    let vector = playlist::attribute(line.unwrap(), "IV").map_or(1_u128, |text| {
        u128::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
    });
    let (segment, _) = playlist::uris(&media)
        .into_iter()
        .find(|(uri, _)| uri.contains(".m4s"))
        .expect("the playlist names segments");
    let segment = viewer
        .get(address.join(&segment).unwrap().as_str())
        .unwrap();
    assert_eq!(segment.status, 200, "{}", shown(&segment));
    let mut data = segment.body.to_vec();
    let opened = cbc::Decryptor::<aes::Aes128>::new_from_slices(&key.body, &vector.to_be_bytes())
        .unwrap()
        .decrypt_padded::<Pkcs7>(&mut data)
        .expect("the padding is whole");
    assert!(
        matches!(&opened[4..8], b"styp" | b"moof" | b"sidx"),
        "{:?}",
        &opened[..16]
    );

    // Without the token, and with the token of another film, there is no key.
    let mut bare = key_url.clone();
    bare.set_query(None);
    let without = viewer.get(bare.as_str()).unwrap();
    assert_eq!(without.status, 401, "{}", shown(&without));
    let foreign = signed(&system, &other, &json!({ "subject": "ada" }));
    let (_, token) = foreign.split_once("?token=").unwrap();
    bare.set_query(Some(&format!("token={token}")));
    let with_another = viewer.get(bare.as_str()).unwrap();
    assert_eq!(with_another.status, 403, "{}", shown(&with_another));
}
