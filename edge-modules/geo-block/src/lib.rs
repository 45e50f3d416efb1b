//! The `geo-block` module: who may watch from where, and when.
//!
//! A request is placed once: by headers that a trusted proxy set, and by databases in the MaxMind format. Every rule that covers its
//! path and whose time has come must then let it pass. What a rule asks and nothing tells is a refusal, unless the rule says
//! otherwise. See the module's README for the configuration.
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod area;
mod circle;
mod config;
mod database;
mod document;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod networks;
mod place;
mod refusal;
mod rule;
mod trusted;

use weir_module::{
    ConfigError, DocumentNeed, Edit, Edits, Host, Level, LogGate, Module, NormalPath, Problem,
    RequestHead, Verdict,
};

use crate::config::{Config, Mode};
use crate::database::Databases;
use crate::refusal::Refusal;
use crate::rule::Visit;
use weir_location::Location;

/// The module's name.
pub(crate) const NAME: &str = "geo-block";

/// The module.
#[derive(Debug)]
pub struct GeoBlock {
    config: Config,
    databases: Databases,
    would_refuse: LogGate,
}

weir_module::export!(GeoBlock);

impl Module for GeoBlock {
    const NAME: &'static str = NAME;

    fn configure(text: &str) -> Result<Self, ConfigError> {
        let mut config = Config::parse(text)?;
        let databases = Databases::new(std::mem::take(&mut config.databases))?;
        config.read_area_files()?;
        Ok(Self {
            config,
            databases,
            would_refuse: LogGate::default(),
        })
    }

    fn headers(&self) -> Vec<String> {
        let fixed = [
            "origin",
            "weir-country",
            "weir-asn",
            "weir-subject",
            "weir-tier",
            "weir-entitlements",
        ];
        let mut names: Vec<String> = fixed.map(str::to_owned).into();
        names.extend(self.config.headers.names().map(str::to_owned));
        names.extend(
            self.config
                .client
                .headers()
                .iter()
                .map(|&name| name.to_owned()),
        );
        names
    }

    fn documents(&self) -> Vec<DocumentNeed> {
        let areas = self
            .config
            .areas
            .iter()
            .filter_map(|area| area.source.need());
        self.databases.documents().chain(areas).collect()
    }

    fn load_document(&mut self, name: &str, body: &[u8]) -> Result<(), String> {
        if let Some(area) = self
            .config
            .areas
            .iter_mut()
            .find(|area| area.source.is(name))
        {
            return area.load(body);
        }
        self.databases.load(name, body)
    }

    fn decide(&mut self, head: &RequestHead<'_>, host: &mut dyn Host) -> Verdict {
        let now_ns = host.now_ns();
        let address = self.config.client.address(head);
        let location = self.config.headers.location(head, address);
        let location = self.databases.complete(location);
        let judged = if self.is_exempt(head) {
            Ok(())
        } else {
            self.judge(head, &location, now_ns)
        };
        if let Err(refusal) = judged {
            if self.config.mode == Mode::Enforce || refusal.is_of_the_request() {
                let refusal = refusal.answer(&location, self.config.cors, head);
                return Verdict::Answer(refusal);
            }
            let refusal = refusal.to_string();
            if let Some(count) = self.would_refuse.open(now_ns) {
                let line =
                    format!("monitor: would refuse by {refusal} ({count} since the last line)");
                host.log(Level::Info, &line);
            }
        }
        match self.tell(head, &location) {
            Ok(edits) => Verdict::Pass(edits),
            Err(error) => Verdict::Answer(
                Problem::new(
                    500,
                    "geo-block-edit",
                    "The place cannot be told to the next module",
                )
                .detail(error.to_string())
                .into_answer(),
            ),
        }
    }
}

impl GeoBlock {
    fn is_exempt(&self, head: &RequestHead<'_>) -> bool {
        let methods = &self.config.exempt_methods;
        methods.iter().any(|method| method == head.method())
    }

    /// Every rule that covers the request must let it pass.
    fn judge(
        &self,
        head: &RequestHead<'_>,
        location: &Location,
        now_ns: u64,
    ) -> Result<(), Refusal<'_>> {
        let path = NormalPath::new(head.path()).map_err(|_| Refusal::AmbiguousPath)?;
        let visit = Visit {
            head,
            path: path.decoded(),
            location,
            areas: &self.config.areas,
            complete: self.databases.are_complete(),
            now: i64::try_from(now_ns / 1_000_000_000).unwrap_or(i64::MAX),
        };
        let rules = self.config.rules.iter();
        let mut refusals = rules.filter_map(|rule| rule.judge(&visit).err());
        let Some(first) = refusals.next() else {
            return Ok(());
        };
        // What is certain is told before what is not known.
        Err(refusals.fold(first, Refusal::plainer))
    }

    /// Tells the next modules where the viewer is, and takes off what a client says of itself.
    fn tell(
        &self,
        head: &RequestHead<'_>,
        location: &Location,
    ) -> Result<Edits, weir_module::wire::WireError> {
        let mut edits = Edits::none();
        let asn = location.asn.map(|asn| asn.to_string());
        for (name, value) in [
            (
                "weir-country",
                location.country.map(weir_location::Country::as_str),
            ),
            ("weir-asn", asn.as_deref()),
        ] {
            let mut present = head.header_all(name);
            let first = present.next();
            match value {
                Some(value) if first == Some(value.as_bytes()) && present.next().is_none() => {}
                Some(value) => edits.push(Edit::SetRequest(name, value.as_bytes()))?,
                None if first.is_some() => edits.push(Edit::RemoveRequest(name))?,
                None => {}
            }
        }
        Ok(edits)
    }
}
