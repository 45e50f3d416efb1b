//! The module as a host sees it: heads in, verdicts out, responses through the exchange.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};

use manifest_rewrite::ManifestRewrite;
use weir_module::testing::{Outcome, TestHost, decide, exchange};
use weir_module::{Edit, Edits, Module, ResponseHead, Verdict};

const PLAYLIST: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://k\"\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n";

fn module(config: &str) -> ManifestRewrite {
    ManifestRewrite::configure(config).unwrap()
}

fn ask(config: &str, method: &str, target: &str, headers: &[(&str, &str)]) -> Verdict {
    decide(
        &mut module(config),
        &mut TestHost::<weir_module::NoCounters>::default(),
        method,
        target,
        headers,
    )
}

fn response(headers: &[(&str, &str)]) -> ResponseHead {
    let typed = [("content-type", "application/vnd.apple.mpegurl")];
    let headers = typed
        .iter()
        .chain(headers)
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
    ResponseHead {
        status: 200,
        headers: headers.collect(),
    }
}

fn answer(verdict: Verdict, head: ResponseHead, body: &[u8]) -> Outcome {
    let mut host = TestHost::<weir_module::NoCounters>::default();
    exchange(verdict, &mut host, (head, body.to_vec()), 7, |_| {
        unreachable!("nothing is forwarded")
    })
}

/// The value that a response header has after the edits; `None` when it is removed or untouched.
fn set<'a>(edits: &'a Edits, name: &str) -> Option<&'a [u8]> {
    let mut found = None;
    for edit in edits.iter() {
        match edit {
            Edit::SetResponse(known, value) if known == name => found = Some(value),
            Edit::RemoveResponse(known) if known == name => found = None,
            _ => {}
        }
    }
    found
}

fn removes(edits: &Edits, name: &str) -> bool {
    edits.any(|edit| edit == Edit::RemoveResponse(name)) && set(edits, name).is_none()
}

const TOKEN: (&str, &str) = ("weir-token", "query:t=X");

#[test]
fn other_requests_pass_without_the_token_header() {
    for (method, target) in [
        ("GET", "/a/seg.ts"),
        ("POST", "/a/index.m3u8"),
        ("GET", "/a/index.m3u8.txt?x=.m3u8"),
    ] {
        let Verdict::Pass(edits) = ask("", method, target, &[TOKEN]) else {
            panic!("{method} {target}")
        };
        assert_eq!(
            edits.iter().collect::<Vec<_>>(),
            [Edit::RemoveRequest("weir-token")]
        );
    }
    let Verdict::Pass(edits) = ask("", "GET", "/a/seg.ts", &[]) else {
        panic!()
    };
    assert!(edits.is_empty());
}

#[test]
fn a_manifest_without_a_token_stays_shared() {
    let Verdict::Pass(edits) = ask("", "GET", "/a/index.m3u8", &[("range", "bytes=0-")]) else {
        panic!()
    };
    assert!(edits.is_empty());
}

#[test]
fn the_request_asks_for_the_whole_shared_manifest() {
    let Verdict::Exchange(edits, _) = ask("", "GET", "/a/index.m3u8?x=1", &[TOKEN]) else {
        panic!()
    };
    for name in [
        "weir-token",
        "range",
        "if-range",
        "if-none-match",
        "if-modified-since",
    ] {
        assert!(
            edits.any(|edit| edit == Edit::RemoveRequest(name)),
            "{name}"
        );
    }
    assert!(edits.any(|edit| edit == Edit::SetRequest("accept-encoding", b"identity")));
    assert!(!edits.any(|edit| matches!(edit, Edit::SetTarget(_))));
}

#[test]
fn the_result_is_personal() {
    let head = response(&[
        ("etag", "\"e\""),
        ("cache-control", "public, max-age=60"),
        ("content-length", "9"),
        ("accept-ranges", "bytes"),
        ("repr-digest", "sha-256=:x:"),
        ("surrogate-key", "k"),
        ("last-modified", "x"),
    ]);
    let Outcome::Upstream(edits, body) = answer(
        ask("", "GET", "/a/index.m3u8", &[TOKEN]),
        head,
        PLAYLIST.as_bytes(),
    ) else {
        panic!()
    };
    assert_eq!(
        String::from_utf8(body).unwrap(),
        PLAYLIST.replace("a.ts", "a.ts?t=X")
    );
    assert_eq!(
        set(&edits, "cache-control"),
        Some(b"private, no-store".as_slice())
    );
    for name in [
        "etag",
        "content-length",
        "accept-ranges",
        "repr-digest",
        "surrogate-key",
        "last-modified",
    ] {
        assert!(removes(&edits, name), "{name}");
    }
    assert!(edits.any(|edit| edit == Edit::AppendResponse("vary", b"accept-encoding")));
}

