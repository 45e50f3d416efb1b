//! Parts of programmes and delta updates.
#![allow(clippy::unwrap_used)]

mod support;

use manifest_rewrite::ManifestRewrite;
use proptest::prelude::*;
use support::{attributes, playlists};
use weir_module::testing::{Outcome, TestHost, decide, exchange};
use weir_module::{AnswerBody, Edit, Module, NoCounters, ResponseHead, Verdict};

const CLIP: &str = "[clip]\nstart-parameter = 'start'\nend-parameter = 'end'\n";
const DELTA: &str = "delta-updates = true\n";

fn run_at(config: &str, query: &str, playlist: &str, now_ns: u64) -> (u16, String) {
    let mut host = TestHost::<NoCounters> {
        now_ns,
        ..TestHost::default()
    };
    let mut module = ManifestRewrite::configure(config).unwrap();
    let verdict = decide(
        &mut module,
        &mut host,
        "GET",
        &format!("/v/index.m3u8{query}"),
        &[],
    );
    let head = ResponseHead {
        status: 200,
        headers: vec![],
    };
    match exchange(verdict, &mut host, (head, playlist.into()), 50, |_| {
        unreachable!("nothing is forwarded")
    }) {
        Outcome::Upstream(_, body) => (200, String::from_utf8(body).unwrap()),
        Outcome::Answer(answer) => match answer.body {
            AnswerBody::Bytes(body) => (answer.status, String::from_utf8(body).unwrap()),
            AnswerBody::Problem(problem) => (answer.status, problem.code().to_owned()),
        },
        Outcome::BrokenOff(reason) => panic!("{reason}"),
    }
}

fn run(config: &str, query: &str, playlist: &str) -> (u16, String) {
    run_at(config, query, playlist, 0)
}

const VOD: &str = "#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:5
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-START:TIME-OFFSET=1
#EXT-X-MAP:URI=\"init-a.mp4\"
#EXT-X-KEY:METHOD=AES-128,URI=\"k1\"
#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://k\",KEYFORMAT=\"com.apple.streamingkeydelivery\"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXT-X-DATERANGE:ID=\"gone\",START-DATE=\"2026-01-01T00:00:00Z\",DURATION=1
#EXT-X-DATERANGE:ID=\"long\",START-DATE=\"2026-01-01T00:00:00Z\",DURATION=60
#EXTINF:4,
#EXT-X-BYTERANGE:100@0
all.mp4
#EXT-X-KEY:METHOD=AES-128,URI=\"k2\"
#EXTINF:4,
#EXT-X-BYTERANGE:50
all.mp4
#EXTINF:4,
#EXT-X-BYTERANGE:60
all.mp4
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI=\"init-b.mp4\"
#EXTINF:4,
b0.mp4
#EXTINF:4,
b1.mp4
#EXT-X-ENDLIST
";

/// Sound is cut at its own frames, beside the borders of the picture: a clip takes the same segments of both all the same.
#[test]
fn picture_and_sound_of_a_clip_begin_and_end_together() {
    let of = |lengths: [&str; 6]| {
        let segments = lengths.iter().enumerate();
        let segments = segments.map(|(at, length)| format!("#EXTINF:{length},\n{at}.m4s\n"));
        let segments: String = segments.collect();
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{segments}#EXT-X-ENDLIST\n")
    };
    let picture = of(["2"; 6]);
    // 94 and 93 frames of AAC at 48 kHz, so that borders lie before and behind those of the picture.
    let sound = of([
        "2.005333", "1.984", "2.005333", "2.005333", "1.984", "2.016",
    ]);
    for (query, numbers) in [
        ("?start=2&end=6", vec!["1.m4s", "2.m4s"]),
        ("?start=4&end=8", vec!["2.m4s", "3.m4s"]),
        ("?start=8", vec!["4.m4s", "5.m4s"]),
        ("?end=10", vec!["0.m4s", "1.m4s", "2.m4s", "3.m4s", "4.m4s"]),
        // Within segments nothing changes.
        ("?start=3&end=5", vec!["1.m4s", "2.m4s"]),
    ] {
        for playlist in [&picture, &sound] {
            let (_, text) = run(CLIP, query, playlist);
            let kept: Vec<&str> = text.lines().filter(|line| line.ends_with(".m4s")).collect();
            assert_eq!(kept, numbers, "{query} of {playlist}");
        }
    }
}

