//! Public traversal lists, as what they are made of: every spelling of a dot, of a slash and of what stands around them, put together
//! (the payloads of dotdotpwn, of fuzzdb's `path-traversal` and of SecLists' LFI lists are such products). A request that passes must stay
//! within the token's scope, however careless a server behind this module reads the path.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

use token_check::mint::{JwtClaims, Minter};
use token_check::{SigningKey, TokenCheck};
use weir_module::testing::{TestHost, decide};
use weir_module::{Edit, Module, Verdict};

const NOW: i64 = 1_800_000_000;
const SECRET: &str = "a secret of more than sixteen bytes";
const SCOPE: &str = "/vod/film/";

const DOTS: [&str; 18] = [
    "..",
    "%2e%2e",
    "%2E.",
    ".%2e",
    "%252e%252e",
    "%25252e.",
    "%c0%ae%c0%ae",
    "%c0%2e%c0%2e",
    "%e0%40%ae.",
    "%e0%80%ae.",
    "%u002e%u002e",
    "%uff0e%uff0e",
    "%ef%bc%8e%ef%bc%8e",
    "..%00",
    "..%20",
    "...",
    "....",
    ".%0d.",
];
const SLASHES: [&str; 24] = [
    "/",
    "//",
    "/./",
    "%2f",
    "%2F",
    "%252f",
    "%25252f",
    "\\",
    "%5c",
    "%255c",
    "%c0%af",
    "%c0%2f",
    "%c1%9c",
    "%e0%80%af",
    "%u2215",
    "%u2216",
    "%uff0f",
    "%ef%bc%8f",
    "%ef%bc%bc",
    ";/",
    ";x=y/",
    "/;/",
    "%00/",
    "%3b/",
];

/// How careless a server is.
#[derive(Debug, Clone, Copy)]
struct Server {
    /// How often it undoes percent-encodings.
    decodes: usize,
    /// A backslash is a slash.
    backslash: bool,
    /// `;` and what follows in a segment is cut off.
    parameters: bool,
    /// Bytes that are no UTF-8 are read by their low bits, and `%uXXXX` is an encoding.
    lenient: bool,
    /// The path ends at NUL, and spaces at the end of a name are cut off.
    cuts: bool,
}

impl Server {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for bits in 0..64_usize {
            let bit = |at: usize| bits >> at & 1 == 1;
            all.push(Self {
                decodes: bits & 3,
                backslash: bit(2),
                parameters: bit(3),
                lenient: bit(4),
                cuts: bit(5),
            });
        }
        all
    }

    /// The segments of the object that it opens; none when the path climbs above the root.
    fn opens(self, path: &str) -> Option<Vec<Vec<u8>>> {
        let mut bytes = path.as_bytes().to_vec();
        for _ in 0..self.decodes {
            bytes = self.decode(&bytes);
        }
        if self.cuts {
            bytes = bytes.split(|byte| *byte == 0).next().unwrap().to_vec();
        }
        let mut kept: Vec<Vec<u8>> = Vec::new();
        for segment in bytes.split(|byte| *byte == b'/' || self.backslash && *byte == b'\\') {
            let mut segment = segment;
            if self.parameters {
                segment = segment.split(|byte| *byte == b';').next().unwrap();
            }
            if self.cuts {
                segment = segment.trim_ascii_end();
            }
            match segment {
                b"" | b"." => {}
                b".." => drop(kept.pop()?),
                other => kept.push(other.to_vec()),
            }
        }
        Some(kept)
    }

    fn decode(self, bytes: &[u8]) -> Vec<u8> {
        let hex = |digits: &[u8]| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        let mut out: Vec<u8> = Vec::new();
        let mut rest = bytes;
        while let [byte, tail @ ..] = rest {
            rest = tail;
            if *byte == b'%' {
                if self.lenient
                    && let [b'u' | b'U', digits @ ..] = tail
                    && let Some(digits) = digits.get(..4)
                    && let Some(code) = hex(digits)
                {
                    rest = &tail[5..];
                    out.push(match code {
                        0x2215 | 0xff0f => b'/',
                        0x2216 | 0xff3c => b'\\',
                        0xff0e | 0x2024 => b'.',
                        other => other.to_le_bytes()[0],
                    });
                    continue;
                }
                if let Some(code) = tail.get(..2).and_then(hex) {
                    rest = &tail[2..];
                    out.push(code.to_le_bytes()[0]);
                    continue;
                }
            }
            out.push(*byte);
        }
        if self.lenient { fold(&out) } else { out }
    }
}

