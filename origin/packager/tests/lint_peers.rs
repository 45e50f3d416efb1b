//! The linter over what another packager makes: Shaka Packager, run here. Its defects are found, and nothing else is said of it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lint_support;
mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use lint_support::{Files, ROOT, lint, listed};
use weir_packager::lint::{Report, Severity};

/// Shaka Packager from the set of players; `None` when it is missing and may be.
fn shaka() -> Option<PathBuf> {
    let machine = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "x64",
    };
    let program = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/players/node_modules/shaka-packager/bin")
        .join(format!("packager-linux-{machine}"));
    if program.is_file() {
        return Some(program);
    }
    assert!(
        std::env::var("WEIR_STRICT").as_deref() != Ok("1"),
        "Shaka Packager is missing; run `npm ci` in tests/players"
    );
    eprintln!("Shaka Packager is missing: this test needs it; run `npm ci` in tests/players");
    None
}

/// A film of 30 s with sound and a keyframe every 2 s.
fn film() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/media/bbb-480p-30s.mp4")
}

/// How files of a track are laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Layout {
    Segments,
    SingleFile,
    Transport,
}

/// Packages the film and lints the result.
fn linted(shaka: &Path, layout: Layout, more: &[&str]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let stream = |kind: &str, rest: &str| {
        let files = match layout {
            Layout::Segments => {
                format!("init_segment={kind}/init.mp4,segment_template={kind}/$Number$.m4s")
            }
            Layout::SingleFile => format!("output={kind}.mp4"),
            Layout::Transport => format!("segment_template={kind}/$Number$.ts"),
        };
        let film = film();
        let film = film.display();
        format!("in={film},stream={kind},{files},playlist_name={kind}.m3u8,{rest}")
    };
    let output = Command::new(shaka)
        .arg(stream("video", "iframe_playlist_name=iframes.m3u8"))
        .arg(stream(
            "audio",
            "hls_group_id=audio,hls_name=English,lang=en",
        ))
        .args(["--hls_master_playlist_output", "main.m3u8"])
        .args(more)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    lint(&read(folder.path()), "main.m3u8")
}

/// All files below a folder.
fn read(root: &Path) -> Files {
    let mut found = Files::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// The rules that must be mended and those that should, each with the playlist.
fn broken(report: &Report) -> BTreeSet<(&'static str, String)> {
    report
        .findings
        .iter()
        .filter(|finding| matches!(finding.severity(), Severity::Must | Severity::Should))
        .map(|finding| {
            let document = finding.document.trim_start_matches(ROOT).to_owned();
            (finding.rule.id, document)
        })
        .collect()
}

/// Each finding was compared with the specifications by hand. What a film with one rendition lacks is true of it; the rest is the
/// packager's: CLOSED-CAPTIONS is not defined for I-frame streams (RFC 8216bis 4.4.6.3), digits of an IV are in upper case (4.2), a
/// segment of 6 s needs no target duration of 7 s (Apple 7.5), and one keyframe a segment is listed of the three that there are
/// (shaka-packager #1468; Apple 6.3).
#[test]
fn shaka_packagers_defects_are_found_and_no_others() {
    const ALWAYS: [(&str, &str); 8] = [
        ("apple-9.9", "main.m3u8"),
        ("apple-4.1", "main.m3u8"),
        ("apple-1.4", "main.m3u8"),
        ("apple-6.2", "main.m3u8"),
        ("apple-6.6", "main.m3u8"),
        ("rfc-4.4.6.3-attributes", "main.m3u8"),
        ("apple-7.5", "video.m3u8"),
        ("apple-7.5", "audio.m3u8"),
    ];
    const MP4: [(&str, &str); 2] = [("apple-2.19", "audio.m3u8"), ("apple-6.3", "iframes.m3u8")];
    const IV: [(&str, &str); 3] = [
        ("rfc-4.2-type", "video.m3u8"),
        ("rfc-4.2-type", "audio.m3u8"),
        ("rfc-4.2-type", "iframes.m3u8"),
    ];
    let Some(shaka) = shaka() else {
        return;
    };
    for (layout, more, expected) in [
        (Layout::Segments, &[][..], [&MP4[..], &[]].concat()),
        (Layout::SingleFile, &[], [&MP4[..], &[]].concat()),
        (Layout::Transport, &[], Vec::new()),
        // A clear lead: two sample descriptions, of which each segment has one.
        (Layout::Segments, &CBCS, [&MP4[..], &IV].concat()),
    ] {
        let report = linted(&shaka, layout, more);
        let expected: BTreeSet<_> = ALWAYS
            .iter()
            .chain(&expected)
            .map(|(rule, document)| (*rule, (*document).to_owned()))
            .collect();
        assert_eq!(
            broken(&report),
            expected,
            "{layout:?} {more:?}\n{}",
            listed(&report)
        );
        assert!(report.unread.is_empty(), "{:?}", report.unread);
        let missed = report
            .findings
            .iter()
            .find(|finding| finding.rule.id == "apple-6.3")
            .map(|finding| finding.message.contains("5 of the 15 keyframes"));
        assert_eq!(missed, (layout != Layout::Transport).then_some(true));
    }
}

/// Encryption of everything after the first 7 s.
const CBCS: [&str; 9] = [
    "--enable_raw_key_encryption",
    "--keys",
    "label=:key_id=abba271e8bcf552bbd2e86a434a9a5d9:key=69eaa802a6763af979e8d1940fb88392",
    "--protection_scheme",
    "cbcs",
    "--clear_lead",
    "7",
    "--protection_systems",
    "CommonSystem",
];
