//! Each policy, whole, in each player: that it plays, and that the player saw what the policy says and nothing else.

use serde_json::{Value, json};
use weir_tests::tokens;

use crate::Stage;
use crate::cdn::{Behaviour, Cdn};
use crate::edge::{Edge, Host};
use crate::film::LENGTH;
use crate::played::{Played, path};

/// A policy and what it means.
struct Policy {
    name: &'static str,
    /// Who may play: nobody without a token.
    gate: bool,
    config: &'static str,
    /// `{token}` stands for ada's token.
    path: &'static str,
    /// Which players can play it.
    players: &'static [&'static str],
    check: fn(&Played<'_>),
}

const BOTH: &[&str] = &["hls", "shaka"];
const LADDER: &str = "/ladder/multivariant.m3u8";
const DASH: &str = "/ladder/manifest.mpd";

const POLICIES: &[Policy] = &[
    Policy {
        name: "height",
        gate: false,
        config: "[[select]]\nvariants = 'height <= 180'",
        path: LADDER,
        players: BOTH,
        check: |played| {
            played.must_be_whole(0.0, LENGTH);
            played.must(!played.choices("height").is_empty(), "there is a choice");
            let low = |height: &&Value| height.as_u64().is_some_and(|height| height <= 180);
            played.must(
                played.choices("height").iter().all(low),
                "no choice above 180",
            );
            let shown = played.seen["size"][1].as_u64();
            played.must(
                shown.is_some_and(|height| height <= 180),
                "no picture above 180",
            );
            played.must(
                no_url_has(played, "/video-1/"),
                "nothing of 270 lines is loaded",
            );
        },
    },
    Policy {
        name: "codec",
        gate: false,
        config: "[[select]]\nvariants = 'video-codec == \"vp9\"'",
        path: LADDER,
        players: BOTH,
        check: |played| {
            played.must_be_whole(0.0, LENGTH);
            let codecs = played.choices("codec");
            let vp9 = |codec: &&Value| {
                codec
                    .as_str()
                    .is_some_and(|codec| codec.starts_with("vp09"))
            };
            played.must(!codecs.is_empty() && codecs.iter().all(vp9), "VP9 alone");
        },
    },
    Policy {
        name: "aws",
        gate: false,
        config: "",
        path: "/ladder/multivariant.m3u8?aws.manifestfilter=video_height:100-200;video_codec:h264",
        players: BOTH,
        check: |played| {
            played.must_be_whole(0.0, LENGTH);
            // shaka-player counts it once with each language.
            let heights = played.choices("height");
            played.must(
                !heights.is_empty() && heights.iter().all(|height| **height == json!(180)),
                "the one between 100 and 200 lines",
            );
        },
    },
    Policy {
        name: "language",
        gate: false,
        config: "[[select]]\naudio = 'language == query.lang'",
        path: "/spoken/multivariant.m3u8?lang=de",
        players: BOTH,
        check: |played| {
            played.must_be_whole(0.0, LENGTH);
            played.must(played.seen["languages"] == json!(["de"]), "German alone");
        },
    },
    Policy {
        name: "order",
        gate: false,
        config: "[order]\nsort = 'descending'\nfirst = 'height == 90 and video-codec == \"h264\"'",
        path: LADDER,
        players: BOTH,
        check: |played| {
            played.must_be_whole(0.0, LENGTH);
            // shaka-player sorts for itself.
            if played.seen["fragments"].is_array() {
                played.must(
                    played.seen["first"] == 90,
                    "the first is the one of 90 lines",
                );
            }
        },
    },
    Policy {
        name: "start",
        gate: false,
        config: "[start]\ntime-offset = 4.5\nprecise = true",
        path: LADDER,
        players: BOTH,
        check: |played| played.must_be_whole(4.5, LENGTH),
    },
    Policy {
        name: "clip",
        gate: false,
        config: "[clip]\nstart-parameter = 'from'\nend-parameter = 'to'",
        path: "/ladder/multivariant.m3u8?from=4&to=8",
        players: BOTH,
        check: |played| {
            played.must(seconds(played, 4.0), "four seconds");
            played.must(played.seen["errors"] == json!([]), "no error");
            for kind in ["/video-", "/audio-"] {
                let numbers = numbers(played, kind);
                played.must(numbers == ["00003", "00004"], "segments three and four");
            }
            // Players begin a film where it begins: at 0, or at the time of its first sample.
            let length = played.seen["played"][0][1].as_f64().unwrap_or_default()
                - played.seen["played"][0][0].as_f64().unwrap_or_default();
            played.must((length - 4.0).abs() < 0.3, "four seconds are played");
        },
    },
    Policy {
        name: "token-query",
        gate: true,
        config: "",
        path: "/ladder/multivariant.m3u8?token={token}",
        players: BOTH,
        check: |played| {
            played.must_be_whole(0.0, LENGTH);
            played.must(every_url_has(played, "?token=ey"), "the token everywhere");
        },
    },
    Policy {
        name: "token-path",
        gate: true,
        config: "",
        path: "/t/{token}/ladder/multivariant.m3u8",
        players: BOTH,
        check: |played| {
            played.must_be_whole(0.0, LENGTH);
            played.must(every_url_has(played, "/t/ey"), "the token everywhere");
        },
    },
    Policy {
        name: "token-variable",
        gate: true,
        config: "[token]\nform = 'variable'",
        path: "/ladder/multivariant.m3u8?token={token}",
        players: BOTH,
        check: |played| {
            played.must_be_whole(0.0, LENGTH);
            played.must(every_url_has(played, "?token=ey"), "the token everywhere");
        },
    },
    Policy {
        name: "hosts",
        gate: true,
        config: "[[hosts.cdn]]\nbase = 'http://token-query.localhost:{port}'",
        path: "/ladder/multivariant.m3u8?token={token}",
        players: BOTH,
        check: |played| {
            played.must_be_whole(0.0, LENGTH);
            played.must(every_url_has(played, "?token=ey"), "the token everywhere");
            let moved = |url: &&str| url.starts_with("http://token-query.localhost:");
            played.must(
                played.segments().iter().all(moved),
                "segments from the other host",
            );
            let playlists = played.urls();
            let stay = |url: &&&str| path(url).ends_with(".m3u8") && !moved(url);
            played.must(
                playlists.iter().filter(stay).count() >= 3,
                "playlists from this one",
            );
        },
    },
    Policy {
        name: "session-data",
        gate: false,
        config: "[[session-data]]\ndata-id = 'com.example.title'\nvalue = 'Big Buck Bunny'",
        path: LADDER,
        players: BOTH,
        check: |played| {
            played.must_be_whole(0.0, LENGTH);
            let data = &played.seen["sessionData"]["com.example.title"];
            let title = data["VALUE"].as_str().or(data.as_str());
            played.must(
                title == Some("Big Buck Bunny"),
                "the player knows the title",
            );
        },
    },
    Policy {
        name: "watermark",
        gate: true,
        config: MARK,
        path: "/marked/index.m3u8?token={token}",
        players: BOTH,
        check: |played| {
            played.must_be_whole(0.0, LENGTH);
            let mark = mark(played);
            played.must(mark.len() == 12, "each segment in one variant");
            played.must(
                mark.contains('a') && mark.contains('b'),
                "both variants occur",
            );
        },
    },
    Policy {
        name: "delta",
        gate: false,
        config: "delta-updates = true",
        path: "/spoken/live-index.m3u8",
        players: BOTH,
        check: |played| {
            played.must(played.seen["errors"] == json!([]), "no error");
            let last = numbers(played, "/video-1/").pop();
            played.must(last == Some("00012"), "it is played to its end");
            let skip = |url: &&str| url.contains("_HLS_skip=YES");
            played.must(
                played.urls().iter().any(skip),
                "the player asks for delta updates",
            );
            if played.seen["fragments"].is_array() {
                let skipped = played.seen["skipped"].as_u64();
                played.must(skipped > Some(0), "delta updates skip segments");
            }
        },
    },
    Policy {
        name: "dash-height",
        gate: false,
        config: "[[select]]\nvariants = 'height <= 180'",
        path: DASH,
        players: &["shaka"],
        check: |played| {
            played.must_be_whole(0.0, LENGTH);
            let low = |height: &&Value| height.as_u64().is_some_and(|height| height <= 180);
            played.must(
                played.choices("height").iter().all(low),
                "no choice above 180",
            );
            played.must(
                no_url_has(played, "/video-1/"),
                "nothing of 270 lines is loaded",
            );
        },
    },
    Policy {
        name: "dash-token",
        gate: true,
        config: "",
        path: "/ladder/manifest.mpd?token={token}",
        players: &["shaka"],
        check: |played| {
            played.must_be_whole(0.0, LENGTH);
            played.must(every_url_has(played, "?token=ey"), "the token everywhere");
        },
    },
];

