//! What the commands do.

mod config;
mod lint;
mod lint_source;
mod location;
mod package;
mod package_encryption;
mod package_subtitles;
mod probe;
mod serve;
mod token;
mod token_verdict;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use weir_origin::config::Config;
use weir_origin::transcode::Transcoder;

use crate::cli::{Arguments, Command, ConfigCommand, Serve};

/// Runs the chosen command.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = load(&arguments)?;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if !matches!(arguments.command, Command::Serve(_)) {
        // One film at a time: more threads only hold more memory, each its own free lists (58 MiB at the peak instead of 47).
        builder.worker_threads(1).max_blocking_threads(2);
    }
    let runtime = builder
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        match arguments.command {
            Command::Serve(_) => serve::run(config).await,
            Command::Package(options) => package::run(config, options).await,
            Command::Probe(options) => probe::run(&config, options).await,
            Command::Lint(options) => lint::run(options).await,
            Command::Token(command) => token::run(&config, command).await,
            Command::Config(ConfigCommand::Print { format }) => config::print(&config, format),
            Command::Config(ConfigCommand::Check) => Ok(ExitCode::SUCCESS),
        }
    })
}

fn load(arguments: &Arguments) -> anyhow::Result<Config> {
    let mut overrides = Vec::new();
    for pair in &arguments.set {
        let (key, value) = pair
            .split_once('=')
            .with_context(|| format!("--set {pair}: write it as KEY=VALUE"))?;
        overrides.push((key.to_owned(), value.to_owned()));
    }
    if let Command::Serve(Serve { listen, data, demo }) = &arguments.command {
        overrides.extend(
            listen
                .iter()
                .map(|listen| ("server.listen".to_owned(), listen.clone())),
        );
        if let Some(folder) = data {
            overrides.push(("storage.kind".to_owned(), "file".to_owned()));
            overrides.push(("storage.file.path".to_owned(), folder.clone()));
        }
        if *demo {
            overrides.push(("demo.enabled".to_owned(), "true".to_owned()));
        }
    }
    Ok(Config::load(arguments.config.as_deref(), &overrides)?)
}

/// What makes ladders and pictures. ffmpeg ends with this process.
fn transcoder(config: &Config) -> anyhow::Result<Transcoder> {
    let transcoder = Transcoder::new(config.transcode.clone()).map_err(anyhow::Error::msg)?;
    // The first name is good even when the file was replaced by a newer one meanwhile.
    let own = Path::new("/proc/self/exe");
    let own = match own.exists() {
        true => own.to_owned(),
        false => std::env::current_exe().context("cannot find this program's own file")?,
    };
    let transcoder = transcoder.guarded_by(own);
    transcoder.remove_abandoned();
    Ok(transcoder)
}
