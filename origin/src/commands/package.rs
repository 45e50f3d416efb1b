//! `weir-origin package`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use weir_origin::config::Config;
use weir_origin::packaging::{RunOptions, Summary, package};
use weir_origin::transcode::{Profile, Transcoder};
use weir_packager::{Format, Layout, Options};

use super::location::{open_input, open_output};
use super::{package_encryption, package_subtitles};
use crate::cli::Package;

/// Steps of the progress bar.
const STEPS: f64 = 1000.0;

/// Packages one film, of one file or several.
pub(super) async fn run(config: Config, options: Package) -> anyhow::Result<ExitCode> {
    let mut inputs = Vec::new();
    for input in &options.inputs {
        inputs.push(open_input(&config, input).await?);
    }
    let output = open_output(&config, &options.output).await?;
    let seconds = options
        .segment_seconds
        .unwrap_or(config.packaging.segment_seconds);
    let transcoder = super::transcoder(&config)?;
    let profile = profile_named(&transcoder, &options.profile)?;
    let encryption = package_encryption::read(&options.encryption)?;
    let subtitles = options.subtitles.iter();
    let subtitles = subtitles
        .map(|argument| package_subtitles::read(argument))
        .collect::<anyhow::Result<Vec<_>>>()?;
    if encryption.is_none() && profile.is_some_and(|profile| profile.protection.is_some()) {
        bail!(
            "--profile {}: it protects media, with keys that the service keeps; here, say how with --encrypt and --key",
            options.profile
        );
    }
    let format = match options.format.as_deref() {
        None => profile.map_or(Format::Cmaf, |profile| profile.container.into()),
        Some("cmaf") => Format::Cmaf,
        Some("mpeg-ts") => Format::MpegTs,
        Some(other) => bail!("--format {other}: there is no such format; use cmaf or mpeg-ts"),
    };
    let dash = profile
        .and_then(|profile| profile.dash)
        .unwrap_or(config.packaging.dash && format == Format::Cmaf);
    let run = RunOptions {
        packager: Options {
            segment_duration: Duration::try_from_secs_f64(seconds)
                .with_context(|| format!("--segment-seconds {seconds}"))?,
            i_frame_playlists: config.packaging.i_frame_playlists,
            dash: options.dash || dash,
            format,
            layout: if options.single_file {
                Layout::SingleFile
            } else {
                Layout::Segments
            },
            subtitles,
            program_date_time: options.program_date_time,
            encryption,
            ..Options::default()
        },
        write_concurrency: config.packaging.write_concurrency,
        cancel: cancelled_by_signal(),
    };
    let bar = progress_bar(options.quiet || options.json);
    let started = Instant::now();
    let size = inputs.iter().map(|input| input.length()).sum();
    let transcoded = match profile.filter(|profile| !profile.rungs.is_empty()) {
        Some(profile) => {
            let [input] = inputs.as_slice() else {
                bail!(
                    "--profile {}: a ladder is made of one file; give one input, or leave the profile away",
                    options.profile
                );
            };
            bar.set_message("transcoding");
            Some(
                transcoder
                    .run(Arc::clone(input), profile, &run.cancel, |done| {
                        bar.set_position(steps(done))
                    })
                    .await?,
            )
        }
        None => None,
    };
    let inputs = transcoded
        .as_ref()
        .map_or(inputs, |transcoded| transcoded.inputs.clone());
    bar.set_message("packaging");
    let result = package(&inputs, output.as_ref(), &run, |progress| {
        let total = progress.total.as_secs_f64();
        if total > 0.0 {
            bar.set_position(steps(progress.media_time.as_secs_f64() / total));
        }
    })
    .await;
    bar.finish_and_clear();
    let summary = result.with_context(|| format!("cannot package {}", options.inputs.join(" ")))?;
    if options.json {
        println!(
            "{}",
            serde_json::to_string_pretty(
                &json!({ "files": summary.files, "bytes": summary.bytes, "report": summary.report })
            )?
        );
    } else {
        print_summary(&summary, &options.output, size, started.elapsed());
    }
    Ok(ExitCode::SUCCESS)
}

/// The profile; `None` for `copy`.
fn profile_named<'a>(
    transcoder: &'a Transcoder,
    name: &str,
) -> anyhow::Result<Option<&'a Profile>> {
    let profiles = transcoder.profiles();
    if !profiles.knows(name) {
        bail!(
            "--profile {name}: there is no such profile; use one of {}",
            profiles.names().collect::<Vec<_>>().join(", ")
        );
    }
    Ok(profiles.get(name))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to 1000"
)]
fn steps(done: f64) -> u64 {
    (done * STEPS).clamp(0.0, STEPS) as u64
}

fn progress_bar(quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{msg:12} {bar:40} {percent:>3} %  {elapsed} (still {eta})")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(1000).with_style(style)
}

/// Ctrl-C ends the run between two files.
fn cancelled_by_signal() -> CancellationToken {
    let cancel = CancellationToken::new();
    let signalled = cancel.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            signalled.cancel();
        }
    });
    cancel
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn print_summary(summary: &Summary, output: &str, size: u64, took: Duration) {
    let report = &summary.report;
    println!("{}/{}", output.trim_end_matches('/'), report.multivariant);
    for variant in &report.variants {
        let picture = variant.resolution.map_or_else(
            || "audio only".to_owned(),
            |(width, height)| format!("{width}x{height}"),
        );
        println!(
            "  {picture:<11} {:>8.2} Mb/s peak {:>8.2} Mb/s average  {}",
            variant.bandwidth as f64 / 1e6,
            variant.average_bandwidth as f64 / 1e6,
            variant.codecs
        );
    }
    for note in &report.notes {
        println!("  note: {}", note.message);
    }
    let (megabytes, seconds) = (size as f64 / 1e6, took.as_secs_f64().max(1e-6));
    println!(
        "  {} files, {:.1} MB, {:.1} s of media in {seconds:.2} s ({:.0} MB/s)",
        summary.files,
        summary.bytes as f64 / 1e6,
        report.presentation.duration,
        megabytes / seconds
    );
}
