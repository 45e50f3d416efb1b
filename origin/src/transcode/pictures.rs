//! Command lines that make pictures: poster, storyboard sheets, preview.

use std::ffi::OsString;
use std::path::Path;

use super::ffmpeg::{REPORTING, output, without_urls};
use super::storyboard::{COLUMNS, ROWS};
use super::{StoryboardPlan, TranscodeError};

/// Seconds, pictures a second, and pixels across of a preview: a few hundred kilobytes.
const PREVIEW_SECONDS: f64 = 4.0;
const PREVIEW_RATE: u32 = 8;
const PREVIEW_WIDTH: u32 = 320;

/// One picture of a source as JPEG.
pub(super) async fn still(
    ffmpeg: &Path,
    source: &str,
    second: f64,
) -> Result<Vec<u8>, TranscodeError> {
    let second = format!("{second:.3}");
    let scale = "scale='min(960,iw*sar)':-2,setsar=1,format=yuvj420p";
    let arguments = [
        "-nostdin",
        "-hide_banner",
        "-loglevel",
        "error",
        "-ss",
        &second,
        "-i",
        source,
        "-map",
        "0:v:0",
        "-frames:v",
        "1",
        "-vf",
        scale,
        "-c:v",
        "mjpeg",
        "-q:v",
        "4",
        "-f",
        "image2pipe",
        "pipe:1",
    ];
    let output = output(ffmpeg, &arguments).await?;
    if output.status.success() && !output.stdout.is_empty() {
        Ok(output.stdout)
    } else {
        Err(TranscodeError::Failed {
            reason: without_urls(&String::from_utf8_lossy(&output.stderr)),
        })
    }
}

/// The command line that makes a storyboard's sheets in `folder`, and pictures for scrubbing beside them where the plan has them.
pub(super) fn sheet_arguments(
    source: &str,
    plan: &StoryboardPlan,
    threads: u32,
    folder: &Path,
) -> Vec<OsString> {
    let mut all: Vec<OsString> = Vec::new();
    let mut push = |arguments: &[&str]| all.extend(arguments.iter().map(OsString::from));
    push(&REPORTING);
    if threads > 0 {
        push(&["-threads", &threads.to_string()]);
    }
    // Decoding keyframes alone makes a film of two hours a matter of seconds.
    if plan.keyframes_only {
        push(&["-skip_frame", "nokey"]);
    }
    push(&["-i", source, "-filter_complex", &filters(plan)]);
    let mut write = |label: &str, count: u32, quality: &str, name: &str| {
        push(&["-map", label, "-frames:v", &count.to_string()]);
        push(&["-c:v", "mjpeg", "-q:v", quality, "-start_number", "0"]);
        push(&["-f", "image2", &folder.join(name).to_string_lossy()]);
    };
    write("[sheets]", plan.sheets(), "5", "storyboard-%d.jpg");
    if plan.scrubbing.is_some() {
        write("[scrubbing]", plan.scrub_pictures(), "8", "scrub-%d.jpg");
    }
    all
}

/// What is done to the film's pictures. `fps` with `round=up` takes for every time the picture that is seen at that time; `tpad` repeats
/// the last for times after the last keyframe; `trim` cuts to the planned number.
fn filters(plan: &StoryboardPlan) -> String {
    let tiles = plan.tiles();
    let picked = |interval: f64| {
        format!("[0:v:0]fps=1/{interval}:round=up:start_time=0,tpad=stop=-1:stop_mode=clone")
    };
    let scaled = |width: u32, height: u32| {
        format!("scale={width}:{height}:flags=bicubic,setsar=1,format=yuvj420p")
    };
    let sheets = format!(
        "{},trim=end_frame={tiles},tile={COLUMNS}x{ROWS}[sheets]",
        scaled(plan.tile_width, plan.tile_height)
    );
    let Some(scrubbing) = plan.scrubbing else {
        return format!("{},{sheets}", picked(plan.interval));
    };
    let every = (plan.interval / f64::from(scrubbing.interval)).round();
    format!(
        "{},split[a][b];[a]select='not(mod(n,{every}))',{sheets};[b]{},trim=end_frame={}[scrubbing]",
        picked(scrubbing.interval.into()),
        scaled(scrubbing.width, scrubbing.height),
        plan.scrub_pictures()
    )
}

/// The command line that makes a preview: a few silent seconds out of the film as animated WebP.
pub(super) fn preview_arguments(
    source: &str,
    duration: f64,
    threads: u32,
    file: &Path,
) -> Vec<OsString> {
    // A third of the way in, where most films have begun and nothing is given away.
    let start = format!(
        "{:.3}",
        (duration / 3.0).min((duration - PREVIEW_SECONDS).max(0.0))
    );
    let length = format!("{PREVIEW_SECONDS}");
    let filter = format!(
        "fps={PREVIEW_RATE},scale='min({PREVIEW_WIDTH},iw*sar)':-2:flags=bicubic,setsar=1,format=yuv420p"
    );
    let threads = threads.to_string();
    let arguments = [
        "-threads",
        &threads,
        "-ss",
        &start,
        "-t",
        &length,
        "-i",
        source,
        "-map",
        "0:v:0",
        "-an",
        "-vf",
        &filter,
        "-c:v",
        "libwebp_anim",
        "-loop",
        "0",
        "-quality",
        "60",
        "-compression_level",
        "4",
        "-f",
        "webp",
    ];
    let mut all: Vec<OsString> = REPORTING
        .iter()
        .chain(&arguments)
        .map(OsString::from)
        .collect();
    all.push(file.as_os_str().to_owned());
    all
}
