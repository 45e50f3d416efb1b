//! Packages of Weir with one thing changed.

use std::sync::OnceLock;

use super::Case;
use crate::lint_support::Files;
use crate::support::{fixture, package};
use weir_packager::{Options, Subtitle};

const ROOT: &str = "multivariant.m3u8";
const VIDEO: &str = "video-1/media.m3u8";
const PICTURES: &str = "video-1/iframes.m3u8";
const AUDIO: &str = "audio-1/media.m3u8";

/// A film with two video renditions of two segments, sound and subtitles.
fn film() -> Files {
    static FILM: OnceLock<Files> = OnceLock::new();
    FILM.get_or_init(|| {
        let source = fixture("bikes.mp4");
        let options = Options {
            subtitles: vec![Subtitle {
                text: "1\n00:00:01,000 --> 00:00:02,000\nHello\n".to_owned(),
                language: "en".to_owned(),
                ..Subtitle::default()
            }],
            ..Options::default()
        };
        package(&[&source, &source], options)
            .unwrap()
            .files
            .into_iter()
            .collect()
    })
    .clone()
}

/// A film of one segment with sound of six channels.
fn talkie() -> Files {
    static FILM: OnceLock<Files> = OnceLock::new();
    FILM.get_or_init(|| {
        package(&[&fixture("bigbuckbunny-720p-5s.mp4")], Options::default())
            .unwrap()
            .files
            .into_iter()
            .collect()
    })
    .clone()
}

fn case(rule: &'static str, files: Files) -> Case {
    Case {
        rule,
        files,
        start: ROOT.to_owned(),
        line: None,
    }
}

/// Replaces text in a playlist, where it comes first.
fn text(rule: &'static str, mut files: Files, path: &str, from: &str, to: &str) -> Case {
    let old = String::from_utf8(files[path].clone()).unwrap();
    assert!(old.contains(from), "{rule}: `{from}` is not in\n{old}");
    files.insert(path.to_owned(), old.replacen(from, to, 1).into_bytes());
    case(rule, files)
}

/// Replaces bytes in a file, where they come first.
fn bytes(rule: &'static str, mut files: Files, path: &str, from: &[u8], to: &[u8]) -> Case {
    let file = files.get_mut(path).unwrap();
    let at = file
        .windows(from.len())
        .position(|window| window == from)
        .unwrap_or_else(|| panic!("{rule}: {} is not in {path}", from.escape_ascii()));
    file.splice(at..at + from.len(), to.iter().copied());
    case(rule, files)
}

/// The value of the first attribute of that name in the multivariant playlist changed.
fn attribute(rule: &'static str, files: Files, name: &str, to: &str) -> Case {
    let old = String::from_utf8(files[ROOT].clone()).unwrap();
    let start = old.find(&format!("{name}=")).unwrap() + name.len() + 1;
    let end = start + old[start..].find([',', '\n']).unwrap();
    let from = format!("{name}={}", &old[start..end]);
    text(rule, files, ROOT, &from, &format!("{name}={to}"))
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = boxes();
    cases.extend(claims());
    cases.extend(sets());
    cases.extend(encrypted());
    cases
}

