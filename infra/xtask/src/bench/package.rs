//! Packaging without transcoding: the same film to CMAF HLS by `weir-origin`, `ffmpeg -c copy` and Shaka Packager.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use super::table::{Contestant, compare};
use crate::{cargo, tools};

const ROUNDS: usize = 5;
/// Shaka Packager from npm: the package bundles static programs and runs no install script.
const SHAKA: &str = "shaka-packager@3.4.2";

/// Generates the film once, then compares.
///
/// # Errors
/// A missing tool, or a program that fails.
pub(super) fn run() -> anyhow::Result<()> {
    let ffmpeg = tools::system::FFMPEG.ensure()?;
    let film = film(&ffmpeg)?;
    let megabytes = fs::metadata(&film)?.len() as f64 / 1e6;
    let weir = weir()?;
    let out = tools::cache().join("bench/out");
    let mut contestants = vec![
        contestant("weir-origin package", &out, {
            let film = film.clone();
            move |folder| {
                let mut command = Command::new(&weir);
                command.arg("package").arg(&film).arg(folder);
                command
            }
        }),
        contestant("ffmpeg -c copy", &out, {
            let film = film.clone();
            move |folder| {
                let mut command = Command::new(&ffmpeg);
                command.args(["-v", "error", "-i"]).arg(&film);
                command.args([
                    "-map",
                    "0:v",
                    "-map",
                    "0:a",
                    "-c",
                    "copy",
                    "-f",
                    "hls",
                    "-hls_time",
                    "6",
                    "-hls_playlist_type",
                    "vod",
                ]);
                command.args([
                    "-hls_segment_type",
                    "fmp4",
                    "-master_pl_name",
                    "main.m3u8",
                    "-var_stream_map",
                    "v:0,agroup:a a:0,agroup:a",
                ]);
                command
                    .arg("-hls_segment_filename")
                    .arg(folder.join("%v-%d.m4s"))
                    .arg(folder.join("%v.m3u8"));
                command
            }
        }),
    ];
    match shaka() {
        Ok(shaka) => contestants.push(contestant("Shaka Packager 3.4.2", &out, move |folder| {
            let stream = |kind: &str| {
                let at = |name: &str| folder.join(format!("{kind}-{name}")).display().to_string();
                format!(
                    "in={},stream={kind},init_segment={},segment_template={},playlist_name={kind}.m3u8",
                    film.display(),
                    at("init.mp4"),
                    at("$Number$.m4s")
                )
            };
            let mut command = Command::new(&shaka);
            command.args([stream("video"), stream("audio")]).args(["--segment_duration", "6", "--hls_playlist_type", "VOD"]);
            command.arg("--hls_master_playlist_output").arg(folder.join("main.m3u8"));
            command
        })),
        Err(error) => println!("without Shaka Packager: {error:#}"),
    }
    compare(&contestants, ROUNDS, megabytes)
}

/// A contestant that writes into an empty folder of its own.
fn contestant(name: &str, out: &Path, command: impl Fn(&Path) -> Command + 'static) -> Contestant {
    let folder = out.join(name.replace(' ', "-"));
    Contestant {
        name: name.to_owned(),
        command: Box::new(move || {
            if folder.exists() {
                fs::remove_dir_all(&folder)
                    .with_context(|| format!("{} cannot be emptied", folder.display()))?;
            }
            fs::create_dir_all(&folder)
                .with_context(|| format!("{} cannot be made", folder.display()))?;
            Ok(command(&folder))
        }),
    }
}

/// 600 s of 720p30 H.264 at 5 Mb/s with AAC, 386 MB, made once. `WEIR_BENCH_FILM` names another.
fn film(ffmpeg: &Path) -> anyhow::Result<PathBuf> {
    if let Some(given) = std::env::var_os("WEIR_BENCH_FILM") {
        return Ok(given.into());
    }
    let film = tools::cache().join("bench/testsrc-720p-600s.mp4");
    if film.is_file() {
        return Ok(film);
    }
    if let Some(folder) = film.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    eprintln!("making the film (once, some minutes)");
    let half = film.with_extension("half.mp4");
    let mut command = Command::new(ffmpeg);
    command.args([
        "-v",
        "error",
        "-y",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=1280x720:r=30,noise=alls=12:allf=t",
    ]);
    command.args(["-f", "lavfi", "-i", "sine=f=440:r=48000", "-t", "600"]);
    command.args([
        "-c:v",
        "libx264",
        "-preset",
        "superfast",
        "-g",
        "60",
        "-keyint_min",
        "60",
        "-sc_threshold",
        "0",
        "-bf",
        "2",
    ]);
    command.args([
        "-b:v", "5M", "-maxrate", "6M", "-bufsize", "10M", "-c:a", "aac", "-b:a", "128k", "-ac",
        "2",
    ]);
    command.args(["-movflags", "+faststart"]).arg(&half);
    tools::run(&mut command)?;
    fs::rename(&half, &film).context("the film cannot be named")?;
    Ok(film)
}

/// The program as it is shipped.
fn weir() -> anyhow::Result<PathBuf> {
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

fn shaka() -> anyhow::Result<PathBuf> {
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
