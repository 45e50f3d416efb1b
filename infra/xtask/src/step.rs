//! Named, timed steps and the one line at the end that is true.

use std::time::{Duration, Instant};

use anyhow::bail;

/// How one step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what it says.
    Passed,
    /// It ran and found something wrong.
    Failed(String),
    /// It did not run. Under `WEIR_STRICT=1` only for want of a network ([`Offline`]).
    Skipped(String),
}

/// A step that cannot run here, as an error that [`Steps`] tells from a failure.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) String);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// A step that needs something from the network that cannot be reached. Never a failure, always in the last line.
#[derive(Debug)]
pub(crate) struct Offline(pub(crate) String);

impl std::fmt::Display for Offline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Offline {}

/// True when a missing tool must be a failure, so that nothing is skipped in silence.
pub(crate) fn strict() -> bool {
    std::env::var_os("WEIR_STRICT").is_some_and(|value| value == "1")
}

/// The steps of one run.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    ended: Vec<(String, Outcome, Duration)>,
    strict: bool,
}

impl Steps {
    /// A run; under `strict` a missing tool is a failure.
    pub(crate) fn new(strict: bool) -> Self {
        Self {
            ended: Vec::new(),
            strict,
        }
    }

    /// Runs one step. Its failure does not stop the run: one sitting should show everything that is wrong.
    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> anyhow::Result<()>) -> bool {
        eprintln!("\n\u{2501}\u{2501} {name}");
        let start = Instant::now();
        let outcome = match step() {
            Ok(()) => Outcome::Passed,
            Err(error) => {
                if error.is::<Offline>() || (error.is::<Missing>() && !self.strict) {
                    Outcome::Skipped(format!("{error:#}"))
                } else {
                    Outcome::Failed(format!("{error:#}"))
                }
            }
        };
        let took = start.elapsed();
        match &outcome {
            Outcome::Passed => eprintln!("   passed in {}", seconds(took)),
            Outcome::Failed(why) => eprintln!("   FAILED in {}: {why}", seconds(took)),
            Outcome::Skipped(why) => eprintln!("   skipped: {why}"),
        }
        let passed = outcome == Outcome::Passed;
        self.ended.push((name.to_owned(), outcome, took));
        passed
    }

    /// Notes a step that cannot run because one that it builds on failed. It counts as failed.
    pub(crate) fn blocked(&mut self, name: &str, by: &str) {
        eprintln!("\n\u{2501}\u{2501} {name}\n   FAILED: needs `{by}`, which failed");
        self.ended.push((
            name.to_owned(),
            Outcome::Failed(format!("needs `{by}`")),
            Duration::ZERO,
        ));
    }

    /// Prints the table and the last line.
    ///
    /// # Errors
    /// At least one step failed, or none ran.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        eprintln!();
        for (name, outcome, took) in &self.ended {
            let (word, why) = match outcome {
                Outcome::Passed => ("passed", String::new()),
                Outcome::Failed(why) => ("FAILED", format!("  {why}")),
                Outcome::Skipped(why) => ("skipped", format!("  {why}")),
            };
            eprintln!("{word:<8}{:>9}  {name}{why}", seconds(*took));
        }
        let summary = self.summary();
        println!("{summary}");
        if self.count(|outcome| matches!(outcome, Outcome::Failed(_))) > 0 || self.ended.is_empty()
        {
            bail!("{summary}");
        }
        Ok(())
    }

    fn summary(&self) -> String {
        let passed = self.count(|outcome| *outcome == Outcome::Passed);
        let failed = self.count(|outcome| matches!(outcome, Outcome::Failed(_)));
        match self.count(|outcome| matches!(outcome, Outcome::Skipped(_))) {
            0 => format!("{passed} passed, {failed} failed"),
            skipped => format!("{passed} passed, {failed} failed, {skipped} skipped"),
        }
    }

    fn count(&self, wanted: impl Fn(&Outcome) -> bool) -> usize {
        self.ended
            .iter()
            .filter(|(_, outcome, _)| wanted(outcome))
            .count()
    }
}

/// A duration as people say it: `0.4 s`, `2 m 05 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        0..60 => format!("{:.1} s", duration.as_secs_f64()),
        whole => format!("{} m {:02} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_what_happened() {
        let mut steps = Steps::new(false);
        assert!(steps.run("good", || Ok(())));
        assert!(!steps.run("bad", || bail!("no")));
        assert!(!steps.run("absent", || Err(Missing("no such tool".into()).into())));
        steps.blocked("after", "bad");
        assert_eq!(steps.summary(), "1 passed, 2 failed, 1 skipped");
        assert!(steps.finish().is_err());
    }

    #[test]
    fn strict_turns_a_missing_tool_into_a_failure() {
        let mut steps = Steps::new(true);
        steps.run("absent", || Err(Missing("no such tool".into()).into()));
        steps.run("unreachable", || Err(Offline("no network".into()).into()));
        assert_eq!(steps.summary(), "0 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn a_run_of_nothing_is_no_success() {
        assert!(Steps::new(false).finish().is_err());
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(seconds(Duration::from_millis(420)), "0.4 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 m 05 s");
    }
}
