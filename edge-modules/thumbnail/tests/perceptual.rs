//! How the results look, by SSIMULACRA2: at every quality at least as good, and not larger, than when the bounds were written down.
//! What is compared is the encoder's work: the same pixels without loss are the reference.
#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should.

mod support;

use fast_ssim2::{PixelDescriptor, PixelSlice, compute_ssimulacra2};
use support::{Picture, fixture, options};
use thumbnail::accept::AcceptClass;
use thumbnail::pipeline::{Settings, transform};

fn made(query: &str, effort: u8) -> Vec<u8> {
    let settings = Settings {
        webp_effort: effort,
        ..Settings::default()
    };
    let output = transform(
        &fixture("bunny.jpg"),
        &options(query),
        AcceptClass::Basic,
        &settings,
    );
    output.unwrap().bytes
}

fn rgb(picture: &Picture) -> Vec<u8> {
    picture
        .pixels()
        .flat_map(|[r, g, b, _]| [r, g, b])
        .collect()
}

fn score(reference: &Picture, result: &Picture) -> f64 {
    let (width, height) = (reference.width, reference.height);
    assert_eq!((width, height), (result.width, result.height));
    let stride = width as usize * 3;
    let (reference, result) = (rgb(reference), rgb(result));
    let slice = |data| PixelSlice::new(data, width, height, stride, PixelDescriptor::RGB8_SRGB);
    compute_ssimulacra2(&slice(&reference).unwrap(), &slice(&result).unwrap()).unwrap()
}

#[test]
fn every_quality_looks_as_it_should() {
    let reference = Picture::read(&made("w=320&format=png", 0));
    let mut found = Vec::new();
    let mut holds = true;
    for (query, effort, least, most) in [
        ("w=320&format=jpeg&q=50", 4, 60.8, 11_100),
        ("w=320&format=jpeg", 4, 71.2, 19_400),
        ("w=320&format=jpeg&progressive=1", 4, 71.2, 20_100),
        ("w=320&format=webp&q=50", 4, 63.7, 11_400),
        ("w=320&format=webp", 0, 72.2, 18_000),
        ("w=320&format=webp", 4, 71.7, 15_400),
    ] {
        let file = made(query, effort);
        let score = score(&reference, &Picture::read(&file));
        holds &= score >= least && file.len() <= most;
        found.push(format!(
            "(\"{query}\", {effort}, {score:.2}, {})",
            file.len()
        ));
    }
    assert!(holds, "\n{}", found.join("\n"));
}