fn boxes() -> Vec<Case> {
    let init = "video-1/init.mp4";
    let segment = "video-1/00001.m4s";
    let mut cut = film();
    let file = cut.get_mut(segment).unwrap();
    file.truncate(file.len() - 10);
    let mut other = film();
    let file = other.get_mut(init).unwrap();
    let tkhd = file
        .windows(4)
        .position(|window| window == b"tkhd")
        .unwrap();
    // version and flags, two times of creation, then the identifier
    file[tkhd + 4 + 4 + 8 + 3] = 9;
    let mut duration = film();
    let file = duration.get_mut(init).unwrap();
    let mvhd = file
        .windows(4)
        .position(|window| window == b"mvhd")
        .unwrap();
    file[mvhd + 4 + 4 + 8 + 4 + 3] = 1;
    let mut external = film();
    let file = external.get_mut(init).unwrap();
    let url = file
        .windows(4)
        .position(|window| window == b"url ")
        .unwrap();
    file[url + 7] = 0;
    let mut samples = film();
    let file = samples.get_mut(init).unwrap();
    let stsz = file
        .windows(4)
        .position(|window| window == b"stsz")
        .unwrap();
    // version and flags, a size for all, then the count
    file[stsz + 4 + 4 + 3] = 5;
    file[stsz + 4 + 8 + 3] = 1;
    let stts = file
        .windows(4)
        .position(|window| window == b"stts")
        .unwrap();
    let _ = stts;
    let mut addressed = film();
    let file = addressed.get_mut(segment).unwrap();
    let tfhd = file
        .windows(4)
        .position(|window| window == b"tfhd")
        .unwrap();
    file[tfhd + 7] |= 1;
    let mut dependent = film();
    let file = dependent.get_mut(segment).unwrap();
    let mdat = file
        .windows(4)
        .position(|window| window == b"mdat")
        .unwrap();
    turn_idr_into_other(&mut file[mdat + 4..]);
    vec![
        bytes("rfc-3.1.2-init", film(), init, b"ftyp", b"free"),
        bytes(
            "rfc-3.1.2-brand",
            film(),
            init,
            b"iso6cmfcdash",
            b"isommp41avc1",
        ),
        bytes("rfc-3.1.2-mvex", film(), init, b"mvex", b"free"),
        case("rfc-3.1.2-duration", duration),
        case("rfc-3.1.2-external", external),
        case("rfc-3.1.2-samples", samples),
        case("rfc-3.1.2-tracks", other),
        bytes("rfc-3.1.2-boxes", film(), segment, b"tfhd", b"xxxx"),
        bytes("rfc-3.1.2-fragment", film(), segment, b"moof", b"free"),
        bytes("rfc-3.1.2-tfdt", film(), segment, b"tfdt", b"free"),
        case("rfc-3.1.2-whole", cut),
        case("rfc-3.1.2-addressing", addressed),
        case("apple-7.4", dependent),
        text(
            "rfc-3.1.2-map",
            film(),
            VIDEO,
            "#EXT-X-MAP:URI=\"init.mp4\"\n",
            "",
        ),
        self_initializing_i_frames(),
        shifted("apple-6.10"),
        shaka(),
    ]
}

/// Makes every IDR picture of a fragment look like another slice.
fn turn_idr_into_other(data: &mut [u8]) {
    for at in 0..data.len().min(5_000) {
        if at + 5 < data.len()
            && data[at] == 0
            && data[at + 4] & 31 == 5
            && data[at + 4] & 0x80 == 0
        {
            data[at + 4] = data[at + 4] & 0xe0 | 1;
        }
    }
}

/// An I-frame playlist whose range holds the initialization section.
fn self_initializing_i_frames() -> Case {
    let mut files = film();
    let whole = [
        files["video-1/init.mp4"].clone(),
        files["video-1/00001.m4s"].clone(),
    ]
    .concat();
    let len = whole.len();
    files.insert("video-1/whole.mp4".to_owned(), whole);
    files.insert(
        PICTURES.to_owned(),
        format!(
            "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:5\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-I-FRAMES-ONLY\n\
             #EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:5.0,\n#EXT-X-BYTERANGE:{len}@0\nwhole.mp4\n#EXT-X-ENDLIST\n"
        )
        .into_bytes(),
    );
    case("rfc-4.4.3.6-range", files)
}

/// An I-frame playlist whose ranges start after their `moof` box.
fn shifted(rule: &'static str) -> Case {
    let mut files = film();
    let segment = &files["video-1/00001.m4s"];
    let mdat = segment
        .windows(4)
        .position(|window| window == b"mdat")
        .unwrap()
        - 4;
    let old = String::from_utf8(files[PICTURES].clone()).unwrap();
    let range = old
        .lines()
        .find_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:"))
        .unwrap();
    let new = old.replacen(range, &format!("5000@{mdat}"), 1);
    files.insert(PICTURES.to_owned(), new.into_bytes());
    case(rule, files)
}

