//! The module through the SDK, as both doors call it: heads in, answers out.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should.

mod support;

use support::origin::*;
use support::{Picture, fixture};
use weir_module::testing::{Outcome, TestHost, decide};
use weir_module::{Answer, Edit, Verdict};

fn picture(config: &str, request: (&str, &str), headers: &[(&str, &str)], name: &str) -> Answer {
    let (outcome, _) = run(config, request, headers, |_| {
        response(
            200,
            &[
                ("content-type", "image/jpeg"),
                ("etag", "\"v1\""),
                ("cache-control", "max-age=60"),
                ("set-cookie", "a=1"),
                ("vary", "Accept-Encoding, Origin"),
            ],
            fixture(name),
        )
    });
    answer(outcome)
}

#[test]
fn a_picture_is_made_and_its_caching_is_kept() {
    let made = picture("", ("GET", "/a.jpg?w=64&v=2"), &[WEBP], "bunny.jpg");
    assert_eq!(made.status, 200);
    assert_eq!(header(&made, "content-type"), "image/webp");
    assert_eq!(header(&made, "cache-control"), "max-age=60");
    assert_eq!(header(&made, "vary"), "Origin, Accept");
    assert_eq!(header(&made, "x-content-type-options"), "nosniff");
    assert_eq!(header(&made, "set-cookie"), "");
    let picture = Picture::read(body(&made));
    assert_eq!((picture.width, picture.height), (64, 36));
}

#[test]
fn accept_decides_unless_a_format_is_named() {
    let basic = picture(
        "",
        ("GET", "/a.jpg?w=64"),
        &[("accept", "*/*")],
        "bunny.jpg",
    );
    assert_eq!(
        (header(&basic, "content-type"), header(&basic, "vary")),
        ("image/jpeg".into(), "Origin, Accept".into())
    );
    let fixed = picture("", ("GET", "/a.jpg?w=64&format=png"), &[WEBP], "bunny.jpg");
    assert_eq!(
        (header(&fixed, "content-type"), header(&fixed, "vary")),
        ("image/png".into(), "Origin".into())
    );
    let alpha = picture("", ("GET", "/a.png?w=64"), &[], "alpha.png");
    assert_eq!(header(&alpha, "content-type"), "image/png");
}

#[test]
fn the_origin_is_asked_for_the_whole_plain_picture() {
    let mut host: TestHost = TestHost::default();
    let verdict = decide(&mut module(""), &mut host, "GET", "/a.jpg?h=9&v=1", &[]);
    let Verdict::Exchange(edits, _) = verdict else {
        panic!("{verdict:?}")
    };
    let edits: Vec<_> = edits.iter().collect();
    assert!(edits.contains(&Edit::SetTarget("/a.jpg?v=1")));
    assert!(edits.contains(&Edit::RemoveRequest("range")));
    assert!(edits.contains(&Edit::SetRequest("accept-encoding", b"identity")));
}

#[test]
fn other_requests_pass_untouched() {
    let mut host: TestHost = TestHost::default();
    for (method, target) in [
        ("GET", "/a.jpg"),
        ("GET", "/a.m3u8?w=1"),
        ("POST", "/a.jpg?w=1"),
        ("GET", "/seg.m4s"),
    ] {
        let verdict = decide(&mut module(""), &mut host, method, target, &[]);
        assert!(
            matches!(&verdict, Verdict::Pass(edits) if edits.is_empty()),
            "{method} {target}: {verdict:?}"
        );
    }
}

#[test]
fn bad_options_are_refused_before_the_origin_is_asked() {
    for (target, code) in [
        ("/a.jpg?w=0", "thumbnail-option-invalid"),
        ("/a.jpg?w=1&width=2", "thumbnail-option-unknown"),
        ("/a.jpg?w=1&w=1", "thumbnail-option-invalid"),
        ("/a.jpg?preset=x", "thumbnail-preset-unknown"),
    ] {
        let mut host: TestHost = TestHost::default();
        match decide(&mut module(""), &mut host, "GET", target, &[]) {
            Verdict::Answer(answer) => {
                assert_eq!(problem(&answer), (400, code.to_owned()), "{target}")
            }
            other => panic!("{target}: {other:?}"),
        }
    }
}

