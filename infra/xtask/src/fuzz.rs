//! `cargo xtask fuzz`: every parser of outside bytes against libFuzzer, for as long as asked.
//!
//! The logic of each target also runs over saved inputs in the ordinary tests. Here the compiler counts the branches, and the fuzzer
//! looks for inputs that reach new ones, from the seeds in the `seeds` folder of the package's `fuzz` folder and its own finds.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::tools::cargo_tool;
use crate::{cargo, tools, workspace};

/// Longest input in bytes: the small films among the seeds fit in.
const LONGEST: &str = "-max_len=65536";
/// Most memory of a target in MiB: many times the longest input.
const MEMORY: &str = "-rss_limit_mb=1024";
/// Most seconds for one input.
const PATIENCE: &str = "-timeout=25";
/// Where the numbers of a run with a fixed count begin.
const SEED: &str = "-seed=20261121";

/// What to fuzz.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these: a package's folder (`packager`), or one of its targets (`packager/film`).
    names: Vec<String>,
    /// Seconds for each target.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// So many inputs for each target, always the same ones, built with little optimisation: ready sooner.
    #[arg(long)]
    runs: Option<u32>,
    /// With the address sanitizer: slower, for targets that call C.
    #[arg(long)]
    address: bool,
}

impl Options {
    /// Every target with `runs` inputs.
    pub(crate) fn bounded(runs: u32) -> Self {
        Self {
            names: Vec::new(),
            seconds: 60,
            runs: Some(runs),
            address: false,
        }
    }
}

/// Builds and runs the targets one after the other.
///
/// # Errors
/// A name that is no target, a failed build, or a find; libFuzzer names the input that it kept.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let fuzz = cargo_tool::FUZZ.ensure()?;
    let mut any = false;
    for package in packages()? {
        let wanted: Vec<_> = package
            .targets()?
            .into_iter()
            .filter(|target| package.is_asked(&options.names, target))
            .collect();
        if wanted.is_empty() {
            continue;
        }
        any = true;
        package.take_lock()?;
        tools::run(package.command(&fuzz, "build", options).args(
            // A single target is built alone.
            wanted.first().filter(|_| wanted.len() == 1),
        ))?;
        for target in wanted {
            package.fuzz(&fuzz, &target, options)?;
        }
    }
    if !any {
        let known: Vec<_> = packages()?
            .into_iter()
            .map(|package| package.name)
            .collect();
        bail!(
            "no fuzz target is called {}; there are packages {}",
            options.names.join(" or "),
            known.join(", ")
        );
    }
    Ok(())
}

/// A package with a `fuzz` folder.
struct Package {
    /// The name of its folder.
    name: String,
    folder: PathBuf,
}

impl Package {
    fn is_asked(&self, names: &[String], target: &str) -> bool {
        names.is_empty()
            || names
                .iter()
                .any(|name| *name == self.name || *name == format!("{}/{target}", self.name))
    }

    /// The versions of the workspace, trimmed by cargo: a release of a crate tomorrow must not break the run.
    fn take_lock(&self) -> anyhow::Result<()> {
        let (from, to) = (
            workspace::path("Cargo.lock"),
            self.folder.join("fuzz/Cargo.lock"),
        );
        std::fs::copy(&from, &to)
            .with_context(|| format!("{} cannot be written", to.display()))
            .map(drop)
    }

    /// `cargo fuzz WHAT` for this package.
    fn command(&self, program: &Path, what: &str, options: &Options) -> Command {
        let mut command = Command::new(program);
        command
            .args(["fuzz", what, "--sanitizer"])
            .arg(if options.address { "address" } else { "none" })
            .arg("--target-dir")
            .arg(target_folder())
            .current_dir(&self.folder)
            // The flags that count branches are called unstable; the pinned compiler has them, and no other is needed for anything.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO", cargo::command().get_program())
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_TARGET_DIR");
        if options.runs.is_some() {
            command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
        }
        command
    }

    fn fuzz(&self, program: &Path, target: &str, options: &Options) -> anyhow::Result<()> {
        let folder = self.folder.join("fuzz");
        let (corpus, limits) = match options.runs {
            None => (folder.join("corpus"), Vec::new()),
            // Whether a change is taken must not hang on chance, nor on what was found before.
            Some(runs) => {
                let nothing = folder.join("none");
                let _ = std::fs::remove_dir_all(&nothing);
                (nothing, vec![format!("-runs={runs}"), SEED.to_owned()])
            }
        };
        let corpus = corpus.join(target);
        std::fs::create_dir_all(&corpus)
            .with_context(|| format!("{} cannot be made", corpus.display()))?;
        let seeds = folder.join("seeds").join(target);
        eprintln!("   {}/{target}", self.name);
        tools::run(
            self.command(program, "run", options)
                .arg(target)
                .arg(&corpus)
                .args(Some(seeds).filter(|seeds| seeds.is_dir()))
                .args([
                    "--",
                    LONGEST,
                    MEMORY,
                    PATIENCE,
                    "-verbosity=0",
                    "-print_final_stats=1",
                ])
                .args(limits)
                .arg(format!("-max_total_time={}", options.seconds)),
        )
        .with_context(|| {
            format!(
                "fuzzing {}/{target} ended early; an input that it found is kept in {}",
                self.name,
                workspace::shown(&self.folder.join("fuzz/artifacts").join(target))
            )
        })
    }

    fn targets(&self) -> anyhow::Result<Vec<String>> {
        let list = self.folder.join("fuzz/fuzz_targets");
        let entries = std::fs::read_dir(&list)
            .with_context(|| format!("{} cannot be read", list.display()))?;
        let mut names: Vec<_> = entries
            .flatten()
            .filter_map(|entry| {
                entry
                    .file_name()
                    .to_str()
                    .and_then(|name| name.strip_suffix(".rs"))
                    .map(str::to_owned)
            })
            .collect();
        names.sort();
        Ok(names)
    }
}

/// The packages share what their targets are built from.
fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace::path("target"), PathBuf::from)
        .join("fuzz")
}

fn packages() -> anyhow::Result<Vec<Package>> {
    let mut folders = vec![workspace::path("origin/packager")];
    let modules = workspace::path("edge-modules");
    let entries = std::fs::read_dir(&modules)
        .with_context(|| format!("{} cannot be read", modules.display()))?;
    folders.extend(entries.flatten().map(|entry| entry.path()));
    folders.retain(|folder| folder.join("fuzz/Cargo.toml").is_file());
    folders.sort();
    Ok(folders
        .into_iter()
        .filter_map(|folder| {
            let name = folder.file_name()?.to_str()?.to_owned();
            Some(Package { name, folder })
        })
        .collect())
}
