//! `cargo xtask bench`: whole programs beside their peers, in the same run, taking turns.
//!
//! A figure alone says more about the machine than about the program, so what is printed are medians and the ratio to the peer.
//! Nothing here asserts a time.

mod edge;
mod measure;
mod package;
mod table;

use anyhow::bail;

/// A benchmark by its name.
type Bench = (&'static str, &'static str, fn() -> anyhow::Result<()>);

/// One line for each file of this folder that measures something.
const BENCHES: &[Bench] = &[
    (
        "edge",
        "token check, rate limit and a cache hit on every request, beside nginx's own modules",
        edge::run,
    ),
    (
        "package",
        "a 386 MB film, stream copy, beside ffmpeg and Shaka Packager",
        package::run,
    ),
];

/// Runs the named benchmarks; all of them when there are none.
///
/// # Errors
/// An unknown name, a missing tool, or a program that fails.
pub(crate) fn run(names: &[String]) -> anyhow::Result<()> {
    if let Some(unknown) = names
        .iter()
        .find(|name| BENCHES.iter().all(|(known, ..)| known != name))
    {
        let known: Vec<_> = BENCHES.iter().map(|(name, ..)| *name).collect();
        bail!(
            "there is no benchmark `{unknown}`; there are: {}",
            known.join(", ")
        );
    }
    for (name, what, bench) in BENCHES {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            println!("{name}: {what}");
            bench()?;
        }
    }
    Ok(())
}
