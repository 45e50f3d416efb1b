//! What the multivariant playlist says of pictures: the storyboard as an image media playlist, and the pictures for scrubbing as an
//! I-frame rendition. The playlist gets more lines before anybody sees it.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use weir_packager::{PictureRendition, Presentation, ScrubPictures, VideoRange};

use super::Worker;
use super::image_playlist;
use super::pictures::Pictures;
use crate::catalogue::{Asset, Catalogue, VersionNumber};
use crate::media_type::media_type_of;
use crate::packaging::{PackagingError, Summary};
use crate::storage::{GetOptions, ObjectKey, PutBody, PutOptions, StorageError};
use crate::transcode::StoryboardPlan;

/// Folder of the pictures for scrubbing within a version.
const FOLDER: &str = "scrubbing";
/// Largest multivariant playlist in bytes.
const MAX_PLAYLIST: u64 = 1 << 20;

impl Worker {
    /// Stores the playlists of a version's pictures and names them in the multivariant playlist.
    pub(super) async fn add_picture_streams(
        &self,
        asset: &Asset,
        number: VersionNumber,
        summary: &Summary,
        pictures: &Pictures,
    ) -> Result<(), PackagingError> {
        let Some(plan) = &pictures.storyboard_plan else {
            return Ok(());
        };
        let prefix = Catalogue::version_prefix(&asset.id, number);
        let mut lines = String::new();
        // First what is named, then what names it.
        if let Some(rendition) = rendition(plan, &summary.report.presentation, &pictures.scrubbing)?
        {
            let file = |name: &str| format!("{FOLDER}/{name}");
            let (name, playlist) = (
                file(PictureRendition::MEDIA),
                file(PictureRendition::PLAYLIST),
            );
            self.put_file(&prefix, &name, rendition.media.into(), None)
                .await?;
            self.put_playlist(&prefix, &playlist, rendition.playlist)
                .await?;
            lines.push_str(&rendition.stream);
        }
        if self.settings.image_playlist {
            let playlist = image_playlist::playlist(plan);
            self.put_playlist(&prefix, image_playlist::NAME, playlist)
                .await?;
            lines.push_str(&image_playlist::stream_line(plan));
        }
        if lines.is_empty() {
            return Ok(());
        }
        let name = &summary.report.multivariant;
        let key = ObjectKey::new(format!("{prefix}{name}"))
            .map_err(|error| PackagingError::Read(error.into()))?;
        let object = self.storage.get(&key, GetOptions::default()).await;
        let object = object.map_err(PackagingError::Read)?;
        let bytes = object.bytes(MAX_PLAYLIST).await;
        let bytes = bytes.map_err(PackagingError::Read)?;
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        text.push_str(&lines);
        self.put_playlist(&prefix, name, text).await
    }

    /// Stores a playlist, and its compressed twin when playlists have one.
    async fn put_playlist(
        &self,
        prefix: &str,
        name: &str,
        text: String,
    ) -> Result<(), PackagingError> {
        if self.settings.gzip {
            let unavailable =
                |error| PackagingError::Write(StorageError::unavailable("compressing", error));
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            encoder.write_all(text.as_bytes()).map_err(unavailable)?;
            let zipped = encoder.finish().map_err(unavailable)?;
            self.put_file(prefix, name, zipped.into(), Some("gzip"))
                .await?;
        }
        self.put_file(prefix, name, text.into_bytes().into(), None)
            .await
    }

    /// Stores a file. A compressed one has `.gz` after its name.
    async fn put_file(
        &self,
        prefix: &str,
        name: &str,
        content: PutBody,
        encoding: Option<&str>,
    ) -> Result<(), PackagingError> {
        let end = encoding.map_or("", |_| ".gz");
        let key = ObjectKey::new(format!("{prefix}{name}{end}"))
            .map_err(|error| PackagingError::Write(error.into()))?;
        let options = PutOptions {
            content_type: Some(media_type_of(name).to_owned()),
            content_encoding: encoding.map(str::to_owned),
            cache_control: Some(self.cache_control.clone()),
            ..PutOptions::default()
        };
        let put = self.storage.put(&key, content, options).await;
        put.map(drop).map_err(PackagingError::Write)
    }
}

/// The I-frame rendition of a film's pictures for scrubbing; `None` when it has none.
fn rendition(
    plan: &StoryboardPlan,
    presentation: &Presentation,
    pictures: &[Bytes],
) -> Result<Option<PictureRendition>, PackagingError> {
    let mut videos = presentation
        .tracks
        .iter()
        .filter_map(|track| Some((track, track.video.as_ref()?)));
    let (Some(scrubbing), Some((track, _))) = (plan.scrubbing, videos.clone().next()) else {
        return Ok(None);
    };
    let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let side = |pixels: u32| u16::try_from(pixels).unwrap_or(u16::MAX);
    let wanted = ScrubPictures {
        width: side(scrubbing.width),
        height: side(scrubbing.height),
        interval: Duration::from_secs(scrubbing.interval.into()),
        // The pictures of a film begin and end with its first video track: sound may be longer.
        start: seconds(track.start),
        end: seconds(track.start + track.duration),
        beside_hdr: videos.any(|(_, video)| video.colour.range != VideoRange::Sdr),
    };
    if pictures.len() < wanted.count() {
        return Ok(None);
    }
    Ok(Some(wanted.package(pictures, FOLDER)?))
}
