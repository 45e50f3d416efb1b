//! The pictures of a film: poster, storyboard, pictures for scrubbing and preview, out of one run of ffmpeg.
//!
//! A ladder is another run, which decodes the source for its rungs. That pictures decode it again costs 4 % of what three H.264 rungs do
//! (0.35 s of CPU time beside 8.46 s, five seconds of 720p); in return a run for pictures that fails takes no rung with it, and the
//! pictures' times are those of the film as it was packaged.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::ffmpeg::{self, REPORTING};
use super::source_server::SourceServer;
use super::storyboard::{COLUMNS, ROWS};
use super::tone_map::HdrTransfer;
use super::{Storyboard, StoryboardPlan, TranscodeError, Transcoder, poster, preview};
use crate::packaging::MediaInput;

/// Which pictures a film gets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PicturePlan {
    /// The storyboard, and the pictures for scrubbing with it.
    pub storyboard: StoryboardPlan,
    /// Whether there is a preview.
    pub preview: bool,
    /// How the source's brightness is coded when it is HDR: pictures are in standard range.
    pub hdr: Option<HdrTransfer>,
}

/// The pictures of a film.
#[derive(Debug, Clone)]
pub struct FilmPictures {
    /// JPEG, at most 960 pixels wide.
    pub poster: Option<Vec<u8>>,
    /// The sheets and their index, with the pictures for scrubbing.
    pub storyboard: Storyboard,
    /// Animated WebP.
    pub preview: Option<Vec<u8>>,
}

impl Transcoder {
    /// Makes the pictures of a film. The source is decoded once, and of a long one keyframes alone.
    ///
    /// # Errors
    /// [`TranscodeError`]; nothing is left behind.
    pub async fn pictures(
        &self,
        source: Arc<dyn MediaInput>,
        mut plan: PicturePlan,
        cancel: &CancellationToken,
    ) -> Result<FilmPictures, TranscodeError> {
        if plan.preview && !self.has_encoder(preview::ENCODER).await? {
            tracing::warn!(
                "this ffmpeg has no encoder `{}`: films get no preview",
                preview::ENCODER
            );
            plan.preview = false;
        }
        let server = SourceServer::start(source).await?;
        let folder = self.work_folder()?;
        let settings = self.settings();
        let timeout = Duration::from_secs(settings.timeout_seconds);
        let arguments = arguments(server.url(), &plan, settings.threads, folder.path());
        ffmpeg::run(self.ffmpeg(), arguments, timeout, cancel, |_| {}).await?;
        collected(&plan, folder.path()).await.map_err(Into::into)
    }
}

/// Reads what the run has written.
async fn collected(plan: &PicturePlan, folder: &Path) -> std::io::Result<FilmPictures> {
    let read = |name: String| tokio::fs::read(folder.join(name));
    let storyboard = &plan.storyboard;
    let mut sheets = Vec::new();
    for sheet in 0..storyboard.sheets() {
        let name = StoryboardPlan::sheet_name(sheet);
        sheets.push((name.clone(), read(name).await?));
    }
    let mut scrubbing: Vec<Bytes> = Vec::new();
    if storyboard.scrubbing.is_some() {
        for picture in 0..storyboard.scrub_pictures() {
            scrubbing.push(read(StoryboardPlan::scrub_name(picture)).await?.into());
        }
    }
    let mut candidates = Vec::new();
    for candidate in 0..poster::CANDIDATES {
        candidates.push(read(poster::candidate_name(candidate)).await?);
    }
    let preview = match plan.preview {
        true => Some(read(preview::NAME.to_owned()).await?),
        false => None,
    };
    Ok(FilmPictures {
        poster: poster::chosen(candidates),
        storyboard: Storyboard {
            sheets,
            scrubbing,
            vtt: storyboard.vtt(),
            json: storyboard.json(),
        },
        preview,
    })
}

