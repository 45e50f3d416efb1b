//! Packaging as a whole: order, playlists, byte ranges, refusals.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{fixture, has_tool, package, playlist_duration, run_tool, top_boxes};
use weir_packager::{Options, OutputKind, Packager, Step};

#[test]
fn files_come_in_publish_order() {
    let run = package(&[&fixture("bigbuckbunny-720p-5s.mp4")], Options::default()).unwrap();
    let rank = |kind: OutputKind| match kind {
        OutputKind::Init | OutputKind::MediaSegment => 0,
        OutputKind::MediaPlaylist => 1,
        OutputKind::MultivariantPlaylist => 2,
        other => panic!("{other:?} was not asked for"),
    };
    let ranks: Vec<_> = run.order.iter().map(|(_, kind)| rank(*kind)).collect();
    assert!(ranks.is_sorted(), "{:?}", run.order);
    assert_eq!(run.order.last().unwrap().0, run.report.multivariant);
    assert!(
        run.report
            .playlists
            .iter()
            .all(|path| run.files.contains_key(path))
    );
}

#[test]
fn the_playlists_of_a_film_with_sound() {
    let run = package(&[&fixture("bigbuckbunny-720p-5s.mp4")], Options::default()).unwrap();
    let size = |path: &str| run.files[path].len() as u64;
    let rate = |path: &str, micros: u64| (size(path) * 8_000_000).div_ceil(micros);
    let (video, audio) = (
        rate("video-1/00001.m4s", 5_280_000),
        rate("audio-1/00001.m4s", 5_312_000),
    );
    let i_frame = run.report_i_frame_rate();
    assert_eq!(
        run.text("multivariant.m3u8"),
        format!(
            "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio-mp4a.40.2\",NAME=\"Audio\",LANGUAGE=\"und\",DEFAULT=YES,\
             AUTOSELECT=YES,CHANNELS=\"6\",URI=\"audio-1/media.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH={sum},AVERAGE-BANDWIDTH={sum},CODECS=\"avc1.4d401f,mp4a.40.2\",\
             RESOLUTION=1280x720,FRAME-RATE=25.000,AUDIO=\"audio-mp4a.40.2\",CLOSED-CAPTIONS=NONE\nvideo-1/media.m3u8\n\
             #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={i_frame},AVERAGE-BANDWIDTH={i_frame},CODECS=\"avc1.4d401f\",\
             RESOLUTION=1280x720,URI=\"video-1/iframes.m3u8\"\n",
            sum = video + audio
        )
    );
    assert_eq!(
        run.text("video-1/media.m3u8"),
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:5.280000,\n00001.m4s\n#EXT-X-ENDLIST\n"
    );
}

impl support::Run {
    /// Bit rate of the only keyframe of the first fixture, from its byte range.
    fn report_i_frame_rate(&self) -> u64 {
        let text = self.text("video-1/iframes.m3u8");
        let range = text
            .lines()
            .find_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:"))
            .unwrap();
        let len: u64 = range.split('@').next().unwrap().parse().unwrap();
        (len * 8_000_000).div_ceil(5_280_000)
    }
}

/// Shaka Packager lists one keyframe a segment (shaka-packager #1468); and ranges without a whole `moof` and `mdat` cannot be parsed
/// on their own (Apple HLS Authoring Specification 6.10).
#[test]
fn every_keyframe_is_listed_with_a_range_that_parses_alone() {
    let run = package(&[&fixture("bikes.mp4")], Options::default()).unwrap();
    assert_eq!(run.report.presentation.tracks[0].keyframes, 6);
    let text = run.text("video-1/iframes.m3u8");
    assert!(text.contains("#EXT-X-I-FRAMES-ONLY\n") && text.contains("#EXT-X-MAP:"));
    let mut lines = text.lines();
    let mut count = 0;
    let init = &run.files["video-1/init.mp4"];
    let folder = tempfile::tempdir().unwrap();
    while let Some(line) = lines.next() {
        let Some(range) = line.strip_prefix("#EXT-X-BYTERANGE:") else {
            continue;
        };
        let name = lines.next().unwrap();
        let (len, offset) = range.split_once('@').unwrap();
        let (len, offset): (usize, usize) = (len.parse().unwrap(), offset.parse().unwrap());
        let bytes = &run.files[&format!("video-1/{name}")][offset..offset + len];
        let kinds: Vec<_> = top_boxes(bytes)
            .into_iter()
            .map(|(kind, ..)| kind)
            .collect();
        assert_eq!(kinds, ["moof", "mdat"]);
        count += 1;
        if has_tool("ffprobe") {
            let path = folder.path().join(format!("{count}.mp4"));
            std::fs::write(&path, [init.as_slice(), bytes].concat()).unwrap();
            let found = run_tool(
                "ffprobe",
                &[
                    "-v",
                    "error",
                    "-show_entries",
                    "frame=pict_type",
                    "-of",
                    "csv=p=0",
                    path.to_str().unwrap(),
                ],
            );
            assert_eq!(
                found.trim().trim_end_matches(','),
                "I",
                "one picture, decoded from the range alone"
            );
        }
    }
    assert_eq!(count, 6);
    assert!((playlist_duration(text) - 10.0).abs() < 1e-9);
}

