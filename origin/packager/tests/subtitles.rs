//! Subtitles as segmented WebVTT.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{fixture, package, playlist_duration};
use weir_packager::{Options, Subtitle};

fn subtitle(language: &str, text: &str) -> Subtitle {
    Subtitle {
        language: language.to_owned(),
        text: text.to_owned(),
        ..Subtitle::default()
    }
}

#[test]
fn subtitles_have_the_segments_of_the_film() {
    let srt =
        "1\n00:00:05,000 --> 00:00:06,000\nacross\n\n2\n00:00:08,000 --> 00:00:09,000\nlate\n";
    let options = Options {
        subtitles: vec![
            Subtitle {
                default: true,
                name: "English".to_owned(),
                ..subtitle("en", srt)
            },
            Subtitle {
                forced: true,
                ..subtitle("fr", "WEBVTT\n\n00:08.000 --> 00:09.000\ntard\n")
            },
        ],
        dash: true,
        ..Options::default()
    };
    let run = package(&[&fixture("bikes.mp4")], options).unwrap();
    let film = run.text("video-1/media.m3u8");
    let text = run.text("subtitle-1/media.m3u8");
    let durations = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("#EXTINF"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(durations(film), durations(text));
    assert!((playlist_duration(text) - 10.0).abs() < 1e-9);
    assert!(!text.contains("EXT-X-MAP"));
    // The first segment ends at 5.48 s: the first cue is on show in both.
    let head = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n";
    let across = "\n00:00:05.000 --> 00:00:06.000\nacross\n";
    assert_eq!(run.text("subtitle-1/00001.vtt"), format!("{head}{across}"));
    assert_eq!(
        run.text("subtitle-1/00002.vtt"),
        format!("{head}{across}\n00:00:08.000 --> 00:00:09.000\nlate\n")
    );
    assert_eq!(
        run.text("subtitle-2/00001.vtt"),
        head,
        "a late first cue leaves the first segment empty"
    );
    let multivariant = run.text("multivariant.m3u8");
    for line in [
        "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subtitles\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,FORCED=NO,\
         URI=\"subtitle-1/media.m3u8\"\n",
        "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subtitles\",NAME=\"fr\",LANGUAGE=\"fr\",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES,\
         URI=\"subtitle-2/media.m3u8\"\n",
        ",SUBTITLES=\"subtitles\"\nvideo-1/media.m3u8\n",
    ] {
        assert!(multivariant.contains(line), "{multivariant}");
    }
    assert!(
        run.text("manifest.mpd")
            .contains("<BaseURL>subtitle-1/whole.vtt</BaseURL>")
    );
    assert!(
        run.text("subtitle-1/whole.vtt")
            .starts_with("WEBVTT\n\n00:00:05.000")
    );
}

#[test]
fn subtitles_that_cannot_be_used_are_refused() {
    for (language, text, reason) in [
        ("en", "", "no cue"),
        ("en", "nothing of the kind", "no cue"),
        (
            "not a tag",
            "1\n00:00:05,000 --> 00:00:06,000\nx\n",
            "language tag",
        ),
    ] {
        let options = Options {
            subtitles: vec![subtitle(language, text)],
            ..Options::default()
        };
        let error = package(&[&fixture("bikes.mp4")], options).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}
