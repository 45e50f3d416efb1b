//! `weir-origin`: package, serve, sign.

mod cli;
mod commands;

use std::process::ExitCode;

use clap::Parser;
use weir_origin::transcode::{WATCH_OVER, watch_over};

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    // This program starts itself so, and nobody else does: it stands in no help.
    let ended = if words.next().is_some_and(|word| word == WATCH_OVER) {
        watch_over(words).map_err(anyhow::Error::from)
    } else {
        commands::run(cli::Arguments::parse())
    };
    match ended {
        Ok(code) => code,
        Err(error) => {
            eprintln!("weir-origin: {error:#}");
            ExitCode::FAILURE
        }
    }
}