/// Overlong forms, read by a decoder that takes the low bits of whatever follows, and the wide twins of the characters that matter.
fn fold(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match (*byte, tail) {
            (0xef, [0xbc, 0x8e, ..]) => (out.push(b'.'), rest = &tail[2..]).0,
            (0xef, [0xbc, 0x8f, ..]) => (out.push(b'/'), rest = &tail[2..]).0,
            (0xef, [0xbc, 0xbc, ..]) => (out.push(b'\\'), rest = &tail[2..]).0,
            (0xc0 | 0xc1, [next, ..]) => {
                (out.push((byte & 1) << 6 | next & 0x3f), rest = &tail[1..]).0
            }
            (0xe0, [middle, last, ..]) => {
                (out.push((middle & 1) << 6 | last & 0x3f), rest = &tail[2..]).0
            }
            _ => out.push(*byte),
        }
    }
    out
}

fn payloads() -> Vec<String> {
    let mut list = Vec::new();
    for dots in DOTS {
        for slash in SLASHES {
            for times in 1..=3 {
                let climb = format!("{dots}{slash}").repeat(times);
                list.push(format!("{SCOPE}{climb}other/main.m3u8"));
                list.push(format!("{SCOPE}a{slash}{climb}other/main.m3u8"));
                list.push(format!("/vod/other{slash}{climb}film/main.m3u8"));
            }
            list.push(format!("{SCOPE}{dots}"));
            list.push(format!("{SCOPE}a{slash}{dots}{slash}{dots}"));
            list.push(format!("/{dots}{slash}vod/film/main.m3u8"));
            list.push(format!("{slash}{dots}{slash}vod/film/main.m3u8"));
        }
    }
    list
}

#[test]
fn no_spelling_leads_out_of_the_scope() {
    let key = SigningKey::secret(SECRET.as_bytes()).unwrap();
    let claims = JwtClaims {
        expires: Some(NOW + 60),
        ..JwtClaims::default()
    };
    let token = Minter::new(key).jwt(&claims.cover("/vod/film/*")).unwrap();
    let config = format!("[[keys]]\nsecret = \"{SECRET}\"\n");
    let mut module = TokenCheck::configure(&config).unwrap();
    let mut host: TestHost = TestHost {
        now_ns: NOW.unsigned_abs() * 1_000_000_000,
        ..TestHost::default()
    };
    let scope: Vec<Vec<u8>> = vec![b"vod".to_vec(), b"film".to_vec()];
    let (mut passed, mut refused) = (0, 0);
    for path in payloads() {
        let target = format!("{path}?token={token}");
        match decide(&mut module, &mut host, "GET", &target, &[]) {
            Verdict::Pass(edits) => {
                passed += 1;
                let goes_on = edits.iter().find_map(|edit| match edit {
                    Edit::SetTarget(target) => Some(target.to_owned()),
                    _ => None,
                });
                let goes_on = goes_on.unwrap();
                assert!(!goes_on.contains('?'), "{goes_on}");
                for server in Server::all() {
                    let opened = server.opens(&goes_on);
                    let inside = opened
                        .as_ref()
                        .is_some_and(|opened| opened.starts_with(&scope));
                    assert!(
                        inside,
                        "{path} goes on as {goes_on}: {server:?} opens {opened:?}"
                    );
                }
            }
            Verdict::Answer(answer) => {
                refused += 1;
                assert!(
                    matches!(answer.status, 400 | 403),
                    "{path}: {}",
                    answer.status
                );
            }
            other => panic!("{path}: {other:?}"),
        }
    }
    // The list holds harmless spellings too: a check that refuses all would tell nothing.
    assert!(
        passed > 100 && refused > 1_000,
        "{passed} passed, {refused} refused"
    );
}

/// The models above are careless enough: they follow the payloads out when nothing stands before them.
#[test]
fn the_servers_would_be_led_out() {
    for (path, server) in [
        (
            "/vod/film/../other",
            Server {
                decodes: 0,
                backslash: false,
                parameters: false,
                lenient: false,
                cuts: false,
            },
        ),
        (
            "/vod/film/%252e%252e%252fother",
            Server {
                decodes: 2,
                backslash: false,
                parameters: false,
                lenient: false,
                cuts: false,
            },
        ),
        (
            "/vod/film/..%5cother",
            Server {
                decodes: 1,
                backslash: true,
                parameters: false,
                lenient: false,
                cuts: false,
            },
        ),
        (
            "/vod/film/..;/other",
            Server {
                decodes: 0,
                backslash: false,
                parameters: true,
                lenient: false,
                cuts: false,
            },
        ),
        (
            "/vod/film/%c0%ae%c0%ae%c0%afother",
            Server {
                decodes: 1,
                backslash: false,
                parameters: false,
                lenient: true,
                cuts: false,
            },
        ),
        (
            "/vod/film/%uff0e%uff0e%u2215other",
            Server {
                decodes: 1,
                backslash: false,
                parameters: false,
                lenient: true,
                cuts: false,
            },
        ),
        (
            "/vod/film/..%20/other",
            Server {
                decodes: 1,
                backslash: false,
                parameters: false,
                lenient: false,
                cuts: true,
            },
        ),
    ] {
        let opened = server.opens(path).unwrap();
        assert_eq!(opened, [b"vod".to_vec(), b"other".to_vec()], "{path}");
    }
}
