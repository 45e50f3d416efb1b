//! What is made of an asset's storyboard: frames, previews, and the form of the index that the origin does not have.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should.

mod support;

use image::AnimationDecoder as _;
use image::codecs::webp::WebPDecoder;
use support::Picture;
use support::origin::*;
use weir_module::ResponseHead;
use weir_module::testing::Outcome;

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

/// The frames of an animation: delay in milliseconds, and the colour in the middle.
fn film(bytes: &[u8]) -> Vec<(u32, [u8; 4])> {
    let decoder = WebPDecoder::new(std::io::Cursor::new(bytes)).unwrap();
    let frames = decoder.into_frames().map(Result::unwrap);
    frames
        .map(|frame| {
            let picture = frame.buffer();
            let (width, height) = picture.dimensions();
            let delay = frame.delay().numer_denom_ms();
            (
                delay.0 / delay.1,
                picture.get_pixel(width / 2, height / 2).0,
            )
        })
        .collect()
}

#[test]
fn a_preview_shows_the_whole_asset() {
    let colours = [[200, 0, 0], [0, 200, 0], [0, 0, 200], [90, 90, 0]];
    for (target, shown, delay) in [
        ("/vod/x/preview.webp?w=20", vec![0, 1, 2, 3], 500),
        (
            "/vod/x/preview.webp?frames=2&fps=5&lossless=1",
            vec![0, 3],
            200,
        ),
        ("/vod/x/preview.webp?time=20&w=10", vec![2, 3], 500),
        ("/vod/y/preview.webp?frames=4", vec![1], 500),
    ] {
        let (outcome, _) = run("", ("GET", target), &[], asset);
        let made = answer(outcome);
        assert_eq!(made.status, 200, "{target}: {made:?}");
        assert_eq!(header(&made, "content-type"), "image/webp");
        let film = film(body(&made));
        assert_eq!(film.len(), shown.len(), "{target}");
        for ((took, seen), wanted) in film.iter().zip(shown) {
            assert_eq!(*took, delay, "{target}");
            let near = seen
                .iter()
                .zip(colours[wanted])
                .all(|(a, b)| a.abs_diff(b) < 12);
            assert!(near, "{target}: {seen:?}");
        }
    }
    // One sprite is fetched once.
    let (outcome, seen) = run("", ("GET", "/vod/x/preview.webp?w=20"), &[], asset);
    assert_eq!(
        seen,
        [
            "/vod/x/preview.webp",
            "/vod/x/storyboard.json",
            "/vod/x/sheet.png"
        ]
    );
    let tag = header(&answer(outcome), "etag");
    let known = [("if-none-match", tag.as_str())];
    let (outcome, _) = run("", ("GET", "/vod/x/preview.webp?w=20"), &known, asset);
    assert_eq!(answer(outcome).status, 304);
}

#[test]
fn a_preview_that_cannot_be_says_why() {
    let (outcome, _) = run("", ("GET", "/vod/z/preview.webp?time=0"), &[], asset);
    assert_eq!(
        problem(&answer(outcome)),
        (422, "picture-region-empty".into())
    );
    let large = "/vod/x/preview.webp?time=0&w=2000&h=1000&fit=contain&enlarge=1";
    let (outcome, _) = run("", ("GET", large), &[], asset);
    assert_eq!(
        problem(&answer(outcome)),
        (422, "picture-result-too-large".into())
    );
    let (outcome, _) = run("", ("GET", "/vod/none/preview.webp?frames=3"), &[], asset);
    assert!(matches!(outcome, Outcome::Upstream(..)), "{outcome:?}");
}

#[test]
fn the_index_is_had_in_both_forms() {
    let (outcome, seen) = run("", ("GET", "/vod/x/storyboard.vtt?v=1"), &[], asset);
    assert_eq!(
        seen,
        ["/vod/x/storyboard.vtt?v=1", "/vod/x/storyboard.json?v=1"]
    );
    let made = answer(outcome);
    assert_eq!(header(&made, "content-type"), "text/vtt; charset=utf-8");
    let text = String::from_utf8(body(&made).to_vec()).unwrap();
    assert!(
        text.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:10.000\nsheet.png#xywh=0,0,20,10\n"),
        "{text}"
    );
    let tag = header(&made, "etag");
    let known = [("if-none-match", tag.as_str())];
    let (outcome, _) = run("", ("GET", "/vod/x/storyboard.vtt?v=1"), &known, asset);
    assert_eq!(answer(outcome).status, 304);

    let (outcome, _) = run("", ("GET", "/vod/y/storyboard.json"), &[], asset);
    let made = answer(outcome);
    assert_eq!(header(&made, "content-type"), "application/json");
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(body(&made)).unwrap(),
        serde_json::json!({
            "url": "/vod/x/sheet.png", "tile_width": 20, "tile_height": 10, "duration": 40.0,
            "tiles": [{"start": 0.0, "x": 20, "y": 0}],
        })
    );
    // What the origin has goes out as it is, and what it does not have at all is its own 404.
    for target in ["/vod/x/storyboard.json", "/vod/none/storyboard.vtt"] {
        let (outcome, _) = run("", ("GET", target), &[], asset);
        assert!(matches!(outcome, Outcome::Upstream(..)), "{outcome:?}");
    }
}
