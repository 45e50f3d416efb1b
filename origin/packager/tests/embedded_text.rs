//! Text tracks and chapters inside films: read as other readers read them, timed as the film is, and made into renditions.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lint_support;
#[path = "support/on_request.rs"]
mod on_request;
mod support;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use lint_support::{Files, lint, listed};
use on_request::on_request_is_the_same;
use support::{Run, corpus, has_tool, package, run_tool};
use weir_packager::lint::Concern;
use weir_packager::{Options, Presentation, Probe, ProbeStep, TrackKind};

const SRT: &str = "1\n00:00:00,400 --> 00:00:01,234\n<i>Italics</i> and plain\nsecond line\n\n\
                   2\n00:00:01,234 --> 00:00:02,000\n<b>bold</b> <u>under</u>\n\n\
                   3\n00:00:05,040 --> 00:00:07,999\nacross\n";
const CHAPTERS: &str = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2500\ntitle=Beginning\n\
                        [CHAPTER]\nTIMEBASE=1/1000\nSTART=2500\nEND=8000\ntitle=Äther & \"End\"\n";

/// Eight seconds of pictures with this text, made by ffmpeg with these further arguments.
fn film(folder: &Path, container: &str, arguments: &[&str]) -> PathBuf {
    let text = folder.join("text.srt");
    let chapters = folder.join("chapters.txt");
    std::fs::write(&text, SRT).unwrap();
    std::fs::write(&chapters, CHAPTERS).unwrap();
    let path = folder.join(format!("film.{container}"));
    let mut all = vec![
        "-v",
        "error",
        "-y",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=160x120:rate=25:duration=8",
        "-i",
        text.to_str().unwrap(),
        "-f",
        "ffmetadata",
        "-i",
        chapters.to_str().unwrap(),
    ];
    all.extend(["-map", "0", "-map", "1", "-c:v", "libx264", "-g", "50"]);
    all.extend(arguments);
    all.push(path.to_str().unwrap());
    run_tool("ffmpeg", &all);
    path
}

/// Times in seconds and texts of all cues of a rendition, from its whole file.
fn cues(run: &Run, number: usize) -> Vec<(f64, f64, String)> {
    let text = run.text(&format!("subtitle-{number}/whole.vtt"));
    let blocks = text.split("\n\n").filter(|block| block.contains("-->"));
    blocks
        .map(|block| {
            let (times, text) = block.trim().split_once('\n').unwrap();
            let mut times = times.split(' ').filter(|word| *word != "-->");
            let mut time = || {
                let parts = times.next().unwrap().split(':');
                parts.fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().unwrap())
            };
            (time(), time(), text.to_owned())
        })
        .collect()
}

fn with_dash() -> Options {
    Options {
        dash: true,
        ..Options::default()
    }
}

/// Cues are those of the source: within a millisecond and a rounding, moved by `shift` seconds.
fn assert_cues(found: &[(f64, f64, String)], shift: f64, texts: [&str; 3]) {
    let wanted = [(0.4, 1.234), (1.234, 2.0), (5.04, 7.999)];
    assert_eq!(found.len(), 3, "{found:?}");
    for ((start, end, text), ((from, to), wanted)) in found.iter().zip(wanted.iter().zip(texts)) {
        assert_eq!(text, wanted);
        assert!(
            (start - from - shift).abs() < 0.001_5 && (end - to - shift).abs() < 0.001_5,
            "{start} to {end}, not {from} to {to}"
        );
    }
}

const MARKED: [&str; 3] = [
    "<i>Italics</i> and plain\nsecond line",
    "<b>bold</b> <u>under</u>",
    "across",
];

const PLAIN: [&str; 3] = ["Italics and plain\nsecond line", "bold under", "across"];

