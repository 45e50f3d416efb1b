//! Every kind of source through the whole pipeline, measured against the same frame reduced by an independent resizer.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should.

mod support;

use support::{Picture, fixture, options, psnr};
use thumbnail::accept::AcceptClass;
use thumbnail::error::PictureError;
use thumbnail::pipeline::{Settings, transform};

/// The frame at 80x45, by the resizer of the `image` crate.
fn reference() -> Picture {
    let frame = Picture::read(&fixture("bunny.jpg")).image();
    Picture::of(&frame.resize_exact(80, 45, image::imageops::FilterType::Lanczos3))
}

fn small(name: &str, query: &str) -> Picture {
    let output = transform(
        &fixture(name),
        &options(query),
        AcceptClass::Basic,
        &Settings::default(),
    )
    .unwrap();
    let picture = Picture::read(&output.bytes);
    assert_eq!(
        (picture.width, picture.height),
        (output.width, output.height),
        "{name}"
    );
    picture
}

#[test]
fn every_kind_of_source_shows_the_same_frame() {
    let reference = reference();
    // What the source's own loss allows, in dB.
    for (name, least) in [
        ("bunny.jpg", 35.0),
        ("progressive.jpg", 32.0),
        ("display-p3.jpg", 30.0),
        ("lossy.webp", 30.0),
        ("deep-16.png", 32.0),
        ("palette.png", 27.0),
        ("frame.gif", 24.0),
        ("animated.webp", 24.0),
        // Another gamut, read back without its profile.
        ("cmyk.jpg", 15.0),
    ] {
        let picture = small(name, "w=80&format=png");
        assert_eq!((picture.width, picture.height), (80, 45), "{name}");
        let found = psnr(&picture, &reference);
        assert!(found >= least, "{name}: {found:.1} dB");
    }
}

#[test]
fn gray_sources_stay_gray() {
    let gray = reference().gray();
    for (name, query) in [
        ("gray.jpg", "w=80&h=45&fit=cover&format=png"),
        ("gray-interlaced.png", "w=80&h=45&fit=cover&format=png"),
    ] {
        let picture = small(name, query);
        let found = psnr(&picture, &gray);
        assert!(found >= 28.0, "{name}: {found:.1} dB");
        assert!(
            picture.pixels().all(|[r, g, b, _]| r == g && g == b),
            "{name}"
        );
    }
}

#[test]
fn transparency_survives_where_the_format_has_it() {
    let reference = reference();
    for name in [
        "alpha.png",
        "alpha-interlaced.png",
        "alpha.webp",
        "lossless.webp",
    ] {
        for query in [
            "w=80",
            "w=80&format=webp&q=90",
            "w=80&format=webp&lossless=1",
        ] {
            let picture = small(name, query);
            assert_eq!(
                picture.at(0, 0)[3],
                0,
                "{name} {query}: the corner is transparent"
            );
            assert!(
                picture.at(40, 22)[3] >= 253,
                "{name} {query}: the middle is opaque"
            );
            let found = psnr(&picture.cut(32, 18, 16, 9), &reference.cut(32, 18, 16, 9));
            assert!(found >= 28.0, "{name} {query}: {found:.1} dB");
        }
        let flat = small(name, "w=80&format=jpeg&bg=ff0000&q=95");
        let [r, g, b, a] = flat.at(1, 1);
        assert!(
            r > 240 && g < 16 && b < 16 && a == 255,
            "{name}: {:?}",
            flat.at(1, 1)
        );
    }
}

#[test]
fn interlaced_and_plain_are_the_same_picture() {
    for query in [
        "format=png",
        "w=30&format=png",
        "w=9&format=png",
        "rect=10,10,50,31&w=33&format=png",
    ] {
        assert_eq!(
            small("alpha.png", query),
            small("alpha-interlaced.png", query),
            "{query}"
        );
    }
}

#[test]
fn exif_orientation_is_applied_and_dropped() {
    let picture = small("orientation-6.jpg", "w=45&format=png");
    assert_eq!((picture.width, picture.height), (45, 80));
    let red = |x, y| matches!(picture.at(x, y), [200..=255, 0..=60, 0..=60, _]);
    // Stored top left comes to the top right.
    assert!(red(42, 3) && !red(3, 3) && !red(3, 76) && !red(42, 76));
    let file = transform(
        &fixture("orientation-6.jpg"),
        &options("w=45"),
        AcceptClass::Basic,
        &Settings::default(),
    )
    .unwrap();
    assert!(!file.bytes.windows(4).any(|four| four == b"Exif"));
    // A region counts in upright pixels: this one is the red corner.
    let corner = small("orientation-6.jpg", "rect=70,4,16,32&format=png");
    assert_eq!((corner.width, corner.height), (16, 32));
    assert!(
        corner
            .pixels()
            .all(|[r, g, b, _]| r > 180 && g < 80 && b < 80)
    );
    // A turn counts after the orientation.
    let turned = small("orientation-6.jpg", "rotate=90&w=80&format=png");
    assert_eq!((turned.width, turned.height), (80, 45));
    assert!(matches!(turned.at(77, 42), [200..=255, 0..=60, 0..=60, _]));
}