/// What Shaka Packager writes by default (shaka-packager #1468): one I-frame a segment, of which only the first is listed, as a range
/// that ends in the middle of the media data.
fn shaka() -> Case {
    let mut files = film();
    let old = String::from_utf8(files[PICTURES].clone()).unwrap();
    let mut text = String::new();
    let mut seen: Vec<&str> = Vec::new();
    let lines: Vec<&str> = old.lines().collect();
    let head = lines
        .iter()
        .position(|line| line.starts_with("#EXTINF"))
        .unwrap();
    lines[..head]
        .iter()
        .for_each(|line| text.push_str(&format!("{line}\n")));
    for entry in lines[head..].chunks_exact(3) {
        if !seen.contains(&entry[2]) {
            seen.push(entry[2]);
            text.push_str(&format!("#EXTINF:5.000000,\n{}\n{}\n", entry[1], entry[2]));
        }
    }
    text.push_str("#EXT-X-ENDLIST\n");
    files.insert(PICTURES.to_owned(), text.into_bytes());
    case("apple-6.3", files)
}

fn claims() -> Vec<Case> {
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

/// Replaces a box of an initialization section by `change` of it, and corrects the boxes around it.
fn resize(
    init: &mut Vec<u8>,
    kind: &[u8; 4],
    parents: &[&[u8; 4]],
    change: impl FnOnce(&[u8]) -> Vec<u8>,
) {
    let start = init.windows(4).position(|window| window == kind).unwrap() - 4;
    let old = size(init, start + 4);
    let new = change(&init[start..start + old]);
    let grown = new.len();
    init.splice(start..start + old, new);
    for parent in parents {
        let at = init
            .windows(4)
            .position(|window| window == *parent)
            .unwrap();
        let length = u32::try_from(size(init, at) + grown - old).unwrap();
        init[at - 4..at].copy_from_slice(&length.to_be_bytes());
    }
}

/// A box.
fn full(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(body.len() + 8)
        .unwrap()
        .to_be_bytes()
        .to_vec();
    out.extend_from_slice(kind);
    out.extend_from_slice(body);
    out
}

const TABLES: [&[u8; 4]; 6] = [b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov"];

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

fn sets() -> Vec<Case> {
    let two = "video-2/media.m3u8";
    let subtitles = "subtitles-1/media.m3u8";
    let dated = "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n#EXTINF";
    let mut short = film();
    let path = short
        .keys()
        .find(|path| path.ends_with("media.m3u8") && !path.starts_with("video"))
        .cloned()
        .unwrap_or_else(|| subtitles.to_owned());
    let old = String::from_utf8(short[&path].clone()).unwrap();
    let first = old.find("#EXTINF").unwrap();
    let second = first + 1 + old[first + 1..].find("#EXTINF").unwrap();
    short.insert(
        path.clone(),
        format!("{}#EXT-X-ENDLIST\n", &old[..second]).into_bytes(),
    );
    let mut live = film();
    for path in [VIDEO, two, path.as_str(), PICTURES, "video-2/iframes.m3u8"] {
        let old = String::from_utf8(live[path].clone()).unwrap();
        let new = old
            .replace("#EXT-X-ENDLIST\n", "")
            .replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "");
        live.insert(path.to_owned(), new.into_bytes());
    }
    vec![
        text(
            "rfc-4.4.2-in-both",
            film(),
            VIDEO,
            "#EXT-X-MAP",
            "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP",
        ),
        text(
            "rfc-4.4.2-same",
            {
                let old = film();
                text(
                    "",
                    old,
                    ROOT,
                    "#EXT-X-INDEPENDENT",
                    "#EXT-X-START:TIME-OFFSET=1\n#EXT-X-INDEPENDENT",
                )
                .files
            },
            VIDEO,
            "#EXT-X-MAP",
            "#EXT-X-START:TIME-OFFSET=2\n#EXT-X-MAP",
        ),
        text(
            "rfc-6.2.4-target-duration",
            film(),
            two,
            "#EXT-X-TARGETDURATION:5",
            "#EXT-X-TARGETDURATION:7",
        ),
        text(
            "apple-5.6",
            live,
            &path,
            "#EXT-X-TARGETDURATION:5",
            "#EXT-X-TARGETDURATION:7",
        ),
        text(
            "rfc-6.2.4-type",
            film(),
            two,
            "#EXT-X-PLAYLIST-TYPE:VOD\n",
            "",
        ),
        late_start(),
        text(
            "rfc-6.2.4-content",
            film(),
            two,
            "#EXT-X-ENDLIST",
            "#EXTINF:5.0,\n00001.m4s\n#EXTINF:5.0,\n00001.m4s\n#EXT-X-ENDLIST",
        ),
        text(
            "apple-8.3",
            film(),
            two,
            "#EXT-X-ENDLIST",
            "#EXTINF:1.0,\n00001.m4s\n#EXT-X-ENDLIST",
        ),
        text("rfc-6.2.4-program-date", film(), two, "#EXTINF", dated),
        text(
            "apple-8.15",
            film(),
            two,
            "00001.m4s\n",
            "00001.m4s\n#EXT-X-DISCONTINUITY\n",
        ),
        text("apple-8.22", film(), two, "#EXTINF:4", "#EXTINF:3"),
        case("apple-5.5", short),
        keys_differ(),
    ]
}

/// The second rendition starts 2^16 ticks late.
fn late_start() -> Case {
    let mut files = film();
    for (path, file) in &mut files {
        if path.starts_with("video-2/") && path.ends_with(".m4s") {
            for at in 0..file.len() - 20 {
                if &file[at..at + 4] == b"tfdt" {
                    let last = at + 8 + if file[at + 4] == 1 { 8 } else { 4 };
                    file[last - 3] += 1;
                }
            }
        }
    }
    case("rfc-6.2.4-start", files)
}

fn keys_differ() -> Case {
    let files = text(
        "",
        film(),
        ROOT,
        "#EXT-X-INDEPENDENT",
        "#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"k\",KEYFORMAT=\"x\"\n#EXT-X-INDEPENDENT",
    )
    .files;
    text(
        "rfc-4.4.6.5-match",
        files,
        VIDEO,
        "#EXT-X-MAP",
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\",KEYFORMAT=\"y\"\n#EXT-X-MAP",
    )
}

/// An initialization section of encrypted video, by hand: the sample entry becomes `encv` with a `sinf` box.
fn protect(files: &mut Files, scheme: &[u8; 4], pattern: u8) {
    let init = files.get_mut("video-1/init.mp4").unwrap();
    let tenc = full(
        b"tenc",
        &[&[1, 0, 0, 0, 0, pattern, 1, 8][..], &[7; 16]].concat(),
    );
    let schm = full(b"schm", &[&[0; 4][..], scheme, &[0, 1, 0, 0]].concat());
    let sinf = full(
        b"sinf",
        &[full(b"frma", b"avc1"), schm, full(b"schi", &tenc)].concat(),
    );
    resize(init, b"avc1", &TABLES, |entry| {
        full(b"encv", &[&entry[8..], &sinf].concat())
    });
}

/// Length of the box whose type stands at `at`.
fn size(data: &[u8], at: usize) -> usize {
    u32::from_be_bytes(data[at - 4..at].try_into().unwrap()) as usize
}

fn encrypted() -> Vec<Case> {
    let made = |scheme: &[u8; 4], pattern: u8| {
        let mut files = film();
        protect(&mut files, scheme, pattern);
        files
    };
    let key = |rule, files: Files, line: &str| {
        text(
            rule,
            files,
            VIDEO,
            "#EXT-X-MAP",
            &format!("{line}\n#EXT-X-MAP"),
        )
    };
    let fairplay =
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://a\",KEYFORMAT=\"com.apple.streamingkeydelivery\"";
    let sized = |rule, size: &str| {
        let case = key(rule, film(), fairplay);
        attribute(rule, case.files, "RESOLUTION", size)
    };
    vec![
        case("rfc-4.4.4.4-clear", made(b"cbcs", 0x19)),
        key("rfc-4.4.4.4-scheme", made(b"cenc", 0), fairplay),
        key("apple-13.7", made(b"cbcs", 0x55), fairplay),
        key("apple-1.41", made(b"cbcs", 0x19), fairplay),
        sized("apple-13.5", "1280x720"),
        sized("apple-13.6", "3840x2160"),
    ]
}
