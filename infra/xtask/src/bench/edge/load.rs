//! One run of wrk against one server, and what it cost the server.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

/// What one run showed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Load {
    /// Requests a second.
    pub(super) rate: f64,
    /// Microseconds of the server's processor time for each request, all its processes together.
    pub(super) cpu: f64,
    /// The 99th percentile of latency, in milliseconds.
    pub(super) p99: f64,
}

/// Loads `url` for some seconds while `server` (with its children) is watched.
///
/// # Errors
/// wrk fails, or the server answered anything but 2xx.
pub(super) fn run(wrk: &Path, url: &str, seconds: u32, server: u32) -> anyhow::Result<Load> {
    let before = ticks(server)?;
    let output = Command::new(wrk)
        .args(["-t1", "-c32", "--latency", &format!("-d{seconds}s"), url])
        .output()
        .context("wrk does not start")?;
    let after = ticks(server)?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("wrk failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    // Ticks are 1/100 s on every Linux.
    read(&text, (after - before) * 10_000.0)
        .with_context(|| format!("wrk's words are not understood or name errors:\n{text}"))
}

fn read(text: &str, cpu_us: f64) -> Option<Load> {
    if text.contains("Non-2xx") || text.contains("Socket errors") {
        return None;
    }
    let line = |word: &str| text.lines().find(|line| line.contains(word));
    let requests: f64 = line("requests in")?
        .split_whitespace()
        .next()?
        .parse()
        .ok()?;
    let rate = line("Requests/sec:")?
        .split_whitespace()
        .last()?
        .parse()
        .ok()?;
    let p99 = milliseconds(line("99%")?.split_whitespace().last()?)?;
    Some(Load {
        rate,
        cpu: cpu_us / requests,
        p99,
    })
}

fn milliseconds(text: &str) -> Option<f64> {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1_000.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return number.parse::<f64>().ok().map(|number| number * factor);
        }
    }
    None
}

/// Processor time of a process and its living children (nginx's workers), in ticks.
fn ticks(server: u32) -> anyhow::Result<f64> {
    let own = stat(server)
        .with_context(|| format!("process {server} cannot be read"))?
        .1;
    let mut sum = own;
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        // A process may end between the listing and the look.
        if let Some((parent, used)) = stat(pid)
            && parent == server
        {
            sum += used;
        }
    }
    Ok(sum)
}

/// Parent and used ticks (user and system) of `/proc/PID/stat`, proc_pid_stat(5).
fn stat(pid: u32) -> Option<(u32, f64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((fields.get(1)?.parse().ok()?, number(11)? + number(12)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &str = "Running 5s test @ http://127.0.0.1:1/\n  Latency Distribution\n     50%  300.00us\n     99%    1.20ms\n  \
                         1000 requests in 5.00s, 16.00MB read\nRequests/sec:    200.00\nTransfer/sec:      3.20MB\n";

    #[test]
    fn reads_what_wrk_says() {
        let load = read(WORDS, 9_000.0).unwrap();
        assert!(
            (load.rate - 200.0).abs() < 1e-9
                && (load.cpu - 9.0).abs() < 1e-9
                && (load.p99 - 1.2).abs() < 1e-9,
            "{load:?}"
        );
    }

    #[test]
    fn a_run_with_errors_counts_for_nothing() {
        assert_eq!(
            read(&format!("{WORDS}  Non-2xx or 3xx responses: 3\n"), 1.0),
            None
        );
    }
}
