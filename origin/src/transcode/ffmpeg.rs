//! The ffmpeg and ffprobe programs: running, watching, killing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::progress::encoded;
use super::{SourceInfo, TranscodeError, WATCH_OVER};

/// How every run begins: it asks nothing, tells errors alone, and reports how far it is on its output.
pub(super) const REPORTING: [&str; 8] = [
    "-nostdin",
    "-hide_banner",
    "-loglevel",
    "error",
    "-y",
    "-progress",
    "pipe:1",
    "-nostats",
];
/// How much of what ffmpeg said is kept.
const KEPT_STDERR: usize = 4096;
/// Longest wait for ffprobe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(60);

/// The program, and who ends it.
#[derive(Debug, Clone)]
pub(super) struct Ffmpeg {
    pub(super) program: PathBuf,
    /// A program that does [`watch_over`](super::watch_over); without one ffmpeg works on when this process is killed.
    pub(super) guard: Option<PathBuf>,
}

/// Runs ffmpeg to its end.
pub(super) async fn run(
    ffmpeg: &Ffmpeg,
    arguments: Vec<OsString>,
    timeout: Duration,
    cancel: &CancellationToken,
    on_progress: impl FnMut(Duration) + Send,
) -> Result<(), TranscodeError> {
    run_and_listen(ffmpeg, arguments, timeout, cancel, on_progress)
        .await
        .map(drop)
}

/// The same, and keeps the end of what it says.
pub(super) async fn run_and_listen(
    ffmpeg: &Ffmpeg,
    arguments: Vec<OsString>,
    timeout: Duration,
    cancel: &CancellationToken,
    mut on_progress: impl FnMut(Duration) + Send,
) -> Result<String, TranscodeError> {
    let mut child = spawn(ffmpeg, &arguments)?;
    // Held until the run is over: the guard ends ffmpeg when it is dropped, as it is when nobody waits for this any more.
    let lifeline = child.stdin.take();
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
            match lifeline {
                Some(lifeline) => {
                    drop(lifeline);
                    child.wait().await?;
                }
                None => child.kill().await?,
            }
            return Err(error);
        }
    };
    let said = said.await.unwrap_or_default();
    if status.success() {
        Ok(said)
    } else {
        Err(TranscodeError::Failed { reason: said })
    }
}

/// Asks ffprobe about a source.
pub(super) async fn inspect(ffmpeg: &Ffmpeg, source: &str) -> Result<SourceInfo, TranscodeError> {
    let arguments = [
        "-v",
        "error",
        "-print_format",
        "json",
        "-show_format",
        "-show_streams",
        source,
    ];
    let output = output(&beside(&ffmpeg.program, "ffprobe"), &arguments).await?;
    if !output.status.success() {
        return Err(TranscodeError::Unreadable {
            reason: without_urls(&String::from_utf8_lossy(&output.stderr)),
        });
    }
    SourceInfo::parse(&output.stdout)
}

/// Runs a short command to its end; what it writes and what it says.
async fn output(
    program: &Path,
    arguments: &[&str],
) -> Result<std::process::Output, TranscodeError> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PROBE_TIMEOUT, output)
        .await
        .map_err(|_| TranscodeError::TimedOut {
            seconds: PROBE_TIMEOUT.as_secs(),
        })?;
    output.map_err(TranscodeError::NotInstalled)
}

/// The encoders that this ffmpeg has.
pub(super) async fn encoders(ffmpeg: &Ffmpeg) -> Result<String, TranscodeError> {
    let output = output(&ffmpeg.program, &["-hide_banner", "-encoders"]).await?;
    if !output.status.success() {
        return Err(TranscodeError::Failed {
            reason: without_urls(&String::from_utf8_lossy(&output.stderr)),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// ffprobe lies where ffmpeg does.
fn beside(ffmpeg: &Path, name: &str) -> PathBuf {
    ffmpeg
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .map_or_else(|| PathBuf::from(name), |folder| folder.join(name))
}

fn spawn(ffmpeg: &Ffmpeg, arguments: &[OsString]) -> Result<Child, TranscodeError> {
    let mut command = if let Some(guard) = &ffmpeg.guard {
        let mut command = Command::new(guard);
        command
            .arg0("weir-origin")
            .arg(WATCH_OVER)
            .arg(&ffmpeg.program)
            .stdin(Stdio::piped());
        command
    } else {
        let mut command = Command::new(&ffmpeg.program);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    };
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
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
