//! The signals that end the node.

use tokio::signal::unix::{SignalKind, signal as on};

/// Done at the first SIGTERM or SIGINT.
///
/// # Errors
/// The handlers cannot be set.
pub(super) fn signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = on(SignalKind::terminate())?;
    let mut interrupt = on(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
