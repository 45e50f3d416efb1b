//! The ffmpeg and ffprobe programs: arguments, running, killing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::plan::Rendition;
use super::progress::encoded;
use super::storyboard::{COLUMNS, ROWS};
use super::{Audio, SourceInfo, StoryboardPlan, TranscodeError, VideoCodec};

/// Seconds between keyframes: divides the usual segment durations, so that every rung can be cut at the same places.
const KEYFRAME_SECONDS: u32 = 2;
/// How much of what ffmpeg said is kept.
const KEPT_STDERR: usize = 4096;
/// Longest wait for ffprobe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(60);
/// HDR to SDR: linear light, BT.709 primaries, Hable's curve.
const TONE_MAP: &str = "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p";

/// What one run makes.
pub(super) struct Job<'a> {
    pub(super) source: &'a str,
    pub(super) info: &'a SourceInfo,
    pub(super) renditions: &'a [Rendition],
    pub(super) audio: Audio,
    pub(super) threads: u32,
    pub(super) folder: &'a Path,
}

impl VideoCodec {
    /// ffmpeg's name of the encoder.
    pub(super) fn encoder(self) -> &'static str {
        match self {
            Self::H264 => "libx264",
            Self::Hevc => "libx265",
            Self::Av1 => "libsvtav1",
            Self::Vp9 => "libvpx-vp9",
        }
    }

    /// Scene cuts make keyframes that other rungs do not have; open GOPs make segments that cannot be joined.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::H264 => &[
                "-preset",
                "fast",
                "-profile:v",
                "high",
                "-sc_threshold",
                "0",
                "-flags",
                "+cgop",
                "-crf",
                "21",
            ],
            Self::Hevc => &[
                "-preset",
                "fast",
                "-tag:v",
                "hvc1",
                "-x265-params",
                "scenecut=0:open-gop=0:log-level=error",
                "-crf",
                "23",
            ],
            Self::Av1 => &["-preset", "8", "-svtav1-params", "scd=0", "-crf", "32"],
            Self::Vp9 => &[
                "-deadline",
                "good",
                "-cpu-used",
                "4",
                "-row-mt",
                "1",
                "-crf",
                "32",
            ],
        }
    }
}

impl Job<'_> {
    /// The files that the run makes: one for each rendition, then the sound if there is any.
    pub(super) fn outputs(&self) -> Vec<PathBuf> {
        let pictures =
            (0..self.renditions.len()).map(|index| self.folder.join(format!("video-{index}.mp4")));
        let sound = self
            .info
            .audio_channels
            .map(|_| self.folder.join("audio.mp4"));
        pictures.chain(sound).collect()
    }

    /// The whole command line.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let mut all: Vec<OsString> = Vec::new();
        let mut push = |arguments: &[&str]| all.extend(arguments.iter().map(OsString::from));
        push(&[
            "-nostdin",
            "-hide_banner",
            "-loglevel",
            "error",
            "-y",
            "-progress",
            "pipe:1",
            "-nostats",
        ]);
        push(&["-i", self.source, "-filter_complex", &self.filter()]);
        for (index, rendition) in self.renditions.iter().enumerate() {
            let rung = &rendition.rung;
            push(&[
                "-map",
                &format!("[out{index}]"),
                "-c:v",
                rung.codec.encoder(),
            ]);
            push(rung.codec.arguments());
            if let Some(quality) = rung.quality {
                push(&["-crf", &quality.to_string()]);
            }
            if let Some(preset) = &rung.preset {
                push(&["-preset", preset]);
            }
            let (rate, buffer) = (
                rung.bitrate.to_string(),
                rung.bitrate.saturating_mul(2).to_string(),
            );
            if rung.codec == VideoCodec::Vp9 {
                // In libvpx the target rate is the cap of constrained quality.
                push(&["-b:v", &rate]);
            } else {
                push(&["-maxrate", &rate, "-bufsize", &buffer]);
            }
            // A keyframe at the first frame at or after each multiple; `-g` only keeps the encoder from adding its own.
            push(&[
                "-force_key_frames",
                &format!("expr:gte(t,n_forced*{KEYFRAME_SECONDS})"),
                "-g",
                "600",
            ]);
            if self.threads > 0 {
                push(&["-threads", &self.threads.to_string()]);
            }
            push(&["-map_metadata", "-1", "-f", "mp4"]);
            push(&[&self
                .folder
                .join(format!("video-{index}.mp4"))
                .to_string_lossy()]);
        }
        if let Some(channels) = self.info.audio_channels {
            let channels = channels.min(self.audio.channels).to_string();
            push(&[
                "-map",
                "0:a:0",
                "-c:a",
                "aac",
                "-b:a",
                &self.audio.bitrate.to_string(),
                "-ac",
                &channels,
                "-ar",
                "48000",
            ]);
            push(&[
                "-f",
                "mp4",
                &self.folder.join("audio.mp4").to_string_lossy(),
            ]);
        }
        all
    }

    /// One decoder, one branch for each rendition. ffmpeg turns rotated films upright before the filter.
    fn filter(&self) -> String {
        let ten_bits = self
            .renditions
            .iter()
            .all(|rendition| matches!(rendition.rung.codec, VideoCodec::Hevc | VideoCodec::Av1));
        let prepare = if self.info.is_hdr && !ten_bits {
            format!("{TONE_MAP},")
        } else {
            String::new()
        };
        let pixels = if self.info.is_hdr && ten_bits {
            "yuv420p10le"
        } else {
            "yuv420p"
        };
        let count = self.renditions.len();
        let branches: String = (0..count).map(|index| format!("[in{index}]")).collect();
        let mut filter = format!("[0:v:0]{prepare}split={count}{branches}");
        for (index, Rendition { width, height, .. }) in self.renditions.iter().enumerate() {
            filter.push_str(&format!(";[in{index}]scale={width}:{height}:flags=bicubic,setsar=1,format={pixels}[out{index}]"));
        }
        filter
    }
}

