//! Encrypted packages, and how they are read back.
#![allow(dead_code, reason = "each test program uses a part of this module")]

use std::time::Duration;

use weir_packager::{ContentKey, Encryption, Key, KeyId, KeySystem, Method, Options};

use crate::decrypt::{self, Keys, Scheme};
use crate::support::{Run, top_boxes};

pub(crate) fn key(number: u8) -> ContentKey {
    ContentKey {
        id: KeyId([number; 16]),
        key: Key([number ^ 0x5a; 16]),
        ..ContentKey::default()
    }
}

pub(crate) fn keys() -> Keys {
    (0..=u8::MAX)
        .map(|number| ([number; 16], [number ^ 0x5a; 16]))
        .collect()
}

pub(crate) fn encryption(method: Method) -> Encryption {
    Encryption {
        method,
        keys: vec![key(1)],
        systems: vec![KeySystem::Identity {
            uri: "https://keys.example/{kid}".to_owned(),
        }],
        ..Encryption::default()
    }
}

pub(crate) fn options(encryption: Encryption) -> Options {
    Options {
        segment_duration: Duration::from_secs(2),
        encryption: Some(encryption),
        ..Options::default()
    }
}

/// The content of all `mdat` boxes.
pub(crate) fn media(segment: &[u8]) -> Vec<u8> {
    let boxes = top_boxes(segment).into_iter();
    boxes
        .filter(|(kind, ..)| kind == "mdat")
        .flat_map(|(_, at, len)| segment[at + 8..at + len].to_vec())
        .collect()
}

pub(crate) fn segments(run: &Run) -> Vec<&String> {
    let names = run.files.keys();
    names.filter(|path| path.ends_with(".m4s")).collect()
}

pub(crate) fn init(run: &Run, segment: &str) -> Vec<Option<Scheme>> {
    let folder = segment.split('/').next().unwrap();
    decrypt::schemes(&run.files[&format!("{folder}/init.mp4")])
}

/// Decrypted, every segment holds what it holds in the clear.
pub(crate) fn assert_same(encrypted: &Run, clear: &Run) {
    let names = segments(clear);
    assert!(names.len() > 4);
    for name in names {
        let opened = decrypt::decrypt(&encrypted.files[name], &init(encrypted, name), &keys());
        assert_eq!(opened, media(&clear.files[name]), "{name}");
    }
}
