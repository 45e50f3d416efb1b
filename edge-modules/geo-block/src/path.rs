//! One reading of a path, before any rule looks at it. Whatever servers read in two ways is refused: else another spelling of a path
//! would lead round its rule (CWE-647).

/// The longest path, in bytes.
const MAX_PATH: usize = 8 * 1024;

/// The path with percent-encodings undone (RFC 3986 section 2.1), dot segments resolved (section 5.2.4) and runs of slashes made one.
///
/// None for: no leading slash; `..` above the root; an encoded slash; a backslash, `;` or control character in any form; an encoding inside an
/// encoding; a broken `%`; bytes that are not UTF-8; characters that a lenient server folds to a slash or a dot; more than 8 KiB.
pub(crate) fn read(path: &str) -> Option<String> {
    if path.len() > MAX_PATH || !path.starts_with('/') {
        return None;
    }
    let decoded = decode(path)?;
    let mut kept: Vec<&str> = Vec::new();
    let mut open = true;
    for segment in decoded[1..].split('/') {
        open = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()?),
            _ => kept.push(segment),
        }
    }
    let mut plain = String::with_capacity(decoded.len());
    for segment in &kept {
        plain.push('/');
        plain.push_str(segment);
    }
    if open || plain.is_empty() {
        plain.push('/');
    }
    Some(plain)
}

fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let encoded = byte == b'%';
        let byte = if encoded {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            u8::try_from(digit()? << 4 | digit()?).ok()?
        } else {
            byte
        };
        if (encoded && byte == b'/') || (!encoded && byte == b'#') || matches!(byte, b'\\' | b';') {
            return None;
        }
        bytes.push(byte);
    }
    let text = String::from_utf8(bytes).ok()?;
    let twice = text
        .as_bytes()
        .windows(3)
        .any(|three| three[0] == b'%' && three[1..].iter().all(u8::is_ascii_hexdigit));
    let folded = text.chars().any(|c| {
        c.is_control()
            || matches!(
                c,
                '\u{2024}' | '\u{2025}' | '\u{2215}' | '\u{2216}' | '\u{29f8}' | '\u{29f9}'
            )
            || matches!(
                c,
                '\u{fe52}' | '\u{fe68}' | '\u{ff0e}' | '\u{ff0f}' | '\u{ff3c}'
            )
    });
    (!twice && !folded).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_path_become_one() {
        for spelling in [
            "/vod/a/x.m3u8",
            "/vod/%61/x%2em3u8",
            "//vod///a/x.m3u8",
            "/vod/./a/%2e/x.m3u8",
            "/vod/b/../a/x.m3u8",
            "/%2e/vod/b/%2e%2E/a/x.m3u8",
        ] {
            assert_eq!(
                read(spelling).as_deref(),
                Some("/vod/a/x.m3u8"),
                "{spelling}"
            );
        }
        assert_eq!(read("/").as_deref(), Some("/"));
        assert_eq!(read("/a/..").as_deref(), Some("/"));
        assert_eq!(read("/a/").as_deref(), Some("/a/"));
        assert_eq!(read("/caf%C3%A9").as_deref(), Some("/café"));
    }

    #[test]
    fn what_servers_read_differently_is_refused() {
        for path in [
            "",
            "a",
            "*",
            "/..",
            "/../a",
            "/%2e%2e/a",
            "/a%2fb",
            "/a%2Fb",
            "/a\\b",
            "/a%5cb",
            "/a;v=1/b",
            "/a%3bb",
            "/%252e%252e/a",
            "/a%25%32%65",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%00",
            "/a%0d%0ab",
            "/a\tb",
            "/a%7f",
            "/%c0%ae/a",
            "/%ff",
            "/a#b",
            "/%ef%bc%8fa",
            "/%u002e/a",
            "/a%+1",
        ] {
            assert_eq!(read(path), None, "{path}");
        }
        assert_eq!(read(&format!("/{}", "a".repeat(MAX_PATH))), None);
    }

    proptest! {
        #[test]
        fn what_is_read_is_plain(parts in prop::collection::vec(prop_oneof![
            Just("/"), Just("."), Just(".."), Just("%2e"), Just("%2f"), Just("%5c"), Just("a"), Just("%61"), Just("%"), Just("%25"),
            Just("2e"), Just(";"), Just("é"), Just("%c3%a9"), Just("\\"), Just("\0"),
        ], 0..12)) {
            if let Some(path) = read(&format!("/{}", parts.concat())) {
                prop_assert!(path.starts_with('/') && !path.contains("//") && !path.contains(['\\', ';', '\0']));
                prop_assert!(path.split('/').all(|segment| segment != "." && segment != ".."));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(path in "\\PC{0,40}") {
            let _ = read(&path);
        }
    }
}
