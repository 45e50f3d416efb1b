//! What the README says about keys is true: each is parsed, with the default that stands there, and no key is missing.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use manifest_rewrite::ManifestRewrite;
use weir_module::Module;

const README: &str = include_str!("../README.md");

/// A value for every key that has no default, and for those whose default says nothing (an empty list).
const EXAMPLES: &[(&str, &str)] = &[
    ("exclude-paths", "['/live/*']"),
    ("token.parameters", "['hdnts']"),
    ("token.exclude-hosts", "['*.ads.example']"),
    ("token.exclude-places", "['key', 'media']"),
    ("hosts.from", "['origin.example']"),
    ("hosts.cdn[].base", "'https://cdn.example'"),
    ("hosts.cdn[].countries", "['DE']"),
    ("select[].when", "'tier == \"free\"'"),
    ("select[].variants", "'height <= 720'"),
    ("select[].audio", "'language == \"de\"'"),
    ("select[].subtitles", "'forced'"),
    ("select[].closed-captions", "'false'"),
    ("select[].i-frames", "'height <= 720'"),
    ("select[].images", "'width <= 320'"),
    ("order.first", "'height == 720'"),
    ("start.time-offset", "-12.5"),
    ("clip.start-parameter", "'start'"),
    ("clip.end-parameter", "'end'"),
    ("clip.start", "'90'"),
    ("clip.end", "'2026-11-20T08:00:00Z'"),
    ("steering.path", "'/steering'"),
    ("steering.server-uri", "'https://steer.example/s'"),
    ("steering.stop-when", "'tier == \"none\"'"),
    ("steering.busy-when", "'query.busy == 1'"),
    ("steering.health-url", "'https://ops.example/h.json'"),
    ("steering.pathways[].id", "'a'"),
    ("steering.pathways[].base", "'https://a.example'"),
    ("steering.pathways[].countries", "['DE']"),
    ("schedule-url", "'https://ops.example/s.json'"),
    ("interstitials[].id", "'ad'"),
    ("interstitials[].at", "'pre'"),
    ("interstitials[].when", "'tier == \"free\"'"),
    ("interstitials[].asset-uri", "'https://ads.example/a.m3u8'"),
    (
        "interstitials[].asset-list",
        "'https://ads.example/d?s={session}'",
    ),
    ("interstitials[].duration", "15"),
    ("interstitials[].resume-offset", "0"),
    ("interstitials[].playout-limit", "30"),
    ("interstitials[].restrict", "['skip', 'jump']"),
    ("blackouts[].id", "'final'"),
    ("blackouts[].start", "'2026-11-20T08:00:00Z'"),
    ("blackouts[].end", "'2026-11-20T10:00:00Z'"),
    ("blackouts[].when", "'country == \"DE\"'"),
    ("blackouts[].slate", "'slate.m3u8'"),
    (
        "watermark.key",
        "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'",
    ),
    ("watermark.a", "'/wm-a/'"),
    ("watermark.b", "'/wm-b/'"),
    ("session-data[].data-id", "'com.example.title'"),
    ("session-data[].value", "'x'"),
    ("session-data[].uri", "'data.json'"),
    ("session-data[].language", "'de'"),
    ("session-keys[].method", "'SAMPLE-AES'"),
    ("session-keys[].uri", "'skd://key'"),
    (
        "session-keys[].keyformat",
        "'com.apple.streamingkeydelivery'",
    ),
    ("session-keys[].keyformatversions", "'1'"),
];

/// The rows of the key tables: key and default.
fn documented() -> Vec<(String, String)> {
    let rows = README.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter_map(|row| {
        let (key, rest) = row.split_once("` |")?;
        let default = rest.split('|').next()?.trim().trim_matches('`').to_owned();
        let is_key = key
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || b"-.[]".contains(&byte));
        is_key.then(|| (key.to_owned(), default))
    });
    rows.filter(|(key, _)| !key.contains(' ')).collect()
}

