//! Playlists that claim what the media are not.

use super::{
    AUDIO, Case, Files, PICTURES, ROOT, TABLES, VIDEO, attribute, case, film, full, resize, talkie,
    text,
};

pub(super) fn cases() -> Vec<Case> {
    let mut muted = talkie();
    let segment = muted["video-1/00001.m4s"].clone();
    muted.insert("audio-1/00001.m4s".to_owned(), segment);
    let mut changed = film();
    let other = talkie();
    changed.insert(
        "video-1/other.mp4".to_owned(),
        other["video-1/init.mp4"].clone(),
    );
    let mut tracks = film();
    tracks.insert(
        "video-1/other.mp4".to_owned(),
        other["audio-1/init.mp4"].clone(),
    );
    let next = |files: Files, rule: &'static str| {
        text(
            rule,
            files,
            VIDEO,
            "00001.m4s\n",
            "00001.m4s\n#EXT-X-MAP:URI=\"other.mp4\"\n",
        )
    };
    vec![
        text(
            "rfc-4.4.6.2-codecs-media",
            talkie(),
            ROOT,
            "avc1.4d401f",
            "avc1.42c01e",
        ),
        text(
            "rfc-4.4.6.2-codecs-extra",
            talkie(),
            ROOT,
            "avc1.4d401f,mp4a.40.2",
            "avc1.4d401f,mp4a.40.2,ac-3",
        ),
        text(
            "rfc-4.4.6.1-channels-count",
            talkie(),
            ROOT,
            "CHANNELS=\"6\"",
            "CHANNELS=\"2\"",
        ),
        attribute("rfc-4.4.6.2-resolution", talkie(), "RESOLUTION", "640x360"),
        attribute("rfc-4.4.6.2-frame-rate", talkie(), "FRAME-RATE", "50.000"),
        attribute("rfc-4.4.6.2-bandwidth", talkie(), "BANDWIDTH", "1000"),
        attribute("rfc-4.4.6.2-average", talkie(), "AVERAGE-BANDWIDTH", "1000"),
        attribute("apple-1.26", talkie(), "AVERAGE-BANDWIDTH", "99000000"),
        attribute("apple-1.27", talkie(), "BANDWIDTH", "99000000"),
        live_rates("apple-1.28"),
        live_rates("apple-1.29"),
        peaky(),
        hdr(),
        text(
            "rfc-4.4.6.3-i-frames-only",
            film(),
            PICTURES,
            "#EXT-X-I-FRAMES-ONLY\n",
            "",
        ),
        not_a_keyframe(),
        text(
            "rfc-4.4.3.6-duration",
            film(),
            PICTURES,
            "#EXTINF:2",
            "#EXTINF:1",
        ),
        text("apple-8.1", film(), VIDEO, "#EXTINF:4", "#EXTINF:5"),
        next(changed, "rfc-4.4.4.3-encoding"),
        next(tracks, "rfc-4.4.4.3-tracks"),
        late_segment(),
        text("apple-1.13", film(), VIDEO, "00001.m4s", "00001.m4s"),
        attribute("apple-1.18", talkie(), "FRAME-RATE", "26.500"),
        case("apple-2.19", talkie()),
        text("apple-6.2", film(), PICTURES, "#EXTM3U", "#EXTM3U"),
        independent(),
        he_aac(),
        av1_in_a_transport_stream(),
    ]
}

/// The rates of a playlist that goes on.
fn live_rates(rule: &'static str) -> Case {
    let mut files = talkie();
    for path in [VIDEO, AUDIO, PICTURES] {
        let old = String::from_utf8(files[path].clone()).unwrap();
        let new = old
            .replace("#EXT-X-ENDLIST\n", "")
            .replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "");
        files.insert(path.to_owned(), new.into_bytes());
    }
    let name = if rule == "apple-1.28" {
        "AVERAGE-BANDWIDTH"
    } else {
        "BANDWIDTH"
    };
    attribute(rule, files, name, "1000")
}

