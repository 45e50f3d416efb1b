//! Broken media playlists.

use super::{Case, playlist};

/// A VOD playlist of two segments with these lines at the head and these among the segments.
pub(super) fn vod(head: &str, body: &str) -> String {
    format!(
        "#EXTM3U\n#EXT-X-VERSION:13\n#EXT-X-TARGETDURATION:6\n#EXT-X-PLAYLIST-TYPE:VOD\n{head}\
         #EXTINF:6.006,\na.ts\n{body}#EXTINF:6.006,\nb.ts\n#EXT-X-ENDLIST\n"
    )
}

/// A low-latency playlist with these lines at the head and these at the end.
pub(super) fn live(control: &str, body: &str) -> String {
    format!(
        "#EXTM3U\n#EXT-X-VERSION:13\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n{control}\
         #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n#EXTINF:4.000,\na.ts\n{body}"
    )
}

const DATED: &str = "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n";

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = form();
    cases.extend(segments());
    cases.extend(dates());
    cases.extend(apple());
    cases
}

fn form() -> Vec<Case> {
    let mut encoding = playlist("rfc-4.1-utf-8", &vod("»## \u{e9}\n", ""));
    let text = encoding.files.get_mut("index.m3u8").unwrap();
    let at = text
        .windows(2)
        .position(|pair| pair == [0xc3, 0xa9])
        .unwrap();
    text[at] = 0xff;
    vec![
        encoding,
        playlist(
            "rfc-4.1-byte-order-mark",
            &format!("\u{feff}{}", vod("", "")),
        ),
        playlist("rfc-4.1-control-characters", &vod("»## a\u{7}b\n", "")),
        playlist(
            "rfc-4.1-white-space",
            &vod("", "").replace("a.ts", "»a.ts "),
        ),
        playlist("rfc-4.1-uri", &vod("", "").replace("a.ts", "»a b.ts")),
        playlist(
            "rfc-4.1-segments",
            "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-ENDLIST\n",
        ),
        playlist(
            "rfc-4.2-list",
            &vod("»#EXT-X-MAP:URI=\"a\", BYTERANGE=\"1@0\"\n", ""),
        ),
        playlist("rfc-4.2-type", &vod("»#EXT-X-MAP:URI=a.mp4\n", "")),
        playlist(
            "rfc-4.2-enumerated",
            &vod("»#EXT-X-START:TIME-OFFSET=1,PRECISE=MAYBE\n", ""),
        ),
        playlist(
            "rfc-4.3-undefined",
            &vod("", "").replace("a.ts", "»{$x}.ts"),
        ),
        playlist("rfc-4.4-value", &vod("»#EXT-X-MEDIA-SEQUENCE:one\n", "")),
        playlist(
            "rfc-4.4.1.1-first-line",
            "»#EXT-X-TARGETDURATION:6\n#EXTINF:6.0,\na.ts\n",
        ),
        playlist(
            "rfc-4.4.1.2-missing",
            "#EXTM3U\n#EXT-X-TARGETDURATION:6\n»#EXTINF:5.5,\na.ts\n#EXT-X-ENDLIST\n",
        ),
        playlist("rfc-4.4.1.2-once", &vod("»#EXT-X-VERSION:13\n", "")),
        playlist(
            "rfc-8-version",
            "#EXTM3U\n»#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:6,\na.m4s\n",
        ),
        playlist(
            "rfc-4.4.2-once",
            &vod(
                "#EXT-X-INDEPENDENT-SEGMENTS\n»#EXT-X-INDEPENDENT-SEGMENTS\n",
                "",
            ),
        ),
        playlist(
            "rfc-4.4.2.2-required",
            &vod("»#EXT-X-START:PRECISE=YES\n", ""),
        ),
        playlist(
            "rfc-4.4.2.2-offset",
            &vod("»#EXT-X-START:TIME-OFFSET=-99\n", ""),
        ),
        playlist(
            "rfc-4.4.2.3-name",
            &vod("»#EXT-X-DEFINE:NAME=\"a b\",VALUE=\"1\"\n", ""),
        ),
        playlist(
            "rfc-4.4.2.3-duplicate",
            &vod(
                "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"1\"\n»#EXT-X-DEFINE:NAME=\"a\",VALUE=\"1\"\n",
                "",
            ),
        ),
        playlist("rfc-4.4.2.3-form", &vod("»#EXT-X-DEFINE:VALUE=\"1\"\n", "")),
        playlist("rfc-4.4.2.3-value", &vod("»#EXT-X-DEFINE:NAME=\"a\"\n", "")),
        playlist(
            "rfc-4.4.2.3-import",
            &vod("»#EXT-X-DEFINE:IMPORT=\"a\"\n", ""),
        ),
        playlist(
            "rfc-4.4.2.3-query",
            &vod("»#EXT-X-DEFINE:QUERYPARAM=\"a\"\n", ""),
        ),
        playlist("rfc-4.4.3-once", &vod("»#EXT-X-TARGETDURATION:6\n", "")),
        playlist("rfc-4.4.3.1-required", "#EXTM3U\n#EXTINF:6,\na.ts\n"),
        playlist(
            "rfc-4.4.3.1-least",
            "#EXTM3U\n»#EXT-X-TARGETDURATION:0\n#EXTINF:0,\na.ts\n",
        ),
        playlist("rfc-4.4.3.1-exceeded", &vod("", "»#EXTINF:6.5,\nc.ts\n")),
        playlist("rfc-4.4.3.2-first", &vod("", "»#EXT-X-MEDIA-SEQUENCE:1\n")),
        playlist(
            "rfc-4.4.3.3-first",
            &vod(
                "#EXT-X-DISCONTINUITY\n»#EXT-X-DISCONTINUITY-SEQUENCE:1\n",
                "",
            ),
        ),
        playlist(
            "rfc-4.4.3.5-value",
            &vod("", "").replace("#EXT-X-PLAYLIST-TYPE:VOD", "»#EXT-X-PLAYLIST-TYPE:LIVE"),
        ),
        playlist(
            "rfc-4.4.3.6-init",
            "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:6\n#EXT-X-I-FRAMES-ONLY\n#EXTINF:2.0,\n\
             #EXT-X-BYTERANGE:100@0\n»a.ts\n#EXT-X-ENDLIST\n",
        ),
        playlist(
            "rfc-4.4.5-once",
            &vod(
                "#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n»#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n",
                "",
            ),
        ),
        playlist("rfc-6.2.1-available", &vod("", "").replace("a.ts", "»a.ts")),
        playlist(
            "rfc-6.2.1-end",
            &vod("", "").replace("#EXT-X-ENDLIST\n", ""),
        ),
        playlist("rfc-6.2.2-window", &live("", "")),
    ]
}