#[test]
fn a_known_tag_is_confirmed_without_a_body() {
    let first = picture("", ("GET", "/a.jpg?w=64"), &[], "bunny.jpg");
    let tag = header(&first, "etag");
    let asked = [("if-none-match", tag.as_str())];
    // The origin gets its own tag and says 304.
    let mut host: TestHost = TestHost::default();
    let Verdict::Exchange(edits, _) =
        decide(&mut module(""), &mut host, "GET", "/a.jpg?w=64", &asked)
    else {
        panic!()
    };
    assert!(edits.any(|edit| edit == Edit::SetRequest("if-none-match", b"\"v1\"")));
    let (outcome, _) = run("", ("GET", "/a.jpg?w=64"), &asked, |_| {
        response(304, &[("etag", "\"v1\"")], Vec::new())
    });
    let confirmed = answer(outcome);
    assert_eq!(
        (confirmed.status, header(&confirmed, "etag")),
        (304, tag.clone())
    );
    assert_eq!(header(&confirmed, "vary"), "Accept");
    // An origin that does not do conditions sends it all: the tag still decides, and no picture is made.
    assert_eq!(
        picture("", ("GET", "/a.jpg?w=64"), &asked, "bunny.jpg").status,
        304
    );
    // Other options, another class of client, another configuration: another tag.
    assert_eq!(
        picture("", ("GET", "/a.jpg?w=65"), &asked, "bunny.jpg").status,
        200
    );
    assert_eq!(
        picture("", ("GET", "/a.jpg?w=64"), &[asked[0], WEBP], "bunny.jpg").status,
        200
    );
    assert_eq!(
        picture(
            "jpeg-quality = 50",
            ("GET", "/a.jpg?w=64"),
            &asked,
            "bunny.jpg"
        )
        .status,
        200
    );
}

#[test]
fn without_a_source_tag_the_bytes_decide() {
    let plain = |asked: &[(&str, &str)]| {
        answer(
            run("", ("GET", "/a.jpg?w=64"), asked, |_| {
                response(200, &[], fixture("bunny.jpg"))
            })
            .0,
        )
    };
    let tag = header(&plain(&[]), "etag");
    assert!(tag.len() > 10);
    assert_eq!(plain(&[("if-none-match", &tag)]).status, 304);
}

#[test]
fn head_is_answered_like_get() {
    let got = picture("", ("GET", "/a.jpg?w=64"), &[], "bunny.jpg");
    let (outcome, seen) = run("", ("HEAD", "/a.jpg?w=64"), &[], |_| {
        response(200, &[("etag", "\"v1\"")], fixture("bunny.jpg"))
    });
    let headed = answer(outcome);
    assert_eq!(seen, ["/a.jpg", "/a.jpg"]);
    assert_eq!(headed.status, 200);
    assert_eq!(header(&headed, "etag"), header(&got, "etag"));
    // The adapter takes the length from the body and leaves the body out.
    assert_eq!(body(&headed).len(), body(&got).len());
}

#[test]
fn what_is_not_a_whole_picture_says_so() {
    let refused = |body: Vec<u8>, headers: &[(&str, &str)]| {
        let headers = headers.to_vec();
        problem(&answer(
            run("", ("GET", "/a.jpg?w=64"), &[], |_| {
                response(200, &headers, body.clone())
            })
            .0,
        ))
    };
    let whole = fixture("bunny.jpg");
    assert_eq!(
        refused(whole[..whole.len() / 2].to_vec(), &[]),
        (422, "picture-broken".into())
    );
    assert_eq!(
        refused(b"<svg/>".to_vec(), &[]),
        (422, "picture-unsupported".into())
    );
    assert_eq!(
        refused(Vec::new(), &[]),
        (422, "picture-unsupported".into())
    );
    assert_eq!(
        refused(whole.clone(), &[("content-length", "99999999999")]),
        (422, "picture-too-large".into())
    );
    assert_eq!(
        refused(vec![0; (20 << 20) + 1], &[]),
        (422, "picture-too-large".into())
    );
    assert_eq!(
        refused(whole, &[("content-encoding", "gzip")]),
        (502, "picture-encoded".into())
    );
}

