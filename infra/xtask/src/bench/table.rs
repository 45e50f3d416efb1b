//! Takes turns between programs and prints medians beside each other.

use std::process::Command;

use super::measure::{self, Cost, median};

/// One program under comparison.
pub(super) struct Contestant {
    /// As the table names it.
    pub(super) name: String,
    /// Makes the command of one run.
    pub(super) command: Box<dyn Fn() -> anyhow::Result<Command>>,
}

/// Runs every contestant `rounds` times, taking turns, after one run of each that is not counted. The first is the one that
/// ratios are given for.
///
/// # Errors
/// A run that fails.
pub(super) fn compare(
    contestants: &[Contestant],
    rounds: usize,
    megabytes: f64,
) -> anyhow::Result<()> {
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); contestants.len()];
    for round in 0..=rounds {
        for (contestant, costs) in contestants.iter().zip(&mut costs) {
            let cost = measure::run(&mut (contestant.command)()?)?;
            // The first round warms the page cache.
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    println!(
        "{:<34}{:>9}{:>9}{:>12}{:>12}{:>16}",
        "", "wall s", "CPU s", "peak MiB", "MB/CPU-s", "CPU of first"
    );
    let own = costs
        .first()
        .map_or(f64::NAN, |costs| median(costs.iter().map(|cost| cost.cpu)));
    for (contestant, costs) in contestants.iter().zip(&costs) {
        let of = |value: fn(&Cost) -> f64| median(costs.iter().map(value));
        let cpu = of(|cost| cost.cpu);
        println!(
            "{:<34}{:>9.2}{:>9.2}{:>12.0}{:>12.0}{:>15.2}x",
            contestant.name,
            of(|cost| cost.wall),
            cpu,
            of(|cost| cost.memory),
            megabytes / cpu,
            own / cpu,
        );
    }
    println!(
        "medians of {rounds} rounds, programs taking turns; `CPU of first`: the first program's CPU time over this one's"
    );
    Ok(())
}
