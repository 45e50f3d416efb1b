//! Every policy over every playlist: the result has no fault that the playlist did not have, whatever is combined.
#![allow(clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use support::multivariant::multivariant;
use support::request::ask;
use support::{media, playlists, problems};

/// Status and text of the result.
fn run(config: &str, query: &str, token: &str, playlist: &str) -> (u16, String) {
    let target = format!("/v/wm-a/index.m3u8?{query}");
    ask(config, &target, token, playlist, 4096)
}

fn faults(text: &str) -> std::collections::BTreeSet<String> {
    if text.contains("#EXT-X-STREAM-INF") {
        problems(text)
    } else {
        media::problems(text)
    }
}

/// Sections of a configuration; top-level keys come first.
fn policy() -> impl Strategy<Value = String> {
    let keys =
        prop::sample::subsequence(vec!["delta-updates = true\n", "compress = false\n"], 0..=2);
    let tables = vec![
        "[token]\nform = 'variable'\n",
        "[hosts]\nplaces = ['all']\n[[hosts.cdn]]\nbase = 'https://a.test'\n[[hosts.cdn]]\nbase = 'https://b.test/p'\n",
        "[[select]]\nvariants = 'height <= 720'\naudio = 'language == \"en\"'\n",
        "[order]\nsort = 'descending'\nfirst = 'height == 360'\n",
        "[start]\ntime-offset = -3\nreplace = true\n",
        "[clip]\nstart-parameter = 'start'\nend-parameter = 'end'\n",
        "[steering]\npath = '/s'\nmode = 'listed'\n[[steering.pathways]]\nid = 'A'\n[[steering.pathways]]\nid = 'B'\nbase = 'https://b.test'\n",
        "[[interstitials]]\nid = 'pre'\nat = 'pre'\nasset-uri = 'ad.m3u8'\n[[interstitials]]\nid = 'mid'\nat = '7'\nasset-list = 'l?{duration}'\n\
         [[interstitials]]\nid = 'post'\nat = 'post'\nasset-uri = '/ad.m3u8'\n[[interstitials]]\nid = 'break'\nat = 'break'\nasset-uri = 'https://ads.test/a.m3u8'\n\
         [[interstitials]]\nid = 'date'\nat = '2026-01-01T00:00:10Z'\nasset-uri = 'ad.m3u8'\nduration = 5\n",
        "[[blackouts]]\nid = 'x'\nstart = '2026-01-01T00:00:06Z'\nend = '2026-01-01T00:00:14Z'\nslate = 's.m3u8'\n",
        "[watermark]\nkey = '00000000000000000000000000000000000000000000000000000000000000ff'\na = 'wm-a/'\nb = 'wm-b/'\n",
        "[[session-data]]\ndata-id = 'd'\nvalue = 'v'\n",
        "[[session-keys]]\nmethod = 'AES-128'\nuri = 'k'\n",
    ];
    let count = tables.len();
    let tables = prop::sample::subsequence(tables, 0..=count);
    (keys, tables).prop_map(|(keys, tables)| keys.concat() + &tables.concat())
}

fn query() -> impl Strategy<Value = String> {
    let pairs = vec![
        "start=5",
        "end=15",
        "_HLS_skip=YES",
        "aws.manifestfilter=video_height:0-720",
        "x=1",
    ];
    prop::sample::subsequence(pairs, 0..=5).prop_map(|pairs| pairs.join("&"))
}

/// One segment: duration in tenths, then what stands in front of it.
type Segment = (u32, u8, bool, bool);

/// Media playlists: programmes and live, with dates, keys, breaks, byte ranges, discontinuities and parts.
fn media_playlist() -> impl Strategy<Value = String> {
    let segment = (1..44u32, 0..8u8, any::<bool>(), any::<bool>());
    (
        prop::collection::vec(segment, 1..14),
        any::<bool>(),
        any::<bool>(),
        0..3u32,
        any::<bool>(),
    )
        .prop_map(|(segments, vod, dated, sequence, parts)| {
            media_text(&segments, vod, dated, sequence, parts && !vod)
        })
}

