//! MinIO, the S3-compatible store of local runs and tests.
//!
//! Its makers stopped publishing binaries, so the last published source is built with Go. The Go module proxy keeps it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

use crate::tools::{self, system};

/// The last version, by its commit.
const VERSION: &str = "v0.0.0-20260212201848-7aac2a2c5b7c";

/// Where it is, after building it when it is nowhere.
///
/// # Errors
/// No Go to build it with, or a failed build.
pub(crate) fn ensure() -> anyhow::Result<PathBuf> {
    let ours = tools::cache().join("bin");
    let mut more = vec![ours.clone()];
    more.extend(std::env::home_dir().map(|home| home.join("go/bin")));
    if let Some(path) = tools::find("minio", &more) {
        return Ok(path);
    }
    let go = system::GO
        .ensure()
        .context("MinIO is missing and needs Go to be built")?;
    eprintln!("building MinIO {VERSION} (once, some minutes)");
    std::fs::create_dir_all(&ours).with_context(|| format!("{} cannot be made", ours.display()))?;
    tools::run(
        Command::new(go)
            .args(["install", &format!("github.com/minio/minio@{VERSION}")])
            .env("GOBIN", &ours)
            .env("CGO_ENABLED", "0"),
    )?;
    tools::find("minio", &more).context("MinIO was built but is not there")
}
