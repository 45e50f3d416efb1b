//! Packages of Weir with one thing changed.

mod boxes;
mod claims;
mod protection;
mod sets;

use std::sync::OnceLock;

pub(super) use super::Case;
pub(super) use crate::lint_support::Files;
pub(super) use crate::support::{fixture, package};
use weir_packager::{Options, Subtitle};

const ROOT: &str = "multivariant.m3u8";
const VIDEO: &str = "video-1/media.m3u8";
const PICTURES: &str = "video-1/iframes.m3u8";
const AUDIO: &str = "audio-1/media.m3u8";

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = boxes::cases();
    cases.extend(claims::cases());
    cases.extend(sets::cases());
    cases.extend(protection::cases());
    cases
}

/// A film with two video renditions of two segments, sound and subtitles.
fn film() -> Files {
    static FILM: OnceLock<Files> = OnceLock::new();
    FILM.get_or_init(|| {
        let source = fixture("bikes.mp4");
        let options = Options {
            subtitles: vec![Subtitle {
                text: "1\n00:00:01,000 --> 00:00:02,000\nHello\n".to_owned(),
                language: "en".to_owned(),
                ..Subtitle::default()
            }],
            ..Options::default()
        };
        package(&[&source, &source], options)
            .unwrap()
            .files
            .into_iter()
            .collect()
    })
    .clone()
}

/// A film of one segment with sound of six channels.
fn talkie() -> Files {
    static FILM: OnceLock<Files> = OnceLock::new();
    FILM.get_or_init(|| {
        package(&[&fixture("bigbuckbunny-720p-5s.mp4")], Options::default())
            .unwrap()
            .files
            .into_iter()
            .collect()
    })
    .clone()
}

fn case(rule: &'static str, files: Files) -> Case {
    Case {
        rule,
        files,
        start: ROOT.to_owned(),
        line: None,
    }
}

/// Replaces text in a playlist, where it comes first.
fn text(rule: &'static str, mut files: Files, path: &str, from: &str, to: &str) -> Case {
    let old = String::from_utf8(files[path].clone()).unwrap();
    assert!(old.contains(from), "{rule}: `{from}` is not in\n{old}");
    files.insert(path.to_owned(), old.replacen(from, to, 1).into_bytes());
    case(rule, files)
}

/// Replaces bytes in a file, where they come first.
fn bytes(rule: &'static str, mut files: Files, path: &str, from: &[u8], to: &[u8]) -> Case {
    let file = files.get_mut(path).unwrap();
    let at = file
        .windows(from.len())
        .position(|window| window == from)
        .unwrap_or_else(|| panic!("{rule}: {} is not in {path}", from.escape_ascii()));
    file.splice(at..at + from.len(), to.iter().copied());
    case(rule, files)
}

/// The value of the first attribute of that name in the multivariant playlist changed.
fn attribute(rule: &'static str, files: Files, name: &str, to: &str) -> Case {
    let old = String::from_utf8(files[ROOT].clone()).unwrap();
    let start = old.find(&format!("{name}=")).unwrap() + name.len() + 1;
    let end = start + old[start..].find([',', '\n']).unwrap();
    let from = format!("{name}={}", &old[start..end]);
    text(rule, files, ROOT, &from, &format!("{name}={to}"))
}

/// Replaces a box of an initialization section by `change` of it, and corrects the boxes around it.
fn resize(
    init: &mut Vec<u8>,
    kind: &[u8; 4],
    parents: &[&[u8; 4]],
    change: impl FnOnce(&[u8]) -> Vec<u8>,
) {
    let start = init.windows(4).position(|window| window == kind).unwrap() - 4;
    let old = size(init, start + 4);
    let new = change(&init[start..start + old]);
    let grown = new.len();
    init.splice(start..start + old, new);
    for parent in parents {
        let at = init
            .windows(4)
            .position(|window| window == *parent)
            .unwrap();
        let length = u32::try_from(size(init, at) + grown - old).unwrap();
        init[at - 4..at].copy_from_slice(&length.to_be_bytes());
    }
}

/// A box.
fn full(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(body.len() + 8)
        .unwrap()
        .to_be_bytes()
        .to_vec();
    out.extend_from_slice(kind);
    out.extend_from_slice(body);
    out
}

/// Length of the box whose type stands at `at`.
fn size(data: &[u8], at: usize) -> usize {
    u32::from_be_bytes(data[at - 4..at].try_into().unwrap()) as usize
}

/// The boxes around a sample entry.
const TABLES: [&[u8; 4]; 6] = [b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov"];
