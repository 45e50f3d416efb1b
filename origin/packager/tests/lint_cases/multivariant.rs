//! Broken multivariant playlists.

use super::{Case, playlist};

const AUDIO: &str = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,\
                     CHANNELS=\"2\",URI=\"a.m3u8\"\n";
const VARIANT: &str = "#EXT-X-STREAM-INF:BANDWIDTH=2000000,AVERAGE-BANDWIDTH=1500000,CODECS=\"avc1.640028,mp4a.40.2\",\
                       RESOLUTION=1280x720,FRAME-RATE=25.000,AUDIO=\"a\"";
const I_FRAMES: &str = "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=200000,CODECS=\"avc1.640028\",RESOLUTION=1280x720,URI=\"i.m3u8\"";

/// A multivariant playlist with one variant and these lines.
fn with(lines: &str) -> String {
    format!(
        "#EXTM3U\n#EXT-X-VERSION:13\n#EXT-X-INDEPENDENT-SEGMENTS\n{AUDIO}{lines}{VARIANT}\nv.m3u8\n{I_FRAMES}\n"
    )
}

/// The variant's line replaced.
fn variant(line: &str) -> String {
    with("").replace(&format!("{VARIANT}\n"), &format!("»{line}\n"))
}

/// The variant with something replaced in its line.
fn changed(from: &str, to: &str) -> String {
    assert!(VARIANT.contains(from), "{from}");
    variant(&VARIANT.replace(from, to))
}

/// The variant with attributes added.
fn added(attributes: &str) -> String {
    variant(&format!("{VARIANT},{attributes}"))
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = places();
    cases.extend(renditions());
    cases.extend(variants());
    cases.extend(session());
    cases.extend(apple());
    cases
}

fn places() -> Vec<Case> {
    vec![
        playlist("rfc-4.4.3-place", &with("»#EXT-X-TARGETDURATION:6\n")),
        playlist("rfc-4.4.4-place", &with("»#EXTINF:6.0,\n")),
        playlist(
            "rfc-4.4.6.1-required",
            &with("»#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\"\n"),
        ),
        playlist("rfc-4.4.6.2-required", &changed("BANDWIDTH=2000000,", "")),
        playlist(
            "rfc-4.4.6.3-required",
            &with("").replace(I_FRAMES, "»#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1"),
        ),
        playlist(
            "rfc-4.4.6.4-required",
            &with("»#EXT-X-SESSION-DATA:VALUE=\"x\"\n"),
        ),
        playlist(
            "rfc-4.4.6.5-required",
            &with("»#EXT-X-SESSION-KEY:URI=\"k\"\n"),
        ),
        playlist(
            "rfc-4.4.6.6-required",
            &with("»#EXT-X-CONTENT-STEERING:PATHWAY-ID=\".\"\n"),
        ),
    ]
}

fn renditions() -> Vec<Case> {
    let media =
        |rule, attributes: &str| playlist(rule, &with(&format!("»#EXT-X-MEDIA:{attributes}\n")));
    let subtitles = "TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"English\",LANGUAGE=\"en\",URI=\"s.m3u8\"";
    let captions = "TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"English\",LANGUAGE=\"en\"";
    let audio = "TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"French\",LANGUAGE=\"fr\",URI=\"f.m3u8\"";
    vec![
        media(
            "rfc-4.4.6.1-captions-uri",
            &format!("{captions},INSTREAM-ID=\"CC1\",URI=\"c.m3u8\""),
        ),
        media(
            "rfc-4.4.6.2.1-subtitles-uri",
            "TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"English\"",
        ),
        media(
            "rfc-4.4.6.1-autoselect",
            &format!("{subtitles},DEFAULT=YES,AUTOSELECT=NO"),
        ),
        media("rfc-4.4.6.1-forced", &format!("{audio},FORCED=YES")),
        media(
            "rfc-4.4.6.1-instream-id",
            &format!("{captions},INSTREAM-ID=\"SERVICE64\""),
        ),
        media(
            "rfc-4.4.6.1-audio-attributes",
            &format!("{subtitles},CHANNELS=\"2\""),
        ),
        media(
            "rfc-4.4.6.1-channels-form",
            &format!("{audio},CHANNELS=\"two\""),
        ),
        media("rfc-4.4.6.1-channels", audio),
        media(
            "rfc-4.4.6.1-stable-id",
            &format!("{audio},STABLE-RENDITION-ID=\"a b\""),
        ),
        media(
            "rfc-4.4.6.1-stable-id-same",
            "TYPE=AUDIO,GROUP-ID=\"b\",NAME=\"English\",URI=\"a.m3u8\",STABLE-RENDITION-ID=\"x\"",
        ),
        media(
            "rfc-4.4.6.1-language",
            "TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"F\",LANGUAGE=\"french (France)\",URI=\"f\"",
        ),
        media(
            "rfc-4.4.6.1.1-names",
            "TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"English\",LANGUAGE=\"fr\",URI=\"f.m3u8\"",
        ),
        media("rfc-4.4.6.1.1-default", &format!("{audio},DEFAULT=YES")),
        media(
            "rfc-4.4.6.1.1-autoselect",
            "TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"More\",LANGUAGE=\"en\",AUTOSELECT=YES,URI=\"f.m3u8\"",
        ),
        media(
            "rfc-4.4.6.1.1-members",
            "TYPE=AUDIO,GROUP-ID=\"b\",NAME=\"French\",LANGUAGE=\"fr\",URI=\"f.m3u8\"",
        ),
        media(
            "apple-2.13",
            &format!("{audio},CHARACTERISTICS=\"public.accessibility.describes-video\""),
        ),
        media(
            "apple-2.27",
            "TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"F\",AUTOSELECT=YES,CHARACTERISTICS=\"public.accessibility.describes-video\",URI=\"f\"",
        ),
        media(
            "apple-4.5",
            &format!(
                "{subtitles},CHARACTERISTICS=\"public.accessibility.transcribes-spoken-dialog\""
            ),
        ),
        media(
            "apple-4.6",
            &format!(
                "{subtitles},CHARACTERISTICS=\"public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound\""
            ),
        ),
        media("apple-5.11", &format!("{subtitles},FORCED=YES")),
        media(
            "apple-8.10",
            "TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"F\",URI=\"f.m3u8\"",
        ),
        playlist(
            "apple-5.10",
            &added("SUBTITLES=\"s\"").replace(AUDIO, &format!("{AUDIO}#EXT-X-MEDIA:{subtitles}\n")),
        ),
        playlist("apple-4.1", &with("")),
    ]
}

