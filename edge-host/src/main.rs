//! `weir-edge`: the node's command line.

mod command;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    match command::Arguments::parse().run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("weir-edge: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
