//! Files that other packagers trip over, made from the fixtures by changing bytes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{fixture, package};
use weir_packager::{Error, Options};

/// Where `needle` stands in `data`, counted from its first occurrence.
fn find(data: &[u8], needle: &[u8]) -> usize {
    data.windows(needle.len())
        .position(|window| window == needle)
        .unwrap_or_else(|| panic!("no {needle:?}"))
}

fn package_one(data: &[u8]) -> Result<support::Run, Error> {
    package(&[data], Options::default())
}

/// iPhones write `alis` data references; readers that insist on `url ` refuse them.
#[test]
fn quicktime_data_references_are_read() {
    let mut data = fixture("bikes.mp4");
    let at = find(&data, b"dref");
    let reference = at + find(&data[at..], b"url ");
    data[reference..reference + 4].copy_from_slice(b"alis");
    let run = package_one(&data).unwrap();
    assert_eq!(run.files, package_one(&fixture("bikes.mp4")).unwrap().files);
}

#[test]
fn media_in_another_file_are_refused() {
    let mut data = fixture("bikes.mp4");
    let at = find(&data, b"dref");
    let reference = at + find(&data[at..], b"url ");
    // Not self-contained, and a location follows: the box takes two bytes of the next one, which is not read then.
    data[reference + 7] = 0;
    data[reference - 4..reference].copy_from_slice(&12_u32.to_be_bytes());
    assert!(
        package_one(&data).is_ok(),
        "an empty location is the file itself"
    );
}

/// A `mdat` box that claims more than the file holds is read to its end, when the index came before it.
#[test]
fn a_media_box_that_is_too_long_is_cut_to_the_file() {
    let original = fixture("bikes.mp4");
    let moov = find(&original, b"moov") - 4;
    let mdat = find(&original, b"mdat") - 4;
    // ftyp, moov, mdat with all offsets moved on by the length of the index.
    let index = &original[moov..];
    let mut data = [&original[..mdat], index, &original[mdat..moov]].concat();
    let table = find(&data, b"stco");
    let count = u32::from_be_bytes(data[table + 8..table + 12].try_into().unwrap()) as usize;
    for entry in 0..count {
        let at = table + 12 + entry * 4;
        let offset = u32::from_be_bytes(data[at..at + 4].try_into().unwrap())
            + u32::try_from(index.len()).unwrap();
        data[at..at + 4].copy_from_slice(&offset.to_be_bytes());
    }
    let whole = package_one(&data).unwrap();
    let media = mdat + index.len();
    data[media..media + 4].copy_from_slice(&0x7fff_ffff_u32.to_be_bytes());
    let run = package_one(&data).unwrap();
    assert_eq!(run.files, whole.files);
}

#[test]
fn a_track_without_samples_is_left_out_with_a_note() {
    let mut data = fixture("bigbuckbunny-720p-5s.mp4");
    let sound = find(&data, b"soun");
    let sizes = sound + find(&data[sound..], b"stsz") + 12;
    data[sizes..sizes + 4].copy_from_slice(&0_u32.to_be_bytes());
    let run = package_one(&data).unwrap();
    assert_eq!(run.report.presentation.tracks.len(), 1);
    assert!(
        run.report
            .notes
            .iter()
            .any(|note| note.track == Some(2) && note.message.contains("no samples"))
    );
    assert!(!run.text("multivariant.m3u8").contains("AUDIO"));
}

/// A composition offset without an edit list is part of the presentation: pictures start later than sound
/// (shaka-packager drops the offset and shifts pictures against sound).
#[test]
fn a_composition_offset_without_edit_list_is_kept() {
    let mut data = fixture("bikes.mp4");
    let at = find(&data, b"edts");
    data[at..at + 4].copy_from_slice(b"free");
    let run = package_one(&data).unwrap();
    let track = &run.report.presentation.tracks[0];
    assert!((track.start - 0.08).abs() < 1e-9, "{}", track.start);
    assert!((track.duration - 10.0).abs() < 1e-9, "{}", track.duration);
}

