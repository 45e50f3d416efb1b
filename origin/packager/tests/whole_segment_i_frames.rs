//! Keyframes in segments that are encrypted whole, taken out as RFC 8216bis 6.3.6 tells players to.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::time::Duration;

use aes::Aes128;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use support::{Run, fixture, has_tool, package, run_tool};
use weir_packager::{
    ContentKey, Encryption, Format, Key, KeyId, KeySystem, Layout, Method, Options,
};

/// One picture of an I-frame playlist.
#[derive(Debug, Default)]
struct Picture {
    /// The number of its key; `None` where it is in the clear.
    key: Option<u8>,
    /// The initialization vector of the segment that it stands in.
    vector: Option<u128>,
    name: String,
    len: usize,
    offset: usize,
}

/// The key with this number.
fn key(number: u8) -> [u8; 16] {
    [number ^ 0x5a; 16]
}

/// The pictures of the I-frame playlist of the first video track.
fn pictures(run: &Run) -> Vec<Picture> {
    let mut found = Vec::new();
    let mut next = Picture::default();
    for line in run.text("video-1/iframes.m3u8").lines() {
        if let Some(list) = line.strip_prefix("#EXT-X-KEY:") {
            next.key = list
                .strip_prefix("METHOD=AES-128,URI=\"/")
                .map(|uri| u8::from_str_radix(&uri[..2], 16).unwrap());
            let vector = list.split("IV=0x").nth(1);
            next.vector = vector.map(|digits| u128::from_str_radix(digits, 16).unwrap());
            assert_eq!(next.key.is_some(), next.vector.is_some(), "{list}");
            assert!(next.key.is_some() || list == "METHOD=NONE", "{list}");
        } else if let Some(range) = line.strip_prefix("#EXT-X-BYTERANGE:") {
            let (len, offset) = range.split_once('@').unwrap();
            (next.len, next.offset) = (len.parse().unwrap(), offset.parse().unwrap());
        } else if !line.starts_with('#') {
            next.name = format!("video-1/{line}");
            let after = Picture {
                key: next.key,
                vector: next.vector,
                ..Picture::default()
            };
            found.push(std::mem::replace(&mut next, after));
        }
    }
    found
}

/// The bytes of a picture. Where they are encrypted the range is widened to whole blocks from the start of the file, and by one block in
/// front, which stands for the initialization vector; what was added is cut off again.
fn read(run: &Run, picture: &Picture) -> Vec<u8> {
    let file = &run.files[&picture.name];
    let Some(number) = picture.key else {
        return file[picture.offset..picture.offset + picture.len].to_vec();
    };
    let start = picture.offset / 16 * 16;
    let end = (picture.offset + picture.len).div_ceil(16) * 16;
    assert!(start >= 16, "{picture:?} has no block before it");
    let (vector, blocks) = file[start - 16..end].split_at(16);
    let mut chain = cbc::Decryptor::<Aes128>::new(&key(number).into(), &vector.try_into().unwrap());
    let mut opened = blocks.to_vec();
    for block in opened.chunks_exact_mut(16) {
        let block: &mut [u8; 16] = block.try_into().unwrap();
        chain.decrypt_block(block.into());
    }
    opened[picture.offset - start..][..picture.len].to_vec()
}

fn options(format: Format, layout: Layout) -> Options {
    Options {
        format,
        layout,
        segment_duration: Duration::from_secs(1),
        ..Options::default()
    }
}

fn encryption(lead: u64) -> Encryption {
    Encryption {
        method: Method::Aes128,
        keys: [1, 2]
            .map(|number| ContentKey {
                id: KeyId([number; 16]),
                key: Key(key(number)),
                ..ContentKey::default()
            })
            .to_vec(),
        clear_lead: Duration::from_secs(lead),
        crypto_period: Duration::from_secs(2),
        systems: vec![KeySystem::Identity {
            uri: "/{kid}".to_owned(),
        }],
    }
}

/// Both formats, both layouts, with and without a clear lead, under keys that change: what a player gets is what a player of the film in
/// the clear gets.
#[test]
fn a_range_that_is_widened_to_blocks_opens_to_the_keyframe() {
    let input = fixture("bikes.mp4");
    for (format, layout, lead) in [Format::Cmaf, Format::MpegTs]
        .into_iter()
        .flat_map(|format| [Layout::Segments, Layout::SingleFile].map(|layout| (format, layout)))
        .flat_map(|(format, layout)| [0, 2].map(|lead| (format, layout, lead)))
    {
        let clear = package(&[&input], options(format, layout)).unwrap();
        let sealed = Options {
            encryption: Some(encryption(lead)),
            ..options(format, layout)
        };
        let run = package(&[&input], sealed).unwrap();
        let what = format!("{format:?} {layout:?}, lead of {lead} s");
        let (wanted, found) = (pictures(&clear), pictures(&run));
        assert!(wanted.len() > 4, "{what}");
        assert_eq!(wanted.len(), found.len(), "{what}");
        assert_eq!(found[0].key.is_none(), lead > 0, "{what}");
        for number in [1, 2] {
            assert!(found.iter().any(|one| one.key == Some(number)), "{what}");
        }
        for (wanted, found) in wanted.iter().zip(&found) {
            assert!(
                read(&clear, wanted) == read(&run, found),
                "{what}: {found:?}"
            );
        }
        let multivariant = run.text("multivariant.m3u8");
        assert!(
            multivariant.contains("#EXT-X-I-FRAME-STREAM-INF:"),
            "{multivariant}"
        );
    }
}

