//! Thumbnails of the sizes that are asked for every day, timed.
//!
//! `cargo bench -p thumbnail` runs natively. The same file builds for `wasm32-wasip2` and runs under Wasmtime:
//! ```text
//! cargo bench -p thumbnail --target wasm32-wasip2 --profile wasm --no-run
//! pictures make FOLDER                writes the sources (natively, so that no time goes into making them)
//! wasmtime run --dir FOLDER pictures.wasm FOLDER
//! wasmtime run --dir FOLDER pictures.wasm memory FOLDER/24mp.jpg
//! node benches/sharp.mjs FOLDER       the same work by libvips, for the ratio
//! ```
//! Every row is the best of several runs: other work on the machine only adds. The last column is a digest of the result: it is the same natively and in wasm.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation
)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use thumbnail::accept::AcceptClass;
use thumbnail::options::query;
use thumbnail::pipeline::{Output, Settings, transform};

/// Source, options, runs.
const ROWS: [(&str, &str, usize); 14] = [
    ("720p.jpg", "w=320&format=jpeg", 31),
    ("720p.jpg", "w=320&format=webp", 31),
    ("720p.jpg", "w=320&format=jpeg&q=auto", 15),
    ("720p.jpg", "w=320&format=jpeg&linear=1", 15),
    ("720p.jpg", "w=640&format=jpeg", 31),
    ("720p.jpg", "w=640&format=webp", 15),
    ("720p-progressive.jpg", "w=320&format=jpeg", 31),
    ("720p.png", "w=320&format=jpeg", 15),
    ("720p.webp", "w=320&format=jpeg", 15),
    ("12mp.jpg", "w=320&format=jpeg", 15),
    ("12mp.jpg", "w=320&format=webp", 15),
    ("12mp-progressive.jpg", "w=320&format=jpeg", 9),
    ("24mp.jpg", "w=320&format=jpeg", 9),
    ("24mp.jpg", "w=1280&format=jpeg", 5),
];

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|text| text != "--bench")
        .collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", folder] => make(Path::new(folder)),
        ["memory", file] => memory(Path::new(file)),
        [folder] => measure(Path::new(folder)),
        _ => {
            let folder = std::env::temp_dir().join("weir-thumbnail-bench");
            make(&folder);
            measure(&folder);
        }
    }
}

fn measure(folder: &Path) {
    println!(
        "{:<22}{:<32}{:>10}{:>10}  digest",
        "source", "options", "ms", "bytes"
    );
    for (source, options, runs) in ROWS {
        let bytes = read(&folder.join(source));
        let mut output = None;
        let time = best(runs, || output = Some(shrink(black_box(&bytes), options)));
        let output = output.unwrap();
        println!(
            "{source:<22}{options:<32}{:>10.2}{:>10}  {:016x}",
            time.as_secs_f64() * 1e3,
            output.bytes.len(),
            digest(&output.bytes)
        );
    }
}

/// How large the module's memory has grown after one picture; a linear memory never shrinks.
fn memory(file: &Path) {
    let bytes = read(file);
    let before = linear_memory();
    match transform(
        &bytes,
        &options("w=320&format=jpeg"),
        AcceptClass::Basic,
        &Settings::default(),
    ) {
        Ok(output) => println!(
            "{}x{}, {} bytes",
            output.width,
            output.height,
            output.bytes.len()
        ),
        Err(error) => println!("refused: {error}"),
    }
    println!(
        "source {} KiB; linear memory {} KiB before, {} KiB after",
        bytes.len() / 1024,
        before / 1024,
        linear_memory() / 1024
    );
}

#[cfg(target_arch = "wasm32")]
fn linear_memory() -> usize {
    core::arch::wasm32::memory_size::<0>() * 64 * 1024
}

#[cfg(not(target_arch = "wasm32"))]
fn linear_memory() -> usize {
    0
}

fn options(text: &str) -> thumbnail::options::Options {
    query::read(text).unwrap().finish(8192).unwrap()
}

fn shrink(source: &[u8], text: &str) -> Output {
    transform(
        source,
        &options(text),
        AcceptClass::Basic,
        &Settings::default(),
    )
    .unwrap()
}

fn best(runs: usize, mut run: impl FnMut()) -> Duration {
    let timed = |_| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..=runs).map(timed).min().unwrap_or_default()
}

/// FNV-1a.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| {
        panic!("{}: {error}; write it with `pictures make`", path.display())
    })
}

/// Writes the sources: the test frame, enlarged, with grain, since a smooth picture would be decoded too fast.
fn make(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.join(name), bytes).unwrap();
    let frame = image::RgbImage::from_raw(640, 360, frame()).unwrap();
    for (name, width, height) in [
        ("720p", 1280, 720),
        ("12mp", 4000, 3000),
        ("24mp", 6000, 4000),
    ] {
        let mut large = image::imageops::resize(
            &frame,
            width,
            height,
            image::imageops::FilterType::CatmullRom,
        );
        grain(&mut large);
        for (suffix, progressive) in [("", false), ("-progressive", true)] {
            let mut out = Vec::new();
            let mut encoder = Encoder::new(&mut out, 88);
            encoder.set_sampling_factor(SamplingFactor::F_2_2);
            encoder.set_progressive(progressive);
            let (width, height) = (width as u16, height as u16);
            encoder
                .encode(large.as_raw(), width, height, ColorType::Rgb)
                .unwrap();
            write(&format!("{name}{suffix}.jpg"), out);
        }
        if name == "720p" {
            let mut png = std::io::Cursor::new(Vec::new());
            large.write_to(&mut png, image::ImageFormat::Png).unwrap();
            let png = png.into_inner();
            write("720p.webp", shrink(&png, "q=88&format=webp").bytes);
            write("720p.png", png);
        }
    }
}

fn frame() -> Vec<u8> {
    let bytes = include_bytes!("../tests/fixtures/bunny.jpg");
    jpeg_decoder::Decoder::new(&bytes[..]).decode().unwrap()
}

/// Noise as of a good camera: a standard deviation of about three levels.
fn grain(picture: &mut image::RgbImage) {
    let mut state = 1u32;
    for pixel in picture.pixels_mut() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // The sum of three uniform numbers is nearly normal.
        let [a, b, c, _] = state.to_le_bytes().map(|byte| i32::from(byte % 8));
        let noise = a + b + c - 10;
        for sample in &mut pixel.0 {
            *sample = (i32::from(*sample) + noise).clamp(0, 255) as u8;
        }
    }
}