/// An edit that starts between keyframes: earlier pictures are decoded but take no time.
#[test]
fn an_edit_in_the_middle_of_a_group_of_pictures_is_exact() {
    let mut data = fixture("bikes.mp4");
    let list = find(&data, b"elst");
    // One edit of 4 s from media time 3.08 s on; the film's clock has 12 800 ticks a second.
    data[list + 12..list + 16].copy_from_slice(&4000_u32.to_be_bytes());
    data[list + 16..list + 20].copy_from_slice(&(1024 + 3 * 12_800_u32).to_be_bytes());
    let run = package_one(&data).unwrap();
    let track = &run.report.presentation.tracks[0];
    assert!(
        track.start.abs() < 1e-9 && (track.duration - 4.0).abs() < 0.001,
        "{track:?}"
    );
    assert!(
        track.samples > 100,
        "pictures since the last keyframe are decoded too"
    );
    let listed = support::playlist_duration(run.text("video-1/media.m3u8"));
    assert!((listed - 4.0).abs() < 0.001, "{listed}");
    if support::has_tool("ffprobe") {
        let folder = tempfile::tempdir().unwrap();
        run.store(folder.path());
        let (start, end, _) =
            support::packet_span(&folder.path().join("video-1/media.m3u8"), "v").unwrap();
        assert!(start.abs() < 0.001, "{start}");
        assert!((end - 4.0).abs() < 0.041, "{end}");
    }
}

#[test]
fn what_is_broken_is_named() {
    let original = fixture("bikes.mp4");
    // Cut off inside the media: the index at the end is gone.
    let error = package_one(&original[..original.len() / 2]).unwrap_err();
    assert!(
        error.is_media_error() && error.to_string().contains("moov"),
        "{error}"
    );
    // Cut off inside the index.
    let error = package_one(&original[..original.len() - 100]).unwrap_err();
    assert!(error.to_string().contains("`moov` box at byte"), "{error}");
    // No film at all.
    for (head, name) in [
        (
            &b"\x1a\x45\xdf\xa3 and so on"[..],
            "no track with pictures or sound",
        ),
        (b"RIFF\0\0\0\0AVI ", "RIFF"),
        (b"hello, this is a text", "o, t"),
    ] {
        let error = package_one(head).unwrap_err();
        assert!(
            error.is_media_error() && error.to_string().contains(name),
            "{error}"
        );
    }
    assert!(package_one(b"").unwrap_err().is_media_error());
}

#[test]
fn a_codec_that_is_not_packaged_is_named_with_its_track() {
    let mut data = fixture("bigbuckbunny-720p-5s.mp4");
    let entry = find(&data, b"mp4a");
    data[entry..entry + 4].copy_from_slice(b"sowt");
    let error = package_one(&data).unwrap_err();
    assert!(error.is_unsupported());
    let message = error.to_string();
    assert!(
        message.contains("track 2")
            && message.contains("sowt (PCM)")
            && message.contains("transcode"),
        "{message}"
    );
    let mut data = fixture("bikes.mp4");
    let entry = find(&data, b"avc1\0");
    data[entry..entry + 4].copy_from_slice(b"vvc1");
    assert!(package_one(&data).unwrap_err().to_string().contains("VVC"));
}

#[test]
fn the_index_is_bounded() {
    let options = Options {
        max_index_bytes: 1000,
        ..Options::default()
    };
    let error = package(&[&fixture("bikes.mp4")], options).unwrap_err();
    assert!(
        error.is_unsupported() && error.to_string().contains("max_index_bytes"),
        "{error}"
    );
}

/// Any single changed byte gives an answer, never a panic, and reads stay bounded.
#[test]
fn changed_bytes_never_panic() {
    let original = fixture("bikes.mp4");
    let moov = find(&original, b"moov") - 4;
    for at in moov..original.len().min(moov + 800) {
        for value in [0, 0x7f, 0xff] {
            let mut data = original.clone();
            data[at] = value;
            let _ = package_one(&data);
        }
    }
}
