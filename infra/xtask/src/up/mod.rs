//! `cargo xtask up`: the whole system on this machine, with a film in it, until Ctrl-C.

mod sample;
mod services;
mod settings;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::step::seconds;
use crate::{cargo, child, dist, tools, workspace};
use settings::Ports;

/// What the command line asks for.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Keep objects in a real MinIO instead of a folder.
    #[arg(long)]
    minio: bool,
    /// The edge's port. The origin, the edge's metrics and MinIO take the ports after it.
    #[arg(long, default_value_t = 8080, value_name = "N")]
    port: u16,
    /// Only the table and errors.
    #[arg(long)]
    quiet: bool,
    /// Optimised programs: a longer build, the speed of production.
    #[arg(long)]
    release: bool,
    /// Stop as soon as the film plays, instead of at Ctrl-C.
    #[arg(long)]
    once: bool,
}

/// Starts everything and stays.
///
/// # Errors
/// What could not be installed, built, started or packaged; or a program that ended by itself.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let started = Instant::now();
    let interrupted = interrupted()?;
    let say = Say {
        quiet: options.quiet,
    };
    let ports = Ports::from(options.port)?;
    ports.require_free(options.minio)?;

    let minio = options
        .minio
        .then(|| say.step("MinIO", tools::minio::ensure))
        .transpose()?;
    if let Err(missing) = tools::system::FFMPEG.ensure() {
        // Packaging of H.264 and HEVC needs no ffmpeg; transcoding and pictures do.
        say.note(&format!(
            "{missing} (only transcoding and pictures need it)"
        ));
    }
    say.step("edge modules (WebAssembly)", || dist::write(false))?;
    let programs = say.step("programs", || Programs::build(options))?;
    let home = workspace::path(".weir");
    let place = settings::write(&home, &ports, minio.is_some())?;

    let mut running = services::start(&programs, &place, &ports, minio.as_deref(), &say)?;
    let film = say.step("sample film", || sample::publish(&ports, &place))?;
    say.table(&ports, &place, &film, minio.is_some(), started.elapsed());

    while !options.once && !interrupted.load(Ordering::Relaxed) {
        running.check()?;
        std::thread::sleep(Duration::from_millis(100));
    }
    say.note("stopping");
    drop(running);
    Ok(())
}

/// A flag that Ctrl-C and SIGTERM raise. A second one ends the programs and the recipe at once.
fn interrupted() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    let wanted = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];
    let mut signals =
        signal_hook::iterator::Signals::new(wanted).context("signals cannot be caught")?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for _ in signals.forever() {
                if raised.swap(true, Ordering::Relaxed) {
                    child::kill_all();
                    std::process::exit(130);
                }
            }
        })
        .context("no thread for signals")?;
    Ok(flag)
}

/// The two programs.
#[derive(Debug)]
struct Programs {
    origin: PathBuf,
    edge: PathBuf,
}

impl Programs {
    /// Builds them, unless `WEIR_BIN` names a folder that holds them.
    fn build(options: &Options) -> anyhow::Result<Self> {
        if let Some(folder) = std::env::var_os("WEIR_BIN").map(PathBuf::from) {
            return Ok(Self {
                origin: folder.join("weir-origin"),
                edge: folder.join("weir-edge"),
            });
        }
        let mut arguments = vec![
            "build",
            "--package",
            "weir-origin",
            "--package",
            "weir-edge",
            "--bins",
        ];
        arguments.extend(options.release.then_some("--release"));
        arguments.extend(options.quiet.then_some("--quiet"));
        let artifacts = cargo::artifacts(&arguments)?;
        let find = |name: &str| {
            artifacts
                .iter()
                .filter_map(|artifact| artifact.executable.clone())
                .find(|program| program.file_stem().is_some_and(|stem| stem == name))
                .with_context(|| format!("cargo built no program {name}"))
        };
        Ok(Self {
            origin: find("weir-origin")?,
            edge: find("weir-edge")?,
        })
    }
}

/// Tells what goes on.
#[derive(Debug, Clone, Copy)]
struct Say {
    quiet: bool,
}

impl Say {
    fn note(self, text: &str) {
        if !self.quiet {
            eprintln!("  {text}");
        }
    }

    /// Runs a step and tells how long it took.
    fn step<T>(self, name: &str, step: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        if !self.quiet {
            eprintln!("\u{2022} {name}");
        }
        let start = Instant::now();
        let done = step().with_context(|| name.to_owned())?;
        if start.elapsed() > Duration::from_secs(1) {
            self.note(&format!("done in {}", seconds(start.elapsed())));
        }
        Ok(done)
    }

    fn table(
        self,
        ports: &Ports,
        place: &settings::Place,
        film: &sample::Film,
        minio: bool,
        took: Duration,
    ) {
        let edge = ports.edge();
        println!();
        let row = |name: &str, value: String| println!("  {name:<18}{value}");
        row("player", film.player.clone());
        row("playlist", film.playlist.clone());
        row("all films", format!("http://{edge}/"));
        row("API description", format!("http://{}/docs", ports.origin()));
        row(
            "edge metrics",
            format!("http://{}/metrics", ports.edge_admin()),
        );
        row(
            "origin metrics",
            format!("http://{}/metrics", ports.origin()),
        );
        if minio {
            row(
                "MinIO console",
                format!(
                    "http://{}/  (user {}, password in {})",
                    ports.minio_console(),
                    settings::MINIO_USER,
                    workspace::shown(&place.home.join("keys/minio"))
                ),
            );
        }
        row(
            "administrator key",
            format!("{}", workspace::shown(&place.admin_key_file)),
        );
        row(
            "logs, settings",
            format!("{}", workspace::shown(&place.home)),
        );
        println!("\n  ready in {}. Ctrl-C stops everything.", seconds(took));
    }
}
