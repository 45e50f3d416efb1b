//! `weir-origin config`.

use std::process::ExitCode;

use weir_origin::config::Config;

use crate::cli::PrintFormat;

/// Prints the settings in force.
pub(super) fn print(config: &Config, format: PrintFormat) -> anyhow::Result<ExitCode> {
    match format {
        PrintFormat::Toml => print!("{}", toml::to_string_pretty(config)?),
        PrintFormat::Json => println!("{}", serde_json::to_string_pretty(config)?),
    }
    Ok(ExitCode::SUCCESS)
}
