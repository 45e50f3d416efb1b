//! `cargo deny`: licences, advisories, bans and sources.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

use crate::tools;

const VERSION: &str = "0.20.2";

/// Where it is, after building it when it is nowhere.
///
/// # Errors
/// A failed build.
pub(crate) fn ensure() -> anyhow::Result<PathBuf> {
    let root = tools::cache();
    let mut more = vec![root.join("bin")];
    more.extend(std::env::home_dir().map(|home| home.join(".cargo/bin")));
    if let Some(path) = tools::find("cargo-deny", &more) {
        return Ok(path);
    }
    eprintln!("building cargo-deny {VERSION} (once, some minutes)");
    tools::run(
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([
                "install",
                "cargo-deny",
                "--version",
                VERSION,
                "--locked",
                "--no-default-features",
                "--root",
            ])
            .arg(&root)
            // Kept with the tools: the workspace's folder would be filled with things of no other use.
            .env("CARGO_TARGET_DIR", root.join("build"))
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    )?;
    tools::find("cargo-deny", &more).context("cargo-deny was built but is not there")
}
