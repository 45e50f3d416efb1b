//! Just-in-time packaging: the same files as a whole run, one at a time.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use support::{fixture, index, package};
use weir_packager::{Format, Index, Layout, Options, Output, Resource, SegmentStep, Subtitle};

fn slice(data: &[u8], range: weir_packager::ByteRange) -> Bytes {
    Bytes::copy_from_slice(
        &data[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()],
    )
}

/// The file at `path`, and how many bytes of the input were read for it.
fn open(index: &Index, path: &str, data: &[u8]) -> Option<(Output, u64)> {
    let mut request = match index.open(path).unwrap()? {
        Resource::Ready(output) => return Some((output, 0)),
        Resource::Segment(request) => request,
    };
    let mut read = 0;
    loop {
        match request.step().unwrap() {
            SegmentStep::Read { range, .. } => {
                read += range.len();
                request.supply(range.start, slice(data, range)).unwrap();
            }
            SegmentStep::Done(output) => return Some((output, read)),
        }
    }
}

#[test]
fn every_file_on_request_is_the_file_of_a_whole_run() {
    let options = Options {
        dash: true,
        gzip: true,
        subtitles: vec![Subtitle {
            language: "en".to_owned(),
            text: "1\n00:00:01,000 --> 00:00:02,000\ntext\n".to_owned(),
            ..Subtitle::default()
        }],
        ..Options::default()
    };
    for name in ["bikes.mp4", "bigbuckbunny-720p-5s.mp4"] {
        let data = fixture(name);
        let run = package(&[&data], options.clone()).unwrap();
        let index = index(&data, &options);
        let mut paths = index.paths().unwrap();
        let again = Index::from_sidecar(index.sidecar(), &options).unwrap();
        for path in &paths {
            let (output, read) = open(&index, path, &data).unwrap_or_else(|| panic!("{path}"));
            let content = output.body.concat();
            assert!(content == run.files[path], "{path} differs");
            // Other tracks that lie between the samples are read over rather than skipped.
            if index.presentation().tracks.len() == 1 {
                let most = output.len() + (128 << 10);
                assert!(
                    read <= most,
                    "{path}: {read} bytes read for {}",
                    output.len()
                );
            }
            let (from_sidecar, _) = open(&again, path, &data).unwrap();
            assert!(
                from_sidecar.body.concat() == content,
                "{path} differs from a sidecar"
            );
        }
        paths.sort();
        assert!(paths.iter().eq(run.files.keys()), "{paths:?}");
        assert_eq!(index.presentation(), again.presentation());
    }
}

/// A sidecar keeps the plan of the options that it was made with; with others the same film is divided anew.
#[test]
fn a_sidecar_is_for_all_options() {
    let all = [
        Options::default(),
        Options {
            segment_duration: Duration::from_secs(1),
            ..Options::default()
        },
        Options {
            i_frame_playlists: false,
            ..Options::default()
        },
        Options {
            layout: Layout::SingleFile,
            ..Options::default()
        },
        Options {
            format: Format::MpegTs,
            ..Options::default()
        },
    ];
    for name in [
        "bikes.mp4",
        "bigbuckbunny-720p-5s.mp4",
        "bunny.ts",
        "vp9.mp4",
    ] {
        let data = fixture(name);
        let sidecar = index(&data, &all[0]).sidecar();
        for options in &all {
            let Ok(run) = package(&[&data], options.clone()) else {
                assert!(name == "vp9.mp4" && options.format == Format::MpegTs);
                continue;
            };
            let made = index(&data, options);
            let own = Index::from_sidecar(made.sidecar(), options).unwrap();
            let other = Index::from_sidecar(sidecar.clone(), options).unwrap();
            for (path, content) in &run.files {
                if options.layout == Layout::SingleFile && !path.ends_with("m3u8") {
                    continue;
                }
                for again in [&own, &other] {
                    let (output, _) = open(again, path, &data).unwrap();
                    assert!(output.body.concat() == *content, "{name}: {path} differs");
                }
            }
            // What follows from the plan is the same to the byte, so that a sidecar of a sidecar is.
            assert!(own.sidecar() == made.sidecar(), "{name}");
        }
    }
}

#[test]
fn a_sidecar_of_another_version_is_refused() {
    let sidecar = index(&fixture("bikes.mp4"), &Options::default()).sidecar();
    for version in [b'5', b'7'] {
        let mut other = sidecar.to_vec();
        other[7] = version;
        let error = Index::from_sidecar(other.into(), &Options::default()).unwrap_err();
        assert!(
            error.to_string().contains("make the index again"),
            "{error}"
        );
    }
}

#[test]
fn what_is_not_there_is_not_opened() {
    let data = fixture("bikes.mp4");
    let index = index(&data, &Options::default());
    for path in [
        "",
        "video-1",
        "video-1/00000.m4s",
        "video-1/00003.m4s",
        "video-1/1.m4s",
        "video-2/00001.m4s",
        "../x",
        "manifest.mpd",
    ] {
        assert!(index.open(path).unwrap().is_none(), "{path}");
    }
}

#[test]
fn a_broken_sidecar_is_an_error() {
    let data = fixture("bikes.mp4");
    let sidecar = index(&data, &Options::default()).sidecar();
    assert!(sidecar.len() < data.len() / 50, "{} bytes", sidecar.len());
    for end in [0, 7, 8, 12, 40, 100, sidecar.len() - 1] {
        assert!(
            Index::from_sidecar(sidecar.slice(..end), &Options::default()).is_err(),
            "cut to {end}"
        );
    }
}
