//! The recipes of the repository. `cargo xtask --help` lists them.

mod bench;
mod cargo;
mod check;
mod child;
mod components;
mod compose;
mod dist;
mod freshness;
mod fuzz;
mod step;
mod tools;
mod up;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The recipes of the repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    recipe: Recipe,
}

#[derive(Subcommand)]
enum Recipe {
    /// Build the modules for wasm32-wasip2, both doors, and the adapters.
    Build {
        /// Only these components.
        names: Vec<String>,
    },
    /// Build, then write dist/: files for Spin, `wasmtime serve` and the node, composed chains, digests, sizes.
    Dist {
        /// Only these components, without composed chains and digests.
        names: Vec<String>,
    },
    /// Start the whole system on this machine with a film in it, until Ctrl-C.
    Up(up::Options),
    /// Check everything: format, lints, licences, documentation, components, unit, component, end-to-end and browser tests.
    Test {
        /// Only format, lints, unit and property tests.
        #[arg(long)]
        fast: bool,
    },
    /// Look for inputs that break a parser of outside bytes, with libFuzzer.
    Fuzz(fuzz::Options),
    /// Measure whole programs beside their peers.
    Bench {
        /// Only these benchmarks.
        names: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().recipe) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The causes in one line; a trace of the stack would only hide them.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(recipe: Recipe) -> anyhow::Result<()> {
    match recipe {
        Recipe::Build { names } => components::build(&components::named(&names)?).map(drop),
        Recipe::Dist { names } if names.is_empty() => dist::run(),
        Recipe::Dist { names } => dist::run_some(&names),
        Recipe::Bench { names } => bench::run(&names),
        Recipe::Fuzz(options) => fuzz::run(&options),
        Recipe::Up(options) => up::run(&options),
        Recipe::Test { fast: true } => check::run(check::Scope::Fast),
        Recipe::Test { fast: false } => check::run(check::Scope::Full),
    }
}
