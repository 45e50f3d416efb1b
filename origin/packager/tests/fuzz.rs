//! The logic of the fuzz targets over the fixtures with bytes changed. A failing case prints the changes, which make it again.
//!
//! `WEIR_FUZZ_SECONDS` makes the search go on for that long, over the files of `WEIR_MEDIA_CORPUS` too.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use support::fixture;
use weir_packager::{Options, fuzz};

/// A small generator of numbers (xorshift64*), so that every run is the same.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % below.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.next(256)).unwrap()
    }
}

/// The file without most of its media data: boxes of `mdat` keep their size field but the file ends early or the data are zeros.
fn index_of(data: &[u8]) -> (usize, usize) {
    let moov = data
        .windows(4)
        .position(|window| window == b"moov")
        .map_or(0, |at| at - 4);
    let size = u32::from_be_bytes(data[moov..moov + 4].try_into().unwrap()) as usize;
    (moov, (moov + size).min(data.len()))
}

const WORDS: [u32; 8] = [
    0,
    1,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x0001_0000,
    8,
    0x1000_0000,
];

/// Changes a few places of the index, and of the boxes of fragments where there are any; anywhere in files without a movie box.
fn change(data: &mut Vec<u8>, numbers: &mut Numbers) {
    let (start, end) = index_of(data);
    let moofs: Vec<usize> = data
        .windows(4)
        .enumerate()
        .filter(|(_, window)| *window == b"moof")
        .map(|(at, _)| at)
        .take(64)
        .collect();
    for _ in 0..=numbers.next(4) {
        let at = match moofs.get(numbers.next(moofs.len() * 2 + 1)) {
            Some(moof) => moof + numbers.next(200),
            None => start + numbers.next(end - start),
        };
        if at + 4 > data.len() {
            continue;
        }
        match numbers.next(4) {
            0 => data[at] = numbers.byte(),
            1 => data[at..at + 4].copy_from_slice(&WORDS[numbers.next(WORDS.len())].to_be_bytes()),
            2 => data[at] ^= 1 << numbers.next(8),
            _ => {
                let from = start + numbers.next(end - start - 4);
                let word: [u8; 4] = data[from..from + 4].try_into().unwrap();
                data[at..at + 4].copy_from_slice(&word);
            }
        }
    }
    if numbers.next(16) == 0 {
        let len = numbers.next(data.len());
        data.truncate(len.max(1));
    }
}

fn seconds() -> Option<u64> {
    std::env::var("WEIR_FUZZ_SECONDS").ok()?.parse().ok()
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = [
        "bikes.mp4",
        "bigbuckbunny-720p-5s.mp4",
        "bunny.mkv",
        "bunny.ts",
        "av1-tiles.mp4",
        "vp9.mp4",
    ]
    .map(fixture)
    .into();
    if let (Some(folder), Some(_)) = (support::corpus(), seconds()) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let small = path.metadata().is_ok_and(|data| data.len() < 1_200_000);
            if small && path.extension().is_some_and(|extension| extension == "mp4") {
                seeds.push(std::fs::read(path).unwrap());
            }
        }
    }
    seeds
}

#[test]
fn changed_films_are_packaged_or_refused() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let seeds = seeds();
    let until = Instant::now() + Duration::from_secs(seconds().unwrap_or(0));
    let (mut made, mut refused) = (0_u64, 0_u64);
    while made + refused < 40 || Instant::now() < until {
        let mut data = seeds[numbers.next(seeds.len())].clone();
        let state = numbers.0;
        change(&mut data, &mut numbers);
        let options = fuzz::chosen(numbers.byte(), numbers.byte());
        let start = Instant::now();
        let outcome = std::panic::catch_unwind(|| fuzz::package(&data, &options).is_ok());
        match outcome {
            Ok(true) => made += 1,
            Ok(false) => refused += 1,
            Err(cause) => {
                eprintln!("the generator's state was {state:#x}");
                std::panic::resume_unwind(cause);
            }
        }
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "state {state:#x} takes {:?}",
            start.elapsed()
        );
    }
    eprintln!("{made} packaged, {refused} refused");
    assert!(
        made > 0 && refused > 0,
        "changes neither always nor never matter"
    );
}