#[test]
fn the_box_is_met_exactly() {
    for (query, size) in [
        ("w=100&h=100&format=png", (100, 56)),
        ("w=100&h=100&fit=cover&format=png", (100, 100)),
        ("w=100&h=100&crop=smart&format=png", (100, 100)),
        ("w=100&h=300&fit=pad&bg=00f&format=png", (100, 300)),
        ("w=2000&h=2000&fit=crop&format=png", (640, 360)),
        ("w=1000&fit=contain&enlarge=1&format=png", (1000, 563)),
        ("w=2000&format=png", (640, 360)),
    ] {
        let picture = small("bunny.jpg", query);
        assert_eq!((picture.width, picture.height), size, "{query}");
    }
    let padded = small("bunny.jpg", "w=100&h=300&fit=pad&bg=00f&format=png");
    assert_eq!(padded.at(50, 10), [0, 0, 255, 255]);
    assert_ne!(padded.at(50, 150), [0, 0, 255, 255]);
}

#[test]
fn lossy_formats_keep_the_picture() {
    let reference = reference();
    for (query, least) in [
        // Colour at half resolution costs much in a picture this small.
        ("w=80&format=jpeg", 26.0),
        ("w=80&format=webp", 26.0),
        ("w=80&format=jpeg&q=95", 33.0),
        ("w=80&format=webp&q=95", 28.0),
    ] {
        let found = psnr(&small("bunny.jpg", query), &reference);
        assert!(found >= least, "{query}: {found:.1} dB");
    }
}

#[test]
fn quality_orders_size() {
    let size = |query: &str| {
        transform(
            &fixture("bunny.jpg"),
            &options(query),
            AcceptClass::Basic,
            &Settings::default(),
        )
        .unwrap()
        .bytes
        .len()
    };
    for format in ["jpeg", "webp"] {
        let sizes: Vec<usize> = [30, 60, 90]
            .iter()
            .map(|q| size(&format!("w=320&format={format}&q={q}")))
            .collect();
        assert!(
            sizes.is_sorted() && sizes[0] * 2 < sizes[2],
            "{format}: {sizes:?}"
        );
    }
}

#[test]
fn every_cut_of_every_file_is_refused_or_read() {
    let all = [
        "bunny.jpg",
        "progressive.jpg",
        "cmyk.jpg",
        "alpha.png",
        "gray-interlaced.png",
        "palette.png",
        "frame.gif",
        "alpha.webp",
        "lossless.webp",
    ];
    for name in all {
        let whole = fixture(name);
        for percent in (0..100).step_by(9) {
            let cut = &whole[..whole.len() * percent / 100];
            let found = transform(
                cut,
                &options("w=20"),
                AcceptClass::Basic,
                &Settings::default(),
            );
            assert!(
                found.is_err(),
                "{name} cut to {percent} % was taken for a whole picture"
            );
        }
    }
}

#[test]
fn limits_hold_before_anything_is_decoded() {
    let mut settings = Settings::default();
    settings.decode.pixels = 1000;
    let found = transform(
        &fixture("bunny.jpg"),
        &options("w=20"),
        AcceptClass::Basic,
        &settings,
    );
    assert_eq!(
        found.unwrap_err(),
        PictureError::TooManyPixels {
            width: 640,
            height: 360,
            limit: 1000
        }
    );
    let mut settings = Settings::default();
    settings.decode.memory = 10_000;
    for name in ["bunny.jpg", "alpha.png", "lossy.webp", "frame.gif"] {
        let found = transform(
            &fixture(name),
            &options("format=png"),
            AcceptClass::Basic,
            &settings,
        );
        assert!(
            matches!(found, Err(PictureError::TooMuchMemory { .. })),
            "{name}: {found:?}"
        );
    }
    // A header that promises 65535 x 65535 pixels in a file of a few bytes.
    let mut png = fixture("palette.png");
    png[16..24].copy_from_slice(&[0, 0, 255, 255, 0, 0, 255, 255]);
    assert!(
        transform(
            &png,
            &options("w=20"),
            AcceptClass::Basic,
            &Settings::default()
        )
        .is_err()
    );
}

#[test]
fn other_files_are_refused_by_name() {
    for (bytes, name) in [
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>".as_slice(),
            "SVG",
        ),
        (b"\0\0\0\x1cftypavif\0\0\0\0".as_slice(), "AVIF"),
        (b"%PDF-1.7".as_slice(), "a file of unknown type"),
        (b"".as_slice(), "an empty file"),
    ] {
        let found = transform(
            bytes,
            &options("w=20"),
            AcceptClass::Basic,
            &Settings::default(),
        );
        assert_eq!(found.unwrap_err(), PictureError::Unsupported(name));
    }
}
