//! Broken low-latency playlists (RFC 8216bis, appendix B and the tags of parts).

use super::playlists::{live, vod};
use super::{Case, playlist};

const PART_INF: &str = "#EXT-X-PART-INF:PART-TARGET=1.0\n";

pub(crate) fn cases() -> Vec<Case> {
    let control = |rule, attributes: &str| {
        playlist(
            rule,
            &live(
                &format!("{PART_INF}»#EXT-X-SERVER-CONTROL:{attributes}\n"),
                "",
            ),
        )
    };
    let parts = |rule, body: &str| {
        playlist(
            rule,
            &live(
                &format!("{PART_INF}#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=3.0,CAN-SKIP-UNTIL=24\n"),
                body,
            ),
        )
    };
    let part = "#EXT-X-PART:URI=\"p\",DURATION=1.0\n";
    vec![
        playlist("rfc-4.4.3.7-required", &live("»#EXT-X-PART-INF:X=1\n", "")),
        playlist("rfc-4.4.3.7-part-inf", &live("", &format!("»{part}"))),
        control(
            "rfc-4.4.3.8-skip-until",
            "CAN-SKIP-UNTIL=12.0,PART-HOLD-BACK=3.0",
        ),
        control(
            "rfc-4.4.3.8-skip-dateranges",
            "CAN-SKIP-DATERANGES=YES,PART-HOLD-BACK=3.0",
        ),
        control("rfc-4.4.3.8-hold-back", "HOLD-BACK=5,PART-HOLD-BACK=3.0"),
        playlist(
            "rfc-4.4.3.8-part-hold-back-required",
            &live(&format!("»{PART_INF}"), ""),
        ),
        control("rfc-4.4.3.8-part-hold-back", "PART-HOLD-BACK=1.5"),
        control("apple-14.3", "PART-HOLD-BACK=2.5"),
        playlist(
            "apple-14.4",
            &live(
                &format!("{PART_INF}»#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=3.0\n"),
                &"#EXTINF:4.0,\nx.ts\n".repeat(40),
            ),
        ),
        playlist(
            "apple-14.5",
            &live(
                &format!(
                    "{PART_INF}»#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=3.0,CAN-SKIP-UNTIL=24\n\
                     #EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-01-01T00:00:00.000Z\"\n"
                ),
                "",
            ),
        ),
        parts("rfc-4.4.4.9-required", "»#EXT-X-PART:URI=\"p\"\n"),
        parts(
            "rfc-4.4.4.9-order",
            &format!("{part}»#EXT-X-DISCONTINUITY\n{part}#EXTINF:2.0,\nc.ts\n"),
        ),
        parts(
            "rfc-4.4.4.9-longest",
            "»#EXT-X-PART:URI=\"p\",DURATION=1.5,INDEPENDENT=YES\n",
        ),
        parts(
            "rfc-4.4.4.9-shortest",
            &format!("»#EXT-X-PART:URI=\"p\",DURATION=0.5\n{part}"),
        ),
        playlist(
            "rfc-4.4.4.9-i-frames",
            &vod(&format!("#EXT-X-I-FRAMES-ONLY\n»{part}"), ""),
        ),
        playlist(
            "rfc-4.4.5.2-required",
            &live("»#EXT-X-SKIP:RECENTLY-REMOVED-DATERANGES=\"\"\n", ""),
        ),
        playlist(
            "rfc-4.4.5.2-support",
            &live("»#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n", ""),
        ),
        playlist(
            "rfc-4.4.5.3-required",
            &live("»#EXT-X-PRELOAD-HINT:TYPE=PART\n", ""),
        ),
        playlist(
            "rfc-4.4.5.3-ended",
            &vod("»#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p\"\n", ""),
        ),
        playlist(
            "rfc-4.4.5.4-required",
            &live("»#EXT-X-RENDITION-REPORT:URI=\"a.m3u8\"\n", ""),
        ),
        playlist(
            "rfc-4.4.5.4-relative",
            &live(
                "»#EXT-X-RENDITION-REPORT:URI=\"https://a.example/a.m3u8\",LAST-MSN=1\n",
                "",
            ),
        ),
    ]
}