fn segments() -> Vec<Case> {
    vec![
        playlist("rfc-4.4.4.1-required", &vod("", "»c.ts\n")),
        playlist("rfc-4.4.4.1-form", &vod("", "»#EXTINF:6.0\nc.ts\n")),
        playlist(
            "rfc-4.4.4.1-integer",
            "#EXTM3U\n#EXT-X-VERSION:2\n#EXT-X-TARGETDURATION:6\n»#EXTINF:5.5,\na.ts\n",
        ),
        playlist(
            "rfc-4.4.4.1-accurate",
            "#EXTM3U\n#EXT-X-TARGETDURATION:6\n»#EXTINF:6,\na.ts\n#EXTINF:6,\nb.ts\n",
        ),
        playlist("rfc-4.4.4.1-segment", &vod("»#EXTINF:6.0,\n", "")),
        playlist("rfc-4.4.4.2-form", &vod("»#EXT-X-BYTERANGE:5@x\n", "")),
        playlist("rfc-4.4.4.2-offset", &vod("»#EXT-X-BYTERANGE:5\n", "")),
        playlist("rfc-4.4.4.4-required", &vod("»#EXT-X-KEY:URI=\"k\"\n", "")),
        playlist(
            "rfc-4.4.4.4-none",
            &vod("»#EXT-X-KEY:METHOD=NONE,URI=\"k\"\n", ""),
        ),
        playlist("rfc-4.4.4.4-uri", &vod("»#EXT-X-KEY:METHOD=AES-128\n", "")),
        playlist(
            "rfc-4.4.4.4-iv-length",
            &vod(
                "»#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x000000000000000000000000000000001\n",
                "",
            ),
        ),
        playlist(
            "rfc-4.4.4.4-iv",
            &vod(
                "»#EXT-X-KEY:METHOD=AES-256-GCM,URI=\"k\",IV=0x00000000000000000000000000000001\n",
                "",
            ),
        ),
        playlist(
            "rfc-4.4.4.4-versions",
            &vod(
                "»#EXT-X-KEY:METHOD=AES-128,URI=\"k\",KEYFORMATVERSIONS=\"1/0\"\n",
                "",
            ),
        ),
        playlist(
            "rfc-4.4.4.5-required",
            &vod("»#EXT-X-MAP:BYTERANGE=\"1@0\"\n", ""),
        ),
        playlist(
            "rfc-4.4.4.5-byterange",
            &vod("»#EXT-X-MAP:URI=\"i\",BYTERANGE=\"1\"\n", ""),
        ),
        playlist(
            "rfc-4.4.4.5-iv",
            &vod(
                "»#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-MAP:URI=\"i\"\n",
                "",
            ),
        ),
        playlist(
            "rfc-4.4.4.6-form",
            &vod("»#EXT-X-PROGRAM-DATE-TIME:today\n", ""),
        ),
        playlist(
            "rfc-4.4.4.6-accurate",
            &vod("»#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n", ""),
        ),
        playlist(
            "rfc-6.2.1-date",
            &vod(DATED, "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:09.000Z\n")
                .replace("b.ts", "»b.ts"),
        ),
        playlist(
            "apple-13.2",
            &vod(
                "»#EXT-X-KEY:METHOD=AES-128,URI=\"skd://a\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n",
                "",
            ),
        ),
        playlist(
            "apple-13.3",
            &vod("»#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://a\"\n", ""),
        ),
        playlist(
            "apple-13.4",
            &vod(
                "»#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://a\",IV=0x0A,KEYFORMAT=\"com.apple.streamingkeydelivery\"\n",
                "",
            ),
        ),
        playlist(
            "apple-13.11",
            &vod("»#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"k\"\n", ""),
        ),
    ]
}

