//! Dates: `EXT-X-PROGRAM-DATE-TIME` (RFC 8216bis 4.4.4.6) and `EXT-X-DATERANGE` (4.4.5.1).

use std::fmt::Write;

use jiff::SignedDuration;

use super::attributes::Attributes;
use super::decimal;
use crate::plan::Plan;

/// Writes when the first segment starts, which is presented at `start` microseconds. Where one playlist has the tag all have it
/// (6.2.4).
pub(super) fn write_start(text: &mut String, plan: &Plan, start: i64) {
    if let Some(zero) = plan.zero
        && let Ok(date) = zero.checked_add(SignedDuration::from_micros(start))
    {
        let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{date:.3}");
    }
}

/// Writes the date ranges.
pub(super) fn write_ranges(text: &mut String, plan: &Plan) {
    for range in &plan.date_ranges {
        let class = Some(range.class.as_str()).filter(|class| !class.is_empty());
        let mut list = Attributes::default()
            .quoted("ID", &range.id)
            .maybe_quoted("CLASS", class)
            .quoted("START-DATE", &format!("{:.3}", range.start));
        if let Some(duration) = range.duration {
            let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
            list = list.plain("DURATION", decimal(micros));
        }
        for (name, value) in &range.attributes {
            list = list.quoted(name, value);
        }
        let _ = writeln!(text, "#EXT-X-DATERANGE:{}", list.finish());
    }
}