fn variants() -> Vec<Case> {
    let second = "#EXT-X-STREAM-INF:BANDWIDTH=1000000,CODECS=\"avc1.640028,mp4a.40.2\",RESOLUTION=640x360,AUDIO=\"a\"";
    vec![
        playlist("rfc-4.4.6.2-uri", &with(&format!("»{second}\n"))),
        playlist("rfc-4.4.6.2-tag", &with("»stray.m3u8\n")),
        playlist("rfc-4.4.6.2-group", &changed("AUDIO=\"a\"", "AUDIO=\"b\"")),
        playlist(
            "rfc-4.4.6.2-captions-none",
            &with(&format!("{second},CLOSED-CAPTIONS=NONE\nw.m3u8\n"))
                .replace(VARIANT, &format!("»{VARIANT}")),
        ),
        playlist(
            "apple-9.19",
            &with(&format!("{second},SCORE=1.0\nw.m3u8\n"))
                .replace(VARIANT, &format!("»{VARIANT}")),
        ),
        playlist(
            "rfc-4.4.6.2-supplemental",
            &added("SUPPLEMENTAL-CODECS=\"dvh1.08.07/db4h\""),
        ),
        playlist(
            "rfc-4.4.6.2-allowed-cpc",
            &added("ALLOWED-CPC=\"com.example\""),
        ),
        playlist("rfc-4.4.6.2-layout", &added("REQ-VIDEO-LAYOUT=\"\"")),
        playlist(
            "rfc-4.4.6.2-layout-plain",
            &added("REQ-VIDEO-LAYOUT=\"CH-MONO\""),
        ),
        playlist("rfc-4.4.6.2-stable-id", &added("STABLE-VARIANT-ID=\"a b\"")),
        playlist(
            "rfc-4.4.6.2-stable-id-same",
            &with(&format!("{second},STABLE-VARIANT-ID=\"x\"\nv.m3u8\n"))
                .replace(VARIANT, &format!("»{VARIANT}")),
        ),
        playlist(
            "rfc-4.4.6.3-attributes",
            &with("").replace(I_FRAMES, &format!("»{I_FRAMES},FRAME-RATE=1.0")),
        ),
        playlist("apple-1.1", &changed("avc1.640028", "vp09.00.30.08")),
        playlist("apple-1.3a", &changed("avc1.640028", "avc1.640033")),
        playlist("apple-1.3b", &changed("avc1.640028", "avc1.64003C")),
        playlist("apple-1.4", &changed("avc1.640028", "avc1.4d4028")),
        playlist("apple-1.6a", &changed("avc1.640028", "hvc1.2.4.L150.B0")),
        playlist("apple-1.6b", &changed("avc1.640028", "hvc1.4.10.L150.B0")),
        playlist("apple-1.9", &changed("avc1.640028", "dvh1.08.07")),
        playlist("apple-1.10", &changed("avc1.640028", "avc3.640028")),
        playlist("apple-1.12", &changed("avc1.640028", "hvc1.2.4.L120.B0")),
        playlist(
            "apple-1.19",
            &changed("FRAME-RATE=25.000", "FRAME-RATE=120.000"),
        ),
        playlist(
            "apple-1.20",
            &changed("FRAME-RATE=25.000", "FRAME-RATE=50.000,VIDEO-RANGE=PQ"),
        ),
        playlist("apple-1.24", &added("VIDEO-RANGE=PQ")),
        playlist(
            "apple-1.32",
            &with(&format!("»{second}\nw.m3u8\n"))
                .replace("AVERAGE-BANDWIDTH=1500000", "AVERAGE-BANDWIDTH=2000000"),
        ),
        playlist(
            "apple-1.33",
            &with(&format!(
                "»{}\nw.m3u8\n",
                second.replace("640x360", "640x480")
            )),
        ),
        playlist(
            "apple-1.34",
            &changed("RESOLUTION=1280x720", "RESOLUTION=3840x2160")
                .replace("AVERAGE-BANDWIDTH=1500000", "AVERAGE-BANDWIDTH=20000000"),
        ),
        playlist("apple-1.37", &changed("avc1.640028", "av01.0.19M.08")),
        playlist("apple-2.2", &changed("mp4a.40.2", "opus")),
        playlist("apple-2.3", &changed("mp4a.40.2", "ac-3")),
        playlist("apple-2.6", &changed("mp4a.40.2", "mp4a.40.2,ec-3")),
    ]
}

