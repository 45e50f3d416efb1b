//! From a source and a profile to files that the packager takes.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::encoding::Job;
use super::ffmpeg;
use super::loudness::Loudness;
use super::pictures;
use super::plan::renditions;
use super::source_server::SourceServer;
use super::{Profile, Profiles, SourceInfo, Storyboard, StoryboardPlan, TranscodeError};
use crate::config::TranscodeSettings;
use crate::packaging::{FileInput, MediaInput};

/// Makes ladders.
#[derive(Debug, Clone)]
pub struct Transcoder {
    settings: TranscodeSettings,
    profiles: Arc<Profiles>,
}

/// The files of a ladder; they are removed with this value.
pub struct Transcoded {
    /// One input for each rendition, then the sound.
    pub inputs: Vec<Arc<dyn MediaInput>>,
    _folder: TempDir,
}

impl Transcoder {
    /// A transcoder with the shipped and the configured profiles.
    ///
    /// # Errors
    /// A sentence that names a mistake in a profile.
    pub fn new(settings: TranscodeSettings) -> Result<Self, String> {
        let profiles = Arc::new(Profiles::load(&settings.profile_folder)?);
        Ok(Self { settings, profiles })
    }

    /// The profiles.
    #[must_use]
    pub fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    /// Whether ffmpeg can be run and has the encoders of a profile.
    ///
    /// # Errors
    /// [`TranscodeError::NotInstalled`] and [`TranscodeError::NoEncoder`].
    pub async fn check(&self, profile: &Profile) -> Result<(), TranscodeError> {
        let encoders = ffmpeg::encoders(&self.settings.ffmpeg).await?;
        let known = |name: &str| {
            encoders
                .lines()
                .any(|line| line.split_whitespace().nth(1) == Some(name))
        };
        let mut needed = profile.rungs.iter().map(|rung| rung.codec.encoder());
        needed
            .find(|name| !known(name))
            .map_or(Ok(()), |name| Err(TranscodeError::NoEncoder(name)))
    }

    /// What ffmpeg finds in a source.
    ///
    /// # Errors
    /// [`TranscodeError::Unreadable`] and others.
    pub async fn inspect(&self, source: Arc<dyn MediaInput>) -> Result<SourceInfo, TranscodeError> {
        let server = SourceServer::start(source).await?;
        ffmpeg::inspect(&self.settings.ffmpeg, server.url()).await
    }

    /// Makes the renditions of a profile. `on_progress` gets the part done, 0 to 1.
    ///
    /// # Errors
    /// [`TranscodeError`]; nothing is left behind.
    pub async fn run(
        &self,
        source: Arc<dyn MediaInput>,
        profile: &Profile,
        cancel: &CancellationToken,
        mut on_progress: impl FnMut(f64) + Send,
    ) -> Result<Transcoded, TranscodeError> {
        self.check(profile).await?;
        let server = SourceServer::start(source).await?;
        let info = ffmpeg::inspect(&self.settings.ffmpeg, server.url()).await?;
        let renditions = renditions(profile, &info);
        let folder = self.work_folder()?;
        let timeout = Duration::from_secs(self.settings.timeout_seconds);
        let loudness = match (profile.audio.loudness, info.audio_channels) {
            (Some(wanted), Some(_)) => {
                let ffmpeg = &self.settings.ffmpeg;
                Loudness::measure(ffmpeg, server.url(), wanted, timeout, cancel).await?
            }
            _ => None,
        };
        let job = Job {
            source: server.url(),
            info: &info,
            renditions: &renditions,
            audio: profile.audio,
            loudness: loudness.as_ref(),
            hdr: profile.hdr,
            threads: self.settings.threads,
            folder: folder.path(),
        };
        let names: Vec<&str> = renditions
            .iter()
            .map(|rendition| rendition.rung.name.as_str())
            .collect();
        tracing::info!(
            rungs = names.join(" "),
            seconds = info.duration,
            "transcoding"
        );
        ffmpeg::run(
            &self.settings.ffmpeg,
            job.arguments(),
            timeout,
            cancel,
            |time| {
                if info.duration > 0.0 {
                    on_progress((time.as_secs_f64() / info.duration).min(1.0));
                }
            },
        )
        .await?;
        let mut inputs: Vec<Arc<dyn MediaInput>> = Vec::new();
        for path in job.outputs() {
            inputs.push(Arc::new(FileInput::open(&path)?));
        }
        Ok(Transcoded {
            inputs,
            _folder: folder,
        })
    }

    /// A JPEG of the film at a tenth of its time, at most 960 pixels wide.
    ///
    /// # Errors
    /// [`TranscodeError`].
    pub async fn poster(
        &self,
        source: Arc<dyn MediaInput>,
        duration: f64,
    ) -> Result<Vec<u8>, TranscodeError> {
        let server = SourceServer::start(source).await?;
        pictures::still(&self.settings.ffmpeg, server.url(), duration / 10.0).await
    }

    /// Pictures of the whole film on sheets.
    ///
    /// # Errors
    /// [`TranscodeError`].
    pub async fn storyboard(
        &self,
        source: Arc<dyn MediaInput>,
        plan: StoryboardPlan,
        cancel: &CancellationToken,
    ) -> Result<Storyboard, TranscodeError> {
        let server = SourceServer::start(source).await?;
        let folder = self.work_folder()?;
        let timeout = Duration::from_secs(self.settings.timeout_seconds);
        let arguments =
            pictures::sheet_arguments(server.url(), &plan, self.settings.threads, folder.path());
        ffmpeg::run(&self.settings.ffmpeg, arguments, timeout, cancel, |_| {}).await?;
        let mut sheets = Vec::new();
        for sheet in 0..plan.sheets() {
            let name = StoryboardPlan::sheet_name(sheet);
            sheets.push((
                name.clone(),
                tokio::fs::read(folder.path().join(name)).await?,
            ));
        }
        let mut scrubbing = Vec::new();
        if plan.scrubbing.is_some() {
            for picture in 0..plan.scrub_pictures() {
                let file = folder.path().join(StoryboardPlan::scrub_name(picture));
                scrubbing.push(tokio::fs::read(file).await?.into());
            }
        }
        Ok(Storyboard {
            sheets,
            scrubbing,
            vtt: plan.vtt(),
            json: plan.json(),
        })
    }

    /// A few seconds of the film as animated WebP.
    ///
    /// # Errors
    /// [`TranscodeError`].
    pub async fn preview(
        &self,
        source: Arc<dyn MediaInput>,
        duration: f64,
        cancel: &CancellationToken,
    ) -> Result<Vec<u8>, TranscodeError> {
        let server = SourceServer::start(source).await?;
        let folder = self.work_folder()?;
        let file = folder.path().join("preview.webp");
        let timeout = Duration::from_secs(self.settings.timeout_seconds);
        let threads = self.settings.threads;
        let arguments = pictures::preview_arguments(server.url(), duration, threads, &file);
        ffmpeg::run(&self.settings.ffmpeg, arguments, timeout, cancel, |_| {}).await?;
        Ok(tokio::fs::read(file).await?)
    }

    fn work_folder(&self) -> std::io::Result<TempDir> {
        let builder = {
            let mut builder = tempfile::Builder::new();
            builder.prefix("weir-transcode-");
            builder
        };
        if self.settings.work_folder.as_os_str().is_empty() {
            builder.tempdir()
        } else {
            builder.tempdir_in(&self.settings.work_folder)
        }
    }
}
