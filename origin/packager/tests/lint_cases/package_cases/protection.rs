//! What playlists say of encryption, and what is encrypted.

use std::time::Duration;

use weir_packager::{ContentKey, Encryption, KeySystem, Options};

use super::{
    Case, Files, TABLES, VIDEO, attribute, case, film, fixture, full, package, resize, text,
};

pub(super) fn cases() -> Vec<Case> {
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
        unannounced(),
        silent(),
    ]
}

/// A film of segments of 2 s, the first of which stays in the clear.
fn led() -> Files {
    let options = Options {
        segment_duration: Duration::from_secs(2),
        encryption: Some(Encryption {
            keys: vec![ContentKey::default()],
            clear_lead: Duration::from_secs(1),
            systems: vec![KeySystem::Identity {
                uri: "https://keys.example/{kid}".to_owned(),
            }],
            ..Encryption::default()
        }),
        ..Options::default()
    };
    let run = package(&[&fixture("bikes.mp4")], options).unwrap();
    run.files.into_iter().collect()
}

/// Nothing says that the segments after the lead are encrypted. The lead is none of them.
fn unannounced() -> Case {
    let mut files = led();
    let old = String::from_utf8(files[VIDEO].clone()).unwrap();
    let lines: Vec<_> = old
        .lines()
        .filter(|line| !line.starts_with("#EXT-X-KEY"))
        .collect();
    let second = lines.iter().position(|line| *line == "00002.m4s").unwrap();
    let new = format!("{}\n", lines.join("\n"));
    files.insert(VIDEO.to_owned(), new.into_bytes());
    Case {
        line: Some(second + 1),
        ..case("rfc-4.4.4.4-clear", files)
    }
}

/// A segment after the lead does not say how it is encrypted.
fn silent() -> Case {
    let mut files = led();
    let playlist = String::from_utf8(files[VIDEO].clone()).unwrap();
    let line = playlist.lines().position(|line| line == "00002.m4s");
    let segment = files.get_mut("video-1/00002.m4s").unwrap();
    for kind in [b"senc", b"saiz"] {
        let at = segment
            .windows(4)
            .position(|window| window == kind)
            .unwrap();
        segment[at..at + 4].copy_from_slice(b"free");
    }
    Case {
        line: line.map(|line| line + 1),
        ..case("apple-1.41", files)
    }
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
