//! One rule: which requests it covers, when, and whom it lets pass.

use serde::Deserialize;
use weir_module::{PathPattern, RequestHead};

use crate::area::Area;
use crate::networks::Networks;
use crate::place::{Holds, Place};
use crate::refusal::Refusal;
use weir_location::Location;

/// What becomes of a viewer of whom a rule asks what nothing tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unknown {
    /// Refused.
    #[default]
    Deny,
    /// Let through.
    Allow,
}

/// A rule.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Its name.
    pub(crate) name: String,
    /// It covers these paths; all when there are none.
    pub(crate) paths: Vec<PathPattern>,
    /// But not these.
    pub(crate) not_paths: Vec<PathPattern>,
    /// In force from this Unix time.
    pub(crate) from: i64,
    /// Until just before this one.
    pub(crate) until: i64,
    /// Only viewers there may pass; everybody when there are none.
    pub(crate) allow: Vec<Place>,
    /// Viewers there may not.
    pub(crate) deny: Vec<Place>,
    /// The rule does not apply to these.
    pub(crate) except: Except,
    /// What to do with viewers of whom nothing is known.
    pub(crate) unknown: Unknown,
    /// What a refusal says.
    pub(crate) notice: Notice,
}

/// What a refusal says.
#[derive(Debug)]
pub(crate) struct Notice {
    /// 451 or 403.
    pub(crate) status: u16,
    /// Who blocks, for `Link`.
    pub(crate) blocked_by: Option<String>,
    /// For people.
    pub(crate) detail: Option<String>,
}

/// Viewers to whom a rule does not apply.
#[derive(Debug, Default)]
pub(crate) struct Except {
    /// One of these entitlements.
    pub(crate) entitlements: Vec<String>,
    /// One of these tiers.
    pub(crate) tiers: Vec<String>,
    /// One of these subjects.
    pub(crate) subjects: Vec<String>,
    /// An address there.
    pub(crate) networks: Networks,
}

/// A request with all that rules look at.
#[derive(Debug)]
pub(crate) struct Visit<'a> {
    /// The head.
    pub(crate) head: &'a RequestHead<'a>,
    /// The path in its one reading.
    pub(crate) path: &'a str,
    /// Where the viewer is.
    pub(crate) location: &'a Location,
    /// The areas.
    pub(crate) areas: &'a [Area],
    /// Every database is there.
    pub(crate) complete: bool,
    /// Unix time in seconds.
    pub(crate) now: i64,
}

impl Rule {
    /// Lets a visit pass or not.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) fn judge(&self, visit: &Visit<'_>) -> Result<(), Refusal<'_>> {
        if !self.covers(visit) || self.except.holds(visit) {
            return Ok(());
        }
        let holds = |places: &[Place]| {
            let each = places.iter();
            Holds::any(each.map(|place| place.holds(visit.location, visit.areas)))
        };
        let denied = holds(&self.deny);
        let allowed = if self.allow.is_empty() {
            Holds::Yes
        } else {
            holds(&self.allow)
        };
        match (denied, allowed) {
            (Holds::Yes, _) | (_, Holds::No) => Err(Refusal::Blocked(self)),
            (Holds::No, Holds::Yes) => Ok(()),
            // Data that will come is waited for, whatever is said of viewers who stay unknown.
            _ if !visit.complete || !visit.areas.iter().all(Area::is_complete) => {
                Err(Refusal::DataMissing)
            }
            _ if self.unknown == Unknown::Allow => Ok(()),
            _ => Err(Refusal::Unknown(self)),
        }
    }

    fn covers(&self, visit: &Visit<'_>) -> bool {
        let any =
            |patterns: &[PathPattern]| patterns.iter().any(|pattern| pattern.covers(visit.path));
        (self.from..self.until).contains(&visit.now)
            && (self.paths.is_empty() || any(&self.paths))
            && !any(&self.not_paths)
    }
}

impl Except {
    fn holds(&self, visit: &Visit<'_>) -> bool {
        let is = |name: &str, list: &[String]| {
            !list.is_empty()
                && visit
                    .head
                    .header_str(name)
                    .is_some_and(|value| list.iter().any(|item| item == value))
        };
        let entitled = !self.entitlements.is_empty()
            && visit
                .head
                .header_str("weir-entitlements")
                .unwrap_or_default()
                .split(',')
                .any(|item| self.entitlements.iter().any(|known| known == item.trim()));
        let at_home = visit
            .location
            .address
            .is_some_and(|address| self.networks.contains(address));
        entitled || at_home || is("weir-tier", &self.tiers) || is("weir-subject", &self.subjects)
    }
}