#[test]
fn a_clip_carries_in_what_it_needs() {
    let (status, text) = run(CLIP, "?start=9&end=14", VOD);
    assert_eq!(status, 200);
    assert_eq!(
        text,
        "#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MAP:URI=\"init-a.mp4\"
#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://k\",KEYFORMAT=\"com.apple.streamingkeydelivery\"
#EXT-X-KEY:METHOD=AES-128,URI=\"k2\"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:08.000Z
#EXT-X-DATERANGE:ID=\"long\",START-DATE=\"2026-01-01T00:00:00Z\",DURATION=60
#EXTINF:4,
#EXT-X-BYTERANGE:60@150
all.mp4
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI=\"init-b.mp4\"
#EXTINF:4,
b0.mp4
#EXT-X-ENDLIST
"
    );
}

#[test]
fn a_clip_past_a_discontinuity_counts_it() {
    let (_, text) = run(CLIP, "?start=16", VOD);
    assert!(
        text.contains("#EXT-X-MEDIA-SEQUENCE:9\n")
            && text.contains("#EXT-X-DISCONTINUITY-SEQUENCE:1\n"),
        "{text}"
    );
    assert!(
        text.contains("#EXT-X-MAP:URI=\"init-b.mp4\"\n#EXTINF:4,\nb1.mp4\n#EXT-X-ENDLIST\n"),
        "{text}"
    );
    assert!(!text.contains("#EXT-X-DISCONTINUITY\n") && !text.contains("PROGRAM-DATE-TIME"));
}

