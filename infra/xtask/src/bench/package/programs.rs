//! The programs that package, each with the options that make it do the same as the others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::{cargo, tools};

/// Shaka Packager from npm: the package bundles static programs and runs no install script.
const SHAKA: &str = "shaka-packager@3.4.2";
/// Key and identifier of the encrypted runs.
const KEY: [&str; 2] = [
    "00112233445566778899aabbccddeeff",
    "ffeeddccbbaa99887766554433221100",
];

/// What is made of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    /// CMAF in the clear.
    Cmaf,
    /// CMAF, encrypted with `cbcs`.
    Cbcs,
    /// MPEG-TS.
    MpegTs,
}

/// `weir-origin package`.
pub(super) fn weir(program: &Path, film: &Path, output: Output, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("package").arg(film).arg(folder);
    match output {
        Output::Cmaf => {}
        Output::Cbcs => {
            let key = format!("{}:{}", KEY[0], KEY[1]);
            command.args(["--encrypt", "cbcs", "--key", &key]);
            command.args(["--key-uri", "https://keys.example/{kid}"]);
        }
        Output::MpegTs => {
            command.args(["--format", "mpeg-ts"]);
        }
    }
    command
}

/// `ffmpeg -c copy`.
pub(super) fn ffmpeg(program: &Path, film: &Path, output: Output, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["-v", "error", "-i"]).arg(film);
    command.args(["-map", "0:v", "-map", "0:a", "-c", "copy", "-f", "hls"]);
    command.args(["-hls_time", "6", "-hls_playlist_type", "vod"]);
    let (kind, ending) = match output {
        Output::MpegTs => ("mpegts", "ts"),
        Output::Cmaf | Output::Cbcs => ("fmp4", "m4s"),
    };
    command.args(["-hls_segment_type", kind, "-master_pl_name", "main.m3u8"]);
    command.args(["-var_stream_map", "v:0,agroup:a a:0,agroup:a"]);
    let segments = folder.join(format!("%v-%d.{ending}"));
    command.arg("-hls_segment_filename").arg(segments);
    command.arg(folder.join("%v.m3u8"));
    command
}

/// Shaka Packager.
pub(super) fn shaka(program: &Path, film: &Path, output: Output, folder: &Path) -> Command {
    let stream = |kind: &str| {
        let at = |name: &str| folder.join(format!("{kind}-{name}")).display().to_string();
        format!(
            "in={},stream={kind},init_segment={},segment_template={},playlist_name={kind}.m3u8",
            film.display(),
            at("init.mp4"),
            at("$Number$.m4s")
        )
    };
    let mut command = Command::new(program);
    command.args([stream("video"), stream("audio")]);
    command.args(["--segment_duration", "6", "--hls_playlist_type", "VOD"]);
    command
        .arg("--hls_master_playlist_output")
        .arg(folder.join("main.m3u8"));
    if output == Output::Cbcs {
        let keys = format!("label=:key_id={}:key={}", KEY[0], KEY[1]);
        command.args(["--enable_raw_key_encryption", "--keys", &keys]);
        command.args(["--protection_scheme", "cbcs", "--clear_lead", "0"]);
    }
    command
}

/// The program as it is shipped.
pub(super) fn build_weir() -> anyhow::Result<PathBuf> {
    cargo::artifacts(&[
        "build",
        "--package",
        "weir-origin",
        "--bins",
        "--profile",
        "dist",
    ])?
    .into_iter()
    .filter_map(|artifact| artifact.executable)
    .find(|program| {
        program
            .file_stem()
            .is_some_and(|stem| stem == "weir-origin")
    })
    .context("cargo built no program weir-origin")
}

pub(super) fn find_shaka() -> anyhow::Result<PathBuf> {
    let system = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        (os, arch) => bail!("it is not published for {os} on {arch}"),
    };
    let folder = tools::cache().join("bench/shaka");
    let program = folder.join(format!("node_modules/shaka-packager/bin/packager-{system}"));
    if !program.is_file() {
        fs::create_dir_all(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        let npm = tools::system::NPM.ensure()?;
        tools::run(
            Command::new(npm)
                .args([
                    "install",
                    "--ignore-scripts",
                    "--no-audit",
                    "--no-fund",
                    "--silent",
                    SHAKA,
                ])
                .current_dir(&folder),
        )?;
    }
    Ok(program)
}
