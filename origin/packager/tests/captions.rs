//! Closed captions inside pictures: found, named in playlists, and left where they are.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lint_support;
#[path = "support/on_request.rs"]
mod on_request;
mod support;

use std::path::Path;

use lint_support::{Files, lint, listed};
use on_request::on_request_is_the_same;
use support::{fixture, has_tool, package, run_tool};
use weir_packager::lint::Concern;
use weir_packager::{Caption, Captions, Format, Options};

/// Ten seconds of pictures with these caption constructs in each of them, in a container that ffmpeg makes.
fn film(
    folder: &Path,
    codec: Codec,
    container: &str,
    constructs: impl Fn(usize) -> Vec<[u8; 3]>,
) -> Vec<u8> {
    let (encoder, format) = match codec {
        Codec::Avc => ("libx264", "h264"),
        Codec::Hevc => ("libx265", "hevc"),
    };
    let stream = folder.join(format!("plain.{format}"));
    let quiet = [
        "-x265-params",
        "log-level=error:bframes=2:keyint=50:open-gop=0",
    ];
    let mut arguments = vec![
        "-v",
        "error",
        "-y",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=160x120:rate=25:duration=10",
        "-c:v",
        encoder,
        "-preset",
        "ultrafast",
        "-bf",
        "2",
        "-g",
        "50",
        "-f",
        format,
    ];
    if matches!(codec, Codec::Hevc) {
        arguments.extend(quiet);
    }
    arguments.push(stream.to_str().unwrap());
    run_tool("ffmpeg", &arguments);
    let plain = std::fs::read(&stream).unwrap();
    let mut out = Vec::new();
    let mut picture = 0;
    for nal in nal_units(&plain) {
        let begins = match codec {
            Codec::Avc => matches!(nal[0] & 31, 1 | 5) && nal[1] & 0x80 != 0,
            Codec::Hevc => nal[0] >> 1 & 63 < 32 && nal[2] & 0x80 != 0,
        };
        if begins {
            out.extend([0, 0, 0, 1]);
            match codec {
                Codec::Avc => out.push(6),
                Codec::Hevc => out.extend([39 << 1, 1]),
            }
            out.extend(escaped(&message(&constructs(picture))));
            picture += 1;
        }
        out.extend([0, 0, 0, 1]);
        out.extend(nal);
    }
    std::fs::write(&stream, out).unwrap();
    // MP4 takes pictures without times in; the other containers do not.
    let timed = folder.join("timed.mp4");
    let path = folder.join(format!("film.{container}"));
    for (from, to) in [(&stream, &timed), (&timed, &path)] {
        let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
        run_tool(
            "ffmpeg",
            &[
                "-v", "error", "-y", "-fflags", "+genpts", "-i", from, "-c", "copy", to,
            ],
        );
    }
    std::fs::read(path).unwrap()
}

#[derive(Clone, Copy)]
enum Codec {
    Avc,
    Hevc,
}

/// NAL units of a byte stream.
fn nal_units(data: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = data
        .windows(3)
        .enumerate()
        .filter(|(_, window)| *window == [0, 0, 1])
        .map(|(at, _)| at + 3)
        .collect();
    let ends = starts
        .iter()
        .skip(1)
        .map(|start| start - 3)
        .chain([data.len()]);
    let units = starts.iter().zip(ends).map(|(start, end)| {
        let unit = &data[*start..end];
        let zeros = unit.iter().rev().take_while(|byte| **byte == 0).count();
        &unit[..unit.len() - zeros]
    });
    units.filter(|unit| unit.len() > 2).collect()
}

include!("support/caption_message.rs");

fn escaped(payload: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for byte in payload {
        if *byte <= 3 && out.ends_with(&[0, 0]) {
            out.push(3);
        }
        out.push(*byte);
    }
    out
}

/// A pair of CEA-608 on a field, with parity.
fn pair(field: u8, bytes: [u8; 2]) -> [u8; 3] {
    let odd = |byte: u8| {
        byte | if byte.count_ones().is_multiple_of(2) {
            0x80
        } else {
            0
        }
    };
    [0xfc | field, odd(bytes[0]), odd(bytes[1])]
}

/// A caption on the first channel of both fields every 50 pictures, and service 1 and 3 of CEA-708.
fn spoken(picture: usize) -> Vec<[u8; 3]> {
    let at = picture % 50;
    let line21 = |control: u8| match at {
        0 | 1 => [control, 0x20],
        2 | 3 => [0x14, 0x70],
        4 => *b"HE",
        5 => *b"LL",
        6 | 7 => [control, 0x2f],
        _ => [0, 0],
    };
    let mut constructs = vec![pair(0, line21(0x14)), pair(1, line21(0x15))];
    if at == 0 {
        constructs.extend([
            [0xff, 3, 1 << 5 | 1],
            [0xfe, b'H', 3 << 5 | 1],
            [0xfe, b'H', 0],
        ]);
    }
    constructs
}

