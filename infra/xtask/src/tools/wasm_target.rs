//! The standard library for `wasm32-wasip2`.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

/// The target of every component.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// Makes sure that the target is installed for the toolchain of this repository.
///
/// # Errors
/// It is absent and rustup cannot fetch it.
pub(crate) fn ensure() -> anyhow::Result<()> {
    if installed()? {
        return Ok(());
    }
    eprintln!("installing the Rust target {TARGET} (rustup target add {TARGET})");
    let added = Command::new("rustup")
        .args(["target", "add", TARGET])
        .current_dir(crate::workspace::root())
        .stdin(Stdio::null())
        .status();
    if added.is_ok_and(|status| status.success()) && installed()? {
        return Ok(());
    }
    bail!(
        "the Rust target {TARGET} is missing. Run `rustup target add {TARGET}` in this folder, then try again"
    )
}

fn installed() -> anyhow::Result<bool> {
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(crate::workspace::root())
        .stdin(Stdio::null())
        .output()
        .context("rustc does not start")?;
    let folder = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(folder.trim()).is_dir())
}
