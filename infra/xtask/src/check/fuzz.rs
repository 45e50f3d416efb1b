//! A bounded run of every fuzz target, where the nightly compiler and cargo-fuzz are at hand.
//!
//! The logic of each target also runs over its saved inputs in the ordinary tests, on the stable compiler.

use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::step::Missing;
use crate::{tools, workspace};

/// Seconds for each target.
const SECONDS: &str = "20";

/// Fuzzes each target for some seconds.
pub(super) fn bounded() -> anyhow::Result<()> {
    let folders = fuzz_folders()?;
    if folders.is_empty() {
        return Err(Missing("no package has a fuzz folder".into()).into());
    }
    // Nothing else of the project needs the nightly compiler, so its absence is no failure even in strict mode.
    if !nightly() || tools::find("cargo-fuzz", &[tools::cache().join("bin")]).is_none() {
        eprintln!(
            "   no nightly compiler with cargo-fuzz here: saved inputs alone were run, by the unit tests"
        );
        return Ok(());
    }
    for folder in folders {
        for target in targets(&folder)? {
            tools::run(
                Command::new("cargo")
                    .args([
                        "+nightly",
                        "fuzz",
                        "run",
                        &target,
                        "--",
                        "-max_len=65536",
                        "-rss_limit_mb=2048",
                    ])
                    .arg(format!("-max_total_time={SECONDS}"))
                    .current_dir(folder.parent().unwrap_or(&folder))
                    .env_remove("RUSTUP_TOOLCHAIN")
                    .env_remove("CARGO"),
            )?;
        }
    }
    Ok(())
}

fn nightly() -> bool {
    Command::new("rustc")
        .args(["+nightly", "--version"])
        .env_remove("RUSTUP_TOOLCHAIN")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn fuzz_folders() -> anyhow::Result<Vec<std::path::PathBuf>> {
    let mut folders = vec![
        workspace::path("origin/packager/fuzz"),
        workspace::path("edge-host/fuzz"),
    ];
    let modules = workspace::path("edge-modules");
    let entries = std::fs::read_dir(&modules)
        .with_context(|| format!("{} cannot be read", modules.display()))?;
    folders.extend(entries.flatten().map(|entry| entry.path().join("fuzz")));
    folders.retain(|folder| folder.join("Cargo.toml").is_file());
    folders.sort();
    Ok(folders)
}

fn targets(folder: &std::path::Path) -> anyhow::Result<Vec<String>> {
    let list = folder.join("fuzz_targets");
    let entries =
        std::fs::read_dir(&list).with_context(|| format!("{} cannot be read", list.display()))?;
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
