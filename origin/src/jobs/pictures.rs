//! Poster, storyboard and preview of a version.

use std::sync::Arc;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use weir_packager::{Presentation, VideoRange};

use super::Worker;
use crate::catalogue::{Asset, Catalogue, VersionNumber};
use crate::media_type::media_type_of;
use crate::packaging::MediaInput;
use crate::storage::{ObjectKey, PutOptions};
use crate::transcode::{HdrTransfer, PicturePlan, Storyboard, StoryboardPlan};

/// The names of the pictures within a version.
const POSTER: &str = "poster.jpg";
const STORYBOARD: &str = "storyboard.vtt";
const PREVIEW: &str = "preview.webp";

/// The names of a version's pictures.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    pub(super) poster: Option<String>,
    pub(super) storyboard: Option<String>,
    pub(super) preview: Option<String>,
    /// How the storyboard's sheets are divided, when there is one.
    pub(super) storyboard_plan: Option<StoryboardPlan>,
    /// JPEG bytes of the pictures for scrubbing, where the plan has them.
    pub(super) scrubbing: Vec<Bytes>,
}

/// Of what pictures are made.
pub(super) struct PictureJob<'a> {
    pub(super) asset: &'a Asset,
    pub(super) number: VersionNumber,
    pub(super) presentation: &'a Presentation,
    pub(super) protected: bool,
}

impl Worker {
    /// Pictures for lists and players. A film without them is still a film, so nothing here fails the job.
    pub(super) async fn pictures(
        &self,
        job: &PictureJob<'_>,
        source: Arc<dyn MediaInput>,
        cancel: &CancellationToken,
    ) -> Pictures {
        let &PictureJob {
            asset,
            number,
            presentation,
            protected,
        } = job;
        let Some(video) = presentation
            .tracks
            .iter()
            .find_map(|track| track.video.as_ref())
        else {
            return Pictures::default();
        };
        let mut storyboard = StoryboardPlan::new(
            presentation.duration,
            video.display_width,
            video.display_height,
            keyframe_spacing(asset),
        );
        if self.settings.scrub_pictures {
            // A picture a second is nearly the film: a protected one shows no more than its storyboard does.
            storyboard = storyboard.with_scrubbing(!protected);
        }
        let plan = PicturePlan {
            storyboard,
            // A moving excerpt in the clear is more than stills: a protected film has none.
            preview: self.settings.preview && !protected,
            hdr: hdr(asset),
        };
        let mut pictures = Pictures::default();
        let made = match self.transcoder.pictures(source, plan, cancel).await {
            Ok(made) => made,
            Err(error) => {
                tracing::debug!(asset = %asset.id, error = %error, "no pictures");
                return pictures;
            }
        };
        if let Some(poster) = made.poster {
            pictures.poster = self.keep(asset, number, POSTER, poster).await;
        }
        let mut board = made.storyboard;
        pictures.scrubbing = std::mem::take(&mut board.scrubbing);
        pictures.storyboard = self.keep_storyboard(asset, number, board).await;
        pictures.storyboard_plan = pictures.storyboard.is_some().then_some(storyboard);
        if let Some(preview) = made.preview {
            pictures.preview = self.keep(asset, number, PREVIEW, preview).await;
        }
        pictures
    }

    /// The sheets first, the indexes that name them last.
    async fn keep_storyboard(
        &self,
        asset: &Asset,
        number: VersionNumber,
        storyboard: Storyboard,
    ) -> Option<String> {
        for (name, sheet) in storyboard.sheets {
            self.keep(asset, number, &name, sheet).await?;
        }
        self.keep(
            asset,
            number,
            "storyboard.json",
            storyboard.json.to_string().into_bytes(),
        )
        .await?;
        self.keep(asset, number, STORYBOARD, storyboard.vtt.into_bytes())
            .await
    }

    pub(super) async fn keep(
        &self,
        asset: &Asset,
        number: VersionNumber,
        name: &str,
        content: Vec<u8>,
    ) -> Option<String> {
        let key = ObjectKey::new(format!(
            "{}{name}",
            Catalogue::version_prefix(&asset.id, number)
        ))
        .ok()?;
        let options = PutOptions {
            content_type: Some(media_type_of(name).to_owned()),
            cache_control: Some(self.cache_control.clone()),
            ..PutOptions::default()
        };
        match self.storage.put(&key, content.into(), options).await {
            Ok(_) => Some(name.to_owned()),
            Err(error) => {
                tracing::warn!(asset = %asset.id, error = %error, "could not keep a picture");
                None
            }
        }
    }
}

/// Mean seconds between the keyframes of the uploaded film, when its index tells.
#[expect(clippy::cast_precision_loss, reason = "a count of keyframes")]
fn keyframe_spacing(asset: &Asset) -> Option<f64> {
    let tracks = &asset.source.as_ref()?.presentation.as_ref()?.tracks;
    let track = tracks
        .iter()
        .find(|track| track.video.is_some() && track.keyframes > 0)?;
    Some(track.duration / track.keyframes as f64)
}

/// How the uploaded film's brightness is coded when it is HDR: a ladder may have been brought down, its source was not.
fn hdr(asset: &Asset) -> Option<HdrTransfer> {
    let tracks = &asset.source.as_ref()?.presentation.as_ref()?.tracks;
    let video = tracks.iter().find_map(|track| track.video.as_ref())?;
    match video.colour.range {
        VideoRange::Pq => Some(HdrTransfer::Pq),
        VideoRange::Hlg => Some(HdrTransfer::Hlg),
        _ => None,
    }
}
