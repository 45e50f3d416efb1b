//! What a job makes: the files of one version.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use weir_packager::Options;

use super::worker::lock;
use super::{AssetEvent, JobRecord, Worker};
use crate::catalogue::{Asset, Catalogue, VersionNumber};
use crate::config::PackagingSettings;
use crate::media_type::media_type_of;
use crate::packaging::{
    MediaInput, PackagingError, RunOptions, StorageSink, StoredInput, Summary, package,
};
use crate::storage::{ObjectKey, PutOptions};
use crate::transcode::{Profile, Storyboard, StoryboardPlan, TranscodeError};

/// The part of a job's work that transcoding takes, as shown to people.
const TRANSCODING_SHARE: f64 = 0.95;
/// The names of poster and storyboard within a version.
const POSTER: &str = "poster.jpg";
const STORYBOARD: &str = "storyboard.vtt";

/// What was made.
pub(super) struct Product {
    pub(super) summary: Summary,
    pub(super) pictures: Pictures,
}

/// The names of a version's pictures.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    pub(super) poster: Option<String>,
    pub(super) storyboard: Option<String>,
}

impl Worker {
    /// Makes every file of a version; nothing of it is published yet.
    pub(super) async fn produce(
        &self,
        asset: &Asset,
        number: VersionNumber,
        job: &Mutex<JobRecord>,
        cancel: &CancellationToken,
    ) -> Result<Product, PackagingError> {
        let key = Catalogue::source_key(&asset.id);
        let source = StoredInput::open(Arc::clone(&self.storage), key)
            .await
            .map_err(PackagingError::Read)?;
        let source: Arc<dyn MediaInput> = Arc::new(source);
        let name = lock(job).profile.clone();
        let summary = match self.transcoder.profiles().get(&name) {
            Some(profile) => {
                self.transcode_and_package(asset, number, &source, profile, job, cancel)
                    .await?
            }
            None => {
                self.package(asset, number, &[Arc::clone(&source)], job, cancel, 0.0)
                    .await?
            }
        };
        let pictures = self.pictures(asset, number, source, &summary, cancel).await;
        Ok(Product { summary, pictures })
    }

    async fn transcode_and_package(
        &self,
        asset: &Asset,
        number: VersionNumber,
        source: &Arc<dyn MediaInput>,
        profile: &Profile,
        job: &Mutex<JobRecord>,
        cancel: &CancellationToken,
    ) -> Result<Summary, PackagingError> {
        let mut news = News::new(self, asset, job);
        let run = self
            .transcoder
            .run(Arc::clone(source), profile, cancel, |done| {
                news.tell(done * TRANSCODING_SHARE)
            });
        let transcoded = run.await.map_err(|error| match error {
            TranscodeError::Cancelled => PackagingError::Cancelled,
            error => error.into(),
        })?;
        self.package(
            asset,
            number,
            &transcoded.inputs,
            job,
            cancel,
            TRANSCODING_SHARE,
        )
        .await
    }

    async fn package(
        &self,
        asset: &Asset,
        number: VersionNumber,
        inputs: &[Arc<dyn MediaInput>],
        job: &Mutex<JobRecord>,
        cancel: &CancellationToken,
        done_before: f64,
    ) -> Result<Summary, PackagingError> {
        let prefix = Catalogue::version_prefix(&asset.id, number);
        let sink = StorageSink::new(
            Arc::clone(&self.storage),
            prefix,
            Some(self.cache_control.clone()),
        );
        let options = RunOptions {
            packager: packager_options(&self.settings),
            write_concurrency: self.settings.write_concurrency,
            cancel: cancel.clone(),
        };
        let mut news = News::new(self, asset, job);
        package(inputs, &sink, &options, |progress| {
            let total = progress.total.as_secs_f64();
            let done = if total > 0.0 {
                (progress.media_time.as_secs_f64() / total).min(1.0)
            } else {
                0.0
            };
            news.tell(done_before + done * (1.0 - done_before));
        })
        .await
    }

    /// Pictures for lists and players. A film without them is still a film, so nothing here fails the job.
    async fn pictures(
        &self,
        asset: &Asset,
        number: VersionNumber,
        source: Arc<dyn MediaInput>,
        summary: &Summary,
        cancel: &CancellationToken,
    ) -> Pictures {
        let presentation = &summary.report.presentation;
        let Some(video) = presentation
            .tracks
            .iter()
            .find_map(|track| track.video.as_ref())
        else {
            return Pictures::default();
        };
        let mut pictures = Pictures::default();
        match self
            .transcoder
            .poster(Arc::clone(&source), presentation.duration)
            .await
        {
            Ok(picture) => pictures.poster = self.keep(asset, number, POSTER, picture).await,
            Err(error) => {
                tracing::debug!(asset = %asset.id, error = %error, "no poster");
                return pictures;
            }
        }
        let plan = StoryboardPlan::new(
            presentation.duration,
            video.display_width,
            video.display_height,
            keyframe_spacing(asset),
        );
        match self.transcoder.storyboard(source, plan, cancel).await {
            Ok(storyboard) => {
                pictures.storyboard = self.keep_storyboard(asset, number, storyboard).await
            }
            Err(error) => tracing::debug!(asset = %asset.id, error = %error, "no storyboard"),
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

    async fn keep(
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

/// Tells how far a job is, in steps of one percent.
struct News<'a> {
    worker: &'a Worker,
    asset: &'a Asset,
    job: &'a Mutex<JobRecord>,
    last: f64,
}

impl<'a> News<'a> {
    fn new(worker: &'a Worker, asset: &'a Asset, job: &'a Mutex<JobRecord>) -> Self {
        Self {
            worker,
            asset,
            job,
            last: 0.0,
        }
    }

    fn tell(&mut self, done: f64) {
        lock(self.job).progress = done;
        if done - self.last >= 0.01 {
            self.last = done;
            self.worker.bus.publish(AssetEvent {
                progress: Some(done),
                ..AssetEvent::of(self.asset)
            });
        }
    }
}

/// Options of the packager as configured.
#[must_use]
pub(crate) fn packager_options(settings: &PackagingSettings) -> Options {
    Options {
        segment_duration: Duration::from_secs_f64(settings.segment_seconds),
        i_frame_playlists: settings.i_frame_playlists,
        dash: settings.dash,
        ..Options::default()
    }
}
