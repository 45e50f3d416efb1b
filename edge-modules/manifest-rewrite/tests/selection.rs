//! Selection: what is left is what was asked for, and always a whole playlist.
#![allow(clippy::unwrap_used)]

mod support;

use manifest_rewrite::ManifestRewrite;
use manifest_rewrite::multivariant::list::Multivariant;
use manifest_rewrite::select::filter::ManifestFilter;
use manifest_rewrite::select::rule::apply_filter;
use proptest::prelude::*;
use support::{playlists, problems};
use weir_module::testing::{Outcome, TestHost, decide, exchange};
use weir_module::{AnswerBody, Module, NoCounters, ResponseHead};

/// Runs a policy over a playlist: status and text.
fn run(config: &str, query: &str, headers: &[(&str, &str)], playlist: &str) -> (u16, String) {
    let mut host = TestHost::<NoCounters>::default();
    let mut module = ManifestRewrite::configure(config).unwrap();
    let verdict = decide(
        &mut module,
        &mut host,
        "GET",
        &format!("/v/index.m3u8{query}"),
        headers,
    );
    let head = ResponseHead {
        status: 200,
        headers: vec![(
            "content-type".into(),
            b"application/vnd.apple.mpegurl".to_vec(),
        )],
    };
    match exchange(verdict, &mut host, (head, playlist.into()), 1000, |_| {
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

const LADDER: &str = r#"#EXTM3U
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="en2.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="Deutsch",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,CHANNELS="2",URI="de2.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="ec3",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="6",URI="en6.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="ec3",NAME="Deutsch",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,CHANNELS="6",URI="de6.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="Deutsch",LANGUAGE="de",URI="subs-de.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS="avc1.4d401e,mp4a.40.2",RESOLUTION=640x360,AUDIO="aac",SUBTITLES="subs"
360.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=3000000,CODECS="avc1.4d401f,mp4a.40.2",RESOLUTION=1280x720,AUDIO="aac",SUBTITLES="subs"
720.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=3400000,CODECS="avc1.4d401f,ec-3",RESOLUTION=1280x720,AUDIO="ec3",SUBTITLES="subs"
720-ec3.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=9000000,CODECS="hvc1.2.4.L123.B0,ec-3",RESOLUTION=1920x1080,VIDEO-RANGE=PQ,AUDIO="ec3",SUBTITLES="subs"
1080-hdr.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,CODECS="avc1.4d401e",RESOLUTION=640x360,URI="360-i.m3u8"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=200000,CODECS="hvc1.2.4.L123.B0",RESOLUTION=1920x1080,VIDEO-RANGE=PQ,URI="1080-i.m3u8"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=9000,CODECS="jpeg",RESOLUTION=320x180,URI="images.m3u8"
"#;

/// The URIs that are left, in order, without their ending.
fn left(text: &str) -> String {
    let found = problems(text);
    assert!(found.is_empty(), "{found:?}\n{text}");
    text.split(['"', '\n'])
        .filter_map(|item| item.strip_suffix(".m3u8"))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn the_ladder_is_sound() {
    assert_eq!(
        left(LADDER),
        "en2 de2 en6 de6 subs-de 360 720 720-ec3 1080-hdr 360-i 1080-i images"
    );
}

#[test]
fn rules_by_stream() {
    for (rule, expected) in [
        (
            "variants = 'height <= 720'",
            "en2 de2 en6 de6 subs-de 360 720 720-ec3 360-i images",
        ),
        (
            "variants = 'video-codec == \"h264\" and height <= 360'",
            "en2 de2 subs-de 360 360-i images",
        ),
        (
            "variants = 'video-range == \"SDR\"'\naudio = 'language == \"de\"'",
            "de2 de6 subs-de 360 720 720-ec3 360-i images",
        ),
        (
            "audio = 'channels <= 2'",
            "en2 de2 subs-de 360 720 360-i images",
        ),
        (
            "audio = 'audio-codec == \"ec-3\"'",
            "en6 de6 subs-de 720-ec3 1080-hdr 1080-i images",
        ),
        (
            "subtitles = 'language == \"fr\"'\nvariants = 'height < 400'",
            "en2 de2 360 360-i images",
        ),
        (
            "images = 'false'\ni-frames = 'height < 1000'",
            "en2 de2 en6 de6 subs-de 360 720 720-ec3 1080-hdr 360-i",
        ),
        // Nothing meets these: the documented fallbacks.
        (
            "variants = 'height > 5000'",
            "en2 de2 subs-de 360 360-i images",
        ),
        (
            "variants = 'height > 5000'\non-empty = 'all'",
            "en2 de2 en6 de6 subs-de 360 720 720-ec3 1080-hdr 360-i 1080-i images",
        ),
        (
            "audio = 'language == \"fr\"'",
            "en2 de2 en6 de6 subs-de 360 720 720-ec3 1080-hdr 360-i 1080-i images",
        ),
    ] {
        let (status, text) = run(&format!("[[select]]\n{rule}"), "", &[], LADDER);
        assert_eq!((status, left(&text).as_str()), (200, expected), "{rule}");
    }
    assert_eq!(
        run(
            "[[select]]\nvariants = 'height > 5000'\non-empty = 'refuse'",
            "",
            &[],
            LADDER
        ),
        (403, "no-stream-allowed".into())
    );
}

#[test]
fn a_lost_default_has_an_heir() {
    let (_, text) = run("[[select]]\naudio = 'language == \"de\"'", "", &[], LADDER);
    assert!(
        text.contains("NAME=\"Deutsch\",LANGUAGE=\"de\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\""),
        "{text}"
    );
}

#[test]
fn rules_by_viewer() {
    let config = "[[select]]\nwhen = 'tier == \"free\" or device == \"phone\"'\nvariants = 'height <= 360'\n\
                  [[select]]\nwhen = 'not (\"hdr\" in entitlements)'\nvariants = 'video-range == \"SDR\"'\n\
                  [[select]]\nvariants = 'height <= query.max'\n";
    let heights = |query: &str, headers: &[(&str, &str)]| {
        let text = run(config, query, headers, LADDER).1;
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join(" ")
            .replace(".m3u8", "")
    };
    assert_eq!(heights("", &[("weir-tier", "free")]), "360");
    assert_eq!(
        heights("", &[("user-agent", "Mozilla/5.0 (iPhone) Mobile")]),
        "360"
    );
    assert_eq!(heights("", &[("weir-tier", "premium")]), "360 720 720-ec3");
    assert_eq!(
        heights("", &[("weir-entitlements", "uhd,hdr")]),
        "360 720 720-ec3 1080-hdr"
    );
    assert_eq!(
        heights("?max=720", &[("weir-entitlements", "hdr")]),
        "360 720 720-ec3"
    );
}

#[test]
fn mediapackage_filters() {
    for (query, expected) in [
        (
            "?aws.manifestfilter=video_height%3A0-720%3Baudio_language%3Aen",
            "en2 en6 subs-de 360 720 720-ec3 360-i images",
        ),
        (
            "?aws.manifestfilter=video_codec:h265",
            "en6 de6 subs-de 1080-hdr 1080-i images",
        ),
        (
            "?aws.manifestfilter=trickplay_type:none",
            "en2 de2 en6 de6 subs-de 360 720 720-ec3 1080-hdr",
        ),
        (
            "?aws.manifestfilter=audio_language:dahlia",
            "en2 de2 en6 de6 subs-de 360 720 720-ec3 1080-hdr 360-i 1080-i images",
        ),
        (
            "?aws.manifestfilter=subtitle_language:fr;video_bitrate:0-1000000",
            "en2 de2 360 360-i images",
        ),
    ] {
        let (status, text) = run("", query, &[], LADDER);
        assert_eq!((status, left(&text).as_str()), (200, expected), "{query}");
    }
    for (query, code) in [
        ("?aws.manifestfilter=video_height:2160-4320", "filter-empty"),
        ("?aws.manifestfilter=video_height:9-1", "bad-filter"),
        (
            "?aws.manifestfilter=a:1&aws.manifestfilter=b:1",
            "bad-filter",
        ),
    ] {
        assert_eq!(run("", query, &[], LADDER), (400, code.into()), "{query}");
    }
    assert_eq!(
        left(&run("[filters]\nakamai = true", "?br_in=3000", &[], LADDER).1),
        "en2 de2 subs-de 720 360-i images".replace(" 360-i", "")
    );
}

#[test]
fn media_playlists_are_not_filtered() {
    let media = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n";
    assert_eq!(
        run("", "?aws.manifestfilter=video_height:1-2", &[], media),
        (200, media.to_owned())
    );
}

#[test]
fn a_policy_that_takes_nothing_changes_no_byte() {
    for (name, text) in playlists() {
        let text = String::from_utf8_lossy(&text).into_owned();
        let (_, out) = run(
            "[[select]]\nvariants = 'true'\naudio = 'true'\n",
            "",
            &[],
            &text,
        );
        assert_eq!(out, text, "{name}");
    }
}

#[test]
fn a_group_that_nobody_names_keeps_in_step() {
    let text = "#EXTM3U\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"1\",URI=\"a1.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"2\",DEFAULT=YES,AUTOSELECT=YES,URI=\"a2.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"b\",NAME=\"1\",URI=\"b1.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"b\",NAME=\"2\",URI=\"b2.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=900000,AUDIO=\"a\"\nv.m3u8\n";
    for (rule, expected) in [
        ("default", "a2 v"),
        ("not default", "a1 b1 v"),
        ("group == 'a'", "a1 a2 v"),
        ("false", "a1 a2 v"),
    ] {
        let (_, out) = run(&format!("[[select]]\naudio = \"{rule}\""), "", &[], text);
        let uris: Vec<_> = out
            .split(['"', '\n'])
            .filter_map(|item| item.strip_suffix(".m3u8"))
            .collect();
        assert_eq!(uris.join(" "), expected, "{rule}\n{out}");
        assert!(
            !problems(&out).iter().any(|it| it.contains("differ")),
            "{out}"
        );
    }
}

#[test]
fn steering_begins_where_something_is() {
    let text = "#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"/s\",PATHWAY-ID=\"A\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=2,PATHWAY-ID=\"A\"\na.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1,PATHWAY-ID=\"B\"\nb.m3u8\n";
    let (_, out) = run("[[select]]\nvariants = 'pathway == \"B\"'", "", &[], text);
    assert!(
        out.contains("SERVER-URI=\"/s\",PATHWAY-ID=\"B\"") && problems(&out).is_empty(),
        "{out}"
    );
}

/// Expressions that a policy might hold, sensible or not.
fn rule() -> impl Strategy<Value = String> {
    let stream = prop::sample::select(vec![
        "height <= 720",
        "height > 400",
        "bandwidth < 2000000",
        "bandwidth >= 1000000",
        "video-codec in ['h264']",
        "audio-codec == 'aac'",
        "codec not in ['avc1']",
        "video-range == 'SDR'",
        "frame-rate > 40",
        "false",
        "score > 1",
        "width >= 960",
        "pathway != '.'",
    ]);
    let rendition = prop::sample::select(vec![
        "language == 'en'",
        "language in ['de', 'ja']",
        "channels > 2",
        "channels <= 2",
        "name == 'English'",
        "default",
        "not default",
        "'public.easy-to-read' in characteristics",
        "false",
        "group == 'aac_mid'",
        "audio-codec == 'ac-3'",
    ]);
    let maybe = |key: &'static str, of: prop::sample::Select<&'static str>| {
        prop::option::of(of).prop_map(move |text| {
            text.map(|text| format!("{key} = \"{text}\"\n"))
                .unwrap_or_default()
        })
    };
    (
        maybe("variants", stream.clone()),
        maybe("audio", rendition.clone()),
        maybe("subtitles", rendition.clone()),
        maybe("closed-captions", rendition),
        maybe("i-frames", stream.clone()),
        maybe("images", stream),
        prop::sample::select(vec!["", "on-empty = 'all'\n"]),
    )
        .prop_map(|(a, b, c, d, e, f, g)| format!("[[select]]\n{a}{b}{c}{d}{e}{f}{g}"))
}

/// Multivariant playlists with groups of every shape.
fn multivariant() -> impl Strategy<Value = String> {
    let rendition = (0..3usize, 0..3usize, 0..3usize, any::<bool>());
    let variant = (
        1..9u32,
        0..4usize,
        0..4usize,
        0..4usize,
        0..3usize,
        any::<bool>(),
    );
    (prop::collection::vec(rendition, 0..10), prop::collection::vec(variant, 1..8)).prop_map(|(renditions, variants)| {
        let mut text = String::from("#EXTM3U\n");
        let kinds = ["AUDIO", "SUBTITLES", "VIDEO"];
        let mut seen = std::collections::BTreeSet::new();
        for (kind, group, name, default) in renditions {
            if seen.insert((kind, group, name)) {
                let default = if default && seen.insert((kind, group, 99)) { ",DEFAULT=YES" } else { "" };
                let (language, channels) = (["en", "de", "ja"][name], [2, 6, 8][group]);
                text += &format!(
                    "#EXT-X-MEDIA:TYPE={},GROUP-ID=\"g{group}\",NAME=\"{name}\",LANGUAGE=\"{language}\",CHANNELS=\"{channels}\"{default},URI=\"r\"\n",
                    kinds[kind]
                );
            }
        }
        for (size, audio, subtitles, video, codec, hdr) in variants {
            let groups = [(audio, "AUDIO", 0), (subtitles, "SUBTITLES", 1), (video, "VIDEO", 2)].map(|(group, name, kind)| {
                let there = seen.iter().any(|(of, id, member)| (*of, *id) == (kind, group) && *member != 99);
                if there { format!(",{name}=\"g{group}\"") } else { String::new() }
            });
            let codec = ["avc1.4d,mp4a.40.2", "hvc1.2,ec-3", "mp4a.40.2"][codec];
            text += &format!(
                "#EXT-X-STREAM-INF:BANDWIDTH={},CODECS=\"{codec}\",RESOLUTION=16x{},VIDEO-RANGE={}{}\nv\n",
                size * 500_000, size * 180, if hdr { "PQ" } else { "SDR" }, groups.concat()
            );
            text += &format!("#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9,RESOLUTION=16x{}{},URI=\"i\"\n", size * 180, groups[2]);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// For every policy and playlist: the result has no fault that the playlist did not have.
    #[test]
    fn the_result_is_as_sound_as_the_playlist(rule in rule(), generated in multivariant(), pick in any::<prop::sample::Index>()) {
        let all: Vec<String> = playlists()
            .into_iter()
            .map(|(_, text)| String::from_utf8_lossy(&text).into_owned())
            .filter(|text| text.contains("#EXT-X-STREAM-INF"))
            .chain([generated])
            .collect();
        for text in [&all[pick.index(all.len())], &all[all.len() - 1]] {
            let (status, out) = run(&rule, "", &[], text);
            prop_assert_eq!(status, 200);
            let before = problems(text);
            let new: Vec<_> = problems(&out).into_iter().filter(|problem| !before.contains(problem)).collect();
            prop_assert!(new.is_empty(), "{:?}\n{}\n{}\n{}", new, rule, text, out);
        }
    }

    #[test]
    fn a_filter_leaves_a_sound_playlist_or_refuses(
        text in multivariant(),
        filter in "(video_height:[0-9]{1,4}-[0-9]{4};?)?(audio_language:(en|de|xx);?)?(video_codec:(h264|h265);?)?(audio_channels:[2-8])?",
    ) {
        if let Ok(filter) = ManifestFilter::parse_aws(&filter) {
            let mut list = Multivariant::parse(text.clone().into_bytes());
            if apply_filter(&filter, &mut list).is_ok() {
                let mut out = Vec::new();
                list.write(&mut out);
                let before = problems(&text);
                let new: Vec<_> = problems(std::str::from_utf8(&out).unwrap()).into_iter().filter(|p| !before.contains(p)).collect();
                prop_assert!(new.is_empty(), "{:?}\n{}", new, text);
            }
        }
    }
}
