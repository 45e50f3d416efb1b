//! One file for each track, addressed by byte ranges.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{fixture, has_tool, package, packet_span, top_boxes};
use weir_packager::{Layout, Options};

fn options() -> Options {
    Options {
        layout: Layout::SingleFile,
        dash: true,
        ..Options::default()
    }
}

#[test]
fn ranges_of_the_playlist_cover_the_file() {
    let run = package(&[&fixture("bikes.mp4")], options()).unwrap();
    let file = &run.files["video-1/media.mp4"];
    let text = run.text("video-1/media.m3u8");
    let map = text
        .lines()
        .find_map(|line| line.strip_prefix("#EXT-X-MAP:URI=\"media.mp4\",BYTERANGE=\""))
        .unwrap();
    let range = |text: &str| -> (usize, usize) {
        let (len, offset) = text.split_once('@').unwrap();
        (len.parse().unwrap(), offset.parse().unwrap())
    };
    let (init, start) = range(map.trim_end_matches('"'));
    assert_eq!(start, 0);
    let kinds: Vec<_> = top_boxes(&file[..init])
        .into_iter()
        .map(|(kind, ..)| kind)
        .collect();
    assert_eq!(kinds, ["ftyp", "moov"]);
    let segments: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:"))
        .map(range)
        .collect();
    assert_eq!(segments.len(), 2);
    let (kind, index_start, index_len) = top_boxes(file).swap_remove(2);
    assert_eq!((kind.as_str(), index_start), ("sidx", init));
    let mut at = init + index_len;
    for (len, offset) in &segments {
        assert_eq!(*offset, at);
        assert_eq!(top_boxes(&file[*offset..offset + len])[0].0, "styp");
        at += len;
    }
    assert_eq!(at, file.len());
    // The sizes in the segment index are those of the playlist.
    let entries = &file[index_start + 40..index_start + index_len];
    let sizes: Vec<_> = entries
        .chunks(12)
        .map(|entry| u32::from_be_bytes(entry[..4].try_into().unwrap()) as usize)
        .collect();
    assert_eq!(
        sizes,
        segments.iter().map(|(len, _)| *len).collect::<Vec<_>>()
    );
    // The ranges of keyframes point at fragments of the same file.
    for line in run
        .text("video-1/iframes.m3u8")
        .lines()
        .filter_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:"))
    {
        let (len, offset) = range(line);
        assert_eq!(top_boxes(&file[offset..offset + len])[0].0, "moof");
    }
    let index_range = format!("indexRange=\"{init}-{}\"", init + index_len - 1);
    assert!(
        run.text("manifest.mpd").contains(&index_range),
        "{}",
        run.text("manifest.mpd")
    );
}

#[test]
fn the_file_plays_by_itself() {
    if !has_tool("ffprobe") {
        return;
    }
    let run = package(&[&fixture("bigbuckbunny-720p-5s.mp4")], options()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    run.store(folder.path());
    for (file, stream, end) in [
        ("video-1/media.mp4", "v", 5.28),
        ("audio-1/media.mp4", "a", 5.312),
    ] {
        let (start, found, _) = packet_span(&folder.path().join(file), stream).unwrap();
        assert!(
            start.abs() < 0.001 && (found - end).abs() < 0.001,
            "{file}: {start} to {found}"
        );
    }
}