/// What is in the clear before encrypted parts is filled up to whole blocks, and playlists still cover the file.
#[test]
fn every_part_of_a_single_file_starts_on_a_block() {
    let input = fixture("bunny.ts");
    for (format, lead) in [
        (Format::Cmaf, 0),
        (Format::Cmaf, 2),
        (Format::MpegTs, 0),
        (Format::MpegTs, 2),
    ] {
        let options = Options {
            encryption: Some(encryption(lead)),
            ..options(format, Layout::SingleFile)
        };
        let run = package(&[&input], options).unwrap();
        for track in ["video-1", "audio-1"] {
            let text = run.text(&format!("{track}/media.m3u8"));
            let ranges: Vec<(usize, usize)> = text
                .lines()
                .filter_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:"))
                .map(|range| range.split_once('@').unwrap())
                .map(|(len, offset)| (len.parse().unwrap(), offset.parse().unwrap()))
                .collect();
            let name = match format {
                Format::MpegTs => format!("{track}/media.ts"),
                _ => format!("{track}/media.mp4"),
            };
            let mut at = ranges[0].1;
            for (len, offset) in ranges {
                assert_eq!((offset, offset % 16), (at, 0), "{name}");
                at += len;
            }
            assert_eq!(at, run.files[&name].len());
        }
    }
}

/// Sums of the decoded pictures of a file.
fn decoded(path: &Path, arguments: &[&str]) -> Vec<String> {
    let path = path.to_str().unwrap();
    let mut list = vec!["-v", "error"];
    list.extend(arguments);
    list.extend(["-i", path, "-map", "0:v:0", "-fps_mode", "passthrough"]);
    list.extend(["-f", "framemd5", "-"]);
    let text = run_tool("ffmpeg", &list);
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit(',').next().unwrap().trim().to_owned())
        .collect()
}

/// Every picture decodes alone, to the one that it is in the film.
#[test]
fn ffmpeg_decodes_each_keyframe_to_one_picture_of_the_source() {
    if !has_tool("ffmpeg") {
        return;
    }
    let film = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bikes.mp4");
    let wanted = decoded(&film, &["-skip_frame", "nokey"]);
    let folder = tempfile::tempdir().unwrap();
    for (format, layout) in [
        (Format::Cmaf, Layout::SingleFile),
        (Format::MpegTs, Layout::Segments),
    ] {
        let sealed = Options {
            encryption: Some(encryption(0)),
            ..options(format, layout)
        };
        let run = package(&[&fixture("bikes.mp4")], sealed).unwrap();
        let found: Vec<_> = pictures(&run)
            .iter()
            .map(|picture| {
                let mut alone = match format {
                    // The program tables with which every segment starts.
                    Format::MpegTs => {
                        let iv = picture.vector.unwrap().to_be_bytes();
                        let number: u128 = picture.name[8..13].parse().unwrap();
                        assert_eq!(iv, number.to_be_bytes(), "that of the segment");
                        let sealed = &run.files[&picture.name][..384];
                        let key = key(picture.key.unwrap());
                        let mut chain = cbc::Decryptor::<Aes128>::new(&key.into(), &iv.into());
                        let mut opened = sealed.to_vec();
                        for block in opened.chunks_exact_mut(16) {
                            let block: &mut [u8; 16] = block.try_into().unwrap();
                            chain.decrypt_block(block.into());
                        }
                        opened.truncate(376);
                        opened
                    }
                    _ => {
                        let text = run.text("video-1/iframes.m3u8");
                        let range = text.split("BYTERANGE=\"").nth(1).unwrap();
                        let len: usize = range.split('@').next().unwrap().parse().unwrap();
                        run.files["video-1/media.mp4"][..len].to_vec()
                    }
                };
                alone.extend(read(&run, picture));
                let path = folder.path().join("alone");
                std::fs::write(&path, alone).unwrap();
                let mut sums = decoded(
                    &path,
                    &["-ignore_editlist", "1"][..match format {
                        Format::MpegTs => 0,
                        _ => 2,
                    }],
                );
                assert_eq!(sums.len(), 1, "{picture:?}");
                sums.remove(0)
            })
            .collect();
        assert_eq!(found, wanted, "{format:?}");
    }
}
