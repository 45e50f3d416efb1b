//! Logs.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, TelemetrySettings};

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The directives cannot be read.
    #[error(
        "key `telemetry.log` = {value:?}: {reason}; use a level such as `info`, or `info,weir_origin=debug`"
    )]
    Directives {
        /// The setting.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Logging is set up already.
    #[error("logging is set up already")]
    Twice,
}

/// Sends log lines to standard error.
///
/// # Errors
/// When the directives cannot be read, or at the second call.
pub fn start(settings: &TelemetrySettings) -> Result<(), TelemetryError> {
    let directives = |error: tracing_subscriber::filter::ParseError| TelemetryError::Directives {
        value: settings.log.clone(),
        reason: error.to_string(),
    };
    let filter = EnvFilter::builder()
        .parse(&settings.log)
        .map_err(directives)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let started = match settings.format {
        LogFormat::Pretty => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|_| TelemetryError::Twice)
}
