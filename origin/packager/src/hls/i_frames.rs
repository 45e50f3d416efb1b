//! I-frame playlists (RFC 8216bis 4.4.3.6): every keyframe, each as the byte range of a fragment of its own.

use std::fmt::Write;

use super::attributes::Attributes;
use super::bandwidth::Bandwidth;
use super::dates::write_start;
use super::keys::KeyTags;
use super::media::{head, write_entry, write_map};
use crate::files::Address;
use crate::plan::{Plan, PlannedTrack};
use crate::timeline::to_micros;
use crate::ts;
use crate::{Error, ScrubPictures};

/// The I-frame playlist of pictures that lie in one file after an initialization segment of `init_len` bytes: how long each stands, in
/// microseconds, and where it is.
pub(crate) fn picture_playlist(target: u64, init_len: u64, pictures: &[(u32, Address)]) -> String {
    let mut text = head(target);
    text.push_str("#EXT-X-I-FRAMES-ONLY\n");
    if let Some((_, first)) = pictures.first() {
        let _ = writeln!(
            text,
            "#EXT-X-MAP:URI=\"{}\",BYTERANGE=\"{init_len}@0\"",
            first.name
        );
    }
    for (duration, address) in pictures {
        write_entry(&mut text, i64::from(*duration), address);
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// The line that names such a playlist in the multivariant playlist.
pub(crate) fn picture_stream_line(
    bandwidth: Bandwidth,
    pictures: &ScrubPictures,
    uri: &str,
) -> String {
    let mut list = Attributes::default()
        .plain("BANDWIDTH", bandwidth.peak)
        .plain("AVERAGE-BANDWIDTH", bandwidth.average)
        .quoted("CODECS", "mjpg")
        .plain(
            "RESOLUTION",
            format_args!("{}x{}", pictures.width, pictures.height),
        );
    if pictures.beside_hdr {
        list = list.plain("VIDEO-RANGE", "SDR");
    }
    let list = list.quoted("URI", uri).finish();
    format!("#EXT-X-I-FRAME-STREAM-INF:{list}\n")
}

/// One keyframe.
struct Keyframe {
    segment: usize,
    offset: u64,
    len: u64,
    /// Presentation time in microseconds.
    time: i64,
}

/// The I-frame playlist of a video track, and its bit rates.
pub(crate) fn i_frame_playlist(
    plan: &Plan,
    track: &PlannedTrack,
) -> Result<(String, Bandwidth), Error> {
    let timeline = &track.track.timeline;
    let mut keyframes = Vec::new();
    for (index, segment) in track.segments.iter().enumerate() {
        let samples = track.samples(segment)?;
        for fragment in &track.fragments(segment, &samples)?.list {
            // A keyframe that is only decoded for what follows it is not listed, unless its segment starts with it.
            if let Some(sample) = samples.get(fragment.samples.start)
                && sample.sync
                && sample.can_start
            {
                // Of segments that are encrypted whole, ranges say where the plain bytes would be: players widen them to whole blocks,
                // and by one more in front, which decrypts the first (RFC 8216bis 6.3.6).
                //
                // The range holds no initialization section (RFC 8216bis 4.4.3.6): a transport stream's is the tables with which the
                // segment starts, so those that stand before the keyframe again are left out.
                let tables = track.stream.as_ref().map_or(0, |_| ts::TABLES_LEN);
                keyframes.push(Keyframe {
                    segment: index,
                    offset: fragment.offset + tables,
                    len: fragment.len.saturating_sub(tables),
                    time: to_micros(sample.presentation_time, timeline.timescale),
                });
            }
        }
    }
    let end = to_micros(timeline.end, timeline.timescale);
    let ends: Vec<i64> = keyframes
        .iter()
        .skip(1)
        .map(|keyframe| keyframe.time)
        .chain([end])
        .collect();

    // The duration of an I-frame is the time to the next one (RFC 8216bis 4.4.3.6).
    let mut text = head(plan.target_duration);
    text.push_str("#EXT-X-I-FRAMES-ONLY\n");
    write_map(&mut text, track);
    let mut rates = Vec::with_capacity(keyframes.len());
    let mut keys = KeyTags::default();
    if let Some(first) = keyframes.first() {
        write_start(&mut text, plan, first.time);
    }
    for (keyframe, end) in keyframes.iter().zip(ends) {
        keys.write_i_frame(&mut text, track, keyframe.segment);
        let duration = (end - keyframe.time).max(0);
        let address = Address::within(track, keyframe.segment, keyframe.len, keyframe.offset);
        write_entry(&mut text, duration, &address);
        rates.push((duration.unsigned_abs(), keyframe.len));
    }
    text.push_str("#EXT-X-ENDLIST\n");
    Ok((text, Bandwidth::of(&rates, plan.target_duration)))
}
