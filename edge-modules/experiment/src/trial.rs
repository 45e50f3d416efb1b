//! One experiment, checked: who takes part and what they get.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::assignment::Points;
use crate::percent::WHOLE;
use crate::ramp::Ramp;
use crate::request::Request;
use crate::unit::Unit;
use weir_module::PathPattern;

/// One experiment.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    /// Its name.
    pub(crate) name: String,
    pub(crate) salt: String,
    pub(crate) units: Vec<Unit>,
    pub(crate) target: Traits,
    pub(crate) exclude: Traits,
    pub(crate) ramp: Ramp,
    pub(crate) slot: Option<Slot>,
    /// At least one, their weights together more than 0.
    pub(crate) variants: Vec<Variant>,
}

/// One thing that a viewer may get.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Variant {
    /// Its name.
    pub(crate) name: String,
    /// Its part of all weights.
    #[serde(default = "one")]
    pub(crate) weight: u32,
}

fn one() -> u32 {
    1
}

/// The part of an exclusive group that an experiment has: the points from `from` up to but not including `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) group: String,
    pub(crate) from: u32,
    pub(crate) to: u32,
}

/// Exclusive groups: name and salt.
pub(crate) type Groups = BTreeMap<String, String>;

/// What a viewer or a request may have. An empty list asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Traits {
    /// ISO 3166-1 alpha-2 codes in capitals, against `weir-country`.
    pub(crate) countries: Vec<String>,
    /// Device classes, from `user-agent`.
    pub(crate) devices: Vec<String>,
    /// Against `weir-tier`.
    pub(crate) tiers: Vec<String>,
    /// Against `weir-entitlements`; one of them is enough.
    pub(crate) entitlements: Vec<String>,
    /// Against the path.
    pub(crate) paths: Vec<PathPattern>,
}

impl Traits {
    /// For each kind that is asked for, whether the request has one of it.
    fn answers(&self, request: &Request<'_>) -> impl Iterator<Item = bool> {
        let asked = |list: &[String], has: &dyn Fn(&str) -> bool| {
            (!list.is_empty()).then(|| list.iter().any(|item| has(item)))
        };
        let is = |name: &str, item: &str| {
            request
                .header(name)
                .is_some_and(|value| value.eq_ignore_ascii_case(item))
        };
        let entitled = |item: &str| {
            let list = request.header("weir-entitlements").unwrap_or_default();
            list.split(',').any(|known| known.trim() == item)
        };
        let path = request.head.path();
        [
            asked(&self.countries, &|item| is("weir-country", item)),
            asked(&self.devices, &|item| request.device_class() == item),
            asked(&self.tiers, &|item| {
                request.header("weir-tier") == Some(item)
            }),
            asked(&self.entitlements, &entitled),
            (!self.paths.is_empty()).then(|| self.paths.iter().any(|pattern| pattern.covers(path))),
        ]
        .into_iter()
        .flatten()
    }
}

/// What a viewer got in one experiment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Assigned<'a> {
    /// The experiment.
    pub(crate) trial: &'a Trial,
    /// What was got.
    pub(crate) variant: &'a Variant,
    /// The pseudonym in the log; none when a tester forced the variant, which is no exposure.
    pub(crate) alias: Option<u64>,
    /// The way by which the viewer was told apart.
    pub(crate) by_device: bool,
}

impl<'a> Assigned<'a> {
    /// A variant that a tester asked for.
    pub(crate) fn forced(trial: &'a Trial, variant: &'a Variant) -> Self {
        Self {
            trial,
            variant,
            alias: None,
            by_device: false,
        }
    }
}

impl Trial {
    /// The headers that it reads besides those that are always read.
    pub(crate) fn headers(&self) -> impl Iterator<Item = String> {
        self.units
            .iter()
            .filter_map(Unit::header)
            .map(str::to_owned)
    }

    /// The variant of this name.
    pub(crate) fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }

    /// What a request gets at `now` (Unix seconds); none when it takes no part.
    pub(crate) fn assign(
        &self,
        request: &Request<'_>,
        now: i64,
        groups: &Groups,
    ) -> Option<Assigned<'_>> {
        let share = self.ramp.points(now);
        if share == 0
            || !self.target.answers(request).all(|has| has)
            || self.exclude.answers(request).any(|has| has)
        {
            return None;
        }
        let (unit, text) = self
            .units
            .iter()
            .find_map(|unit| Some((unit, unit.of(request)?)))?;
        if let Some(slot) = &self.slot {
            let at = Points::of(groups.get(&slot.group)?, text).share(WHOLE);
            if !(slot.from..slot.to).contains(&at) {
                return None;
            }
        }
        let points = Points::of(&self.salt, text);
        (points.share(WHOLE) < share).then(|| Assigned {
            trial: self,
            variant: self.pick(points),
            alias: Some(points.alias()),
            by_device: *unit == Unit::Device,
        })
    }

    /// The variant in whose stretch the point lies; the stretches are as long as the weights and stand in the order of the
    /// configuration.
    fn pick(&self, points: Points) -> &Variant {
        let total = self.variants.iter().map(|variant| variant.weight).sum();
        let mut left = points.variant(total);
        for variant in &self.variants {
            if left < variant.weight {
                return variant;
            }
            left -= variant.weight;
        }
        // The point lies below the sum of the weights; the configuration has a variant or it was refused.
        &self.variants[0]
    }
}