#[test]
fn the_origins_own_errors_pass() {
    let (outcome, _) = run("", ("GET", "/a.jpg?w=64"), &[], |_| {
        response(404, &[], b"gone".to_vec())
    });
    assert!(
        matches!(outcome, Outcome::Upstream(edits, body) if edits.is_empty() && body == b"gone")
    );
}

#[test]
fn unsupported_files_pass_where_configured_but_never_svg() {
    let config = "on-unsupported = \"pass\"";
    let send = |body: &'static [u8]| {
        answer(
            run(config, ("GET", "/a.jpg?w=64"), &[], |_| {
                response(200, &[("content-type", "image/avif")], body.to_vec())
            })
            .0,
        )
    };
    let avif = send(b"\0\0\0\x1cftypavif\0\0\0\0");
    assert_eq!(
        (
            avif.status,
            header(&avif, "content-type"),
            body(&avif).len()
        ),
        (200, "image/avif".into(), 16)
    );
    assert_eq!(problem(&send(b"<svg/>")).0, 422);
}

/// The head of an AVIF file as libavif writes it: the general brand first.
const AVIF: &[u8] = b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf\0\0\0\x08mdat";

#[test]
fn avif_goes_to_those_who_take_it() {
    let origin = |_: &str| {
        response(
            200,
            &[("content-type", "image/jpeg"), ("etag", "\"a\"")],
            AVIF.to_vec(),
        )
    };
    for target in ["/a.jpg?w=1", "/a.avif?w=1"] {
        let (outcome, _) = run("", ("GET", target), &[WEBP], origin);
        let made = answer(outcome);
        assert_eq!((made.status, body(&made)), (200, AVIF));
        assert_eq!(header(&made, "content-type"), "image/avif");
        assert_eq!(header(&made, "vary"), "Accept");
    }
    for (target, accept) in [
        ("/a.jpg?w=1", "image/webp"),
        ("/a.jpg?w=1", "image/avif;q=0, */*"),
        ("/a.jpg?w=1&format=jpeg", "image/avif"),
    ] {
        let (outcome, _) = run("", ("GET", target), &[("accept", accept)], origin);
        assert_eq!(
            problem(&answer(outcome)),
            (422, "picture-unsupported".into()),
            "{target}"
        );
    }
}

#[test]
fn a_progressive_jpeg_shows_the_same() {
    let made = |query: &str| body(&picture("", ("GET", query), &[], "bunny.jpg")).to_vec();
    let plain = made("/a.jpg?w=200&format=jpeg");
    let scans = made("/a.jpg?w=200&format=jpeg&progressive=1");
    let is_progressive = |file: &[u8]| file.windows(2).any(|pair| pair == [0xff, 0xc2]);
    assert!(!is_progressive(&plain) && is_progressive(&scans));
    assert_eq!(Picture::read(&plain), Picture::read(&scans));
}

#[test]
fn client_hints_count_only_where_they_are_turned_on() {
    let hints = [("sec-ch-dpr", "2.0"), ("save-data", "on")];
    let plain = picture("", ("GET", "/a.jpg?w=50&format=jpeg"), &hints, "bunny.jpg");
    let of_origin = header(&plain, "vary");
    assert_eq!(Picture::read(body(&plain)).width, 50);
    let config = "client-hints = true";
    let dense = picture(
        config,
        ("GET", "/a.jpg?w=50&format=jpeg"),
        &hints[..1],
        "bunny.jpg",
    );
    assert_eq!(Picture::read(body(&dense)).width, 100);
    assert_eq!(
        header(&dense, "vary"),
        format!("{of_origin}, Sec-CH-DPR, DPR, Save-Data")
    );
    let saving = picture(
        config,
        ("GET", "/a.jpg?w=50&format=jpeg"),
        &hints,
        "bunny.jpg",
    );
    assert_eq!(Picture::read(body(&saving)).width, 50);
    assert!(body(&saving).len() < body(&plain).len());
    assert_ne!(header(&saving, "etag"), header(&dense, "etag"));
}