fn dates() -> Vec<Case> {
    let case =
        |rule, tag: &str| playlist(rule, &vod(&format!("{DATED}»#EXT-X-DATERANGE:{tag}\n"), ""));
    let start = "ID=\"a\",START-DATE=\"2026-01-01T00:00:00.000Z\"";
    vec![
        case(
            "rfc-4.4.5.1-required",
            "START-DATE=\"2026-01-01T00:00:00.000Z\"",
        ),
        case("rfc-4.4.5.1-start", "ID=\"a\""),
        case("rfc-4.4.5.1-date", "ID=\"a\",START-DATE=\"today\""),
        case(
            "rfc-4.4.5.1-accurate",
            "ID=\"a\",START-DATE=\"2026-01-01T00:00:00\"",
        ),
        case(
            "rfc-4.4.5.1-end",
            &format!("{start},END-DATE=\"2025-01-01T00:00:00.000Z\""),
        ),
        case("rfc-4.4.5.1-negative", &format!("{start},DURATION=-1")),
        case(
            "rfc-4.4.5.1-duration",
            &format!("{start},END-DATE=\"2026-01-01T00:00:10.000Z\",DURATION=9"),
        ),
        case("rfc-4.4.5.1-cue", &format!("{start},CUE=\"PRE,POST\"")),
        case(
            "rfc-4.4.5.1-next-class",
            &format!("{start},END-ON-NEXT=YES"),
        ),
        case(
            "rfc-4.4.5.1-next-end",
            &format!("{start},CLASS=\"c\",END-ON-NEXT=YES,DURATION=1"),
        ),
        playlist(
            "rfc-4.4.5.1-overlap",
            &vod(
                &format!(
                    "{DATED}»#EXT-X-DATERANGE:{start},CLASS=\"c\",DURATION=60\n\
                     #EXT-X-DATERANGE:ID=\"b\",CLASS=\"c\",START-DATE=\"2026-01-01T00:00:30.000Z\",END-ON-NEXT=YES\n"
                ),
                "",
            ),
        ),
        playlist(
            "rfc-4.4.5.1-program-date",
            &vod(&format!("»#EXT-X-DATERANGE:{start}\n"), ""),
        ),
        playlist(
            "rfc-4.4.5.1-same",
            &vod(
                &format!(
                    "{DATED}#EXT-X-DATERANGE:{start},X-A=1\n»#EXT-X-DATERANGE:ID=\"a\",X-A=2\n"
                ),
                "",
            ),
        ),
    ]
}

fn apple() -> Vec<Case> {
    let long: String = "#EXTINF:2.0,\nc.ts\n".repeat(4);
    vec![
        playlist(
            "apple-7.5",
            &vod("", "").replace("#EXT-X-TARGETDURATION:6", "»#EXT-X-TARGETDURATION:10"),
        ),
        playlist("apple-7.6", &vod("", &long)),
        playlist("apple-7.7", &vod("", "»#EXTINF:6.6,\nc.ts\n")),
        playlist(
            "apple-8.4",
            "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na.ts\n",
        ),
        playlist(
            "apple-8.6",
            &vod("", "").replace("#EXT-X-PLAYLIST-TYPE:VOD\n", ""),
        ),
        playlist("apple-8.11", &live("", "")),
        playlist("apple-8.12", &live("", "")),
        playlist(
            "apple-8.17",
            &live("", "»#EXT-X-DISCONTINUITY\n#EXTINF:4.0,\nc.ts\n"),
        ),
    ]
}
