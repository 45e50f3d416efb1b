//! The module: which requests are manifests, and what is done with their responses.

use std::rc::Rc;

use weir_module::{
    ConfigError, DocumentNeed, Edit, Edits, Host, Module, RequestHead, ResponseHead, Verdict,
};

use crate::NAME;
use crate::config::Settings;
use crate::encoding::accepts_gzip;
use crate::exchange::{ManifestExchange, push};
use crate::fingerprint::Fingerprint;
use crate::media::interstitial::read_schedule;
use crate::plan::{Learned, Plan, origin_target};
use crate::steering::config::Steering;
use crate::steering::server::read_health;
use crate::uri::token;
use crate::viewer::{self, Viewer};

/// The document of unhealthy pathways.
const HEALTH: &str = "steering-health";

/// The document of scheduled interstitials.
const SCHEDULE: &str = "interstitial-schedule";

/// `manifest-rewrite`, configured.
#[derive(Debug)]
pub struct ManifestRewrite {
    settings: Rc<Settings>,
    learned: Learned,
}

/// Conditions and ranges of the viewer are about the rewritten manifest; sent on, they would be about the shared one.
const NOT_FOR_THE_ORIGIN: [&str; 7] = [
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "range",
    "want-content-digest",
];

impl Module for ManifestRewrite {
    const NAME: &'static str = NAME;

    fn configure(text: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            settings: Rc::new(Settings::parse(text)?),
            learned: Learned::default(),
        })
    }

    fn headers(&self) -> Vec<String> {
        viewer::HEADERS
            .iter()
            .chain(&[token::HEADER])
            .map(|name| (*name).to_owned())
            .collect()
    }

    fn documents(&self) -> Vec<DocumentNeed> {
        let health = self.settings.steering.as_ref().map(Steering::config);
        let health = health
            .and_then(|config| Some((HEALTH, config.health_url.clone()?, config.health_max_age)));
        let schedule = self
            .settings
            .schedule
            .as_ref()
            .map(|(url, age)| (SCHEDULE, url.clone(), *age));
        let needs = health.into_iter().chain(schedule);
        needs
            .map(|(name, url, max_age)| DocumentNeed {
                name: name.to_owned(),
                url,
                max_age,
            })
            .collect()
    }

    fn load_document(&mut self, name: &str, body: &[u8]) -> Result<(), String> {
        match name {
            HEALTH => self.learned.unhealthy = read_health(body)?,
            SCHEDULE => {
                self.learned.schedule = read_schedule(body)?;
                self.learned.schedule_fingerprint = Fingerprint::new().field(body).value();
            }
            _ => {}
        }
        Ok(())
    }

    fn decide(&mut self, head: &RequestHead<'_>, host: &mut dyn Host) -> Verdict {
        let mut edits = Edits::none();
        if head.header(token::HEADER).is_some() {
            // The token is for this module alone: neither a cache key nor an origin may hold it.
            push(&mut edits, Edit::RemoveRequest(token::HEADER));
        }
        if matches!(head.method(), "GET" | "HEAD")
            && let Some(steering) = &self.settings.steering
            && head.path() == steering.config().path
        {
            return Verdict::Answer(steering.answer(&Viewer::new(head), &self.learned.unhealthy));
        }
        if !matches!(head.method(), "GET" | "HEAD") || !self.settings.is_manifest(head.path()) {
            return Verdict::Pass(edits);
        }
        let viewer = Viewer::new(head);
        let plan = match Plan::new(&self.settings, head, &viewer, host.now_ns(), &self.learned) {
            Ok(plan) => plan,
            Err(problem) => return Verdict::Answer((*problem).into()),
        };
        if let Some(target) = origin_target(&self.settings, head) {
            push(&mut edits, Edit::SetTarget(&target));
        }
        if plan.is_empty() {
            return Verdict::Pass(edits);
        }
        for name in NOT_FOR_THE_ORIGIN {
            push(&mut edits, Edit::RemoveRequest(name));
        }
        push(
            &mut edits,
            Edit::SetRequest("accept-encoding", self.settings.accept_encoding.as_bytes()),
        );
        let gzip = self.settings.compress
            && viewer
                .shared_header("accept-encoding")
                .is_some_and(accepts_gzip);
        let exchange = ManifestExchange {
            compress: self.settings.compress,
            gzip,
            is_head: head.method() == "HEAD",
            path: head.path().to_owned(),
            if_none_match: viewer.shared_header("if-none-match").map(str::to_owned),
            plan,
        };
        Verdict::Exchange(
            edits,
            Box::new(move |head: &ResponseHead, host: &mut dyn Host| exchange.respond(head, host)),
        )
    }
}