fn session() -> Vec<Case> {
    let key = "#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"skd://a\"\n";
    let steering = "#EXT-X-CONTENT-STEERING:SERVER-URI=\"s\",PATHWAY-ID=\".\"\n";
    vec![
        playlist(
            "rfc-4.4.6.4-value",
            &with("»#EXT-X-SESSION-DATA:DATA-ID=\"a.b\"\n"),
        ),
        playlist(
            "rfc-4.4.6.4-once",
            &with(
                "#EXT-X-SESSION-DATA:DATA-ID=\"a.b\",VALUE=\"1\"\n»#EXT-X-SESSION-DATA:DATA-ID=\"a.b\",VALUE=\"2\"\n",
            ),
        ),
        playlist(
            "rfc-4.4.6.4-data-id",
            &with("»#EXT-X-SESSION-DATA:DATA-ID=\"title\",VALUE=\"1\"\n"),
        ),
        playlist(
            "rfc-4.4.6.5-none",
            &with("»#EXT-X-SESSION-KEY:METHOD=NONE\n"),
        ),
        playlist("rfc-4.4.6.5-once", &with(&format!("{key}»{key}"))),
        playlist("rfc-4.4.6.6-once", &with(&format!("{steering}»{steering}"))),
        playlist(
            "rfc-4.4.6.6-pathway",
            &with("»#EXT-X-CONTENT-STEERING:SERVER-URI=\"s\",PATHWAY-ID=\"x\"\n"),
        ),
        playlist(
            "apple-9.18",
            &with("»#EXT-X-CONTENT-STEERING:SERVER-URI=\"s\"\n"),
        ),
    ]
}

fn apple() -> Vec<Case> {
    let frames = |rule, gone: &str| {
        assert!(I_FRAMES.contains(gone), "{gone}");
        playlist(
            rule,
            &with("").replace(I_FRAMES, &format!("»{}", I_FRAMES.replace(gone, ""))),
        )
    };
    let second = VARIANT
        .replace("1280x720", "640x360")
        .replace("BANDWIDTH=2000000", "BANDWIDTH=1000000");
    vec![
        playlist("apple-6.1", &with("").replace(&format!("{I_FRAMES}\n"), "")),
        playlist("apple-6.6", &with("").replace(I_FRAMES, &format!("»{I_FRAMES}"))),
        playlist("apple-6.14", &with("").replace(I_FRAMES, &format!("»{}", I_FRAMES.replace("avc1.640028", "mjpg")))),
        playlist("apple-6.16", &with("").replace(I_FRAMES, &format!("»{I_FRAMES},VIDEO-RANGE=PQ"))),
        playlist("apple-9.1", &changed("CODECS=\"avc1.640028,mp4a.40.2\",", "")),
        playlist("apple-9.2", &changed("RESOLUTION=1280x720,", "")),
        frames("apple-9.3", "CODECS=\"avc1.640028\","),
        frames("apple-9.4", "RESOLUTION=1280x720,"),
        playlist("apple-9.5", &changed(",AUDIO=\"a\"", "")),
        playlist(
            "apple-9.6",
            &with("").replace(AUDIO, &AUDIO.replace(",URI=\"a.m3u8\"", "").replace("CHANNELS=\"2\"", "CHANNELS=\"6\"")),
        ),
        playlist(
            "apple-9.7",
            &with("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"F\",LANGUAGE=\"fr\",URI=\"f.m3u8\"\n")
                .replace(",URI=\"a.m3u8\"", ""),
        ),
        playlist("apple-9.9", &variant(VARIANT)),
        playlist("apple-9.10", &with(&format!("{second}\nw.m3u8\n")).replace(VARIANT, &format!("»{VARIANT}"))),
        playlist("apple-9.11", &with("").replace("#EXT-X-INDEPENDENT-SEGMENTS\n", "")),
        playlist("apple-9.14", &changed("AVERAGE-BANDWIDTH=1500000,", "")),
        playlist("apple-9.15", &changed("FRAME-RATE=25.000,", "")),
        playlist(
            "apple-9.16",
            &with(&format!("{second},VIDEO-RANGE=PQ\nw.m3u8\n")).replace(VARIANT, &format!("»{VARIANT}")),
        ),
    ]
}
