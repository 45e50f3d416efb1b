//! Programs that come as crates: `cargo deny` (licences, advisories, bans and sources) and `cargo fuzz`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

use crate::tools;

/// A program that `cargo install` builds.
pub(crate) struct CargoTool {
    name: &'static str,
    version: &'static str,
}

/// `cargo deny`.
pub(crate) const DENY: CargoTool = CargoTool {
    name: "cargo-deny",
    version: "0.20.2",
};

/// `cargo fuzz`.
pub(crate) const FUZZ: CargoTool = CargoTool {
    name: "cargo-fuzz",
    version: "0.13.2",
};

impl CargoTool {
    /// Where it is, after building it when it is nowhere.
    ///
    /// # Errors
    /// A failed build.
    pub(crate) fn ensure(&self) -> anyhow::Result<PathBuf> {
        let Self { name, version } = self;
        let root = tools::cache();
        let mut more = vec![root.join("bin")];
        more.extend(std::env::home_dir().map(|home| home.join(".cargo/bin")));
        if let Some(path) = tools::find(name, &more) {
            return Ok(path);
        }
        eprintln!("building {name} {version} (once, some minutes)");
        tools::run(
            Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
                .args(["install", name, "--version", version, "--locked"])
                .args(["--no-default-features", "--root"])
                .arg(&root)
                // Kept with the tools: the workspace's folder would be filled with things of no other use.
                .env("CARGO_TARGET_DIR", root.join("build"))
                .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
                .env("CARGO_PROFILE_RELEASE_LTO", "off")
                .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
        )?;
        tools::find(name, &more).with_context(|| format!("{name} was built but is not there"))
    }
}
