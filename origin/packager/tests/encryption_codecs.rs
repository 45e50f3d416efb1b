//! AV1 and VP9 under Common Encryption: the bytes that are encrypted are those which Shaka Packager encrypts, and what is encrypted
//! opens again.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/decrypt.rs"]
mod decrypt;
mod support;

use std::fmt::Write;

use support::{Run, fixture, package, top_boxes};
use weir_packager::{ContentKey, Encryption, Key, KeyId, KeySystem, Method, Options};

fn encrypted(film: &str, method: Method) -> Run {
    let options = Options {
        encryption: Some(Encryption {
            method,
            keys: vec![ContentKey {
                id: KeyId([1; 16]),
                key: Key([2; 16]),
                ..ContentKey::default()
            }],
            systems: vec![KeySystem::Identity {
                uri: "/k".to_owned(),
            }],
            ..Encryption::default()
        }),
        ..Options::default()
    };
    package(&[&fixture(film)], options).unwrap()
}

/// The segments of the video track.
fn segments(run: &Run) -> impl Iterator<Item = &Vec<u8>> {
    let files = run.files.iter();
    files
        .filter(|(path, _)| path.ends_with(".m4s"))
        .map(|(_, data)| data)
}

const METHODS: [(Method, &str); 2] = [(Method::Cbcs, "cbcs"), (Method::Cenc, "cenc")];

#[test]
fn the_encrypted_bytes_are_those_that_shaka_packager_encrypts() {
    for film in ["av1-tiles", "vp9"] {
        for (method, name) in METHODS {
            let run = encrypted(&format!("{film}.mp4"), method);
            let schemes = decrypt::schemes(&run.files["video-1/init.mp4"]);
            let scheme = schemes[0].as_ref().unwrap();
            assert_eq!(scheme.scheme, name);
            let mut found = String::new();
            for segment in segments(&run) {
                for fragment in decrypt::fragments(segment, scheme.iv_size) {
                    for sample in fragment.samples {
                        let mut at = 0;
                        let mut line = Vec::new();
                        for (clear, protected) in sample.subsamples {
                            at += clear;
                            if protected > 0 {
                                line.push(format!("{at}-{}", at + protected));
                            }
                            at += protected;
                        }
                        writeln!(found, "{}", line.join(" ")).unwrap();
                    }
                }
            }
            let wanted = String::from_utf8(fixture(&format!("{film}.{name}.txt"))).unwrap();
            assert!(wanted.lines().count() == 20 && wanted.contains('-'));
            assert_eq!(found, wanted, "{film} {name}");
        }
    }
}

#[test]
fn what_is_encrypted_opens_with_its_key() {
    let keys = [([1; 16], [2; 16])].into_iter().collect();
    let media = |segment: &[u8]| -> Vec<u8> {
        let boxes = top_boxes(segment).into_iter();
        boxes
            .filter(|(kind, ..)| kind == "mdat")
            .flat_map(|(_, at, len)| segment[at + 8..at + len].to_vec())
            .collect()
    };
    for film in ["av1-tiles.mp4", "vp9.mp4"] {
        let clear = package(&[&fixture(film)], Options::default()).unwrap();
        for (method, name) in METHODS {
            let run = encrypted(film, method);
            let schemes = decrypt::schemes(&run.files["video-1/init.mp4"]);
            for (sealed, plain) in segments(&run).zip(segments(&clear)) {
                assert_ne!(media(sealed), media(plain), "{film} {name}");
                let opened = decrypt::decrypt(sealed, &schemes, &keys);
                assert_eq!(opened, media(plain), "{film} {name}");
            }
        }
    }
}

/// Headers that are cut off anywhere stop nothing: the picture stays in parts that open again.
#[test]
fn broken_headers_stop_nothing() {
    for film in ["av1-tiles.mp4", "vp9.mp4"] {
        let input = fixture(film);
        let (_, start, len) = top_boxes(&input)
            .into_iter()
            .find(|(kind, ..)| kind == "mdat")
            .unwrap();
        for step in (0..len - 8).step_by(97) {
            let mut broken = input.clone();
            for byte in &mut broken[start + 8 + step..start + len] {
                *byte = byte.wrapping_mul(31).wrapping_add(17);
            }
            for (method, _) in METHODS {
                let options = Options {
                    encryption: Some(Encryption {
                        method,
                        keys: vec![ContentKey::default()],
                        systems: vec![KeySystem::Identity {
                            uri: "/k".to_owned(),
                        }],
                        ..Encryption::default()
                    }),
                    ..Options::default()
                };
                package(&[&broken], options).unwrap();
            }
        }
    }
}
