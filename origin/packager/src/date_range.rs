//! Date ranges that a caller adds: chapters, advertisements, anything with a start in time.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Error;

/// A stretch of time with a name (RFC 8216bis 4.4.5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DateRange {
    /// Its name, not that of any other.
    pub id: String,
    /// What it is, by a name that its author owns, such as `com.example.advertisement`; may be empty.
    #[serde(default)]
    pub class: String,
    /// Where it starts.
    pub start: Timestamp,
    /// How long it lasts; `None` where nobody knows, and zero for an instant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub duration: Option<Duration>,
    /// More about it, by attribute names that start with `X-`; the values are text.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

/// Refuses date ranges that no playlist can hold.
pub(crate) fn validate(ranges: &[DateRange], has_clock: bool) -> Result<(), Error> {
    let refuse = |reason: String| {
        Err(Error::InvalidOption {
            option: "date_ranges",
            reason,
        })
    };
    if !ranges.is_empty() && !has_clock {
        return refuse("they need `program_date_time`, which says when the film starts".to_owned());
    }
    for (index, range) in ranges.iter().enumerate() {
        let id = range.id.escape_debug();
        if range.id.is_empty() || ranges[..index].iter().any(|other| other.id == range.id) {
            return refuse(format!(
                "`{id}` names no range, or two; give each a name of its own"
            ));
        }
        let texts = [&range.id, &range.class];
        let mut texts = texts.into_iter().chain(range.attributes.values());
        if texts.any(|text| text.contains('"') || text.contains(char::is_control)) {
            return refuse(format!(
                "`{id}` has a quotation mark or a line break in a value"
            ));
        }
        let is_name = |name: &String| {
            name.len() > 2
                && name.starts_with("X-")
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-')
        };
        if let Some(name) = range.attributes.keys().find(|name| !is_name(name)) {
            return refuse(format!(
                "`{}` of `{id}` is no name of an attribute: X-, then capitals, digits and hyphens",
                name.escape_debug()
            ));
        }
    }
    Ok(())
}