/// Runs a transcode to its end.
pub(super) async fn run(
    program: &Path,
    arguments: Vec<OsString>,
    timeout: Duration,
    cancel: &CancellationToken,
    mut on_progress: impl FnMut(Duration) + Send,
) -> Result<(), TranscodeError> {
    let mut child = spawn(program, &arguments)?;
    let stdout = child.stdout.take();
    let said = tokio::spawn(last_words(child.stderr.take()));
    let watch = async {
        if let Some(stdout) = stdout {
            let mut lines = BufReader::new(stdout).lines();
            while let Some(line) = lines.next_line().await? {
                if let Some(time) = encoded(&line) {
                    on_progress(time);
                }
            }
        }
        child.wait().await
    };
    let ended = tokio::select! {
        status = watch => Ok(status?),
        () = tokio::time::sleep(timeout) => Err(TranscodeError::TimedOut { seconds: timeout.as_secs() }),
        () = cancel.cancelled() => Err(TranscodeError::Cancelled),
    };
    let status = match ended {
        Ok(status) => status,
        Err(error) => {
            // Waited for, so that nothing of it outlives the job.
            child.kill().await?;
            return Err(error);
        }
    };
    let said = said.await.unwrap_or_default();
    if status.success() {
        Ok(())
    } else {
        Err(TranscodeError::Failed { reason: said })
    }
}

/// Asks ffprobe about a source.
pub(super) async fn inspect(ffmpeg: &Path, source: &str) -> Result<SourceInfo, TranscodeError> {
    let arguments = [
        "-v",
        "error",
        "-print_format",
        "json",
        "-show_format",
        "-show_streams",
        source,
    ]
    .map(OsString::from);
    let output = Command::new(beside(ffmpeg, "ffprobe"))
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PROBE_TIMEOUT, output)
        .await
        .map_err(|_| TranscodeError::TimedOut {
            seconds: PROBE_TIMEOUT.as_secs(),
        })?;
    let output = output.map_err(TranscodeError::NotInstalled)?;
    if !output.status.success() {
        return Err(TranscodeError::Unreadable {
            reason: without_urls(&String::from_utf8_lossy(&output.stderr)),
        });
    }
    SourceInfo::parse(&output.stdout)
}

