//! What a guest writes to its standard error goes to the node's log, line by line.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Longer lines are cut.
const MAX_LINE: usize = 2_048;
/// Lines of one module in one second; what is more is counted and left out.
const MAX_LINES: u64 = 50;

/// The log of one module, shared by its instances.
#[derive(Debug, Clone)]
pub(crate) struct LogSink(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    module: Arc<str>,
    start: Instant,
    /// The second in the upper half, lines in it in the lower.
    window: AtomicU64,
    line: Mutex<Vec<u8>>,
}

impl LogSink {
    pub(crate) fn new(module: Arc<str>) -> Self {
        Self(Arc::new(Shared {
            module,
            start: Instant::now(),
            window: AtomicU64::new(0),
            line: Mutex::new(Vec::new()),
        }))
    }

    fn take(&self, bytes: &[u8]) {
        let mut line = self.0.line.lock().unwrap_or_else(PoisonError::into_inner);
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            let room = MAX_LINE.saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.0.say(&String::from_utf8_lossy(&line));
                line.clear();
            }
        }
    }
}

impl Shared {
    fn say(&self, line: &str) {
        let line = line.trim_end();
        if line.is_empty() || !self.may_speak() {
            return;
        }
        let module = &*self.module;
        // The SDK writes `LEVEL module: message`; a panic or a foreign module writes what it likes.
        let (level, message) = line.split_once(' ').unwrap_or(("", line));
        let message = message
            .strip_prefix(module)
            .and_then(|rest| rest.strip_prefix(": "))
            .unwrap_or(message);
        match level {
            "ERROR" => tracing::error!(module, "{message}"),
            "WARN" => tracing::warn!(module, "{message}"),
            "INFO" => tracing::info!(module, "{message}"),
            _ => tracing::warn!(module, "{line}"),
        }
    }

    fn may_speak(&self) -> bool {
        let second = self.start.elapsed().as_secs() & 0xffff_ffff;
        let seen = self
            .window
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |window| {
                Some(if window >> 32 == second {
                    window.saturating_add(1)
                } else {
                    (second << 32) | 1
                })
            })
            .unwrap_or(0);
        if seen >> 32 != second {
            return true;
        }
        let lines = seen & 0xffff_ffff;
        if lines == MAX_LINES {
            tracing::warn!(
                module = &*self.module,
                "too many log lines, more are left out"
            );
        }
        lines < MAX_LINES
    }
}

impl IsTerminal for LogSink {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogSink {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LogSink {
    async fn ready(&mut self) {}
}

impl OutputStream for LogSink {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

impl AsyncWrite for LogSink {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_lines_is_cut() {
        let sink = LogSink::new("m".into());
        let heard = (0..MAX_LINES * 3).filter(|_| sink.0.may_speak()).count();
        // The second may turn once in between.
        assert!((50..=100).contains(&heard), "{heard}");
    }
}
