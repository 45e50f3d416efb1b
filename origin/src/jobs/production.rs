//! What a job makes: the files of one version.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::packaging_plan::PackagingPlan;
use super::pictures::{PictureJob, Pictures};
use super::worker::lock;
use super::{AssetEvent, JobRecord, Worker};
use crate::catalogue::{Asset, Catalogue, LintReport, VersionNumber};
use crate::config::LintDepth;
use crate::packaging::{
    MediaInput, PackagingError, RunOptions, StorageSink, StoredInput, Summary, package, probe,
    self_check,
};
use crate::protection::{KeySet, Protection, ProtectionError, VersionProtection};
use crate::transcode::{Profile, TranscodeError};

/// The part of a job's work that transcoding takes, as shown to people.
const TRANSCODING_SHARE: f64 = 0.95;

/// What was made.
pub(super) struct Product {
    pub(super) summary: Summary,
    pub(super) pictures: Pictures,
    pub(super) protection: Option<VersionProtection>,
    pub(super) lint: Option<LintReport>,
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
        let profiles = self.transcoder.profiles();
        if !profiles.knows(&name) {
            // Packaging it some other way might publish in the clear what the profile would have protected.
            return Err(ProtectionError::Settings(format!(
                "the profile `{name}` is not there any more; choose another one for the asset"
            ))
            .into());
        }
        let plan = PackagingPlan::new(&self.settings, profiles.get(&name), asset);
        let waived = plan.waived();
        let (summary, protection) = match profiles.ladder(&name) {
            Some(profile) => {
                self.transcode_and_package(asset, number, &source, (profile, plan), job, cancel)
                    .await?
            }
            None => {
                let inputs = [Arc::clone(&source)];
                self.package(asset, number, &inputs, plan, job, cancel, 0.0)
                    .await?
            }
        };
        let wanted = PictureJob {
            asset,
            number,
            presentation: &summary.report.presentation,
            protected: protection.is_some(),
        };
        let pictures = self.pictures(&wanted, source, cancel).await;
        self.add_picture_streams(asset, number, &summary, &pictures)
            .await?;
        let lint = self.lint(asset, number, &summary, &waived).await?;
        Ok(Product {
            summary,
            pictures,
            protection,
            lint,
        })
    }

    async fn transcode_and_package(
        &self,
        asset: &Asset,
        number: VersionNumber,
        source: &Arc<dyn MediaInput>,
        (profile, plan): (&Profile, PackagingPlan),
        job: &Mutex<JobRecord>,
        cancel: &CancellationToken,
    ) -> Result<(Summary, Option<VersionProtection>), PackagingError> {
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
            plan,
            job,
            cancel,
            TRANSCODING_SHARE,
        )
        .await
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a step of one job: what, from what, how, and whom to tell"
    )]
    async fn package(
        &self,
        asset: &Asset,
        number: VersionNumber,
        inputs: &[Arc<dyn MediaInput>],
        mut plan: PackagingPlan,
        job: &Mutex<JobRecord>,
        cancel: &CancellationToken,
        done_before: f64,
    ) -> Result<(Summary, Option<VersionProtection>), PackagingError> {
        plan.options.subtitles = self.subtitles(asset).await?;
        let described = match &plan.protection {
            Some(protection) => {
                let keys = self.keys(asset, number, protection, inputs).await?;
                let url = self.content_keys.url(&asset.id);
                plan.options.encryption = Some(keys.encryption(protection, &url)?);
                Some(keys.described(protection))
            }
            None => None,
        };
        let prefix = Catalogue::version_prefix(&asset.id, number);
        let sink = StorageSink::new(
            Arc::clone(&self.storage),
            prefix,
            Some(self.cache_control.clone()),
        );
        let options = RunOptions {
            packager: plan.options,
            write_concurrency: self.settings.write_concurrency,
            cancel: cancel.clone(),
        };
        let mut news = News::new(self, asset, job);
        let packaged = package(inputs, &sink, &options, |progress| {
            let total = progress.total.as_secs_f64();
            let done = if total > 0.0 {
                (progress.media_time.as_secs_f64() / total).min(1.0)
            } else {
                0.0
            };
            news.tell(done_before + done * (1.0 - done_before));
        });
        Ok((packaged.await?, described))
    }

    /// Reads what was written as a player would. What breaks a rule is not published.
    async fn lint(
        &self,
        asset: &Asset,
        number: VersionNumber,
        summary: &Summary,
        waived: &[&str],
    ) -> Result<Option<LintReport>, PackagingError> {
        let media = match self.settings.lint {
            LintDepth::Off => return Ok(None),
            LintDepth::Playlists => false,
            LintDepth::Media => true,
        };
        let prefix = Catalogue::version_prefix(&asset.id, number);
        let playlist = &summary.report.multivariant;
        let checked = self_check(self.storage.as_ref(), &prefix, playlist, media, waived)
            .await
            .map_err(PackagingError::Read)?;
        match checked.violation {
            Some(violation) => Err(PackagingError::Lint {
                violation,
                report: Box::new(checked.report),
            }),
            None => Ok(Some(checked.report)),
        }
    }

    /// The keys of a version. How many there are follows from the film's length when they take turns.
    async fn keys(
        &self,
        asset: &Asset,
        number: VersionNumber,
        protection: &Protection,
        inputs: &[Arc<dyn MediaInput>],
    ) -> Result<KeySet, PackagingError> {
        let film = match inputs.first() {
            Some(input) if protection.rotation_seconds > 0 => probe(input.as_ref()).await?.duration,
            _ => 0.0,
        };
        let film = Duration::try_from_secs_f64(film).unwrap_or_default();
        let keys = self
            .content_keys
            .for_version(&asset.id, number, protection, film);
        Ok(keys.await?)
    }
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
