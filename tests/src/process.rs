//! A program under test: started with its output kept, ended by its id.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How long a program may take to open its port. Generous: a loaded machine compiles modules meanwhile.
const START: Duration = Duration::from_secs(120);
/// How long a program may take to end after SIGTERM, before it is killed.
const STOP: Duration = Duration::from_secs(15);

/// A running program. Ended when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: File,
}

impl Process {
    /// Starts a program; both of its outputs go to one file that [`Process::log`] reads.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(name: &str, command: &mut Command) -> anyhow::Result<Self> {
        let log = tempfile::tempfile().context("a file for the log cannot be made")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?)
            .spawn()
            .with_context(|| format!("{name} does not start"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
        })
    }

    /// Waits until the program accepts connections.
    ///
    /// # Errors
    /// It ended, or time is up; the text holds what it wrote.
    pub fn wait_for_port(&mut self, address: SocketAddr) -> anyhow::Result<()> {
        self.wait_until(&format!("listening on {address}"), || {
            TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_ok()
        })
    }

    /// Waits until `ready` says so.
    ///
    /// # Errors
    /// The program ended, or time is up; the text holds what it wrote.
    pub fn wait_until(
        &mut self,
        what: &str,
        mut ready: impl FnMut() -> bool,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + START;
        while !ready() {
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "{} ended ({status}) before it was {what}:\n{}",
                    self.name,
                    self.log()
                );
            }
            if Instant::now() > deadline {
                bail!(
                    "{} is not {what} after {START:?}:\n{}",
                    self.name,
                    self.log()
                );
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        Ok(())
    }

    /// What the program wrote so far.
    pub fn log(&self) -> String {
        let mut text = Vec::new();
        let read = self.log.try_clone().and_then(|mut log| {
            // The descriptor shares its position with the program's own, which appends: put it back at the end.
            log.seek(SeekFrom::Start(0))?;
            log.read_to_end(&mut text)
        });
        match read {
            Ok(_) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) => format!("(the log cannot be read: {error})"),
        }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// True while it runs.
    pub fn running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks the program to end (SIGTERM) and waits; kills it when it does not.
    ///
    /// # Errors
    /// It cannot be awaited, or had to be killed.
    pub fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        self.signal(Signal::TERM);
        let deadline = Instant::now() + STOP;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.kill()?;
        self.child.wait()?;
        bail!(
            "{} did not end {STOP:?} after SIGTERM and was killed:\n{}",
            self.name,
            self.log()
        )
    }

    /// Ends the program at once (SIGKILL), as a crash would.
    ///
    /// # Errors
    /// It cannot be awaited.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended by itself just now.
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let ended = self.stop();
        if std::thread::panicking() {
            eprintln!("--- {} wrote:\n{}", self.name, self.log());
        } else if let Err(error) = ended {
            eprintln!("{error:#}");
        }
    }
}

/// Ports that tests take, and how many: from 32,768 on the system hands them out by itself.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// A free port, below those that the system hands out: no other program gets it before it is used.
///
/// # Errors
/// None is free.
pub fn free_port() -> anyhow::Result<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = std::process::id() % u32::from(PORTS);
    for _ in 0..PORTS {
        let next = first + u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = FIRST_PORT + u16::try_from(next % u32::from(PORTS))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port from {FIRST_PORT} on is free")
}
