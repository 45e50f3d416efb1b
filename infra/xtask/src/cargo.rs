//! Runs cargo and reads what it made.

use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::workspace;

/// The cargo that runs us, at the repository's root, without what it set for this process.
pub(crate) fn command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace::root()).stdin(Stdio::null());
    // `cargo run` sets these for xtask; build scripts of others must not see them (they would rebuild for nothing).
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        }) {
            command.env_remove(name);
        }
    }
    // A general RUSTFLAGS would replace the target's own flags of `.cargo/config.toml`, SIMD among them.
    command.env_remove("RUSTFLAGS");
    // Tests look there for what the recipes built.
    command.env("WEIR_CACHE", crate::tools::cache());
    command
}

/// Runs a cargo build command and answers the files that it made or found fresh, with their package names.
pub(crate) fn artifacts(arguments: &[&str]) -> anyhow::Result<Vec<Artifact>> {
    let mut child = command()
        .args(arguments)
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo does not start")?;
    let stdout = child
        .stdout
        .take()
        .context("cargo's output is not a pipe")?;
    let mut artifacts = Vec::new();
    for message in
        serde_json::Deserializer::from_reader(BufReader::new(stdout)).into_iter::<Value>()
    {
        artifacts.extend(Artifact::read(
            &message.context("cargo's messages cannot be read")?,
        ));
    }
    let status = child.wait().context("cargo cannot be awaited")?;
    if !status.success() {
        bail!("`cargo {}` failed", arguments.join(" "));
    }
    Ok(artifacts)
}

/// What one crate target was built into.
pub(crate) struct Artifact {
    /// The package's name.
    pub(crate) package: String,
    /// The files.
    pub(crate) files: Vec<PathBuf>,
    /// The program, when the target is one.
    pub(crate) executable: Option<PathBuf>,
}

impl Artifact {
    fn read(message: &Value) -> Option<Self> {
        if message["reason"] != "compiler-artifact" {
            return None;
        }
        Some(Self {
            package: package_name(
                message["package_id"].as_str()?,
                message["target"]["name"].as_str()?,
            ),
            files: message["filenames"]
                .as_array()?
                .iter()
                .filter_map(Value::as_str)
                .map(PathBuf::from)
                .collect(),
            executable: message["executable"].as_str().map(PathBuf::from),
        })
    }
}

/// The name in a package id such as `path+file:///weir/origin#weir-origin@0.1.0` or `path+file:///weir/tests#0.1.0` (the
/// folder's name is the package's).
fn package_name(id: &str, target: &str) -> String {
    let Some((location, tail)) = id.rsplit_once('#') else {
        return target.to_owned();
    };
    match tail.split_once('@') {
        Some((name, _)) => name.to_owned(),
        None => location.rsplit('/').next().unwrap_or(target).to_owned(),
    }
}

/// The folder that cargo builds into.
///
/// # Errors
/// Cargo cannot read the workspace.
pub(crate) fn target_folder() -> anyhow::Result<PathBuf> {
    let metadata = metadata()?;
    metadata["target_directory"]
        .as_str()
        .map(PathBuf::from)
        .context("cargo names no target folder")
}

/// The workspace as `cargo metadata` tells it, without dependencies.
///
/// # Errors
/// Cargo cannot read the workspace.
pub(crate) fn metadata() -> anyhow::Result<Value> {
    let output = command()
        .args(["metadata", "--no-deps", "--format-version=1"])
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not start")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed");
    }
    serde_json::from_slice(&output.stdout).context("what `cargo metadata` said cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_of_a_package_id() {
        assert_eq!(
            package_name("path+file:///weir/edge-host#weir-edge@0.1.0", "x"),
            "weir-edge"
        );
        assert_eq!(
            package_name(
                "path+file:///weir/edge-modules/token-check#0.1.0",
                "token_check"
            ),
            "token-check"
        );
    }
}
