//! `cargo xtask test`: everything that must hold before a change is taken, as named and timed steps.
//!
//! The builds are planned for a small machine: one selection of packages (the workspace's default members) for every native
//! step, so that features never change between steps and Wasmtime is built once.

mod lint;
mod native;

use crate::step::{Steps, strict};
use crate::{components, dist, fuzz};

/// Inputs for each fuzz target: the long runs are made by hand.
const FUZZ_RUNS: u32 = 2000;

/// How much to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// What a change needs many times an hour: format, lints, unit and property tests.
    Fast,
    /// Everything.
    Full,
}

/// Runs the checks.
///
/// # Errors
/// A step failed; the table names it.
pub(crate) fn run(scope: Scope) -> anyhow::Result<()> {
    let mut steps = Steps::new(strict());
    steps.run("format", lint::format);
    steps.run("lints", lint::native);
    if scope == Scope::Fast {
        steps.run("unit and property tests", native::units);
        return steps.finish();
    }
    steps.run("lints of the components", lint::components);
    steps.run("licences, bans and sources", lint::licences);
    steps.run("known vulnerabilities", lint::advisories);
    steps.run("documentation", lint::documentation);
    let distributed = steps.run("components and dist", dist::run);
    let built = steps.run("build of programs and tests", native::build);
    for (name, step) in native::steps() {
        match (built, distributed) {
            (false, _) => steps.blocked(name, "build of programs and tests"),
            (_, false) => steps.blocked(name, "components and dist"),
            _ => drop(steps.run(name, step)),
        }
    }
    steps.run("fuzzing, bounded", || {
        fuzz::run(&fuzz::Options::bounded(FUZZ_RUNS))
    });
    steps.finish()
}

/// Names of the packages that are built for wasm32-wasip2 only with a door's feature.
fn modules() -> impl Iterator<Item = &'static str> {
    components::COMPONENTS
        .iter()
        .filter(|component| matches!(component.role, components::Role::Module { .. }))
        .map(|component| component.name)
}
