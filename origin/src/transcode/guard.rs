//! Ends ffmpeg when the origin ends, however it ends.
//!
//! A process that is killed outright can end nobody, and an encoder with a queue of 4K pictures works on for a minute. So ffmpeg is
//! started by a second process of this program, which does nothing but read from a pipe whose writer is the origin: when the writer
//! is gone, ffmpeg is ended.

use std::ffi::OsString;
use std::io::{self, Read};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// The first word of such a process's command line; the program and its arguments follow.
pub const WATCH_OVER: &str = "watch-over";

/// How soon its end follows that of the program.
const STEP: Duration = Duration::from_millis(20);

/// Runs a program until it ends, or until standard input does.
///
/// # Errors
/// When the program cannot be run.
pub fn watch_over(command: impl IntoIterator<Item = OsString>) -> io::Result<ExitCode> {
    let mut command = command.into_iter();
    let program = command
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no program is named"))?;
    let mut child = Command::new(program)
        .args(command)
        .stdin(Stdio::null())
        .spawn()?;
    let (gone, ended) = channel::<()>();
    std::thread::spawn(move || {
        // Whatever comes is no matter; an error is an end too.
        let mut byte = [0];
        while matches!(io::stdin().read(&mut byte), Ok(1..)) {}
        drop(gone);
    });
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(code_of(status));
        }
        if ended.recv_timeout(STEP) == Err(RecvTimeoutError::Disconnected) {
            child.kill()?;
            return child.wait().map(code_of);
        }
    }
}

fn code_of(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