#[test]
fn dates_cut_as_well_as_seconds() {
    let (_, text) = run(
        CLIP,
        "?start=2026-01-01T00:00:04Z&end=2026-01-01T00:00:08Z",
        VOD,
    );
    assert_eq!(text.matches("#EXTINF").count(), 1);
    assert!(
        text.contains("#EXT-X-BYTERANGE:50@100\n") && text.ends_with("#EXT-X-ENDLIST\n"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_cut_is_refused() {
    for (query, code) in [
        ("?start=99", "clip-empty"),
        ("?start=x", "bad-clip"),
        ("?start=5&end=5", "bad-clip"),
    ] {
        assert_eq!(run(CLIP, query, VOD), (400, code.to_owned()), "{query}");
    }
}

#[test]
fn the_clip_goes_on_into_the_media_playlists() {
    let multivariant = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",URI=\"a.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nv.m3u8?x=1\n";
    let (_, text) = run(CLIP, "?start=9.50&end=2026-01-01T00:00:00Z", multivariant);
    assert_eq!(
        text,
        multivariant
            .replace(
                "a.m3u8\"",
                "a.m3u8?start=9.5&end=2026-01-01T00:00:00.000Z\""
            )
            .replace("?x=1", "?x=1&start=9.5&end=2026-01-01T00:00:00.000Z")
    );
    let mut module = ManifestRewrite::configure(CLIP).unwrap();
    let verdict = decide(
        &mut module,
        &mut TestHost::<NoCounters>::default(),
        "GET",
        "/a.m3u8?x=1&start=3",
        &[],
    );
    let Verdict::Exchange(edits, _) = verdict else {
        panic!()
    };
    assert!(edits.any(|edit| edit == Edit::SetTarget("/a.m3u8?x=1")));
}

#[test]
fn a_live_view_can_be_late() {
    let live = VOD
        .replace(
            "#EXT-X-ENDLIST\n",
            "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p\"\n",
        )
        .replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "");
    // 2026-01-01T00:00:10Z, two seconds late: the second segment ended at :08.
    let (_, text) = run_at("[clip]\ndelay = 2\n", "", &live, 1_767_225_610_000_000_000);
    assert_eq!(text.matches("#EXTINF").count(), 2, "{text}");
    assert!(
        !text.contains("ENDLIST")
            && !text.contains("PRELOAD-HINT")
            && text.contains("MEDIA-SEQUENCE:5")
    );
}

fn live(segments: usize) -> String {
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1\n#EXT-X-PART-INF:PART-TARGET=0.5\n#EXT-X-MEDIA-SEQUENCE:100\n#EXT-X-MAP:URI=\"init.mp4\"\n",
    );
    for number in 0..segments {
        if number == 1 {
            text += "#EXT-X-DATERANGE:ID=\"d\",START-DATE=\"2026-01-01T00:00:00Z\"\n";
        }
        text += &format!("#EXTINF:4,\ns{number}.mp4\n");
    }
    text + "#EXT-X-PART:DURATION=0.5,URI=\"p0.mp4\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p1.mp4\"\n"
}

#[test]
fn a_delta_update_skips_what_is_old() {
    let (_, text) = run(DELTA, "?_HLS_skip=YES&_HLS_msn=110", &live(10));
    assert_eq!(
        text,
        "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1,CAN-SKIP-UNTIL=24\n\
         #EXT-X-PART-INF:PART-TARGET=0.5\n#EXT-X-MEDIA-SEQUENCE:100\n#EXT-X-SKIP:SKIPPED-SEGMENTS=4\n\
         #EXT-X-DATERANGE:ID=\"d\",START-DATE=\"2026-01-01T00:00:00Z\"\n#EXT-X-MAP:URI=\"init.mp4\"\n\
         #EXTINF:4,\ns4.mp4\n#EXTINF:4,\ns5.mp4\n#EXTINF:4,\ns6.mp4\n#EXTINF:4,\ns7.mp4\n#EXTINF:4,\ns8.mp4\n#EXTINF:4,\ns9.mp4\n\
         #EXT-X-PART:DURATION=0.5,URI=\"p0.mp4\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p1.mp4\"\n"
    );
}

#[test]
fn date_ranges_keep_a_date_beside_them() {
    let dated = |number| {
        let date = "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n";
        live(10).replace(
            &format!("#EXTINF:4,\ns{number}.mp4"),
            &format!("{date}#EXTINF:4,\ns{number}.mp4"),
        )
    };
    for (number, skips) in [(0, false), (3, false), (4, true), (9, true)] {
        let (_, text) = run(DELTA, "?_HLS_skip=YES", &dated(number));
        assert_eq!(text.contains("#EXT-X-SKIP"), skips, "{number}\n{text}");
        assert!(text.contains("#EXT-X-PROGRAM-DATE-TIME"), "{text}");
    }
    let without = dated(0).replace("#EXT-X-DATERANGE", "#EXT-X-OTHER");
    let (_, text) = run(DELTA, "?_HLS_skip=YES", &without);
    assert!(text.contains("#EXT-X-SKIP"), "{text}");
}

#[test]
fn the_full_playlist_says_that_deltas_can_be_had() {
    let full = live(10);
    let expected = full.replace("PART-HOLD-BACK=1\n", "PART-HOLD-BACK=1,CAN-SKIP-UNTIL=24\n");
    assert_eq!(run(DELTA, "", &full).1, expected);
    // Too short to skip anything: the full playlist, which is always right.
    assert_eq!(
        run(DELTA, "?_HLS_skip=v2", &live(6)).1,
        live(6).replace("PART-HOLD-BACK=1\n", "PART-HOLD-BACK=1,CAN-SKIP-UNTIL=24\n")
    );
    // Nobody reloads these.
    assert_eq!(run(DELTA, "?_HLS_skip=YES", VOD).1, VOD);
    let ended = full.clone() + "#EXT-X-ENDLIST\n";
    assert!(
        !run(DELTA, "?_HLS_skip=YES", &ended)
            .1
            .contains("#EXT-X-SKIP")
    );
}

#[test]
fn the_directive_stays_at_the_edge_and_others_go_on() {
    let mut module = ManifestRewrite::configure(DELTA).unwrap();
    let verdict = decide(
        &mut module,
        &mut TestHost::<NoCounters>::default(),
        "GET",
        "/a.m3u8?_HLS_msn=3&_HLS_part=1&_HLS_skip=YES",
        &[],
    );
    let Verdict::Exchange(edits, _) = verdict else {
        panic!()
    };
    assert!(edits.any(|edit| edit == Edit::SetTarget("/a.m3u8?_HLS_msn=3&_HLS_part=1")));
}

#[test]
fn both_leave_other_playlists_alone() {
    for (name, text) in playlists() {
        let text = String::from_utf8_lossy(&text).into_owned();
        if text.contains("#EXT-X-STREAM-INF") {
            assert_eq!(
                run("delta-updates = true\n[clip]\nstart = '1'\n", "", &text).1,
                text,
                "{name}"
            );
        }
    }
}

/// Puts a delta update together with the segments that a client has, as in section 6.3.7.
fn merged(old: &str, delta: &str) -> Vec<String> {
    let uris = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect()
    };
    let skipped = delta.lines().find(|line| line.starts_with("#EXT-X-SKIP"));
    let count = skipped.map_or(0, |line| {
        attributes(line)["SKIPPED-SEGMENTS"].parse().unwrap()
    });
    uris(old)
        .into_iter()
        .take(count)
        .chain(uris(delta))
        .collect()
}

