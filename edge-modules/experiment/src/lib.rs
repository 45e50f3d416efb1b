//! The `experiment` module: which variant of which experiment a viewer gets.
//!
//! An assignment is a function of the configuration, the viewer and the time alone: a documented hash, no state. So every node, and
//! every program that knows the configuration, answers the same. See the module's README for the configuration and the hash.
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod assignment;
mod config;
mod exposure;
mod force;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod percent;
mod ramp;
mod request;
mod trial;
mod unit;

pub use force::sign_force;

use weir_module::wire::WireError;
use weir_module::{
    ConfigError, Edit, Edits, Host, Level, LogGate, Module, Problem, RequestHead, Verdict,
};

use crate::config::Config;
use crate::exposure::Exposures;
use crate::force::{Force, Forced};
use crate::request::Request;
use crate::trial::Assigned;

/// The module's name.
pub(crate) const NAME: &str = "experiment";
/// The request header that tells the next modules and the origin, and no client.
const VARIANT: &str = "weir-variant";

/// The module.
#[derive(Debug)]
pub struct Experiment {
    config: Config,
    force: Option<Force>,
    exposures: Exposures,
    bad_force: LogGate,
}

weir_module::export!(Experiment);

impl Module for Experiment {
    const NAME: &'static str = NAME;

    fn configure(text: &str) -> Result<Self, ConfigError> {
        let config = Config::parse(text)?;
        Ok(Self {
            force: config.force.as_ref().map(Force::new),
            exposures: Exposures::new(&config.exposure),
            bad_force: LogGate::default(),
            config,
        })
    }

    fn headers(&self) -> Vec<String> {
        let mut names: Vec<String> = [VARIANT, "origin", "cookie"].map(str::to_owned).into();
        names.extend(request::HEADERS.map(str::to_owned));
        names.extend(self.config.trials.iter().flat_map(trial::Trial::headers));
        names
    }

    fn decide(&mut self, head: &RequestHead<'_>, host: &mut dyn Host) -> Verdict {
        match self.edits(&Request::new(head), host) {
            Ok(edits) => Verdict::Pass(edits),
            Err(error) => Verdict::Answer(
                Problem::new(
                    500,
                    "experiment-edit",
                    "The experiment cannot be told to the next module",
                )
                .detail(error.to_string())
                .into_answer(),
            ),
        }
    }
}

impl Experiment {
    fn edits(&mut self, request: &Request<'_>, host: &mut dyn Host) -> Result<Edits, WireError> {
        let now_ns = host.now_ns();
        let now = i64::try_from(now_ns / 1_000_000_000).unwrap_or(i64::MAX);
        let mut edits = Edits::none();
        let forced = match &self.force {
            Some(force) => {
                let read = force.read(request, now);
                if let Some(why) = read.refused
                    && let Some(count) = self.bad_force.open(now_ns)
                {
                    let line = format!(
                        "a forced variant was ignored: {why} ({count} since the last line)"
                    );
                    host.log(Level::Warn, &line);
                }
                force.tidy(request, &read, now, &mut edits)?;
                read
            }
            None => Forced::default(),
        };
        let assigned: Vec<Assigned<'_>> = self
            .config
            .trials
            .iter()
            .filter_map(|trial| match forced.variant(trial) {
                Some(variant) => Some(Assigned::forced(trial, variant)),
                None => trial.assign(request, now, &self.config.groups),
            })
            .collect();
        let told = tell(&assigned);
        if !told.is_empty() {
            edits.push(Edit::SetRequest(VARIANT, told.as_bytes()))?;
        } else if request.head.header(VARIANT).is_some() {
            edits.push(Edit::RemoveRequest(VARIANT))?;
        }
        self.exposures
            .expose(request, &assigned, &told, host, &mut edits)?;
        Ok(edits)
    }
}

/// `ladder:low, banner:red`: a list (RFC 9110 section 5.6.1) in the order of the configuration.
fn tell(assigned: &[Assigned<'_>]) -> String {
    let mut told = String::new();
    for one in assigned {
        if !told.is_empty() {
            told.push_str(", ");
        }
        told.push_str(&one.trial.name);
        told.push(':');
        told.push_str(&one.variant.name);
    }
    told
}