/// The command line that makes all pictures in `folder`.
fn arguments(source: &str, plan: &PicturePlan, threads: u32, folder: &Path) -> Vec<OsString> {
    let storyboard = &plan.storyboard;
    let threads = threads.to_string();
    let mut all: Vec<OsString> = Vec::new();
    let mut push = |arguments: &[&str]| all.extend(arguments.iter().map(OsString::from));
    push(&REPORTING);
    push(&["-threads", &threads]);
    // Decoding keyframes alone makes a film of two hours a matter of seconds.
    if storyboard.keyframes_only {
        push(&["-skip_frame", "nokey"]);
    }
    push(&["-i", source]);
    if plan.preview && storyboard.keyframes_only {
        // What moves needs every picture: those few seconds are decoded for it.
        let start = format!("{:.3}", preview::start(storyboard.duration));
        let seconds = format!("{:.3}", preview::SECONDS);
        push(&["-threads", &threads, "-ss", &start, "-t", &seconds]);
        push(&["-i", source]);
    }
    push(&["-filter_complex", &filters(plan)]);
    let mut write = |label: &str, count: u32, quality: &str, name: &str| {
        push(&["-map", label, "-frames:v", &count.to_string()]);
        push(&["-c:v", "mjpeg", "-q:v", quality, "-start_number", "0"]);
        push(&["-f", "image2", &folder.join(name).to_string_lossy()]);
    };
    write("[sheets]", storyboard.sheets(), "5", "storyboard-%d.jpg");
    if storyboard.scrubbing.is_some() {
        let pictures = storyboard.scrub_pictures();
        write("[scrubbing]", pictures, "8", "scrub-%d.jpg");
    }
    write("[poster]", poster::CANDIDATES, "4", "poster-%d.jpg");
    if plan.preview {
        push(&["-map", "[preview]"]);
        push(&preview::ARGUMENTS);
        push(&[&folder.join(preview::NAME).to_string_lossy()]);
    }
    all
}

/// What is done to the film's pictures. `fps` with `round=up` takes for every time the picture that is seen at that time; `tpad` repeats
/// the last for times after the last keyframe; `trim` cuts to the planned number.
fn filters(plan: &PicturePlan) -> String {
    let storyboard = &plan.storyboard;
    let looks = plan
        .hdr
        .map_or_else(String::new, |transfer| format!("{},", transfer.tone_map()));
    let picked = |interval: f64| {
        format!("fps=1/{interval}:round=up:start_time=0,tpad=stop=-1:stop_mode=clone")
    };
    let scaled = |width: u32, height: u32| {
        format!("scale={width}:{height}:flags=bicubic,{looks}setsar=1,format=yuvj420p")
    };
    let sheets = format!(
        "{},trim=end_frame={},tile={COLUMNS}x{ROWS}[sheets]",
        scaled(storyboard.tile_width, storyboard.tile_height),
        storyboard.tiles()
    );
    let mut branches = vec![format!(
        "{}[poster]",
        poster::filters(storyboard.duration, &looks)
    )];
    branches.push(match storyboard.scrubbing {
        None => format!("{},{sheets}", picked(storyboard.interval)),
        Some(scrubbing) => {
            let every = (storyboard.interval / f64::from(scrubbing.interval)).round();
            format!(
                "{},split[a][b];[a]select='not(mod(n,{every}))',{sheets};[b]{},trim=end_frame={}[scrubbing]",
                picked(scrubbing.interval.into()),
                scaled(scrubbing.width, scrubbing.height),
                storyboard.scrub_pictures()
            )
        }
    });
    let mut second_input = String::new();
    if plan.preview {
        let cut = |from: f64| format!("{}[preview]", preview::filters(from, &looks));
        if storyboard.keyframes_only {
            second_input = format!(";[1:v:0]{}", cut(0.0));
        } else {
            branches.push(cut(preview::start(storyboard.duration)));
        }
    }
    let labels: String = (0..branches.len())
        .map(|index| format!("[in{index}]"))
        .collect();
    let branches: String = branches
        .iter()
        .enumerate()
        .map(|(index, branch)| format!(";[in{index}]{branch}"))
        .collect();
    let count = labels.matches('[').count();
    format!("[0:v:0]split={count}{labels}{branches}{second_input}")
}
