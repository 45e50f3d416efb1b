//! What builds for `wasm32-wasip2`: Rust's standard library, and a C compiler for the encoder of WebP.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::step::Missing;
use crate::tools::system;

/// The target of every component.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// The variable by which another C compiler is chosen; the build of C code looks at it too.
const COMPILER: &str = "CC_wasm32_wasip2";

/// Makes sure that the target is installed for the toolchain of this repository, and that C can be compiled for it.
///
/// # Errors
/// Either is absent and cannot be fetched.
pub(crate) fn ensure() -> anyhow::Result<()> {
    standard_library()?;
    c_compiler()
}

/// Clang, of which some vendors leave WebAssembly out (Apple does), so it is tried.
fn c_compiler() -> anyhow::Result<()> {
    let program = match std::env::var_os(COMPILER) {
        Some(chosen) => chosen,
        None => {
            system::CLANG.ensure()?;
            OsString::from("clang")
        }
    };
    let compiled = Command::new(&program)
        .arg(format!("--target={TARGET}"))
        .args(["-msimd128", "-x", "c", "-c", "-o", "/dev/null", "/dev/null"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if compiled.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(Missing(format!(
        "`{}` does not compile for {TARGET}: `apt-get install clang` (Debian, Ubuntu) or `brew install llvm` (macOS), and put that \
         clang first in PATH or name it in {COMPILER}",
        program.display()
    ))
    .into())
}

fn standard_library() -> anyhow::Result<()> {
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