#[test]
fn gzip_in_and_out() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(PLAYLIST.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let expected = PLAYLIST.replace("a.ts", "a.ts?t=X");
    let head = || response(&[("content-encoding", "gzip")]);

    let verdict = ask(
        "",
        "GET",
        "/a/index.m3u8",
        &[TOKEN, ("accept-encoding", "gzip, br")],
    );
    let Outcome::Upstream(edits, body) = answer(verdict, head(), &packed) else {
        panic!()
    };
    assert_eq!(set(&edits, "content-encoding"), Some(b"gzip".as_slice()));
    let mut text = String::new();
    flate2::read::GzDecoder::new(body.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, expected);

    let verdict = ask(
        "compress = false",
        "GET",
        "/a/index.m3u8",
        &[TOKEN, ("accept-encoding", "gzip")],
    );
    let Outcome::Upstream(edits, body) = answer(verdict, head(), &packed) else {
        panic!()
    };
    assert!(removes(&edits, "content-encoding"));
    assert_eq!(body, expected.as_bytes());

    let Outcome::BrokenOff(_) = answer(ask("", "GET", "/a.m3u8", &[TOKEN]), head(), &packed[..20])
    else {
        panic!()
    };
    let Outcome::Answer(refused) = answer(
        ask("", "GET", "/a.m3u8", &[TOKEN]),
        response(&[("content-encoding", "zstd")]),
        b"x",
    ) else {
        panic!()
    };
    assert_eq!(refused.status, 502);
}

#[test]
fn head_gets_the_headers_of_get() {
    let verdict = ask(
        "",
        "HEAD",
        "/a/index.m3u8",
        &[TOKEN, ("accept-encoding", "gzip")],
    );
    let Outcome::Upstream(edits, body) =
        answer(verdict, response(&[("content-length", "99")]), b"")
    else {
        panic!()
    };
    assert!(body.is_empty() && removes(&edits, "content-length"));
    assert_eq!(set(&edits, "content-encoding"), Some(b"gzip".as_slice()));
}

#[test]
fn errors_and_other_types_pass_untouched() {
    let mut head = response(&[]);
    head.status = 404;
    let Outcome::Upstream(edits, body) =
        answer(ask("", "GET", "/a.m3u8", &[TOKEN]), head, b"#EXTM3U\nx\n")
    else {
        panic!()
    };
    assert!(edits.is_empty() && body == b"#EXTM3U\nx\n");
    let html = ResponseHead {
        status: 200,
        headers: vec![("content-type".into(), b"text/html".to_vec())],
    };
    let Outcome::Upstream(edits, _) = answer(ask("", "GET", "/a.m3u8", &[TOKEN]), html, b"x")
    else {
        panic!()
    };
    assert!(edits.is_empty());
}

#[test]
fn a_redirect_keeps_the_token() {
    let head = ResponseHead {
        status: 302,
        headers: vec![("location".into(), b"/b/index.m3u8?v=2".to_vec())],
    };
    let Outcome::Upstream(edits, _) = answer(ask("", "GET", "/a.m3u8", &[TOKEN]), head, b"") else {
        panic!()
    };
    assert_eq!(
        set(&edits, "location"),
        Some(b"/b/index.m3u8?v=2&t=X".as_slice())
    );
    assert_eq!(
        set(&edits, "cache-control"),
        Some(b"private, no-store".as_slice())
    );
}