fn media_text(segments: &[Segment], vod: bool, dated: bool, sequence: u32, parts: bool) -> String {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n");
    if sequence > 0 {
        text += &format!("#EXT-X-MEDIA-SEQUENCE:{}\n", sequence * 7);
    }
    if vod {
        text += "#EXT-X-PLAYLIST-TYPE:VOD\n";
    }
    if parts {
        text += "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3\n#EXT-X-PART-INF:PART-TARGET=1\n";
    }
    text += "#EXT-X-MAP:URI=\"init.mp4\"\n";
    let mut date = 0;
    let mut ranged = false;
    for (index, (tenths, kind, dated_here, titled)) in segments.iter().enumerate() {
        match kind {
            1 => text += "#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init-2.mp4\"\n",
            2 => text += "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n",
            3 => text += "#EXT-X-CUE-OUT:8\n",
            4 => text += "#EXT-X-CUE-IN\n",
            5 => text += "## a comment, index.ts\n#EXT-X-UNKNOWN:1\n",
            6 => text += "#EXT-X-GAP\n",
            _ => {}
        }
        // A break needs a date to stand at, and a discontinuity loses it.
        if dated && (index == 0 || *kind == 1 || *dated_here) {
            text += &format!(
                "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:{:02}:{:02}.{:01}00Z\n",
                date / 600,
                date / 10 % 60,
                date % 10
            );
        }
        text += &format!(
            "#EXTINF:{}.{},{}\n",
            tenths / 10,
            tenths % 10,
            if *titled { "title, with://text" } else { "" }
        );
        if *kind == 7 {
            text += if ranged {
                "#EXT-X-BYTERANGE:50\nwm-a/all.mp4\n"
            } else {
                "#EXT-X-BYTERANGE:50@100\nwm-a/all.mp4\n"
            };
            ranged = true;
        } else {
            text += &format!("wm-a/{index}.mp4\n");
            ranged = false;
        }
        date += tenths;
    }
    if parts {
        text += "#EXT-X-PART:DURATION=1,URI=\"wm-a/p.0.mp4\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"wm-a/p.1.mp4\"\n";
    }
    if vod {
        text += "#EXT-X-ENDLIST\n";
    }
    text
}

fn check(config: &str, query: &str, token: &str, playlist: &str) -> Result<(), TestCaseError> {
    let (status, text) = run(config, query, token, playlist);
    prop_assert!(
        matches!(status, 200 | 400 | 403),
        "{}: {}\n{}",
        status,
        text,
        config
    );
    if status == 200 {
        // A copy of a group for another pathway has the faults of the group under another name.
        let kind = |fault: &String| {
            let words =
                fault.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_'));
            let words = words.filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
            words.take(4).collect::<Vec<_>>().join(" ")
        };
        let before: Vec<String> = faults(playlist).iter().map(kind).collect();
        let new: Vec<String> = faults(&text)
            .into_iter()
            .filter(|fault| !before.contains(&kind(fault)))
            .collect();
        prop_assert!(
            new.is_empty(),
            "{:?}\n{}\n?{}\n{}\nbecame\n{}",
            new,
            config,
            query,
            playlist,
            text
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn media_playlists_stay_valid(
        config in policy(),
        query in query(),
        token in prop::sample::select(vec!["", "query:t=X", "path:X"]),
        playlist in media_playlist(),
    ) {
        check(&config, &query, token, &playlist)?;
    }

    #[test]
    fn multivariant_playlists_stay_valid(
        config in policy(),
        query in query(),
        token in prop::sample::select(vec!["", "query:t=X", "path:X"]),
        playlist in multivariant(),
    ) {
        check(&config, &query, token, &playlist)?;
    }

    #[test]
    fn real_playlists_stay_as_sound_as_they_were(
        config in policy(),
        query in query(),
        pick in any::<prop::sample::Index>(),
    ) {
        let all = playlists();
        let (_, text) = &all[pick.index(all.len())];
        let text = String::from_utf8_lossy(text).into_owned();
        check(&config, &query, "query:t=X", &text)?;
    }
}

/// The linter itself: it must be able to find something.
#[test]
fn faults_are_found() {
    let sound = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na\n";
    assert!(faults(sound).is_empty());
    for (wrong, fault) in [
        ("#EXTM3U\n#EXTINF:4,\na\n", "no target duration"),
        (
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:5,\na\n",
            "a segment over the target duration",
        ),
        (
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\na\n",
            "a URI without EXTINF",
        ),
        (
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na\n#EXT-X-MEDIA-SEQUENCE:1\n",
            "#EXT-X-MEDIA-SEQUENCE after a segment",
        ),
        (
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-BYTERANGE:5\n#EXTINF:4,\na\n",
            "an open byte range that follows nothing",
        ),
        (
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n\
             #EXT-X-DATERANGE:ID=\"a\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:00Z\",X-ASSET-URI=\"a\"\n#EXTINF:4,\na\n",
            "X-ASSET-URI is not absolute",
        ),
    ] {
        assert!(
            faults(wrong).contains(fault),
            "{fault}: {:?}",
            faults(wrong)
        );
    }
}
