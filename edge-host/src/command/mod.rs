//! The commands.

mod check;
mod compose;
mod serve;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use weir_edge::config::{Config, Override};

/// Runs edge modules in front of a cache in front of origins.
#[derive(Debug, Parser)]
#[command(name = "weir-edge", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT.
    Serve(serve::Serve),
    /// Read the configuration, compile the modules, let each read its own configuration, print the chains.
    Check(check::Check),
    /// Write a route's modules as one component, for `wasmtime serve` and Spin.
    Compose(compose::Compose),
}

/// Where the configuration is. Flags win over `WEIR_EDGE__*` variables, those over the file.
#[derive(Debug, Args)]
struct Settings {
    /// The configuration file.
    #[arg(long, short, default_value = "edge.toml", env = "WEIR_EDGE_CONFIG")]
    config: PathBuf,
    /// Where viewers are served.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Where metrics and health are served.
    #[arg(long)]
    admin: Option<SocketAddr>,
    /// What is logged: error, warn, info, debug, trace, or a filter.
    #[arg(long)]
    log_level: Option<String>,
}

impl Settings {
    fn load(&self) -> anyhow::Result<Config> {
        let text = |address: SocketAddr| format!("\"{address}\"");
        let overrides: Vec<Override> = [
            self.listen
                .map(|address| Override::flag("--listen", &["listen"], text(address))),
            self.admin
                .map(|address| Override::flag("--admin", &["admin", "listen"], text(address))),
            self.log_level
                .as_ref()
                .map(|level| Override::flag("--log-level", &["log", "level"], level)),
        ]
        .into_iter()
        .flatten()
        .collect();
        Ok(Config::load(&self.config, &overrides)?)
    }
}

impl Arguments {
    /// Runs the command.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(serve) => serve.run(),
            Command::Check(check) => check.run(),
            Command::Compose(compose) => compose.run(),
        }
    }
}