/// Fragment decode times follow each other without gap or overlap, and sequence numbers rise (Authoring Specification 7.3).
#[test]
fn decode_times_are_continuous() {
    let run = package(
        &[&fixture("bigbuckbunny-720p-5s.mp4")],
        Options {
            segment_duration: std::time::Duration::from_secs(1),
            ..Options::default()
        },
    )
    .unwrap();
    let segments: Vec<_> = run
        .files
        .iter()
        .filter(|(path, _)| path.starts_with("audio-1/0"))
        .collect();
    assert!(!segments.is_empty());
    let (mut next, mut sequence) = (0_u64, 0_u32);
    for (_, data) in segments {
        for (kind, at, len) in top_boxes(data) {
            if kind == "moof" {
                let moof = &data[at..at + len];
                let field =
                    |name: &[u8]| moof.windows(4).position(|window| window == name).unwrap() + 4;
                let tfdt = field(b"tfdt") + 4;
                assert_eq!(
                    u64::from_be_bytes(moof[tfdt..tfdt + 8].try_into().unwrap()),
                    next
                );
                let number = field(b"mfhd") + 4;
                let number = u32::from_be_bytes(moof[number..number + 4].try_into().unwrap());
                assert!(number > sequence);
                sequence = number;
                let trun = field(b"trun") + 4;
                let samples = u32::from_be_bytes(moof[trun..trun + 4].try_into().unwrap());
                next += u64::from(samples) * 1024;
            }
        }
    }
    assert_eq!(next, 254_976);
}

#[test]
fn media_are_written_once_and_read_once() {
    let input = fixture("bikes.mp4");
    let run = package(&[&input], Options::default()).unwrap();
    let written: usize = run.files.values().map(Vec::len).sum();
    assert!(
        written < input.len() + 20_000,
        "write amplification 1.0: {written} of {}",
        input.len()
    );
    let read: u64 = run.reads.iter().map(|(_, range)| range.len()).sum();
    assert!(
        read < input.len() as u64 + (256 << 10),
        "{read} of {}",
        input.len()
    );
}

/// Where the index stands changes nothing in the output.
#[test]
fn an_index_before_or_after_the_media_gives_the_same_files() {
    if !has_tool("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/bigbuckbunny-720p-5s.mp4");
    let make = |name: &str, flags: &[&str]| {
        let path = folder.path().join(name);
        let mut arguments = vec!["-v", "error", "-i", source.to_str().unwrap(), "-c", "copy"];
        arguments.extend(flags);
        arguments.push(path.to_str().unwrap());
        run_tool("ffmpeg", &arguments);
        package(&[&std::fs::read(path).unwrap()], Options::default()).unwrap()
    };
    let last = make("last.mp4", &[]);
    let first = make("first.mp4", &["-movflags", "+faststart"]);
    let fragmented = make(
        "fragmented.mp4",
        &["-movflags", "+frag_keyframe+empty_moov+default_base_moof"],
    );
    assert!(!last.report.presentation.index_first && first.report.presentation.index_first);
    assert_eq!(last.files, first.files);
    assert!(fragmented.report.presentation.fragmented);
    for path in last.files.keys().filter(|path| path.ends_with("m4s")) {
        assert_eq!(
            last.files[path].len(),
            fragmented.files[path].len(),
            "{path}"
        );
    }
}

#[test]
fn the_caller_must_keep_to_the_protocol() {
    let input = fixture("bikes.mp4");
    let mut packager = Packager::new(input.len() as u64, Options::default()).unwrap();
    let Step::Read {
        input: number,
        range,
    } = packager.step().unwrap()
    else {
        panic!("the first step is a read")
    };
    assert!(
        packager
            .supply(number, range.start, bytes::Bytes::from_static(b"short"))
            .is_err()
    );
    let mut packager = Packager::new(input.len() as u64, Options::default()).unwrap();
    assert!(packager.supply(0, 0, bytes::Bytes::new()).is_err());
    assert!(Packager::with_inputs(&[], Options::default()).is_err());
    let short = Options {
        segment_duration: std::time::Duration::from_millis(1),
        ..Options::default()
    };
    let error = Packager::new(10, short).unwrap_err();
    assert!(error.to_string().contains("segment_duration"), "{error}");
}
