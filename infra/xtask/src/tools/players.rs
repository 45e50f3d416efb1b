//! The independent players and parsers of `tests/players`, from npm.

use std::path::PathBuf;
use std::process::Command;

use crate::tools::{self, system};
use crate::workspace;

/// The folder, with everything in place that its `package-lock.json` names.
///
/// # Errors
/// No Node.js or npm, or packages that cannot be fetched.
pub(crate) fn ensure() -> anyhow::Result<PathBuf> {
    let folder = workspace::path("tests/players");
    system::NODE.ensure()?;
    let wanted =
        std::fs::metadata(folder.join("package-lock.json")).and_then(|data| data.modified());
    let present = std::fs::metadata(folder.join("node_modules/.package-lock.json"))
        .and_then(|data| data.modified());
    if !matches!((wanted, present), (Ok(wanted), Ok(present)) if present >= wanted) {
        let npm = system::NPM.ensure()?;
        eprintln!("fetching the players (npm ci)");
        // No package here needs an install script, so none may run.
        tools::run(
            Command::new(npm)
                .args([
                    "ci",
                    "--ignore-scripts",
                    "--no-audit",
                    "--no-fund",
                    "--silent",
                ])
                .current_dir(&folder),
        )?;
    }
    Ok(folder)
}
