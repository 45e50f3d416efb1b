//! The `rate-limit` module: how much one viewer may ask for.
//!
//! A request passes four gates: the network lists, the abuse patterns, the concurrent streams of its subject, and the quotas that
//! apply to it. The quotas are drawn from in one call to `weir:state/counters`, which takes from all of them or, when one has no
//! room, from none. See the module's README for the configuration.
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod abuse;
mod class;
mod client;
mod config;
mod decimal;
mod explanation;
mod fields;
mod gate;
mod key;
mod log_gate;
mod network;
mod note;
mod quota;
mod refusal;
mod request;
mod store;
mod streams;

use weir_module::{ConfigError, Ended, Host, Module, RequestHead, Verdict};

use crate::abuse::Abuse;
use crate::class::Classifier;
use crate::config::Config;
use crate::explanation::Explainer;
use crate::log_gate::LogGate;
use crate::note::Entry;
use crate::quota::Quota;
use crate::store::Store;
use crate::streams::Streams;

/// The module's name.
pub(crate) const NAME: &str = "rate-limit";

/// The module.
#[derive(Debug)]
pub struct RateLimit {
    config: Config,
    classifier: Classifier,
    quotas: Vec<Quota>,
    store: Store,
    streams: Option<Streams>,
    abuse: Option<Abuse>,
    explainer: Option<Explainer>,
    would_refuse: LogGate,
}

weir_module::export!(RateLimit, stateful);

impl Module for RateLimit {
    const NAME: &'static str = NAME;

    fn configure(text: &str) -> Result<Self, ConfigError> {
        let config = Config::parse(text)?;
        Ok(Self {
            classifier: config.classifier(),
            quotas: Quota::all(&config),
            store: Store::new(config.on_store_error),
            streams: Streams::new(&config),
            abuse: Abuse::new(&config),
            explainer: config.debug_key.as_deref().map(Explainer::new),
            would_refuse: LogGate::default(),
            config,
        })
    }

    fn headers(&self) -> Vec<String> {
        let mut names = vec!["weir-tier".to_owned(), "origin".to_owned()];
        names.extend(
            self.config
                .client
                .source
                .headers()
                .iter()
                .map(|&name| name.to_owned()),
        );
        names.extend(
            self.quotas
                .iter()
                .flat_map(Quota::headers)
                .map(str::to_owned),
        );
        names.extend(self.streams.iter().flat_map(Streams::headers));
        names.extend(self.abuse.iter().flat_map(Abuse::headers));
        names.extend(self.explainer.iter().map(|_| explanation::ASKS.to_owned()));
        names
    }

    fn decide(&mut self, head: &RequestHead<'_>, host: &mut dyn Host) -> Verdict {
        self.pass_gates(head, host)
    }

    fn ended(&mut self, note: &[u8], end: Ended, host: &mut dyn Host) {
        for entry in note::entries(note) {
            match entry {
                Entry::Charge(charge) => {
                    let limit = charge.limit(end.bytes);
                    if limit.cost > 0 {
                        self.store
                            .write(host, |counters| counters.take(&[limit]).map(drop));
                    }
                }
                Entry::Watched(suspect) => {
                    if let Some(abuse) = &mut self.abuse {
                        abuse.ended(&suspect, end.status, host, &mut self.store);
                    }
                }
            }
        }
    }
}
