//! The storyboard as an image media playlist, for players that show pictures while somebody seeks.
//!
//! The tags are those of the "HLS Image Media Playlist" specification, which Roku, shaka-player and others read; players that do not know
//! them pass over them (RFC 8216bis, 6.3.1). The multivariant playlist gets one more line, before anybody sees it.

use std::fmt::Write;
use std::io::Write as _;

use super::Worker;
use crate::catalogue::{Asset, Catalogue, VersionNumber};
use crate::media_type::media_type_of;
use crate::packaging::{PackagingError, Summary};
use crate::storage::{GetOptions, ObjectKey, PutOptions};
use crate::transcode::StoryboardPlan;

/// The playlist's name within a version.
const NAME: &str = "images.m3u8";
/// Largest multivariant playlist in bytes.
const MAX_PLAYLIST: u64 = 1 << 20;
/// Bits of one picture at most, for the bandwidth that is announced: 160 x 90 pixels at the sheets' quality have half of it.
const PICTURE_BITS: f64 = 80_000.0;

impl Worker {
    /// Writes the playlist and names it in the multivariant playlist.
    pub(super) async fn add_image_playlist(
        &self,
        asset: &Asset,
        number: VersionNumber,
        summary: &Summary,
        plan: &StoryboardPlan,
    ) -> Result<(), PackagingError> {
        let prefix = Catalogue::version_prefix(&asset.id, number);
        let name = &summary.report.multivariant;
        let key = ObjectKey::new(format!("{prefix}{name}"))
            .map_err(|error| PackagingError::Read(error.into()))?;
        let object = self.storage.get(&key, GetOptions::default()).await;
        let object = object.map_err(PackagingError::Read)?;
        let bytes = object.bytes(MAX_PLAYLIST).await;
        let bytes = bytes.map_err(PackagingError::Read)?;
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        text.push_str(&stream_line(plan));
        // First what is named, then what names it.
        self.put_playlist(&prefix, NAME, playlist(plan)).await?;
        self.put_playlist(&prefix, name, text).await
    }

    /// Stores a playlist, and its compressed twin when playlists have one.
    async fn put_playlist(
        &self,
        prefix: &str,
        name: &str,
        text: String,
    ) -> Result<(), PackagingError> {
        let failed = PackagingError::Write;
        let options = PutOptions {
            content_type: Some(media_type_of(name).to_owned()),
            cache_control: Some(self.cache_control.clone()),
            ..PutOptions::default()
        };
        if self.settings.gzip {
            let unavailable = |error| {
                failed(crate::storage::StorageError::unavailable(
                    "compressing",
                    error,
                ))
            };
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            encoder.write_all(text.as_bytes()).map_err(unavailable)?;
            let zipped = encoder.finish().map_err(unavailable)?;
            let key = ObjectKey::new(format!("{prefix}{name}.gz")).map_err(|e| failed(e.into()))?;
            let options = PutOptions {
                content_encoding: Some("gzip".to_owned()),
                ..options.clone()
            };
            let put = self.storage.put(&key, zipped.into(), options).await;
            put.map_err(failed)?;
        }
        let key = ObjectKey::new(format!("{prefix}{name}")).map_err(|e| failed(e.into()))?;
        let put = self
            .storage
            .put(&key, text.into_bytes().into(), options)
            .await;
        put.map(drop).map_err(failed)
    }
}

fn stream_line(plan: &StoryboardPlan) -> String {
    let (width, height) = (plan.tile_width, plan.tile_height);
    let bandwidth = (PICTURE_BITS / plan.interval).ceil();
    format!(
        "#EXT-X-IMAGE-STREAM-INF:BANDWIDTH={bandwidth},RESOLUTION={width}x{height},CODECS=\"jpeg\",URI=\"{NAME}\"\n"
    )
}

/// One segment for each sheet.
fn playlist(plan: &StoryboardPlan) -> String {
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
