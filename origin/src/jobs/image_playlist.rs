//! The storyboard as an image media playlist, for players that show pictures while somebody seeks.
//!
//! The tags are those of the "HLS Image Media Playlist" specification, which Roku, shaka-player and others read; players that do not know
//! them pass over them (RFC 8216bis, 6.3.1).

use std::fmt::Write;

use crate::transcode::StoryboardPlan;

/// The playlist's name within a version.
pub(super) const NAME: &str = "images.m3u8";
/// Bits of one picture at most, for the bandwidth that is announced: 160 x 90 pixels at the sheets' quality have half of it.
const PICTURE_BITS: f64 = 80_000.0;

/// The line that names the playlist in the multivariant playlist.
pub(super) fn stream_line(plan: &StoryboardPlan) -> String {
    let (width, height) = (plan.tile_width, plan.tile_height);
    let bandwidth = (PICTURE_BITS / plan.interval).ceil();
    format!(
        "#EXT-X-IMAGE-STREAM-INF:BANDWIDTH={bandwidth},RESOLUTION={width}x{height},CODECS=\"jpeg\",URI=\"{NAME}\"\n"
    )
}

/// One segment for each sheet.
pub(super) fn playlist(plan: &StoryboardPlan) -> String {
    let (columns, rows) = StoryboardPlan::layout();
    let sheet_seconds = plan.interval * f64::from(columns * rows);
    let target = sheet_seconds.min(plan.duration).ceil().max(1.0);
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-IMAGES-ONLY\n"
    );
    for sheet in 0..plan.sheets() {
        let start = f64::from(sheet) * sheet_seconds;
        let seconds = (plan.duration - start).min(sheet_seconds);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "#EXTINF:{seconds:.3},\n#EXT-X-TILES:RESOLUTION={}x{},LAYOUT={columns}x{rows},DURATION={:.3}\n{}\n",
            plan.tile_width,
            plan.tile_height,
            plan.interval,
            StoryboardPlan::sheet_name(sheet)
        );
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_are_segments_of_tiles() {
        let plan = StoryboardPlan::new(430.5, 1920, 1080, None);
        let text = playlist(&plan);
        assert!(text.contains("#EXT-X-TARGETDURATION:200\n"), "{text}");
        assert!(text.contains("#EXTINF:200.000,\n#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=10x10,DURATION=2.000\nstoryboard-0.jpg\n"), "{text}");
        assert!(
            text.ends_with("storyboard-2.jpg\n#EXT-X-ENDLIST\n")
                && text.contains("#EXTINF:30.500,"),
            "{text}"
        );
        assert_eq!(
            stream_line(&plan),
            "#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=40000,RESOLUTION=160x90,CODECS=\"jpeg\",URI=\"images.m3u8\"\n"
        );
    }
}
