//! What several tests need: the playlists, and a linter that shares no code with the crate.
#![allow(dead_code, clippy::unwrap_used, unreachable_pub)]

pub mod media;
pub mod multivariant;
pub mod odd;
pub mod request;
pub mod timeline;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The playlists of the repository, and those of the folder that `WEIR_PLAYLIST_CORPUS` names (searched two levels deep).
pub fn playlists() -> Vec<(String, Vec<u8>)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")];
    folders.extend(std::env::var_os("WEIR_PLAYLIST_CORPUS").map(PathBuf::from));
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "m3u8")
            {
                found.push((
                    path.file_name().unwrap().to_string_lossy().into_owned(),
                    std::fs::read(&path).unwrap(),
                ));
            }
        }
    }
    found.sort();
    assert!(found.len() >= 14, "the fixtures are missing");
    found
}

/// The attributes of a tag line, by a plain scan over its characters.
pub fn attributes(line: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let Some((_, list)) = line.split_once(':') else {
        return found;
    };
    let (mut name, mut value, mut in_value, mut quoted) =
        (String::new(), String::new(), false, false);
    for c in list.chars().chain([',']) {
        match c {
            '"' if in_value => {
                quoted = !quoted;
                value.push(c);
            }
            '=' if !in_value => in_value = true,
            ',' if !quoted => {
                if in_value {
                    found
                        .entry(name.trim().to_owned())
                        .or_insert_with(|| value.trim().to_owned());
                }
                (name, value, in_value) = (String::new(), String::new(), false);
            }
            _ if in_value => value.push(c),
            _ => name.push(c),
        }
    }
    found
}

/// What is wrong with a multivariant playlist, by the rules of RFC 8216bis section 4.4.6 that a filter can break.
pub fn problems(text: &str) -> BTreeSet<String> {
    let mut problems = BTreeSet::new();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let tagged = |tag: &str| -> Vec<BTreeMap<String, String>> {
        lines
            .iter()
            .filter(|line| line.starts_with(tag))
            .map(|line| attributes(line))
            .collect()
    };
    let (variants, renditions) = (tagged("#EXT-X-STREAM-INF:"), tagged("#EXT-X-MEDIA:"));
    if variants.is_empty() {
        problems.insert("no variant".to_owned());
    }
    let uris = lines
        .iter()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .count();
    if uris != variants.len() {
        problems.insert(format!("{} variants and {uris} URIs", variants.len()));
    }
    let mut groups: BTreeMap<(String, String), Vec<&BTreeMap<String, String>>> = BTreeMap::new();
    for rendition in &renditions {
        let key = |name: &str| rendition.get(name).cloned().unwrap_or_default();
        groups
            .entry((key("TYPE"), key("GROUP-ID")))
            .or_default()
            .push(rendition);
    }
    let mut referred = BTreeSet::new();
    let trick_play = [
        tagged("#EXT-X-I-FRAME-STREAM-INF:"),
        tagged("#EXT-X-IMAGE-STREAM-INF:"),
    ]
    .concat();
    for stream in variants.iter().chain(&trick_play) {
        for kind in ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"] {
            let Some(group) = stream.get(kind).filter(|group| *group != "NONE") else {
                continue;
            };
            referred.insert((kind.to_owned(), group.clone()));
            if !groups.contains_key(&(kind.to_owned(), group.clone())) {
                problems.insert(format!("{kind} group {group} is gone"));
            }
        }
    }
    for (group, members) in &groups {
        if !referred.contains(group) {
            problems.insert(format!("nothing refers to group {group:?}"));
        }
        let defaults = members
            .iter()
            .filter(|member| member.get("DEFAULT").is_some_and(|value| value == "YES"));
        if defaults.clone().count() > 1 {
            problems.insert(format!("two defaults in {group:?}"));
        }
        if defaults
            .clone()
            .any(|member| member.get("AUTOSELECT").is_some_and(|value| value == "NO"))
        {
            problems.insert(format!("a default of {group:?} is not selected"));
        }
        let names: BTreeSet<_> = members.iter().map(|member| member.get("NAME")).collect();
        if names.len() != members.len() {
            problems.insert(format!("a name twice in {group:?}"));
        }
    }
    for kind in ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"] {
        let of_kind = groups.iter().filter(|((of, _), _)| of == kind);
        let members: BTreeSet<BTreeSet<_>> = of_kind
            .map(|(_, members)| {
                members
                    .iter()
                    .map(|member| member.get("NAME").cloned())
                    .collect()
            })
            .collect();
        if members.len() > 1 {
            problems.insert(format!("{kind} groups differ in their members"));
        }
    }
    let none = variants
        .iter()
        .filter(|variant| {
            variant
                .get("CLOSED-CAPTIONS")
                .is_some_and(|value| value == "NONE")
        })
        .count();
    if none > 0 && none < variants.len() {
        problems.insert("CLOSED-CAPTIONS=NONE on some variants only".to_owned());
    }
    let scored = variants
        .iter()
        .filter(|variant| variant.contains_key("SCORE"))
        .count();
    if scored > 0 && scored < variants.len() {
        problems.insert("SCORE on some variants only".to_owned());
    }
    for tag in [
        "#EXTM3U",
        "#EXT-X-VERSION:",
        "#EXT-X-START:",
        "#EXT-X-CONTENT-STEERING:",
    ] {
        if lines.iter().filter(|line| line.starts_with(tag)).count() > 1 {
            problems.insert(format!("{tag} twice"));
        }
    }
    for steering in tagged("#EXT-X-CONTENT-STEERING:") {
        if let Some(first) = steering.get("PATHWAY-ID")
            && !variants
                .iter()
                .any(|variant| variant.get("PATHWAY-ID") == Some(first))
        {
            problems.insert("the first pathway has no variant".to_owned());
        }
    }
    problems
}