#[test]
fn a_variable_keeps_the_result_shared_and_revalidated() {
    const CONFIG: &str = "[token]\nform = 'variable'\n";
    let head = || response(&[("etag", "\"e1\""), ("cache-control", "max-age=60")]);
    let verdict = ask(CONFIG, "GET", "/a/index.m3u8", &[TOKEN]);
    let Outcome::Upstream(edits, body) = answer(verdict, head(), PLAYLIST.as_bytes()) else {
        panic!()
    };
    let text = String::from_utf8(body).unwrap();
    assert!(
        text.starts_with("#EXTM3U\n#EXT-X-VERSION:11\n#EXT-X-DEFINE:QUERYPARAM=\"t\"\n"),
        "{text}"
    );
    assert!(text.contains("\na.ts?t={$t}\n") && !text.contains("t=X"));
    assert_eq!(set(&edits, "cache-control"), None);
    let etag = String::from_utf8(set(&edits, "etag").unwrap().to_vec()).unwrap();
    assert!(etag.starts_with("\"e1-"));

    // The same for another viewer, and not for another parent or encoding.
    let other = [
        ("weir-token", "query:t=Y"),
        ("if-none-match", etag.as_str()),
    ];
    let Outcome::Answer(same) = answer(ask(CONFIG, "GET", "/a/index.m3u8", &other), head(), b"")
    else {
        panic!()
    };
    assert_eq!(same.status, 304);
    let newer = response(&[("etag", "\"e2\"")]);
    assert!(matches!(
        answer(ask(CONFIG, "GET", "/a/index.m3u8", &other), newer, b""),
        Outcome::Upstream(..)
    ));
    let packed = [other[0], other[1], ("accept-encoding", "gzip")];
    assert!(matches!(
        answer(ask(CONFIG, "GET", "/a/index.m3u8", &packed), head(), b""),
        Outcome::Upstream(..)
    ));
}

#[test]
fn a_token_that_no_variable_can_hold_is_written_out() {
    let verdict = ask(
        "[token]\nform = 'variable'\n",
        "GET",
        "/a.m3u8",
        &[("weir-token", "query:t=a%2Fb")],
    );
    let Outcome::Upstream(edits, body) =
        answer(verdict, response(&[("etag", "\"e\"")]), PLAYLIST.as_bytes())
    else {
        panic!()
    };
    assert!(String::from_utf8(body).unwrap().contains("a.ts?t=a%2Fb"));
    assert_eq!(
        set(&edits, "cache-control"),
        Some(b"private, no-store".as_slice())
    );
    assert!(set(&edits, "etag").is_none());
}

#[test]
fn a_parameter_of_the_request_can_be_carried() {
    let verdict = ask(
        "[token]\nparameters = ['hdnts']\n",
        "GET",
        "/a.m3u8?x=1&hdnts=exp=1~hmac=2",
        &[],
    );
    let Outcome::Upstream(_, body) = answer(verdict, response(&[]), PLAYLIST.as_bytes()) else {
        panic!()
    };
    assert!(
        String::from_utf8(body)
            .unwrap()
            .contains("a.ts?hdnts=exp=1~hmac=2\n")
    );
}

#[test]
fn media_moves_to_the_chosen_host() {
    let config = "[hosts]\n[[hosts.cdn]]\nbase = 'https://cdn.example'\n";
    let verdict = ask(
        config,
        "GET",
        "/v/a.m3u8",
        &[TOKEN, (":authority", "edge.example")],
    );
    let Outcome::Upstream(_, body) = answer(verdict, response(&[]), PLAYLIST.as_bytes()) else {
        panic!()
    };
    assert!(
        String::from_utf8(body)
            .unwrap()
            .contains("\nhttps://cdn.example/v/a.ts?t=X\n")
    );
}

#[test]
fn a_broken_configuration_names_its_key() {
    let Err(error) = ManifestRewrite::configure("[token]\nexclude-places = ['x']") else {
        panic!()
    };
    assert_eq!(error.key(), "token.exclude-places[0]");
}

#[test]
fn an_mpd_is_rewritten_by_its_type_or_path() {
    let mpd = "<MPD><Period><AdaptationSet contentType=\"video\"><SegmentTemplate media=\"$Number$.m4s\"/></AdaptationSet></Period></MPD>";
    for headers in [
        vec![("content-type".to_owned(), b"application/dash+xml".to_vec())],
        vec![],
    ] {
        let head = ResponseHead {
            status: 200,
            headers,
        };
        let Outcome::Upstream(edits, body) =
            answer(ask("", "GET", "/v/a.mpd", &[TOKEN]), head, mpd.as_bytes())
        else {
            panic!()
        };
        assert_eq!(
            String::from_utf8(body).unwrap(),
            mpd.replace(".m4s", ".m4s?t=X")
        );
        assert_eq!(
            set(&edits, "cache-control"),
            Some(b"private, no-store".as_slice())
        );
    }
}