#[test]
fn text_of_every_container_becomes_a_rendition() {
    if !has_tool("ffmpeg") {
        return;
    }
    for (container, codec) in [
        ("mp4", "mov_text"),
        ("mov", "mov_text"),
        ("mp4", "ttml"),
        ("mkv", "srt"),
        ("mkv", "ass"),
        ("mkv", "webvtt"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = film(
            folder.path(),
            container,
            &[
                "-c:s",
                codec,
                "-metadata:s:s:0",
                "language=ger",
                "-disposition:s:0",
                "forced",
            ],
        );
        let data = std::fs::read(path).unwrap();
        let run = package(&[&data], with_dash()).unwrap();
        // That encoder of ffmpeg drops how text looks.
        let texts = if codec == "ttml" { PLAIN } else { MARKED };
        assert_cues(&cues(&run, 1), 0.0, texts);
        let track = run.report.presentation.tracks.iter();
        let track = track
            .filter(|track| track.kind == TrackKind::Subtitle)
            .collect::<Vec<_>>();
        assert_eq!(track.len(), 1, "{container} {codec}");
        assert_eq!(track[0].language.as_deref(), Some("de"));
        assert_eq!(track[0].unsupported, None);
        let text = run.text("multivariant.m3u8");
        assert!(text.contains(",LANGUAGE=\"de\","), "{text}");
        if container == "mkv" {
            assert!(text.contains("FORCED=YES"), "{text}");
        }
        assert_lints(&run);
        let segment = run.text("subtitle-1/00001.vtt");
        assert!(segment.contains("Italics"), "{segment}");
        let plain = package(
            &[&data],
            Options {
                embedded_subtitles: false,
                ..Options::default()
            },
        );
        assert!(
            !plain
                .unwrap()
                .text("multivariant.m3u8")
                .contains("SUBTITLES")
        );
        on_request_is_the_same(&data);
    }
}

/// An edit list moves text as it moves pictures.
#[test]
fn edit_lists_move_text() {
    if !has_tool("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = film(folder.path(), "mp4", &["-c:s", "mov_text"]);
    let late = folder.path().join("late.mp4");
    run_tool(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-y",
            "-itsoffset",
            "1.5",
            "-i",
            path.to_str().unwrap(),
            "-i",
            path.to_str().unwrap(),
            "-map",
            "1:v",
            "-map",
            "0:s",
            "-c",
            "copy",
            late.to_str().unwrap(),
        ],
    );
    let run = package(&[&std::fs::read(late).unwrap()], with_dash()).unwrap();
    assert_cues(&cues(&run, 1), 1.5, MARKED);
}

fn probe(data: &[u8]) -> Presentation {
    let mut probe = Probe::new(data.len() as u64).unwrap();
    loop {
        match probe.step().unwrap() {
            ProbeStep::Read(range) => {
                let place = |at: u64| usize::try_from(at).unwrap();
                let part = Bytes::copy_from_slice(&data[place(range.start)..place(range.end)]);
                probe.supply(range.start, part).unwrap();
            }
            ProbeStep::Done(presentation) => return *presentation,
        }
    }
}

#[test]
fn chapters_are_named_to_players() {
    if !has_tool("ffmpeg") {
        return;
    }
    for (container, arguments) in [
        // Nero's box and a text track of QuickTime; a text track alone; Matroska.
        ("mp4", &["-c:s", "mov_text", "-map_chapters", "2"][..]),
        ("mov", &["-c:s", "mov_text", "-map_chapters", "2"]),
        ("mkv", &["-c:s", "srt", "-map_chapters", "2"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = film(folder.path(), container, arguments);
        let data = std::fs::read(&path).unwrap();
        let run = package(&[&data], Options::default()).unwrap();
        let line = "#EXT-X-SESSION-DATA:DATA-ID=\"com.apple.hls.chapters\",URI=\"chapters.json\"\n";
        assert!(run.text("multivariant.m3u8").contains(line), "{container}");
        assert_lints(&run);
        let list: serde_json::Value = serde_json::from_str(run.text("chapters.json")).unwrap();
        let list = list.as_array().unwrap();
        let wanted = [("Beginning", 0.0, 2.5), ("Äther & \"End\"", 2.5, 5.5)];
        assert_eq!(list.len(), wanted.len(), "{list:?}");
        for (chapter, (title, start, duration)) in list.iter().zip(wanted) {
            assert_eq!(chapter["titles"][0]["title"], title, "{container}");
            let near = |name: &str, wanted: f64| {
                let found = chapter[name].as_f64().unwrap();
                assert!((found - wanted).abs() < 0.002, "{container} {name} {found}");
            };
            near("start-time", start);
            near("duration", duration);
        }
        assert_eq!(probe(&data).chapters, run.report.presentation.chapters);
        let off = Options {
            chapters: false,
            ..Options::default()
        };
        let run = package(&[&data], off).unwrap();
        assert!(!run.files.contains_key("chapters.json"));
        assert!(!run.text("multivariant.m3u8").contains("SESSION-DATA"));
        on_request_is_the_same(&data);
    }
}

#[test]
fn a_real_film_with_srt_inside() {
    let Some(folder) = corpus() else {
        return;
    };
    let data = std::fs::read(folder.join("sample_with_srt.mkv")).unwrap();
    let run = package(&[&data], with_dash()).unwrap();
    let found = cues(&run, 1);
    assert!(!found.is_empty());
    assert!(run.text("multivariant.m3u8").contains("TYPE=SUBTITLES"));
}

/// The linter finds nothing that packaging has to mend.
fn assert_lints(run: &support::Run) {
    let files: Files = run.files.clone().into_iter().collect();
    let report = lint(&files, &run.report.multivariant);
    let wrong = report.violations(Concern::Packaging).count();
    assert_eq!(wrong, 0, "{}", listed(&report));
}
