//! Files that are made to hurt: each is refused with a reason, or gives a picture and nothing besides.
#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should.

mod support;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use support::origin::{answer, body, header, problem, response, run};
use support::{Picture, fixture, options};
use thumbnail::accept::AcceptClass;
use thumbnail::error::PictureError;
use thumbnail::pipeline::{Output, Settings, transform};

fn made(bytes: &[u8]) -> Result<Output, PictureError> {
    transform(
        bytes,
        &options("w=32&format=png"),
        AcceptClass::Basic,
        &Settings::default(),
    )
}

/// A PNG chunk.
fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut body = name.to_vec();
    body.extend_from_slice(data);
    let mut crc = flate2::Crc::new();
    crc.update(&body);
    let mut out = u32::try_from(data.len()).unwrap().to_be_bytes().to_vec();
    out.extend_from_slice(&body);
    out.extend_from_slice(&crc.sum().to_be_bytes());
    out
}

/// A gray PNG with more chunks before its pixels.
fn png(width: u32, height: u32, extra: &[Vec<u8>], pixels: &[u8]) -> Vec<u8> {
    let mut head = width.to_be_bytes().to_vec();
    head.extend_from_slice(&height.to_be_bytes());
    head.extend_from_slice(&[8, 0, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    out.extend(chunk(b"IHDR", &head));
    out.extend(extra.concat());
    out.extend(chunk(b"IDAT", pixels));
    out.extend(chunk(b"IEND", b""));
    out
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A JPEG with a segment more behind its SOI.
fn jpeg_with(marker: u8, payload: &[u8]) -> Vec<u8> {
    let mut file = fixture("bunny.jpg");
    let mut segment = vec![0xff, marker];
    let length = u16::try_from(payload.len() + 2).unwrap();
    segment.extend_from_slice(&length.to_be_bytes());
    segment.extend_from_slice(payload);
    file.splice(2..2, segment);
    file
}

#[test]
fn sizes_that_headers_promise_are_not_believed() {
    let pixels = deflated(&[0; 64]);
    let mut files = vec![
        png(50_000, 50_000, &[], &pixels),
        png(u32::MAX, u32::MAX, &[], &pixels),
    ];
    let mut gif = fixture("frame.gif");
    gif[6..10].fill(0xff);
    files.push(gif);
    let mut webp = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0".to_vec();
    webp.extend([0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    files.push(webp);
    let mut jpeg = fixture("bunny.jpg");
    let frame = jpeg
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    files.push(jpeg);
    for (index, file) in files.iter().enumerate() {
        let error = made(file).unwrap_err();
        let code = error.code();
        assert!(
            matches!(code, "picture-too-large" | "picture-broken"),
            "{index}: {error}"
        );
    }
}

#[test]
fn little_that_unpacks_to_much_is_cut_off() {
    let bomb = deflated(&vec![0; 64 << 20]);
    assert!(bomb.len() < 1 << 20);
    let picture = deflated(&[7; 65 * 64]);
    // More pixels than the header says.
    let found = made(&png(64, 64, &[], &bomb));
    assert!(
        found.is_ok_and(|output| output.width == 32) || made(&png(64, 64, &[], &bomb)).is_err()
    );
    for (name, head) in [
        (b"iCCP", b"profile\0\0".as_slice()),
        (b"zTXt", b"Comment\0\0"),
        (b"iTXt", b"Comment\0\x01\0\0\0"),
    ] {
        let data = [head, bomb.as_slice()].concat();
        match made(&png(64, 64, &[chunk(name, &data)], &picture)) {
            Ok(output) => assert_eq!(output.width, 32),
            Err(error) => assert_eq!(error.code(), "picture-broken", "{error}"),
        }
    }
}

#[test]
fn metadata_that_lies_changes_nothing() {
    let plain = Picture::read(&made(&fixture("bunny.jpg")).unwrap().bytes);
    let tiff = |order: &[u8], entries: u16, next: u32| {
        let mut data = b"Exif\0\0".to_vec();
        data.extend_from_slice(order);
        data.extend_from_slice(&[0, 42, 0, 0, 0, 8]);
        data.extend_from_slice(&entries.to_be_bytes());
        // An orientation out of range.
        data.extend_from_slice(&[1, 0x12, 0, 3, 0, 0, 0, 1, 0, 99, 0, 0]);
        data.extend_from_slice(&next.to_be_bytes());
        data
    };
    let icc = |sequence: u8, count: u8, part: &[u8]| {
        [b"ICC_PROFILE\0".as_slice(), &[sequence, count], part].concat()
    };
    let mut looped = b"\0\0\x02\x0clcms\x04\0\0\0mntrRGB XYZ ".to_vec();
    looped.resize(600, 0xff);
    for (marker, payload) in [
        (0xe1, tiff(b"MM", 1, 8)),
        (0xe1, tiff(b"MM", u16::MAX, u32::MAX)),
        (0xe1, tiff(b"XX", 1, 0)),
        (0xe1, b"Exif\0\0MM\0*\xff\xff\xff\xff".to_vec()),
        (0xe1, b"Exif\0\0".to_vec()),
        (0xe2, icc(0, 0, b"")),
        (0xe2, icc(2, 1, b"abc")),
        (0xe2, icc(1, 255, &[0; 4000])),
        (0xe2, icc(1, 1, &looped)),
        (0xfe, vec![b'<'; 60_000]),
    ] {
        let found = made(&jpeg_with(marker, &payload)).unwrap();
        assert_eq!(Picture::read(&found.bytes), plain, "{marker:x} {payload:?}");
    }
}

#[test]
fn what_hides_behind_or_in_a_picture_stays_there() {
    let script = b"<html><script>alert(1)</script>PK\x03\x04";
    let holds = |bytes: &[u8]| bytes.windows(8).any(|eight| eight == b"<script>");
    for name in ["bunny.jpg", "alpha.png", "frame.gif", "lossy.webp"] {
        let mut file = fixture(name);
        file.extend_from_slice(script);
        if let Ok(output) = made(&file) {
            assert!(!holds(&output.bytes), "{name}");
        }
    }
    let output = made(&jpeg_with(0xfe, script)).unwrap();
    assert!(!holds(&output.bytes));
    // A script that begins like a picture is none.
    for start in [
        b"\xff\xd8\xff/*".as_slice(),
        b"GIF89a/*",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\0\0\0\0WEBP",
    ] {
        assert!(made(&[start, script].concat()).is_err());
    }
}

#[test]
fn a_scan_bomb_is_refused() {
    let mut file = fixture("progressive.jpg");
    let end = file.len() - 2;
    let scan = file
        .windows(2)
        .position(|pair| pair == [0xff, 0xda])
        .unwrap();
    let length = usize::from(u16::from_be_bytes([file[scan + 2], file[scan + 3]]));
    let header = file[scan..scan + 2 + length].to_vec();
    for _ in 0..5000 {
        file.splice(end..end, header.iter().copied());
    }
    assert_eq!(made(&file).unwrap_err().code(), "picture-broken");
}

#[test]
fn what_may_hold_scripts_passes_nowhere() {
    let config = "on-unsupported = \"pass\"";
    let late = format!(
        "<?xml version='1.0'?><!--{}--><svg onload='x()'/>",
        "x".repeat(4000)
    );
    let wide: Vec<u8> = "<svg onload='x()'/>"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let wide = [b"\xff\xfe".as_slice(), &wide].concat();
    for (kind, file) in [
        ("image/png", late.as_bytes()),
        ("image/png", wide.as_slice()),
        ("image/svg+xml", b"\x1f\x8b\x08packed"),
        ("text/html; charset=utf-8", b"plain text"),
        ("application/xhtml+xml", b"x"),
    ] {
        let origin = |_: &str| response(200, &[("content-type", kind)], file.to_vec());
        let (outcome, _) = run(config, ("GET", "/a.jpg?w=64"), &[], origin);
        assert_eq!(problem(&answer(outcome)).0, 422, "{kind}");
    }
    let origin = |_: &str| {
        response(
            200,
            &[("content-type", "image/jxl")],
            b"\xff\x0a....".to_vec(),
        )
    };
    let (outcome, _) = run(config, ("GET", "/a.jpg?w=64"), &[], origin);
    let passed = answer(outcome);
    assert_eq!(
        (passed.status, body(&passed)),
        (200, b"\xff\x0a....".as_slice())
    );
    assert_eq!(header(&passed, "x-content-type-options"), "nosniff");
}
