//! At most one log line of a kind in ten seconds: a flood of requests must not become a flood of lines.

const PAUSE_NS: u64 = 10_000_000_000;

/// Counts events and lets one line through now and then.
#[derive(Debug, Default)]
pub struct LogGate {
    next_ns: u64,
    count: u64,
}

impl LogGate {
    /// Counts an event. The number of events since the last line, when it is time for another.
    pub fn open(&mut self, now_ns: u64) -> Option<u64> {
        self.count += 1;
        if now_ns < self.next_ns {
            return None;
        }
        self.next_ns = now_ns.saturating_add(PAUSE_NS);
        Some(std::mem::take(&mut self.count))
    }
}
