//! What can be checked without running anything: format, lints, licences, documentation.

use std::process::{Command, Stdio};

use crate::components::{COMPONENTS, Role};
use crate::step::Offline;
use crate::tools::{self, wasm_target};
use crate::{cargo, check};

/// Where known vulnerabilities of Rust crates are published.
const ADVISORIES: &str = "https://github.com/rustsec/advisory-db";

/// `cargo fmt --check`.
pub(super) fn format() -> anyhow::Result<()> {
    tools::run(cargo::command().args(["fmt", "--all", "--check"]))
}

/// Clippy over everything that runs natively, tests and examples among it.
pub(super) fn native() -> anyhow::Result<()> {
    tools::run(cargo::command().args(["clippy", "--all-targets", "--", "--deny=warnings"]))
}

/// Clippy over the code that exists only in components: both doors, and what is never a module.
pub(super) fn components() -> anyhow::Result<()> {
    wasm_target::ensure()?;
    for door in ["handler", "door"] {
        let features: Vec<_> = check::modules()
            .map(|name| format!("{name}/{door}"))
            .collect();
        let mut command = clippy_for_components();
        command
            .args(check::modules().flat_map(|name| ["--package", name]))
            .arg("--features")
            .arg(features.join(","));
        tools::run(command.args(["--", "--deny=warnings"]))?;
    }
    let others = COMPONENTS
        .iter()
        .filter(|component| !matches!(component.role, Role::Module { .. }));
    let mut command = clippy_for_components();
    command.args(others.flat_map(|component| ["--package", component.name]));
    tools::run(command.args(["--", "--deny=warnings"]))
}

fn clippy_for_components() -> Command {
    let mut command = cargo::command();
    command.args(["clippy", "--lib", "--target", wasm_target::TARGET]);
    command
}

/// `cargo deny`: what may be linked in, and from where.
pub(super) fn licences() -> anyhow::Result<()> {
    deny(&["bans", "licenses", "sources"])
}

/// `cargo deny`: known vulnerabilities, unmaintained and yanked crates. Needs the advisory database from the network.
pub(super) fn advisories() -> anyhow::Result<()> {
    let reachable = Command::new("git")
        .args(["ls-remote", "--quiet", ADVISORIES, "HEAD"])
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !reachable {
        return Err(Offline(format!(
            "the advisory database ({ADVISORIES}) cannot be reached"
        ))
        .into());
    }
    deny(&["advisories"])
}

fn deny(checks: &[&str]) -> anyhow::Result<()> {
    let deny = tools::cargo_tool::DENY.ensure()?;
    tools::run(
        Command::new(deny)
            .current_dir(crate::workspace::root())
            .args(["--all-features", "check", "--hide-inclusion-graph"])
            .args(checks),
    )
}

/// `cargo doc` without a warning: no broken link, nothing public without its text.
pub(super) fn documentation() -> anyhow::Result<()> {
    tools::run(
        cargo::command()
            .args(["doc", "--no-deps"])
            .env("RUSTDOCFLAGS", "--deny=warnings"),
    )
}
