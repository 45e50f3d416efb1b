//! Media playlists.

use std::fmt::Write;

use super::dates::{write_ranges, write_start};
use super::decimal;
use super::keys::KeyTags;
use crate::files::{Address, text_segment_name};
use crate::plan::{Plan, PlannedTrack};
use crate::timeline::to_micros;

/// Protocol version: `EXT-X-MAP` in playlists that are not I-frames only needs 6 (RFC 8216bis, section 8).
pub(super) const VERSION: u32 = 6;

/// Says that segments can be decoded without those before them (RFC 8216bis 4.4.2.1).
pub(super) const INDEPENDENT: &str = "#EXT-X-INDEPENDENT-SEGMENTS\n";

/// The media playlist of a track. Where the segments of all tracks are independent of each other the multivariant playlist says so, and
/// what is said there is not said again (RFC 8216bis 4.4.2).
pub(crate) fn media_playlist(plan: &Plan, track: &PlannedTrack) -> String {
    let mut text = head(plan.target_duration);
    if track.is_independent() && !plan.is_independent() {
        text.push_str(INDEPENDENT);
    }
    write_ranges(&mut text, plan);
    write_map(&mut text, track);
    let mut keys = KeyTags::default();
    for (index, segment) in track.segments.iter().enumerate() {
        if index == 0 {
            let start = to_micros(segment.start, track.track.timeline.timescale);
            write_start(&mut text, plan, start);
        }
        keys.write(&mut text, track, segment.key);
        write_entry(
            &mut text,
            track.duration_micros(segment),
            &Address::segment(track, index),
        );
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// The media playlist of a subtitle track: the same stretches as the other tracks, whether they hold text or not
/// (Apple HLS Authoring Specification 5.5).
pub(crate) fn text_playlist(plan: &Plan) -> String {
    let mut text = head(plan.target_duration);
    for (index, (start, end)) in plan.stretches().into_iter().enumerate() {
        if index == 0 {
            write_start(&mut text, plan, start);
        }
        let address = Address {
            name: text_segment_name(index),
            range: None,
        };
        write_entry(&mut text, (end - start).max(0), &address);
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// The tags that every media playlist starts with.
pub(super) fn head(target_duration: u64) -> String {
    format!(
        "#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-TARGETDURATION:{target_duration}\n\
         #EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    )
}

/// Writes `EXT-X-MAP`, where there is an initialization segment.
pub(super) fn write_map(text: &mut String, track: &PlannedTrack) {
    if track.stream.is_some() {
        return;
    }
    let Address { name, range } = Address::init(track);
    let range = range
        .map(|(len, offset)| format!(",BYTERANGE=\"{len}@{offset}\""))
        .unwrap_or_default();
    let _ = writeln!(text, "#EXT-X-MAP:URI=\"{name}\"{range}");
}

/// Writes the lines of one media segment.
pub(super) fn write_entry(text: &mut String, micros: i64, address: &Address) {
    let _ = writeln!(text, "#EXTINF:{},", decimal(micros));
    if let Some((len, offset)) = address.range {
        let _ = writeln!(text, "#EXT-X-BYTERANGE:{len}@{offset}");
    }
    let _ = writeln!(text, "{}", address.name);
}
