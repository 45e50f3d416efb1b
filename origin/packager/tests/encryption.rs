//! Encrypted presentations, decrypted by what their boxes and playlists say.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/decrypt.rs"]
mod decrypt;
#[path = "support/encrypted.rs"]
mod encrypted;
mod support;

use std::time::Duration;

use encrypted::{encryption, init, keys, media, options, segments};
use support::{fixture, package};
use weir_packager::{Index, IndexStep, Indexer, Layout, Method, Options, Resource, SegmentStep};

#[test]
fn what_is_encrypted_opens_with_its_key() {
    for film in ["bikes.mp4", "bigbuckbunny-720p-5s.mp4"] {
        let input = fixture(film);
        let short = Options {
            segment_duration: Duration::from_secs(1),
            ..Options::default()
        };
        let clear = package(&[&input], short.clone()).unwrap();
        for method in [Method::Cbcs, Method::Cenc] {
            let sealed = Options {
                encryption: Some(encryption(method)),
                ..short.clone()
            };
            let run = package(&[&input], sealed).unwrap();
            let scheme = init(&run, "video-1/00001.m4s").remove(0).unwrap();
            assert_eq!(scheme.format, "avc1");
            let constant = method == Method::Cbcs;
            assert_eq!(scheme.scheme, if constant { "cbcs" } else { "cenc" });
            assert_eq!(scheme.pattern, if constant { (1, 9) } else { (0, 0) });
            assert_eq!(scheme.constant_iv.len(), if constant { 16 } else { 0 });
            for name in segments(&clear) {
                let (sealed, plain) = (media(&run.files[name]), media(&clear.files[name]));
                assert_ne!(sealed, plain, "{name}");
                let opened = decrypt::decrypt(&run.files[name], &init(&run, name), &keys());
                assert_eq!(opened, plain, "{film} {method:?} {name}");
            }
        }
    }
}

/// What has to stay readable: NAL units and their headers. And what must not: nearly all of the rest.
#[test]
fn only_slice_data_are_encrypted() {
    let input = fixture("bikes.mp4");
    let run = package(&[&input], options(encryption(Method::Cenc))).unwrap();
    let scheme = init(&run, "video-1/00001.m4s").remove(0).unwrap();
    let (mut clear, mut protected) = (0, 0);
    let mut ivs = std::collections::BTreeSet::new();
    for name in segments(&run) {
        if !name.starts_with("video") {
            continue;
        }
        let segment = &run.files[name];
        for fragment in decrypt::fragments(segment, scheme.iv_size) {
            for sample in &fragment.samples {
                let data = &segment[sample.data.clone()];
                let mut at = 0;
                let mut ends = Vec::new();
                let mut slices = 0;
                while at < data.len() {
                    let len = u32::from_be_bytes(data[at..at + 4].try_into().unwrap()) as usize;
                    slices += usize::from(matches!(data[at + 4] & 31, 1 | 5));
                    at += 4 + len;
                    ends.push(at);
                }
                assert_eq!(at, data.len(), "lengths of NAL units are in the clear");
                assert!(slices > 0, "so are their types");
                let mut at = 0;
                for (open, sealed) in &sample.subsamples {
                    at += open + sealed;
                    assert!(ends.contains(&at), "a stretch ends with its NAL unit");
                    assert_eq!(sealed % 16, 0, "counter mode encrypts whole blocks");
                    clear += open;
                    protected += sealed;
                }
                assert!(
                    ivs.insert(sample.iv.clone()),
                    "no initialization vector twice"
                );
            }
        }
    }
    assert!(
        protected > clear * 9,
        "{protected} bytes protected, {clear} in the clear"
    );
}

#[test]
fn playlists_ranges_and_sizes_stay_true() {
    let input = fixture("bikes.mp4");
    let with = |layout| Options {
        layout,
        ..options(encryption(Method::Cbcs))
    };
    let run = package(&[&input], with(Layout::Segments)).unwrap();
    let media = run.text("video-1/media.m3u8");
    let iv = init(&run, "video-1/").remove(0).unwrap().constant_iv;
    let line = format!(
        "METHOD=SAMPLE-AES,URI=\"https://keys.example/01010101010101010101010101010101\",IV=0x{},KEYFORMAT=\"identity\"\n",
        hex::encode_upper(iv)
    );
    assert_eq!(media.matches("#EXT-X-KEY:").count(), 1);
    assert!(
        media.contains(&format!("#EXT-X-KEY:{line}#EXTINF")),
        "{media}"
    );
    assert!(
        run.text("multivariant.m3u8")
            .contains(&format!("#EXT-X-SESSION-KEY:{line}"))
    );
    let text = run.text("video-1/iframes.m3u8");
    assert!(text.contains(&format!("#EXT-X-KEY:{line}")));
    let mut lines = text.lines();
    let mut count = 0;
    while let Some(line) = lines.next() {
        let Some(range) = line.strip_prefix("#EXT-X-BYTERANGE:") else {
            continue;
        };
        let (len, offset) = range.split_once('@').unwrap();
        let (len, offset): (usize, usize) = (len.parse().unwrap(), offset.parse().unwrap());
        let name = format!("video-1/{}", lines.next().unwrap());
        let range = &run.files[&name][offset..offset + len];
        assert_eq!(decrypt::fragments(range, 0)[0].samples.len(), 1);
        decrypt::decrypt(range, &init(&run, &name), &keys());
        count += 1;
    }
    assert_eq!(count, 6);
    // A single file holds the same segments; its playlist covers it to the end.
    let single = package(&[&input], with(Layout::SingleFile)).unwrap();
    let file = &single.files["video-1/media.mp4"];
    let last = single
        .text("video-1/media.m3u8")
        .lines()
        .filter_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:"))
        .next_back()
        .unwrap()
        .to_owned();
    let (len, offset) = last.split_once('@').unwrap();
    let (len, offset): (usize, usize) = (len.parse().unwrap(), offset.parse().unwrap());
    assert_eq!(offset + len, file.len());
    let names = segments(&run);
    let name = names
        .iter()
        .rfind(|name| name.starts_with("video"))
        .unwrap();
    assert_eq!(file[offset..], run.files[*name]);
}

/// A segment made on request is the one that a run makes, whatever was read before it.
#[test]
fn a_segment_on_request_is_the_same() {
    let input = fixture("bikes.mp4");
    for method in [Method::Cbcs, Method::Cenc, Method::Aes128] {
        let options = options(encryption(method));
        let run = package(&[&input], options.clone()).unwrap();
        let read = |range: weir_packager::ByteRange| {
            let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
            bytes::Bytes::copy_from_slice(&input[range])
        };
        let mut indexer = Indexer::new(&[input.len() as u64], options.clone()).unwrap();
        let index = loop {
            match indexer.step().unwrap() {
                IndexStep::Read { range, .. } => {
                    indexer.supply(0, range.start, read(range)).unwrap();
                }
                IndexStep::Done(index) => break index,
            }
        };
        let again = Index::from_sidecar(index.sidecar(), &options).unwrap();
        for name in segments(&run) {
            let Some(Resource::Segment(mut request)) = again.open(name).unwrap() else {
                panic!("{name} is a segment")
            };
            let output = loop {
                match request.step().unwrap() {
                    SegmentStep::Read { range, .. } => {
                        request.supply(range.start, read(range)).unwrap();
                    }
                    SegmentStep::Done(output) => break output,
                }
            };
            assert!(output.body.concat() == run.files[name], "{name}");
        }
    }
}
