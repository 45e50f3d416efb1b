//! Paths as clients spell them, and what they are.

use super::*;
use proptest::prelude::*;

fn normal(path: &str) -> Option<String> {
    NormalPath::new(path)
        .ok()
        .map(|path| path.encoded().to_owned())
}

#[test]
fn spellings_of_one_path_become_one() {
    for spelling in [
        "/vod/a/x.m3u8",
        "/vod/%61/x.m3u8",
        "//vod///a/x.m3u8",
        "/vod/./a/x.m3u8",
        "/vod/%2e/a/x.m3u8",
        "/vod/b/../a/x.m3u8",
        "/vod/b/%2e%2E/a/x.m3u8",
        "/vod/b/.%2e/a/x%2em3u8",
    ] {
        assert_eq!(
            normal(spelling).as_deref(),
            Some("/vod/a/x.m3u8"),
            "{spelling}"
        );
    }
    assert_eq!(
        normal("/a%20b/%c3%a9%2c%3f").as_deref(),
        Some("/a%20b/%C3%A9,%3F")
    );
    assert_eq!(normal("/a/..").as_deref(), Some("/"));
    assert_eq!(normal("/a/.").as_deref(), Some("/a/"));
    assert_eq!(normal("/...").as_deref(), Some("/..."));
    assert_eq!(normal("/.well-known/x").as_deref(), Some("/.well-known/x"));
}

#[test]
fn what_servers_read_differently_is_refused() {
    for path in [
        "",
        "a",
        "*",
        "http://x/y",
        "/..",
        "/../a",
        "/a/../../b",
        "/%2e%2e/a",
        "/a%2fb",
        "/a%2Fb",
        "/a\\b",
        "/a%5cb",
        "/a%5Cb",
        "/a;v=1/b",
        "/a%3bb",
        "/a/..;/b",
        "/%252e%252e/a",
        "/a%25%32%65",
        "/a%",
        "/a%2",
        "/a%zz",
        "/a%00",
        "/a\0b",
        "/a%0d%0ab",
        "/a\tb",
        "/a%7f",
        "/%c0%ae%c0%ae/a",
        "/%c0%afa",
        "/%e0%80%ae",
        "/%ff",
        "/%f0%82%82%ac",
        "/a#b",
        "/%ef%bc%8fa",
        "/%ef%bc%8e%ef%bc%8e/a",
        "/%u002e/a",
        "/a/%uff0e",
        "/a/..%20/b",
        "/a/%20../b",
        "/a/.%20",
        "/a/%20/b",
    ] {
        assert_eq!(normal(path), None, "{path}");
    }
    assert_eq!(normal(&format!("/{}", "a".repeat(MAX_PATH))), None);
}

#[test]
fn segments_can_be_taken_off_the_front() {
    let path = NormalPath::new("/t/ab%20c/vod/%C3%A9").unwrap();
    let rest = path.without_first(2).unwrap();
    assert_eq!((rest.encoded(), rest.decoded()), ("/vod/%C3%A9", "/vod/é"));
    assert_eq!(path.without_first(4), None);
    assert_eq!(NormalPath::new("/t/abc").unwrap().without_first(2), None);
    assert_eq!(
        NormalPath::new("/t/abc/")
            .unwrap()
            .without_first(2)
            .unwrap()
            .encoded(),
        "/"
    );
}

/// What a plain file server opens: decode once, resolve dot segments, drop empty ones.
fn file_server(path: &str) -> Option<Vec<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        if byte == b'%' {
            let pair = [*rest.next()?, *rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let mut kept = Vec::new();
    for segment in bytes.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                kept.pop()?;
            }
            other => kept.push(other.to_vec()),
        }
    }
    Some(kept)
}

fn spelling() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("/"),
        Just("."),
        Just(".."),
        Just("%2e"),
        Just("%2E"),
        Just("%2f"),
        Just("%5c"),
        Just("a"),
        Just("%61"),
        Just("b"),
        Just("%"),
        Just("%25"),
        Just("2e"),
        Just(";"),
        Just("%c3%a9"),
        Just("é"),
        Just("%00"),
        Just("\\"),
        Just(","),
        Just("%2C"),
        Just("%7E"),
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| format!("/{}", parts.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_normal_form_is_normal_and_opens_the_same_object(path in spelling()) {
        if let Ok(first) = NormalPath::new(&path) {
            let again = NormalPath::new(first.encoded()).unwrap();
            prop_assert_eq!(again.encoded(), first.encoded());
            prop_assert_eq!(again.decoded(), first.decoded());
            prop_assert_eq!(file_server(first.encoded()), file_server(&path));
        }
    }

    #[test]
    fn two_spellings_of_one_object_have_one_normal_form(one in spelling(), two in spelling()) {
        let slash = |path: &str| path.ends_with('/');
        if let (Ok(first), Ok(second)) = (NormalPath::new(&one), NormalPath::new(&two)) {
            let same_object = file_server(&one) == file_server(&two) && slash(first.encoded()) == slash(second.encoded());
            prop_assert_eq!(same_object, first.encoded() == second.encoded());
        }
    }

    #[test]
    fn any_text_is_read_or_refused(path in "\\PC{0,40}") {
        let _ = NormalPath::new(&path);
    }
}