const MARK: &str = "[watermark]\na = 'a-000'\nb = 'b-000'\n\
    key = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'";

fn every_url_has(played: &Played<'_>, part: &str) -> bool {
    let urls = played.urls();
    !urls.is_empty() && urls.iter().all(|url| url.contains(part))
}

fn no_url_has(played: &Played<'_>, part: &str) -> bool {
    !played.urls().iter().any(|url| url.contains(part))
}

fn seconds(played: &Played<'_>, length: f64) -> bool {
    let duration = played.seen["duration"].as_f64();
    duration.is_some_and(|duration| (duration - length).abs() < 0.3)
}

/// The names of the segments under a path, without `.m4s`, in order and each once.
fn numbers<'a>(played: &Played<'a>, under: &str) -> Vec<&'a str> {
    let requests = played.seen["requests"].as_array().into_iter().flatten();
    let mut numbers: Vec<&str> = requests
        .filter_map(|request| request[1].as_str())
        .filter(|url| url.contains(under))
        .filter_map(|url| path(url).strip_suffix(".m4s"))
        .filter_map(|url| Some(url.rsplit_once('/')?.1))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The variants of the segments in order, a letter for each.
fn mark(played: &Played<'_>) -> String {
    let mut marks: Vec<(&str, &str)> = numbers(played, "/marked/")
        .into_iter()
        .filter_map(|name| name.split_once('-'))
        .map(|(variant, number)| (number, variant))
        .collect();
    marks.sort_unstable();
    marks.into_iter().map(|(_, variant)| variant).collect()
}

