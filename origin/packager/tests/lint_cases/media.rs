//! Segments made by hand: transport streams, WebVTT, packed audio, and what is none of them.

use super::Case;
use crate::lint_support::Files;

/// A playlist of these segments. The finding must be at the URI of the last one.
fn presented(rule: &'static str, segments: &[(&str, Vec<u8>)]) -> Case {
    let mut text =
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:6\n#EXT-X-PLAYLIST-TYPE:VOD\n".to_owned();
    let mut files = Files::new();
    for (name, data) in segments {
        text.push_str(&format!("#EXTINF:6.000,\n{name}\n"));
        files.insert((*name).to_owned(), data.clone());
    }
    let line = text.lines().count();
    text.push_str("#EXT-X-ENDLIST\n");
    files.insert("index.m3u8".to_owned(), text.into_bytes());
    Case {
        rule,
        files,
        start: "index.m3u8".to_owned(),
        line: Some(line),
    }
}

/// A packet with a payload that starts a section or PES packet.
fn packet(pid: u16, counter: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = pid.to_be_bytes();
    let mut packet = vec![0x47, 0x40 | high, low, 0x10 | counter];
    packet.extend_from_slice(payload);
    packet.resize(188, 0xff);
    packet
}

/// A program association table with programs whose maps are at these identifiers.
fn association(maps: &[u16]) -> Vec<u8> {
    let length = u8::try_from(9 + maps.len() * 4).unwrap();
    let mut section = vec![0, 0, 0xb0, length, 0, 1, 0xc1, 0, 0];
    for (number, map) in (1_u16..).zip(maps) {
        section.extend_from_slice(&number.to_be_bytes());
        section.extend_from_slice(&(0xe000 | map).to_be_bytes());
    }
    section.extend_from_slice(&[0; 4]);
    packet(0, 0, &section)
}

/// A program map table with streams of these types, at identifiers 256 and up.
fn map(kinds: &[u8]) -> Vec<u8> {
    let length = u8::try_from(13 + kinds.len() * 5).unwrap();
    let mut section = vec![0, 2, 0xb0, length, 0, 1, 0xc1, 0, 0, 0xe1, 0, 0xf0, 0];
    for (pid, kind) in (256_u16..).zip(kinds) {
        section.push(*kind);
        section.extend_from_slice(&(0xe000 | pid).to_be_bytes());
        section.extend_from_slice(&[0xf0, 0]);
    }
    section.extend_from_slice(&[0; 4]);
    packet(32, 0, &section)
}

fn pes(pid: u16, counter: u8) -> Vec<u8> {
    packet(
        pid,
        counter,
        &[0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1],
    )
}

/// A stream of H.264 with continuity counters from `first`.
fn stream(first: u8) -> Vec<u8> {
    let mut data = [association(&[32]), map(&[0x1b])].concat();
    data.extend((0..3).flat_map(|step| pes(256, (first + step) & 15)));
    data
}

pub(crate) fn cases() -> Vec<Case> {
    let swapped = [pes(256, 0), association(&[32]), map(&[0x1b])].concat();
    let mut cut = stream(0);
    cut.truncate(cut.len() - 100);
    let text = |body: &str| {
        format!("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n{body}").into_bytes()
    };
    vec![
        presented("rfc-3.1-format", &[("a.bin", vec![0x11; 2000])]),
        presented("rfc-3.1.1-packets", &[("a.ts", cut)]),
        presented(
            "rfc-3.1.1-program",
            &[(
                "a.ts",
                [association(&[32, 33]), map(&[0x1b]), pes(256, 0)].concat(),
            )],
        ),
        presented(
            "rfc-3.1.1-tables",
            &[("a.ts", [pes(256, 0), pes(256, 1), pes(256, 2)].concat())],
        ),
        presented("rfc-3.1.1-tables-first", &[("a.ts", swapped)]),
        presented(
            "rfc-3.1.3-timestamp",
            &[("a.aac", vec![0xff, 0xf1, 0x50, 0x80, 0, 0, 0, 0])],
        ),
        presented(
            "rfc-3.1.4-cues",
            &[("a.vtt", text("00:02.000 --> 00:01.000\nx\n"))],
        ),
        presented(
            "apple-5.3",
            &[("a.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nx\n".to_vec())],
        ),
        presented(
            "apple-1.5",
            &[(
                "a.ts",
                [association(&[32]), map(&[0x24]), pes(256, 0)].concat(),
            )],
        ),
        presented(
            "apple-2.17",
            &[(
                "a.ts",
                [association(&[32]), map(&[0x1b, 0x0f, 0x0f]), pes(256, 0)].concat(),
            )],
        ),
        presented("apple-7.2", &[("a.ts", stream(0)), ("b.ts", stream(9))]),
        presented(
            "rfc-4.4.4.3-format",
            &[
                ("a.ts", stream(0)),
                ("b.aac", b"ID3\x04\0\0\0\0\0\0".to_vec()),
            ],
        ),
        subtitles_in_a_transport_stream(),
        lossless_in_a_transport_stream(),
        packed_i_frames(),
        bit_rate(),
    ]
}

fn subtitles_in_a_transport_stream() -> Case {
    let mut case = presented("apple-5.2", &[("s.ts", stream(0))]);
    let playlist = case.files.remove("index.m3u8").unwrap();
    case.files.insert("s.m3u8".to_owned(), playlist);
    let root = "#EXTM3U\n#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"E\",LANGUAGE=\"en\",URI=\"s.m3u8\"\n\
                #EXT-X-STREAM-INF:BANDWIDTH=1,SUBTITLES=\"s\"\nv.m3u8\n";
    case.files
        .insert("index.m3u8".to_owned(), root.as_bytes().to_vec());
    case
}

fn lossless_in_a_transport_stream() -> Case {
    let mut case = presented(
        "apple-2.25",
        &[(
            "a.ts",
            [association(&[32]), map(&[0x0f]), pes(256, 0)].concat(),
        )],
    );
    let playlist = case.files.remove("index.m3u8").unwrap();
    case.files.insert("a.m3u8".to_owned(), playlist);
    let root = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"fLaC\"\na.m3u8\n";
    case.files
        .insert("index.m3u8".to_owned(), root.as_bytes().to_vec());
    case.line = Some(2);
    case
}

fn packed_i_frames() -> Case {
    let mut case = presented(
        "apple-1.2",
        &[("a.aac", b"ID3\x04\0\0\0\0\0\0com.apple.streaming".to_vec())],
    );
    let text = String::from_utf8(case.files["index.m3u8"].clone()).unwrap();
    let text = text.replace(
        "#EXT-X-PLAYLIST-TYPE:VOD\n",
        "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-I-FRAMES-ONLY\n",
    );
    case.files
        .insert("index.m3u8".to_owned(), text.into_bytes());
    case.line = None;
    case
}

fn bit_rate() -> Case {
    let mut case = presented("rfc-4.4.4.8-rate", &[("a.ts", stream(0))]);
    let text = String::from_utf8(case.files["index.m3u8"].clone()).unwrap();
    let text = text.replace("#EXTINF", "#EXT-X-BITRATE:900\n#EXTINF");
    case.files
        .insert("index.m3u8".to_owned(), text.into_bytes());
    case.line = Some(5);
    case
}
