//! What one run of a program costs: wall clock, processor time, memory. Read from `/proc`, so Linux only.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// How often a running program is looked at. Its processor time is read at its end; only the peak of memory depends on this.
const LOOK: Duration = Duration::from_millis(5);

/// The cost of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    /// Seconds from start to end.
    pub(super) wall: f64,
    /// Seconds of processor time, in user mode and in the kernel, of the program and of its finished children.
    pub(super) cpu: f64,
    /// Peak resident memory in MiB.
    pub(super) memory: f64,
}

/// Runs a program to its end.
///
/// # Errors
/// It does not start or does not succeed.
pub(super) fn run(command: &mut Command) -> anyhow::Result<Cost> {
    let line = crate::tools::shown(command);
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("`{line}` does not start"))?;
    let (cpu, memory) = watch(&child)?;
    let wall = start.elapsed().as_secs_f64();
    let status = child
        .wait()
        .with_context(|| format!("`{line}` cannot be awaited"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(Cost { wall, cpu, memory })
}

/// Watches until the program is a zombie: ended, but its times are still to be read.
fn watch(child: &Child) -> anyhow::Result<(f64, f64)> {
    let mut peak = 0.0;
    loop {
        let stat = Stat::read(child.id())?;
        if stat.ended {
            return Ok((stat.cpu, peak));
        }
        peak = f64::max(peak, peak_memory(child.id()).unwrap_or(0.0));
        std::thread::sleep(LOOK);
    }
}

/// The fields of `/proc/PID/stat` (proc_pid_stat(5)) that matter here.
#[derive(Debug, PartialEq)]
struct Stat {
    ended: bool,
    cpu: f64,
}

impl Stat {
    fn read(pid: u32) -> anyhow::Result<Self> {
        let file = format!("/proc/{pid}/stat");
        let text = fs::read_to_string(&file).with_context(|| format!("{file} cannot be read"))?;
        Self::parse(&text).with_context(|| format!("{file} cannot be understood: {text}"))
    }

    fn parse(text: &str) -> Option<Self> {
        // The program's name stands in parentheses and may hold anything, parentheses among it.
        let (_, fields) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        // Fields 14 to 17: user and system time, own and of awaited children, in ticks of 1/100 s on every Linux.
        let ticks = fields
            .get(11..15)?
            .iter()
            .map(|field| field.parse::<f64>().ok())
            .sum::<Option<f64>>()?;
        Some(Self {
            ended: matches!(fields.first(), Some(&("Z" | "X"))),
            cpu: ticks / 100.0,
        })
    }
}

/// `VmHWM` of a running program, in MiB.
fn peak_memory(pid: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(kib.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}

/// The middle value.
pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.as_slice() {
        [] => f64::NAN,
        list if list.len() % 2 == 1 => list[middle],
        list => f64::midpoint(list[middle - 1], list[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0].into_iter()) - 2.5).abs() < 1e-9);
    }

    #[test]
    fn reads_a_name_with_parentheses() {
        let text = "12 (a (b) c) Z 1 2 3 0 -1 4 5 6 7 8 100 50 25 25 20 0 1 0";
        assert_eq!(
            Stat::parse(text),
            Some(Stat {
                ended: true,
                cpu: 2.0
            })
        );
    }

    #[test]
    fn counts_the_work_of_a_program() {
        let cost =
            run(Command::new("sh")
                .args(["-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"]))
            .unwrap();
        assert!(
            cost.cpu > 0.0 && cost.wall > 0.0 && cost.memory > 0.1,
            "{cost:?}"
        );
    }
}
