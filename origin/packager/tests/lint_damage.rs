//! Whatever the bytes, the linter comes to an end and says something.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lint_support;
mod support;

use lint_support::{Files, lint};
use proptest::prelude::*;
use support::{fixture, package};
use weir_packager::Options;

/// Playlists with every tag, from which damaged ones are made.
const MEDIA: &str = "#EXTM3U\n#EXT-X-VERSION:13\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n\
    #EXT-X-DISCONTINUITY-SEQUENCE:1\n#EXT-X-START:TIME-OFFSET=-3.5,PRECISE=YES\n#EXT-X-DEFINE:NAME=\"n\",VALUE=\"v\"\n\
    #EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=24.0,HOLD-BACK=12.0,PART-HOLD-BACK=3.0,CAN-BLOCK-RELOAD=YES\n\
    #EXT-X-PART-INF:PART-TARGET=1.0\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x0A\n\
    #EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"10@0\"\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n\
    #EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-01-01T00:00:00.000Z\",CLASS=\"c\",END-ON-NEXT=YES\n\
    #EXT-X-BITRATE:900\n#EXTINF:4.000,title\n#EXT-X-BYTERANGE:100@5\n{$n}.ts\n#EXT-X-DISCONTINUITY\n#EXT-X-GAP\n\
    #EXTINF:3.5,\n#EXT-X-BYTERANGE:100\n{$n}.ts\n#EXT-X-PART:URI=\"p\",DURATION=1.0,INDEPENDENT=YES\n\
    #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p\"\n#EXT-X-RENDITION-REPORT:URI=\"r\",LAST-MSN=3,LAST-PART=1\n";
const MULTIVARIANT: &str = "#EXTM3U\n#EXT-X-VERSION:13\n#EXT-X-INDEPENDENT-SEGMENTS\n\
    #EXT-X-CONTENT-STEERING:SERVER-URI=\"s\",PATHWAY-ID=\"p\"\n#EXT-X-SESSION-DATA:DATA-ID=\"a.b\",VALUE=\"c\"\n\
    #EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"E\",LANGUAGE=\"en\",CHANNELS=\"16/JOC\",URI=\"a.m3u8\"\n\
    #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"E\",INSTREAM-ID=\"CC1\"\n\
    #EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"hvc1.2.4.L153.b0,mp4a.40.2\",SUPPLEMENTAL-CODECS=\"dvh1.08.07/db4h\",\
    RESOLUTION=1x2,FRAME-RATE=25,VIDEO-RANGE=PQ,ALLOWED-CPC=\"x:A/B\",REQ-VIDEO-LAYOUT=\"CH-STEREO\",AUDIO=\"a\",\
    CLOSED-CAPTIONS=\"c\",SCORE=1.5,PATHWAY-ID=\"p\"\nm.m3u8\n\
    #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i.m3u8\"\n";

fn presented(multivariant: Vec<u8>, media: Vec<u8>) -> Files {
    Files::from([
        ("index.m3u8".to_owned(), multivariant),
        ("m.m3u8".to_owned(), media.clone()),
        ("a.m3u8".to_owned(), media.clone()),
        ("i.m3u8".to_owned(), media),
        ("v.ts".to_owned(), vec![0x47; 188 * 3]),
        ("i.mp4".to_owned(), vec![0; 20]),
    ])
}

/// Replaces, removes or repeats stretches of `text`.
fn damage(text: &str, edits: &[(usize, u8, Vec<u8>)]) -> Vec<u8> {
    let mut data = text.as_bytes().to_vec();
    for (place, kind, bytes) in edits {
        if data.is_empty() {
            break;
        }
        let at = place % data.len();
        match kind % 3 {
            0 => drop(data.splice(at..at, bytes.iter().copied())),
            1 => drop(data.drain(at..(at + bytes.len()).min(data.len()))),
            _ => {
                let end = (at + bytes.len() * 8).min(data.len());
                let again = data[at..end].to_vec();
                data.splice(at..at, again);
            }
        }
    }
    data
}

fn edits() -> impl Strategy<Value = Vec<(usize, u8, Vec<u8>)>> {
    let byte = prop_oneof![
        any::<u8>(),
        proptest::sample::select(b"0123456789-.,:=\"@/x{$}\n\r #".to_vec())
    ];
    proptest::collection::vec(
        (
            any::<usize>(),
            any::<u8>(),
            proptest::collection::vec(byte, 0..24),
        ),
        0..12,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_playlists(first in edits(), second in edits()) {
        let report = lint(&presented(damage(MULTIVARIANT, &first), damage(MEDIA, &second)), "index.m3u8");
        prop_assert!(report.playlists >= 1);
        let _ = report.to_string();
        prop_assert!(serde_json::to_string(&report).is_ok());
    }

    #[test]
    fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        let report = lint(&presented(data.clone(), data), "index.m3u8");
        prop_assert!(report.playlists >= 1);
    }

    #[test]
    fn damaged_segments(
        place in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut files = film();
        let media: Vec<String> = files.keys().filter(|path| path.contains(".m")).cloned().collect();
        let file = files.get_mut(place.get(&media)).unwrap();
        // Most of what is read stands at the start.
        let head = file.len().min(2_000);
        for (at, value) in changes {
            file[at.index(head)] = value;
        }
        if is_cut {
            file.truncate(cut.index(file.len()));
        }
        let report = lint(&files, "multivariant.m3u8");
        prop_assert!(report.playlists >= 1);
    }
}

fn film() -> Files {
    static FILM: std::sync::OnceLock<Files> = std::sync::OnceLock::new();
    FILM.get_or_init(|| {
        let run = package(&[&fixture("bigbuckbunny-720p-5s.mp4")], Options::default()).unwrap();
        run.files.into_iter().collect()
    })
    .clone()
}

/// Sizes and numbers at the ends of their ranges.
#[test]
fn extremes() {
    let most = u64::MAX;
    let media = format!(
        "#EXTM3U\n#EXT-X-VERSION:{most}\n#EXT-X-TARGETDURATION:{most}\n#EXT-X-MEDIA-SEQUENCE:{most}\n\
         #EXT-X-MAP:URI=\"v.ts\",BYTERANGE=\"{most}@{most}\"\n#EXT-X-BITRATE:{most}\n\
         #EXTINF:99999999999999999999999999999999999999.0,\n#EXT-X-BYTERANGE:{most}@{most}\nv.ts\n\
         #EXTINF:0,\n#EXT-X-BYTERANGE:{most}\nv.ts\n#EXT-X-ENDLIST\n"
    );
    let root = format!(
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH={most},AVERAGE-BANDWIDTH={most},RESOLUTION={most}x{most},\
         FRAME-RATE=99999999999\nm.m3u8\n"
    );
    let report = lint(
        &presented(root.into_bytes(), media.into_bytes()),
        "index.m3u8",
    );
    assert!(!report.findings.is_empty());
}

/// Many segments of no duration must not make work that grows with their square.
#[test]
fn many_short_segments() {
    let mut media =
        "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:6\n#EXT-X-PLAYLIST-TYPE:VOD\n".to_owned();
    for number in 0..20_000 {
        media.push_str(&format!("#EXTINF:0,\n#EXT-X-BYTERANGE:1@{number}\nv.ts\n"));
    }
    media.push_str("#EXT-X-ENDLIST\n");
    let root = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nm.m3u8\n";
    let report = lint(&presented(root.into(), media.into_bytes()), "index.m3u8");
    assert!(report.count(weir_packager::lint::Severity::Must) > 0);
}
