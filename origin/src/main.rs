//! `weir-origin`: package, serve, sign.

mod cli;
mod commands;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match commands::run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("weir-origin: {error:#}");
            ExitCode::FAILURE
        }
    }
}
