//! Dates in playlists, on request.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lint_support;
mod support;

use std::time::Duration;

use lint_support::{Files, lint, listed};
use support::{fixture, package};
use weir_packager::lint::Concern;
use weir_packager::{DateRange, Options, Subtitle};

fn dated() -> Options {
    Options {
        program_date_time: Some("2026-03-01T20:15:00Z".parse().unwrap()),
        date_ranges: vec![DateRange {
            id: "chapter-1".to_owned(),
            class: "com.example.chapter".to_owned(),
            start: "2026-03-01T20:15:02.5Z".parse().unwrap(),
            duration: Some(Duration::from_millis(1500)),
            attributes: [("X-TITLE".to_owned(), "At sea".to_owned())].into(),
        }],
        subtitles: vec![Subtitle {
            text: "1\n00:00:01,000 --> 00:00:02,000\nHello\n".to_owned(),
            language: "en".to_owned(),
            ..Subtitle::default()
        }],
        ..Options::default()
    }
}

#[test]
fn every_playlist_says_when_it_starts() {
    let run = package(&[&fixture("bunny.mkv")], dated()).unwrap();
    let range = "#EXT-X-DATERANGE:ID=\"chapter-1\",CLASS=\"com.example.chapter\",START-DATE=\"2026-03-01T20:15:02.500Z\",\
                 DURATION=1.500000,X-TITLE=\"At sea\"\n";
    for (path, start, ranged) in [
        // The pictures start 7 ms after the sound.
        ("video-1/media.m3u8", "00.007", true),
        ("audio-1/media.m3u8", "00.000", true),
        ("video-1/iframes.m3u8", "00.007", false),
        ("subtitle-1/media.m3u8", "00.000", false),
    ] {
        let text = run.text(path);
        let line = format!("#EXT-X-PROGRAM-DATE-TIME:2026-03-01T20:15:{start}Z\n#EXTINF");
        assert_eq!(text.matches(&line).count(), 1, "{path}: {text}");
        assert_eq!(text.contains(range), ranged, "{path}: {text}");
    }
    let files: Files = run.files.clone().into_iter().collect();
    let report = lint(&files, &run.report.multivariant);
    assert_eq!(
        report.violations(Concern::Packaging).count(),
        0,
        "{}",
        listed(&report)
    );
}

#[test]
fn ranges_that_no_playlist_can_hold_are_refused() {
    let refused = |change: &dyn Fn(&mut Options), named: &str| {
        let mut options = dated();
        change(&mut options);
        let error = package(&[&fixture("bunny.mkv")], options)
            .unwrap_err()
            .to_string();
        assert!(error.contains(named), "{error}");
    };
    refused(
        &|options| options.program_date_time = None,
        "program_date_time",
    );
    refused(
        &|options| options.date_ranges[0].id.clear(),
        "name of its own",
    );
    refused(
        &|options| options.date_ranges[0].class = "a\"b".to_owned(),
        "quotation mark",
    );
    let lower = |options: &mut Options| {
        options.date_ranges[0]
            .attributes
            .insert("x-title".to_owned(), String::new());
    };
    refused(&lower, "no name of an attribute");
}