#[test]
fn changed_configurations_and_sidecars_never_panic() {
    let mut numbers = Numbers(0x0123_4567_89ab_cdef);
    for data in [fixture("bikes.mp4"), fixture("bigbuckbunny-720p-5s.mp4")] {
        let (start, end) = index_of(&data);
        let mut sidecar = b"WEIRIDX6\0\0\0\x01\0\0\0\0\0\x0f\xff\xff\x01\0\0\0\x01moov\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08".to_vec();
        sidecar.extend(((end - start - 8) as u64).to_be_bytes());
        sidecar.extend(&data[start + 8..end]);
        sidecar.extend([0; 28]);
        for _ in 0..200 {
            let mut changed = sidecar.clone();
            let at = numbers.next(changed.len());
            changed[at] ^= 1 << numbers.next(8);
            fuzz::sidecar(&changed);
            fuzz::sidecar(&changed[..at]);
        }
        for name in [b"avcC", b"esds"] {
            let Some(at) = data.windows(4).position(|window| window == name) else {
                continue;
            };
            for _ in 0..2000 {
                let mut config = data[at + 4..at + 60].to_vec();
                for _ in 0..=numbers.next(3) {
                    let place = numbers.next(config.len());
                    config[place] = numbers.byte();
                }
                config.truncate(numbers.next(60));
                fuzz::codec_configurations(&config);
            }
        }
        for _ in 0..5000 {
            let random: Vec<u8> = (0..numbers.next(80)).map(|_| numbers.byte()).collect();
            fuzz::codec_configurations(&random);
        }
    }
}

/// The timelines and the plan in sidecars, with some bytes changed: those that are taken all the same make their files, or an error.
#[test]
fn changed_plans_never_panic() {
    let mut numbers = Numbers(0x0fed_cba9_8765_4321);
    for name in ["bikes.mp4", "bunny.mkv", "bunny.ts"] {
        let data = fixture(name);
        let sidecar = support::index(&data, &Options::default()).sidecar();
        fuzz::sidecar(&sidecar);
        let last = sidecar.len().min(600);
        for _ in 0..400 {
            let mut changed = sidecar.to_vec();
            for _ in 0..=numbers.next(3) {
                let at = changed.len() - 1 - numbers.next(last);
                changed[at] = match numbers.next(3) {
                    0 => 0xff,
                    1 => 0,
                    _ => numbers.byte(),
                };
            }
            fuzz::sidecar(&changed);
        }
    }
}

/// Samples of text and pictures with captions, each with some bytes changed.
#[test]
fn changed_samples_of_text_and_captions_never_panic() {
    let mut numbers = Numbers(0x5bd1_e995_1234_5678);
    let timed = b"\0\x05a<b\nc\0\0\0\x16styl\0\x01\0\x01\0\x03\0\x01\x03\x12\xff\xff\xff\xff";
    let webvtt = b"\0\0\0\x20vttc\0\0\0\x0esttgline:0\0\0\0\x0apayla\n";
    let ttml = b"<tt><body begin=\"1s\"><div timeContainer=\"seq\"><p dur=\"2s\">a <span begin=\"1s\">b</span><br/>c</p></div></body></tt>";
    let event = b"1,0,Default,,0,0,0,,{\\an8}{\\i1}a{\\i0}\\Nb --> c";
    let captions =
        b"\x19\0\0\0\x14\x06\x04\x10\xb5\0\x31GA94\x03\x42\xff\xfc\x94\x20\xff\x02\x21\xff\x80";
    let seeds: [&[u8]; 5] = [timed, webvtt, ttml, event, captions];
    for _ in 0..20_000 {
        let mut data = vec![numbers.byte()];
        data.extend(seeds[numbers.next(seeds.len())]);
        for _ in 0..numbers.next(4) {
            let at = 1 + numbers.next(data.len() - 1);
            match numbers.next(3) {
                0 => data[at] = numbers.byte(),
                1 => data.truncate(at.max(2)),
                _ => {
                    let part = data[at..].to_vec();
                    data.extend(part);
                }
            }
        }
        fuzz::text_sample(&data);
        fuzz::captions(&data);
    }
}

/// The logic of a fuzz target.
type Target = fn(&[u8]);

/// What fuzzing found once, and the seeds that it starts from.
#[test]
fn saved_inputs_break_nothing() {
    let targets: [(&str, Target); 7] = [
        ("film", fuzz::film),
        ("sidecar", fuzz::sidecar),
        ("codecs", fuzz::codec_configurations),
        ("subtitle", fuzz::subtitle),
        ("presentation", fuzz::presentation),
        ("text_sample", fuzz::text_sample),
        ("captions", fuzz::captions),
    ];
    for (target, run) in targets {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
        let mut count = 0;
        for entry in std::fs::read_dir(folder.join(target)).unwrap() {
            run(&std::fs::read(entry.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0, "no seeds of {target}");
    }
}
