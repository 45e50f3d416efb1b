//! The module through the SDK, as both doors call it: heads in, answers out.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should.

mod support;

use support::{Picture, fixture};
use thumbnail::Thumbnail;
use weir_module::testing::{Outcome, TestHost, decide, exchange};
use weir_module::{Answer, AnswerBody, Edit, Forward, Module, ResponseHead, Verdict};

const WEBP: (&str, &str) = ("accept", "image/avif,image/webp,*/*;q=0.8");

fn module(config: &str) -> Thumbnail {
    Thumbnail::configure(config).unwrap()
}

fn response(status: u16, headers: &[(&str, &str)], body: Vec<u8>) -> (ResponseHead, Vec<u8>) {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect();
    (ResponseHead { status, headers }, body)
}

/// Sends one request whose origin answers with `files`, by target.
fn run(
    config: &str,
    (method, target): (&str, &str),
    headers: &[(&str, &str)],
    origin: impl Fn(&str) -> (ResponseHead, Vec<u8>),
) -> (Outcome, Vec<String>) {
    let mut host: TestHost = TestHost::default();
    let verdict = decide(&mut module(config), &mut host, method, target, headers);
    let first = match &verdict {
        Verdict::Exchange(edits, _) => edits
            .iter()
            .find_map(|edit| match edit {
                Edit::SetTarget(target) => Some(target.to_owned()),
                _ => None,
            })
            .unwrap_or_else(|| target.to_owned()),
        _ => target.to_owned(),
    };
    let mut seen = vec![first.clone()];
    let (head, body) = origin(&first);
    let body = if method == "HEAD" { Vec::new() } else { body };
    let outcome = exchange(
        verdict,
        &mut host,
        (head, body),
        1000,
        |forward: &Forward| {
            seen.push(forward.target.clone());
            origin(&forward.target)
        },
    );
    (outcome, seen)
}

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

fn answer(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Answer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn header(answer: &Answer, name: &str) -> String {
    let value = answer.headers.iter().find(|(known, _)| known == name);
    value
        .map(|(_, value)| String::from_utf8(value.clone()).unwrap())
        .unwrap_or_default()
}

fn body(answer: &Answer) -> &[u8] {
    match &answer.body {
        AnswerBody::Bytes(bytes) => bytes,
        AnswerBody::Problem(problem) => panic!("{problem:?}"),
    }
}

fn problem(answer: &Answer) -> (u16, String) {
    match &answer.body {
        AnswerBody::Problem(problem) => (answer.status, problem.code().to_owned()),
        AnswerBody::Bytes(_) => panic!("{} with a body", answer.status),
    }
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

const STORYBOARD: &str = r#"{"url":"sheet.png","tile_width":20,"tile_height":10,"duration":40,
    "tiles":[{"start":0,"x":0,"y":0},{"start":10,"x":20,"y":0},{"start":20,"x":0,"y":10},{"start":30,"x":20,"y":10}]}"#;

/// Four tiles of 20x10, each of one colour, in a sheet of 41x21 with a white border at the right and below.
fn sheet() -> Vec<u8> {
    let mut sheet = image::RgbImage::from_pixel(41, 21, image::Rgb([255, 255, 255]));
    for (x, y, pixel) in sheet
        .enumerate_pixels_mut()
        .filter(|(x, y, _)| *x < 40 && *y < 20)
    {
        *pixel = image::Rgb(
            [[200, 0, 0], [0, 200, 0], [0, 0, 200], [90, 90, 0]][(x / 20 + y / 10 * 2) as usize],
        );
    }
    let mut out = std::io::Cursor::new(Vec::new());
    sheet.write_to(&mut out, image::ImageFormat::Png).unwrap();
    out.into_inner()
}

fn asset(target: &str) -> (ResponseHead, Vec<u8>) {
    match target {
        "/vod/x/storyboard.json" | "/vod/x/storyboard.json?v=1" => {
            response(200, &[], STORYBOARD.into())
        }
        "/vod/y/storyboard.vtt" => response(
            200,
            &[],
            b"WEBVTT\n\n00:00.000 --> 00:40.000\n/vod/x/sheet.png#xywh=20,0,20,10\n".to_vec(),
        ),
        "/vod/z/storyboard.json" => response(
            200,
            &[],
            STORYBOARD
                .replace("\"x\":20,\"y\":10", "\"x\":30,\"y\":10")
                .into(),
        ),
        "/vod/x/sheet.png" | "/vod/z/sheet.png" => response(200, &[("etag", "\"sheet\"")], sheet()),
        _ => response(404, &[], Vec::new()),
    }
}

#[test]
fn a_time_is_cut_out_of_the_storyboard() {
    for (target, colour) in [
        ("/vod/x/thumbnail.png?time=0&w=20", [200, 0, 0, 255]),
        ("/vod/x/thumbnail.png?time=12", [0, 200, 0, 255]),
        ("/vod/x/thumbnail.png?time=0:19&w=7", [0, 0, 200, 255]),
        ("/vod/x/thumbnail.png?time=9999", [90, 90, 0, 255]),
        // No time: the middle of the asset, since there is no file of that name.
        ("/vod/x/thumbnail.png?w=20", [0, 0, 200, 255]),
        // Only a WebVTT index.
        ("/vod/y/thumbnail.png?time=3", [0, 200, 0, 255]),
    ] {
        let (outcome, _) = run("", ("GET", target), &[], asset);
        let made = answer(outcome);
        assert_eq!(made.status, 200, "{target}: {made:?}");
        let picture = Picture::read(body(&made));
        // Nothing of the neighbours may bleed in, at any size.
        assert!(
            picture.pixels().all(|pixel| pixel == colour),
            "{target}: {:?}",
            picture.at(0, 0)
        );
    }
    let (outcome, seen) = run(
        "",
        ("GET", "/vod/x/thumbnail.webp?time=12&w=10"),
        &[],
        asset,
    );
    assert_eq!(seen, ["/vod/x/storyboard.json", "/vod/x/sheet.png"]);
    assert_eq!(header(&answer(outcome), "content-type"), "image/webp");
    let (outcome, _) = run("", ("HEAD", "/vod/x/thumbnail.jpg?time=12"), &[], asset);
    assert_eq!(answer(outcome).status, 200);
}

#[test]
fn storyboards_that_lie_are_refused() {
    let (outcome, _) = run("", ("GET", "/vod/z/thumbnail.jpg?time=39"), &[], asset);
    assert_eq!(
        problem(&answer(outcome)),
        (422, "picture-region-empty".into())
    );
    let (outcome, _) = run("", ("GET", "/vod/none/thumbnail.jpg?time=39"), &[], asset);
    assert!(matches!(outcome, Outcome::Upstream(..)), "{outcome:?}");
}
