//! When an experiment runs, and for how many.

use jiff::Timestamp;
use serde::Deserialize;

use crate::percent::Percent;

/// How many take part from a time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Step {
    /// The time.
    pub at: Timestamp,
    /// The share.
    pub percent: Percent,
}

/// What happens between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Shape {
    /// The share stays until the next step.
    #[default]
    Steps,
    /// The share moves evenly to the next step.
    Linear,
}

/// The share of viewers over time, in Unix seconds. Without steps it is the same always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ramp {
    /// At least one, in order of time.
    steps: Vec<(i64, u32)>,
    shape: Shape,
    starts: i64,
    ends: i64,
}

impl Ramp {
    /// From what the document says: `percent` always, or `steps`, between `starts` and `ends`.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn new(
        percent: Option<Percent>,
        steps: &[Step],
        shape: Shape,
        starts: Option<Timestamp>,
        ends: Option<Timestamp>,
    ) -> Result<Self, String> {
        if percent.is_some() && !steps.is_empty() {
            return Err("give `percent` or `ramp`, not both".to_owned());
        }
        if shape == Shape::Linear && steps.len() < 2 {
            return Err("a linear ramp needs two steps or more".to_owned());
        }
        if steps.windows(2).any(|two| two[0].at >= two[1].at) {
            return Err("the steps of `ramp` must be in order of time".to_owned());
        }
        let always = [(i64::MIN, percent.unwrap_or(Percent::ALL).points())];
        let steps = if steps.is_empty() {
            always.to_vec()
        } else {
            steps
                .iter()
                .map(|step| (step.at.as_second(), step.percent.points()))
                .collect()
        };
        let ramp = Self {
            steps,
            shape,
            starts: starts.map_or(i64::MIN, Timestamp::as_second),
            ends: ends.map_or(i64::MAX, Timestamp::as_second),
        };
        if ramp.starts >= ramp.ends {
            return Err("`ends` must be after `starts`".to_owned());
        }
        Ok(ramp)
    }

    /// The first point of the share line that does not take part at `now`.
    pub(crate) fn points(&self, now: i64) -> u32 {
        if now < self.starts || now >= self.ends {
            return 0;
        }
        let passed = self.steps.partition_point(|&(at, _)| at <= now);
        let Some(&(from_at, from)) = passed.checked_sub(1).and_then(|at| self.steps.get(at)) else {
            return 0;
        };
        match (self.shape, self.steps.get(passed)) {
            (Shape::Linear, Some(&(to_at, to))) => {
                let wide = |number: i64| i128::from(number);
                let (done, whole) = (wide(now) - wide(from_at), wide(to_at) - wide(from_at));
                let moved = (i128::from(to) - i128::from(from)) * done / whole.max(1);
                // Between two shares, each at most 100,000.
                u32::try_from(i128::from(from) + moved).unwrap_or(0)
            }
            _ => from,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Deserialize)]
    struct Doc {
        #[serde(default)]
        ramp: Vec<Step>,
        #[serde(default)]
        shape: Shape,
        starts: Option<Timestamp>,
        ends: Option<Timestamp>,
        percent: Option<Percent>,
    }

    fn ramp(text: &str) -> Result<Ramp, String> {
        let doc: Doc =
            weir_module::config::parse("experiment", text).map_err(|error| error.to_string())?;
        Ramp::new(doc.percent, &doc.ramp, doc.shape, doc.starts, doc.ends)
    }

    const THREE: &str = "ramp = [{ at = '1970-01-01T00:01:40Z', percent = 1 }, { at = '1970-01-01T00:03:20Z', percent = 50 }, \
                         { at = '1970-01-01T00:05:00Z', percent = 20 }]";

    #[test]
    fn steps_hold_and_lines_move() {
        let steps = ramp(THREE).unwrap();
        for (now, points) in [
            (0, 0),
            (99, 0),
            (100, 1_000),
            (199, 1_000),
            (200, 50_000),
            (300, 20_000),
            (9_999, 20_000),
        ] {
            assert_eq!(steps.points(now), points, "{now}");
        }
        let line = ramp(&format!("shape = 'linear'\n{THREE}")).unwrap();
        for (now, points) in [
            (99, 0),
            (100, 1_000),
            (150, 25_500),
            (200, 50_000),
            (250, 35_000),
            (300, 20_000),
            (9_999, 20_000),
        ] {
            assert_eq!(line.points(now), points, "{now}");
        }
    }

    #[test]
    fn a_window_holds_its_start_and_not_its_end() {
        let window = ramp(
            "percent = 10\nstarts = '1970-01-01T02:01:40+02:00'\nends = '1970-01-01T00:03:20Z'",
        )
        .unwrap();
        for (now, points) in [(99, 0), (100, 10_000), (199, 10_000), (200, 0)] {
            assert_eq!(window.points(now), points, "{now}");
        }
        assert_eq!(ramp("").unwrap().points(i64::MIN), 100_000);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in [
            "percent = 1\nramp = [{ at = '2026-01-01T00:00:00Z', percent = 1 }]",
            "ramp = [{ at = '2026-01-02T00:00:00Z', percent = 1 }, { at = '2026-01-01T00:00:00Z', percent = 2 }]",
            "shape = 'linear'\nramp = [{ at = '2026-01-02T00:00:00Z', percent = 1 }]",
            "starts = '2026-01-02T00:00:00Z'\nends = '2026-01-02T00:00:00Z'",
            "starts = '2026-01-02'",
            "starts = 'soon'",
        ] {
            assert!(ramp(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_line_never_leaves_its_ends(now in i64::MIN..i64::MAX, shares in (0_u32..=100_000, 0_u32..=100_000)) {
            let ramp = Ramp { steps: vec![(0, shares.0), (1_000_000, shares.1)], shape: Shape::Linear, starts: i64::MIN, ends: i64::MAX };
            let points = ramp.points(now);
            let (low, high) = (shares.0.min(shares.1), shares.0.max(shares.1));
            let (low, high) = if now < 0 { (0, 0) } else { (low, high) };
            prop_assert!((low..=high).contains(&points));
        }
    }
}
