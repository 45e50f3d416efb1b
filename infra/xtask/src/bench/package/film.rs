//! The films that are packaged, made once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::tools;

/// 600 s of 720p30 H.264 at 5 Mb/s with AAC, 386 MB, made once. `WEIR_BENCH_FILM` names another.
pub(super) fn film(ffmpeg: &Path) -> anyhow::Result<PathBuf> {
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

/// `film` four times over: what grows with the length of a film shows.
pub(super) fn longer(ffmpeg: &Path, film: &Path) -> anyhow::Result<PathBuf> {
    let longer = film.with_extension("4x.mp4");
    if longer.is_file() {
        return Ok(longer);
    }
    let half = film.with_extension("4x.half.mp4");
    let mut command = Command::new(ffmpeg);
    command
        .args(["-v", "error", "-y", "-stream_loop", "3", "-i"])
        .arg(film);
    command.args(["-map", "0", "-c", "copy"]).arg(&half);
    tools::run(&mut command)?;
    fs::rename(&half, &longer).context("the film cannot be named")?;
    Ok(longer)
}
