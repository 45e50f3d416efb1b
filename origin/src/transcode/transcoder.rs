//! From a source and a profile to files that the packager takes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::encoding::Job;
use super::ffmpeg::{self, Ffmpeg};
use super::loudness::Loudness;
use super::plan::renditions;
use super::source_server::SourceServer;
use super::work_folder::{WorkFolder, remove_abandoned};
use super::{Profile, Profiles, SourceInfo, TranscodeError};
use crate::config::TranscodeSettings;
use crate::packaging::{FileInput, MediaInput};

/// Makes ladders.
#[derive(Debug, Clone)]
pub struct Transcoder {
    settings: TranscodeSettings,
    ffmpeg: Ffmpeg,
    profiles: Arc<Profiles>,
    /// What ffmpeg says of its encoders.
    encoders: Arc<OnceCell<String>>,
}

/// The files of a ladder; they are removed with this value.
pub struct Transcoded {
    /// One input for each rendition, then the sound.
    pub inputs: Vec<Arc<dyn MediaInput>>,
    _folder: WorkFolder,
}

impl Transcoder {
    /// A transcoder with the shipped and the configured profiles.
    ///
    /// # Errors
    /// A sentence that names a mistake in a profile.
    pub fn new(settings: TranscodeSettings) -> Result<Self, String> {
        let profiles = Arc::new(Profiles::load(&settings.profile_folder)?);
        Ok(Self {
            ffmpeg: Ffmpeg {
                program: settings.ffmpeg.clone(),
                guard: None,
            },
            settings,
            profiles,
            encoders: Arc::default(),
        })
    }

    /// The same, with ffmpeg run by a process of `program`, which does [`watch_over`](super::watch_over) when it is told to: then
    /// ffmpeg ends with this process even when it is killed.
    #[must_use]
    pub fn guarded_by(mut self, program: PathBuf) -> Self {
        self.ffmpeg.guard = Some(program);
        self
    }

    /// Removes what origins that were killed have left in the work folder.
    pub fn remove_abandoned(&self) {
        match remove_abandoned(&self.settings.work_folder) {
            Ok(0) => {}
            Ok(folders) => tracing::info!(
                folders,
                "removed intermediate files of an origin that was killed"
            ),
            Err(error) => {
                tracing::warn!(error = %error, "could not look for abandoned intermediate files")
            }
        }
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
        for rung in &profile.rungs {
            let name = rung.codec.encoder();
            if !self.has_encoder(name).await? {
                return Err(TranscodeError::NoEncoder(name));
            }
        }
        Ok(())
    }

    /// Whether ffmpeg has an encoder. It is asked once.
    pub(super) async fn has_encoder(&self, name: &str) -> Result<bool, TranscodeError> {
        let encoders = self
            .encoders
            .get_or_try_init(|| ffmpeg::encoders(&self.ffmpeg))
            .await?;
        Ok(encoders
            .lines()
            .any(|line| line.split_whitespace().nth(1) == Some(name)))
    }

    /// What ffmpeg finds in a source.
    ///
    /// # Errors
    /// [`TranscodeError::Unreadable`] and others.
    pub async fn inspect(&self, source: Arc<dyn MediaInput>) -> Result<SourceInfo, TranscodeError> {
        let server = SourceServer::start(source).await?;
        ffmpeg::inspect(&self.ffmpeg, server.url()).await
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
        let info = ffmpeg::inspect(&self.ffmpeg, server.url()).await?;
        let renditions = info
            .video
            .as_ref()
            .map_or_else(Vec::new, |video| renditions(profile, video));
        let folder = self.work_folder()?;
        let timeout = Duration::from_secs(self.settings.timeout_seconds);
        let mut loudness = Vec::new();
        if let Some(wanted) = profile.audio.loudness {
            for sound in &info.sounds {
                let track = (server.url(), sound.place);
                loudness
                    .push(Loudness::measure(&self.ffmpeg, track, wanted, timeout, cancel).await?);
            }
        }
        let job = Job {
            source: server.url(),
            info: &info,
            renditions: &renditions,
            audio: profile.audio,
            loudness: &loudness,
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
        ffmpeg::run(&self.ffmpeg, job.arguments(), timeout, cancel, |time| {
            if info.duration > 0.0 {
                on_progress((time.as_secs_f64() / info.duration).min(1.0));
            }
        })
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

    pub(super) fn settings(&self) -> &TranscodeSettings {
        &self.settings
    }

    pub(super) fn ffmpeg(&self) -> &Ffmpeg {
        &self.ffmpeg
    }

    pub(super) fn work_folder(&self) -> std::io::Result<WorkFolder> {
        WorkFolder::create(&self.settings.work_folder)
    }
}