#[test]
fn channels_are_found_in_every_container() {
    if !has_tool("ffmpeg") {
        return;
    }
    for codec in [Codec::Avc, Codec::Hevc] {
        for container in ["mp4", "mkv", "ts"] {
            let folder = tempfile::tempdir().unwrap();
            let data = film(folder.path(), codec, container, spoken);
            let options = Options {
                dash: true,
                ..Options::default()
            };
            let run = package(&[&data], options).unwrap();
            let found = run.report.presentation.tracks[0].captions.clone();
            let wanted = ["CC1", "CC3", "SERVICE1", "SERVICE3"].map(str::to_owned);
            assert_eq!(found.as_deref(), Some(&wanted[..]), "{container}");
            let text = run.text("multivariant.m3u8");
            for line in [
                "#EXT-X-VERSION:7\n",
                "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"captions\",NAME=\"CC1\",LANGUAGE=\"und\",DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID=\"CC1\"\n",
                "AUTOSELECT=NO,INSTREAM-ID=\"SERVICE3\"\n",
                ",CLOSED-CAPTIONS=\"captions\"\nvideo-1/media.m3u8\n",
            ] {
                assert!(text.contains(line), "{line} in {text}");
            }
            let manifest = run.text("manifest.mpd");
            for value in [
                "608:2015\" value=\"CC1=und;CC3=und\"",
                "708:2015\" value=\"1=lang:und;3=lang:und\"",
            ] {
                assert!(manifest.contains(value), "{value} in {manifest}");
            }
            assert_lints(&run);
            // Another reader finds them in the source and in the segments.
            run.store(folder.path());
            let playlist = folder.path().join("video-1/media.m3u8");
            let text = run_tool(
                "ffprobe",
                &[
                    "-v",
                    "error",
                    "-select_streams",
                    "v",
                    "-show_entries",
                    "frame_side_data=side_data_type",
                    "-of",
                    "csv=p=0",
                    playlist.to_str().unwrap(),
                ],
            );
            let frames = text.matches("Closed Captions").count();
            assert_eq!(frames, 250, "{container}");
        }
    }
}

#[test]
fn an_index_that_was_kept_knows_them() {
    if !has_tool("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    on_request_is_the_same(&film(folder.path(), Codec::Avc, "mp4", spoken));
}

#[test]
fn room_for_captions_that_is_empty_is_left_open() {
    if !has_tool("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = film(folder.path(), Codec::Avc, "mp4", |_| {
        vec![pair(0, [0, 0]), pair(1, [0, 0])]
    });
    let run = package(&[&data], Options::default()).unwrap();
    assert_lints(&run);
    assert!(!run.text("multivariant.m3u8").contains("CLOSED-CAPTIONS"));
    assert!(
        run.report
            .notes
            .iter()
            .any(|note| note.message.contains("declare them"))
    );
}

#[test]
fn films_without_captions_say_so_unless_told_otherwise() {
    let data = fixture("bikes.mp4");
    let text = |captions: Captions, format: Format| {
        let options = Options {
            captions,
            format,
            ..Options::default()
        };
        let run = package(&[&data], options).unwrap();
        run.text("multivariant.m3u8").to_owned()
    };
    for format in [Format::Cmaf, Format::MpegTs] {
        assert!(text(Captions::Detect, format).contains(",CLOSED-CAPTIONS=NONE\n"));
        assert!(!text(Captions::Ignore, format).contains("CLOSED-CAPTIONS"));
    }
    let declared = Captions::Declared(vec![
        Caption {
            channel: "CC1".to_owned(),
            language: "en".to_owned(),
            default: true,
            ..Caption::default()
        },
        Caption {
            channel: "CC3".to_owned(),
            language: "es".to_owned(),
            name: "Español".to_owned(),
            ..Caption::default()
        },
    ]);
    let declared = text(declared, Format::Cmaf);
    for line in [
        "#EXT-X-VERSION:6\n",
        "NAME=\"en\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,INSTREAM-ID=\"CC1\"\n",
        "NAME=\"Español\",LANGUAGE=\"es\",DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID=\"CC3\"\n",
    ] {
        assert!(declared.contains(line), "{declared}");
    }
}

#[test]
fn channels_that_do_not_exist_are_refused() {
    let refused = |captions: &[(&str, &str)]| {
        let list = captions.iter().map(|(channel, language)| Caption {
            channel: (*channel).to_owned(),
            language: (*language).to_owned(),
            ..Caption::default()
        });
        let options = Options {
            captions: Captions::Declared(list.collect()),
            ..Options::default()
        };
        package(&[&fixture("bikes.mp4")], options)
            .unwrap_err()
            .to_string()
    };
    assert!(refused(&[("CC5", "en")]).contains("no channel"));
    assert!(refused(&[("CC1", "en"), ("CC1", "es")]).contains("twice"));
    assert!(refused(&[("CC1", "no tag")]).contains("language tag"));
}

/// The linter finds nothing that packaging has to mend.
fn assert_lints(run: &support::Run) {
    let files: Files = run.files.clone().into_iter().collect();
    let report = lint(&files, &run.report.multivariant);
    let wrong = report.violations(Concern::Packaging).count();
    assert_eq!(wrong, 0, "{}", listed(&report));
}