/// Ranges of which one is a thousand times as long as the others.
fn peaky() -> Case {
    let mut media =
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:6\n#EXT-X-PLAYLIST-TYPE:VOD\n".to_owned();
    for (offset, len) in [(0, 100), (100, 100), (200, 100), (300, 100_000)] {
        media.push_str(&format!(
            "#EXTINF:6.000,\n#EXT-X-BYTERANGE:{len}@{offset}\na.ts\n"
        ));
    }
    media.push_str("#EXT-X-ENDLIST\n");
    let root = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=133334\nv.m3u8\n";
    case(
        "apple-1.30",
        Files::from([
            (ROOT.to_owned(), root.as_bytes().to_vec()),
            ("v.m3u8".to_owned(), media.into_bytes()),
        ]),
    )
}

/// A `colr` box that says BT.709, and a playlist that says perceptual quantizer.
fn hdr() -> Case {
    let mut files = talkie();
    let old = String::from_utf8(files[ROOT].clone()).unwrap();
    let new = old.replacen("FRAME-RATE=", "VIDEO-RANGE=PQ,FRAME-RATE=", 1);
    files.insert(ROOT.to_owned(), new.into_bytes());
    let init = files.get_mut("video-1/init.mp4").unwrap();
    let parents = [&[b"avc1"][..], &TABLES].concat();
    resize(init, b"avcC", &parents, |avc| {
        [avc, &full(b"colr", b"nclx\0\x01\0\x01\0\x01\0")].concat()
    });
    case("rfc-4.4.6.2-video-range", files)
}

/// Flags of the first sample of a fragment changed to those of another picture.
fn not_a_keyframe() -> Case {
    let mut files = film();
    for path in ["video-1/00001.m4s", "video-1/00002.m4s"] {
        let Some(file) = files.get_mut(path) else {
            continue;
        };
        // sample_depends_on 2 and sync become sample_depends_on 1 and not sync.
        let mut at = 0;
        while at + 4 < file.len() {
            if file[at..at + 4] == [2, 0, 0, 0] {
                file[at..at + 4].copy_from_slice(&[1, 1, 0, 0]);
            }
            at += 1;
        }
    }
    case("rfc-4.4.3.6-i-frame", files)
}

/// A segment whose decode time is 2^16 ticks late.
fn late_segment() -> Case {
    let mut files = film();
    let file = files.get_mut("video-1/00002.m4s").unwrap();
    let tfdt = file
        .windows(4)
        .position(|window| window == b"tfdt")
        .unwrap();
    let version = file[tfdt + 4];
    let last = tfdt + 8 + if version == 1 { 8 } else { 4 };
    file[last - 3] += 1;
    case("apple-7.3", files)
}

fn independent() -> Case {
    let mut files = film();
    for path in [ROOT, VIDEO, "video-2/media.m3u8"] {
        let old = String::from_utf8(files[path].clone()).unwrap();
        files.insert(
            path.to_owned(),
            old.replace("#EXT-X-INDEPENDENT-SEGMENTS\n", "")
                .into_bytes(),
        );
    }
    case("apple-9.12", files)
}

/// AAC whose configuration says that it is HE-AAC (ISO/IEC 14496-3, 1.6.2.1): 24 kHz in two channels, spectral bands to 48 kHz.
fn he_aac() -> Case {
    const ESDS: [u8; 34] = [
        0, 0, 0, 0, 3, 28, 0, 1, 0, 4, 20, 0x40, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 4, 0x2b,
        0x11, 0x88, 0, 6, 1, 2, 0,
    ];
    let mut files = talkie();
    let init = files.get_mut("audio-1/init.mp4").unwrap();
    let parents = [&[b"mp4a"][..], &TABLES].concat();
    resize(init, b"esds", &parents, |_| full(b"esds", &ESDS));
    case("apple-2.4", files)
}

/// A playlist whose initialization section says AV1 and whose segment is a transport stream.
fn av1_in_a_transport_stream() -> Case {
    let mut files = film();
    let init = files.get_mut("video-1/init.mp4").unwrap();
    let at = init
        .windows(4)
        .position(|window| window == b"avc1")
        .unwrap();
    init[at..at + 4].copy_from_slice(b"av01");
    let mut packet = vec![0x47, 0x1f, 0xff, 0x10];
    packet.resize(188, 0xff);
    files.insert("video-1/00001.m4s".to_owned(), packet.repeat(3));
    case("apple-1.39", files)
}