/// One picture of a source as JPEG.
pub(super) async fn still(
    ffmpeg: &Path,
    source: &str,
    second: f64,
) -> Result<Vec<u8>, TranscodeError> {
    let second = format!("{second:.3}");
    let scale = "scale='min(960,iw*sar)':-2,setsar=1,format=yuvj420p";
    let before = [
        "-nostdin",
        "-hide_banner",
        "-loglevel",
        "error",
        "-ss",
        &second,
        "-i",
        source,
    ];
    let after = [
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
    let output = Command::new(ffmpeg)
        .args(before)
        .args(after)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PROBE_TIMEOUT, output)
        .await
        .map_err(|_| TranscodeError::TimedOut {
            seconds: PROBE_TIMEOUT.as_secs(),
        })?;
    let output = output.map_err(TranscodeError::NotInstalled)?;
    if output.status.success() && !output.stdout.is_empty() {
        Ok(output.stdout)
    } else {
        Err(TranscodeError::Failed {
            reason: without_urls(&String::from_utf8_lossy(&output.stderr)),
        })
    }
}

/// The command line that makes a storyboard's sheets in `folder`.
pub(super) fn sheet_arguments(
    source: &str,
    plan: &StoryboardPlan,
    threads: u32,
    folder: &Path,
) -> Vec<OsString> {
    let StoryboardPlan {
        interval,
        tile_width,
        tile_height,
        ..
    } = plan;
    // Decoding keyframes alone makes a film of two hours a matter of seconds. `tpad` repeats the last picture for times
    // after the last keyframe; `trim` cuts to the planned number.
    let filter = format!(
        "fps=1/{interval}:round=down:start_time=0,scale={tile_width}:{tile_height}:flags=bicubic,setsar=1,format=yuvj420p,\
         tpad=stop=-1:stop_mode=clone,trim=end_frame={},tile={COLUMNS}x{ROWS}",
        plan.tiles()
    );
    let mut all: Vec<OsString> = Vec::new();
    let mut push = |arguments: &[&str]| all.extend(arguments.iter().map(OsString::from));
    push(&[
        "-nostdin",
        "-hide_banner",
        "-loglevel",
        "error",
        "-y",
        "-progress",
        "pipe:1",
        "-nostats",
    ]);
    if threads > 0 {
        push(&["-threads", &threads.to_string()]);
    }
    if plan.keyframes_only {
        push(&["-skip_frame", "nokey"]);
    }
    push(&["-i", source, "-map", "0:v:0", "-vf", &filter]);
    push(&[
        "-frames:v",
        &plan.sheets().to_string(),
        "-c:v",
        "mjpeg",
        "-q:v",
        "5",
        "-start_number",
        "0",
        "-f",
        "image2",
    ]);
    push(&[&folder.join("storyboard-%d.jpg").to_string_lossy()]);
    all
}

/// The encoders that this ffmpeg has.
pub(super) async fn encoders(ffmpeg: &Path) -> Result<String, TranscodeError> {
    let output = Command::new(ffmpeg)
        .args(["-hide_banner", "-encoders"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PROBE_TIMEOUT, output)
        .await
        .map_err(|_| TranscodeError::TimedOut {
            seconds: PROBE_TIMEOUT.as_secs(),
        })?;
    Ok(String::from_utf8_lossy(&output.map_err(TranscodeError::NotInstalled)?.stdout).into_owned())
}

/// ffprobe lies where ffmpeg does.
fn beside(ffmpeg: &Path, name: &str) -> PathBuf {
    ffmpeg
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .map_or_else(|| PathBuf::from(name), |folder| folder.join(name))
}

fn spawn(program: &Path, arguments: &[OsString]) -> Result<Child, TranscodeError> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command.spawn().map_err(TranscodeError::NotInstalled)
}

/// The end of what a program says, in bounded memory.
async fn last_words(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else {
        return String::new();
    };
    let mut kept = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..count]);
        let excess = kept.len().saturating_sub(KEPT_STDERR);
        kept.drain(..excess);
    }
    without_urls(&String::from_utf8_lossy(&kept))
}

/// Takes the loopback address out of messages: it says nothing to people, and its name is a secret.
fn without_urls(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        if word.contains("http://127.0.0.1") {
            "the source:"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_no_addresses() {
        let text = "http://127.0.0.1:3131/abcdef: Invalid data found when processing input\n";
        assert_eq!(
            without_urls(text),
            "the source: Invalid data found when processing input"
        );
    }

    #[test]
    fn ffprobe_is_looked_for_beside_ffmpeg() {
        assert_eq!(beside(Path::new("ffmpeg"), "ffprobe"), Path::new("ffprobe"));
        assert_eq!(
            beside(Path::new("/opt/ff/ffmpeg"), "ffprobe"),
            Path::new("/opt/ff/ffprobe")
        );
    }
}