/// A document in which `key` has `value`, with whatever else its table needs.
fn document(key: &str, value: &str) -> String {
    let Some((table, name)) = key.rsplit_once('.') else {
        return format!("{key} = {value}\n");
    };
    let others = EXAMPLES
        .iter()
        .filter(|(other, _)| *other != key && needed(table, other, key));
    let siblings: String = others
        .clone()
        .filter(|(other, _)| other.rsplit_once('.').is_some_and(|(of, _)| of == table))
        .map(|(other, value)| format!("{} = {value}\n", other.rsplit_once('.').unwrap().1))
        .collect();
    let header = match table.strip_suffix("[]") {
        Some(list) => format!("[[{list}]]"),
        None => format!("[{table}]"),
    };
    let mut text = String::new();
    // A nested table needs what its parent needs.
    if let Some((parent, _)) = table.trim_end_matches("[]").rsplit_once('.') {
        let of_parent = EXAMPLES.iter().filter(|(other, _)| {
            needed(parent, other, key) && other.rsplit_once('.').unwrap().0 == parent
        });
        text += &format!("[{parent}]\n");
        of_parent.for_each(|(other, value)| {
            text += &format!("{} = {value}\n", other.rsplit_once('.').unwrap().1)
        });
    }
    text += &format!("{header}\n{name} = {value}\n{siblings}");
    let below = others.filter(|(other, _)| {
        other.starts_with(&format!("{table}.")) && other.rsplit_once('.').unwrap().0 != table
    });
    for (index, (other, value)) in below.enumerate() {
        let (list, name) = other.rsplit_once('.').unwrap();
        if index == 0 {
            text += &format!("[[{}]]\n", list.trim_end_matches("[]"));
        }
        text += &format!("{name} = {value}\n");
    }
    text
}

/// Keys without which a table is refused.
const NEEDED: &[&str] = &[
    "hosts.cdn[].base",
    "start.time-offset",
    "steering.path",
    "steering.pathways[].id",
    "blackouts[].id",
    "blackouts[].start",
    "blackouts[].end",
    "interstitials[].id",
    "interstitials[].at",
    "interstitials[].asset-uri",
    "watermark.key",
    "watermark.a",
    "watermark.b",
    "session-data[].data-id",
    "session-data[].value",
    "session-keys[].method",
    "session-keys[].uri",
];

/// True when `table` needs `key` beside `asked`.
fn needed(table: &str, key: &str, asked: &str) -> bool {
    // These have one or the other.
    let instead = matches!(
        (key, asked),
        ("session-data[].value", "session-data[].uri")
            | ("interstitials[].asset-uri", "interstitials[].asset-list")
    );
    NEEDED.contains(&key) && key.starts_with(table) && !instead
}

#[test]
fn every_documented_key_is_parsed() {
    let documented = documented();
    assert!(documented.len() > 50, "the tables were not found");
    for (key, default) in &documented {
        let example = EXAMPLES
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, value)| *value);
        // A default is TOML, unless it names another key.
        let value = example.unwrap_or(default);
        assert!(
            !value.is_empty(),
            "`{key}` has neither a default nor an example"
        );
        let text = document(key, value);
        if let Err(error) = ManifestRewrite::configure(&text) {
            panic!("`{key}`: {error}\n{text}");
        }
        // The key is really read: another type is refused, by its name.
        let broken = document(key, "{ wrong = 1 }");
        let error = ManifestRewrite::configure(&broken)
            .err()
            .unwrap_or_else(|| panic!("`{key}` is not read"))
            .to_string();
        assert!(
            error.contains(key.rsplit('.').next().unwrap().trim_end_matches("[]")),
            "`{key}`: {error}"
        );
    }
}

#[test]
fn no_key_is_undocumented() {
    let documented: BTreeSet<String> = documented().into_iter().map(|(key, _)| key).collect();
    // An unknown field's error lists the fields that are known: that is the truth about the code.
    let tables = [
        "",
        "[token]",
        "[hosts]",
        "[[hosts.cdn]]",
        "[[select]]",
        "[filters]",
        "[order]",
        "[start]",
        "[clip]",
        "[steering]",
        "[[steering.pathways]]",
        "[[interstitials]]",
        "[[blackouts]]",
        "[watermark]",
        "[[session-data]]",
        "[[session-keys]]",
    ];
    for table in tables {
        let error = ManifestRewrite::configure(&format!("{table}\nno-such-key = 1\n"))
            .err()
            .unwrap()
            .to_string();
        let known = error
            .split(", expected ")
            .nth(1)
            .unwrap_or_else(|| panic!("{table}: {error}"));
        let name = table.trim_matches(['[', ']']);
        let prefix = match (name.is_empty(), table.starts_with("[[")) {
            (true, _) => String::new(),
            (false, true) => format!("{name}[]."),
            (false, false) => format!("{name}."),
        };
        for field in known.split('`').skip(1).step_by(2) {
            let key = format!("{prefix}{field}");
            let below = documented.iter().any(|other| {
                other.starts_with(&format!("{key}.")) || other.starts_with(&format!("{key}[]."))
            });
            assert!(
                below || documented.contains(&key),
                "`{key}` is not in the README"
            );
        }
    }
}

#[test]
fn the_examples_are_documents() {
    let examples: Vec<&str> = README
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(examples.len(), 3);
    for text in examples {
        ManifestRewrite::configure(text).unwrap();
    }
}