/// Plays every policy in a player.
fn in_player(player: &str) {
    let Some(stage) = Stage::set() else { return };
    let cdn = Cdn::start(stage.films, Behaviour::default());
    let hosts: Vec<Host<'_>> = POLICIES
        .iter()
        .map(|policy| Host {
            name: policy.name,
            gate: policy.gate,
            config: policy.config,
            origin: &cdn,
        })
        .collect();
    let edge = Edge::start(&hosts, &[]);
    let policies = || {
        POLICIES
            .iter()
            .filter(|policy| policy.players.contains(&player))
    };
    let token = tokens::signed(&tokens::claims("ada", "/"));
    let url = |policy: &Policy, token: &str| {
        edge.url(policy.name, &policy.path.replace("{token}", token))
    };
    let mut plays: Vec<Value> = policies()
        .map(|policy| {
            // A live playlist grows as the player asks, at its pace.
            let rate = if policy.name == "delta" { 1 } else { 6 };
            json!({ "name": policy.name, "url": url(policy, &token), "rate": rate })
        })
        .collect();
    // The watermark of somebody else.
    let other = tokens::signed(&tokens::claims("bob", "/"));
    let marked = POLICIES.iter().find(|policy| policy.name == "watermark");
    plays
        .push(json!({ "name": "watermark-other", "url": url(marked.unwrap(), &other), "rate": 6 }));
    let all = stage.run(
        "policies.mjs",
        &[&json!({ "player": player, "plays": plays }).to_string()],
    );
    for policy in policies() {
        (policy.check)(&Played {
            policy: policy.name,
            seen: &all[policy.name],
        });
    }
    let of = |name| {
        mark(&Played {
            policy: name,
            seen: &all[name],
        })
    };
    assert_eq!(of("watermark-other").len(), 12, "{all}");
    assert_ne!(
        of("watermark"),
        of("watermark-other"),
        "two viewers, two marks"
    );
    let log = cdn.log();
    let leaked = log
        .iter()
        .find(|line| line.contains("token") || line.contains("/t/"));
    assert_eq!(leaked, None, "the origin never sees a token");
}

#[test]
fn every_policy_plays_in_hls_js() {
    in_player("hls");
}

#[test]
fn every_policy_plays_in_shaka_player() {
    in_player("shaka");
}
