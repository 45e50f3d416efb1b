//! The linter over Weir's own packages, and over playlists of others.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lint_support;
mod support;

use std::path::Path;
use std::time::Duration;

use lint_support::{Files, lint, listed};
use support::{Run, corpus, fixture, package};
use weir_packager::lint::{Concern, Report};
use weir_packager::{
    ContentKey, Encryption, Format, Key, KeyId, KeySystem, Layout, Method, Options, Subtitle,
};

fn lint_run(run: Run) -> Report {
    let files: Files = run.files.into_iter().collect();
    lint(&files, &run.report.multivariant)
}

/// What the packager itself answers for must be right; which renditions there are is up to whoever encodes.
fn assert_packaging_is_right(what: &str, report: &Report) {
    let wrong: Vec<_> = report.violations(Concern::Packaging).collect();
    assert!(wrong.is_empty(), "{what}:\n{}", listed(report));
    assert!(report.unread.is_empty(), "{what}: {:?}", report.unread);
    assert!(report.segments > 0, "{what}: segments are read");
}

#[test]
fn weirs_own_packages_break_no_must_of_packaging() {
    let films = ["bigbuckbunny-720p-5s.mp4", "bikes.mp4"];
    for layout in [Layout::Segments, Layout::SingleFile] {
        for film in films {
            let options = Options {
                layout,
                ..Options::default()
            };
            let run = package(&[&fixture(film)], options).unwrap();
            assert_packaging_is_right(&format!("{film} as {layout:?}"), &lint_run(run));
        }
    }
}

#[test]
fn transport_streams_of_weir_break_no_must_of_packaging() {
    for layout in [Layout::Segments, Layout::SingleFile] {
        for film in ["bigbuckbunny-720p-5s.mp4", "bikes.mp4"] {
            let options = Options {
                layout,
                format: Format::MpegTs,
                ..Options::default()
            };
            let run = package(&[&fixture(film)], options).unwrap();
            assert_packaging_is_right(&format!("{film} in MPEG-TS as {layout:?}"), &lint_run(run));
        }
    }
}

#[test]
fn subtitles_of_weir_break_no_must_of_packaging() {
    let options = Options {
        subtitles: vec![Subtitle {
            text: "1\n00:00:01,000 --> 00:00:02,000\nHello\n".to_owned(),
            language: "en".to_owned(),
            ..Subtitle::default()
        }],
        ..Options::default()
    };
    let run = package(&[&fixture("bikes.mp4")], options).unwrap();
    assert_packaging_is_right("subtitles", &lint_run(run));
}

/// Common Encryption and whole segments: what is said agrees with what is encrypted. Apple's players do not take `cenc`, which is
/// what the rule says and all that it says.
#[test]
fn encrypted_packages_of_weir_break_no_must_of_packaging() {
    let films = ["bigbuckbunny-720p-5s.mp4", "bikes.mp4"];
    let ways = [
        (Method::Cbcs, Format::Cmaf, Layout::Segments),
        (Method::Cbcs, Format::Cmaf, Layout::SingleFile),
        (Method::Cbcs, Format::MpegTs, Layout::Segments),
        (Method::Cenc, Format::Cmaf, Layout::Segments),
        (Method::Aes128, Format::Cmaf, Layout::Segments),
        (Method::Aes128, Format::Cmaf, Layout::SingleFile),
        (Method::Aes128, Format::MpegTs, Layout::Segments),
        (Method::Aes128, Format::MpegTs, Layout::SingleFile),
    ];
    // Without a clear lead, with one that ends within the film, and with one that is longer than the shorter film.
    for (film, (method, format, layout), lead) in films
        .into_iter()
        .flat_map(|film| ways.map(|way| (film, way)))
        .flat_map(|(film, way)| [0, 3, 7].map(|lead| (film, way, lead)))
    {
        let options = Options {
            format,
            layout,
            segment_duration: Duration::from_secs(2),
            encryption: Some(Encryption {
                method,
                keys: vec![ContentKey {
                    id: KeyId([1; 16]),
                    key: Key([2; 16]),
                    ..ContentKey::default()
                }],
                systems: vec![KeySystem::Identity {
                    uri: "https://keys.example/{kid}".to_owned(),
                }],
                clear_lead: Duration::from_secs(lead),
                ..Encryption::default()
            }),
            ..Options::default()
        };
        let run = package(&[&fixture(film)], options).unwrap();
        let report = lint_run(run);
        let wrong: Vec<_> = report
            .violations(Concern::Packaging)
            .map(|finding| finding.rule.id)
            .filter(|rule| !(method == Method::Cenc && *rule == "apple-13.11"))
            .collect();
        assert!(
            wrong.is_empty(),
            "{film}, {method:?}, {format:?}, {layout:?}, lead of {lead} s: {wrong:?}\n{}",
            listed(&report)
        );
    }
}

/// Every film of the media corpus that can be packaged. `WEIR_LINT_PRINT=1` prints the reports.
#[test]
fn packages_of_the_corpus_break_no_must_of_packaging() {
    let Some(folder) = corpus() else {
        return;
    };
    let mut wrong = String::new();
    for path in files_below(&folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(run) = package(&[&std::fs::read(&path).unwrap()], Options::default()) else {
            continue;
        };
        let report = lint_run(run);
        if std::env::var_os("WEIR_LINT_PRINT").is_some() {
            println!("== {name}\n{report}\n");
        }
        for finding in report.violations(Concern::Packaging) {
            wrong.push_str(&format!(
                "{name}: {} {} [{}]\n",
                finding.rule.id, finding.message, finding.value
            ));
        }
        assert!(report.unread.is_empty(), "{name}: {:?}", report.unread);
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Playlists of other parsers' tests, below the folder that `WEIR_PLAYLIST_CORPUS` names: none stops the linter.
#[test]
fn no_playlist_stops_the_linter() {
    let Some(folder) = std::env::var_os("WEIR_PLAYLIST_CORPUS") else {
        eprintln!("WEIR_PLAYLIST_CORPUS is not set: the playlist corpus is not tested");
        return;
    };
    for path in files_below(Path::new(&folder)) {
        if path
            .extension()
            .is_some_and(|extension| extension == "m3u8")
        {
            let files = Files::from([("a.m3u8".to_owned(), std::fs::read(&path).unwrap())]);
            let report = lint(&files, "a.m3u8");
            if std::env::var_os("WEIR_LINT_PRINT").is_some() {
                println!("== {}\n{report}\n", path.display());
            }
            assert_eq!(report.playlists, 1, "{}", path.display());
        }
    }
}

fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
