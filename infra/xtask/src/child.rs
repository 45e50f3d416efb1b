//! Programs that a recipe starts: each in a process group of its own, its output in a file, ended by its id.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How long a program may take to end by itself after SIGTERM.
const STOP: Duration = Duration::from_secs(15);

/// Programs that were started and have not been waited for.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// Kills what was started and still runs. Nothing can be started afterwards: for a recipe that ends at once.
pub(crate) fn kill_all() {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    for pid in running.iter() {
        // It may have ended by itself.
        let _ = kill_process(*pid, Signal::KILL);
    }
    // The lock is kept, so that no id is given up and taken by another program meanwhile.
    std::mem::forget(running);
}

/// A started program. Ended when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts a program with its output in `log`.
    ///
    /// # Errors
    /// It does not start, or the log cannot be written.
    pub(crate) fn start(
        name: &'static str,
        command: &mut Command,
        log: &Path,
    ) -> anyhow::Result<Self> {
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        let file =
            File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            // Ctrl-C in a terminal goes to the whole foreground group. The recipe alone must get it, to stop things in order.
            .process_group(0)
            .spawn()
            .with_context(|| format!("{name} does not start"))?;
        let started = Self {
            name,
            child,
            log: log.to_owned(),
        };
        RUNNING
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(started.pid());
        Ok(started)
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `ready` says yes.
    ///
    /// # Errors
    /// The program ended first, or `limit` is over. The text ends with the last lines of its log.
    pub(crate) fn wait_until(
        &mut self,
        limit: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + limit;
        while !ready() {
            self.check()?;
            if Instant::now() > deadline {
                bail!(
                    "{} is not ready after {} s:\n{}",
                    self.name,
                    limit.as_secs(),
                    self.last_lines()
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Fails when the program has ended.
    ///
    /// # Errors
    /// It has; the text ends with the last lines of its log.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        match self
            .child
            .try_wait()
            .with_context(|| format!("{} cannot be looked at", self.name))?
        {
            None => Ok(()),
            Some(status) => bail!("{} ended ({status}):\n{}", self.name, self.last_lines()),
        }
    }

    fn last_lines(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// SIGTERM, a wait, then SIGKILL.
    fn stop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        if let Some(pid) = self.pid() {
            // It may end by itself between the look and the signal.
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + STOP;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        eprintln!(
            "{} did not stop in {} s and is killed",
            self.name,
            STOP.as_secs()
        );
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|pid| Some(*pid) != self.pid());
    }
}

/// Fails with a clear text when something else listens on a port that a recipe needs.
///
/// # Errors
/// The port is taken; the text names it, what it is for and how to choose another.
pub(crate) fn require_free(address: SocketAddr, purpose: &str, choose: &str) -> anyhow::Result<()> {
    match std::net::TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) => {
            bail!(
                "port {} for {purpose} cannot be used: {error}. Stop what uses it, or choose another: {choose}",
                address.port()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_ends_is_told_with_its_last_words() {
        let log = std::env::temp_dir().join(format!("xtask-child-{}.log", std::process::id()));
        let mut program = Program::start(
            "sh",
            Command::new("sh").args(["-c", "echo last words; exit 3"]),
            &log,
        )
        .unwrap();
        let error = program
            .wait_until(Duration::from_secs(10), || false)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("exit status: 3") && error.contains("last words"),
            "{error}"
        );
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_taken_port_is_named() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = require_free(address, "the edge", "--port N")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(&address.port().to_string()) && error.contains("--port N"),
            "{error}"
        );
        drop(taken);
        require_free(address, "the edge", "--port N").unwrap();
    }
}