proptest! {
    /// A clip of any programme: its segments are a run of the programme's, numbered as there, and every one overlaps the clip. Nothing
    /// is missing but what a segment beyond the border holds of it, 0.1 s at most; lengths are rounded to milliseconds, up to thirty times.
    #[test]
    fn a_clip_is_a_run_of_the_programme(durations in prop::collection::vec(0.1f64..9.0, 1..30), start in 0.0f64..60.0, length in 0.01f64..60.0) {
        let mut text = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:9\n");
        for (number, duration) in durations.iter().enumerate() {
            text += &format!("#EXTINF:{duration:.3},\n{number}\n");
        }
        text += "#EXT-X-ENDLIST\n";
        let (status, out) = run(CLIP, &format!("?start={start:.3}&end={:.3}", start + length), &text);
        let total: f64 = durations.iter().sum();
        if status == 400 {
            prop_assert!(start > total - 0.15);
            return Ok(());
        }
        let kept: Vec<usize> = out.lines().filter(|line| !line.starts_with('#')).map(|line| line.parse().unwrap()).collect();
        let first = out.lines().find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:")).map_or(0, |number| number.parse().unwrap());
        prop_assert_eq!(kept[0], first);
        prop_assert!(kept.windows(2).all(|pair| pair[1] == pair[0] + 1));
        let from: f64 = durations[..kept[0]].iter().sum();
        let to: f64 = durations[..=kept[kept.len() - 1]].iter().sum();
        prop_assert!(from <= start + 0.15 && (to >= start + length - 0.15 || to >= total - 0.05));
        prop_assert!(from + durations[kept[0]] >= start - 0.05);
        prop_assert!(out.ends_with("#EXT-X-ENDLIST\n"));
    }

    #[test]
    fn a_delta_gives_back_the_full_playlist(segments in 1usize..40) {
        let full = live(segments);
        let (_, delta) = run(DELTA, "?_HLS_skip=YES", &full);
        prop_assert_eq!(merged(&full, &delta), merged("", &full));
    }
}
