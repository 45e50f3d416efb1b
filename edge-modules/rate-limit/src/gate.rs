//! The way of a request through the gates, and what it gets at the end.

use std::borrow::Cow;
use std::net::IpAddr;

use smallvec::SmallVec;
use weir_module::wire::WireError;
use weir_module::{Edit, Edits, Host, Level, NormalPath, RequestHead, Verdict};

use crate::abuse::{Abuse, Conduct, Suspect};
use crate::class::Classifier;
use crate::config::{Config, Fields, Mode, Unit};
use crate::log_gate::LogGate;
use crate::network::Network;
use crate::quota::{Draw, Drawn};
use crate::refusal::{Reason, Refusal};
use crate::request::Request;
use crate::store::Answered;
use crate::streams::{Place, STREAMS};
use crate::{RateLimit, explanation, fields, note};

/// As many quotas as apply to nearly every request: so many need no allocation.
const FEW: usize = 2;

impl RateLimit {
    /// Lists, abuse, streams, quotas: the first gate that says no decides.
    pub(crate) fn pass_gates(&mut self, head: &RequestHead<'_>, host: &mut dyn Host) -> Verdict {
        let Self {
            config,
            classifier,
            quotas,
            store,
            streams,
            abuse,
            explainer,
            would_refuse,
        } = self;
        if config
            .exempt_methods
            .iter()
            .any(|method| method == head.method())
        {
            return Verdict::pass();
        }
        let address = config.client.source.address(head, config.client.hops);
        match address.and_then(|address| listed(config, address)) {
            Some(Listed::Denied) => {
                return Verdict::Answer(Refusal::default().answer(
                    Reason::Denied,
                    config.cors,
                    head,
                ));
            }
            Some(Listed::Allowed) => return Verdict::pass(),
            None => {}
        }
        let normal = NormalPath::new(head.path());
        let path = normal.as_ref().map_or(head.path(), NormalPath::decoded);
        let request = describe(config, classifier, head, path, address);
        let mut out = Refuse {
            config,
            head,
            would_refuse,
            class: request.class,
        };
        let shared = address.is_some_and(|address| config.client.shared.contains(address));
        let factor = if shared {
            config.client.shared_factor
        } else {
            1
        };

        let suspect = abuse
            .as_ref()
            .and_then(|abuse| abuse.suspect(&request, factor));
        if let (Some(abuse), Some(suspect)) = (abuse.as_mut(), &suspect)
            && let Conduct::Abusive {
                pattern,
                retry_after_ns,
            } = abuse.watch(suspect, &request, host, store)
        {
            let refusal = Refusal {
                violated: vec![pattern.to_owned()],
                retry_after_ns,
                ..Refusal::default()
            };
            if let Some(verdict) = out.refuse(Reason::AbnormalUsage, refusal, None, host) {
                return verdict;
            }
        }
        let place = streams
            .as_mut()
            .map_or(Place::Held, |streams| streams.place(&request, host, store));
        if let Some((reason, refusal)) = place_refusal(place, config)
            && let Some(verdict) = out.refuse(reason, refusal, None, host)
        {
            return verdict;
        }

        let draws: SmallVec<[Draw<'_>; FEW]> = quotas
            .iter()
            .filter_map(|quota| quota.draw(&request, factor))
            .collect();
        let limits: SmallVec<[_; FEW]> = draws.iter().map(Draw::limit).collect();
        let answered = if limits.is_empty() {
            Answered::Yes(Vec::new())
        } else {
            store.take(host, &limits)
        };
        let standings = match answered {
            Answered::Yes(standings) => standings,
            Answered::Allow => return Verdict::pass(),
            Answered::Deny => {
                let refusal = Refusal {
                    retry_after_ns: 1_000_000_000,
                    ..Refusal::default()
                };
                let verdict = out.refuse(Reason::ReducedCapacity, refusal, None, host);
                return verdict.unwrap_or_else(Verdict::pass);
            }
        };
        let drawn: SmallVec<[(&Draw<'_>, Drawn); FEW]> = draws
            .iter()
            .zip(standings)
            .map(|(draw, standing)| (draw, draw.read(standing)))
            .collect();
        let explain = explainer
            .as_ref()
            .is_some_and(|explainer| explainer.is_asked(head, host.now_ns()));
        let decision = explain.then(|| explanation::explain(&request, &drawn));

        if let Some(refusal) = quota_refusal(config, &drawn)
            && let Some(verdict) =
                out.refuse(Reason::QuotaExceeded, refusal, decision.as_deref(), host)
        {
            return verdict;
        }
        let watched = suspect.filter(|_| abuse.as_ref().is_some_and(Abuse::counts_failures));
        // Only a field of more than 64 KiB does not fit; then the request goes on without it.
        Verdict::Pass(
            passing_edits(config, &drawn, decision.as_deref(), watched.as_ref())
                .unwrap_or_default(),
        )
    }
}

enum Listed {
    Allowed,
    Denied,
}

fn listed(config: &Config, address: IpAddr) -> Option<Listed> {
    if config.deny.contains(address) {
        Some(Listed::Denied)
    } else if config.allow.contains(address) {
        Some(Listed::Allowed)
    } else {
        None
    }
}

fn describe<'a>(
    config: &'a Config,
    classifier: &'a Classifier,
    head: &RequestHead<'a>,
    path: &'a str,
    address: Option<IpAddr>,
) -> Request<'a> {
    let (class, cost) = classifier.class(path);
    let tier = head
        .header_str("weir-tier")
        .filter(|tier| config.tiers.contains_key(*tier));
    let network = address.map(|address| {
        let client = &config.client;
        Network::of(
            address,
            if address.is_ipv4() {
                client.ipv4_prefix
            } else {
                client.ipv6_prefix
            },
        )
    });
    Request {
        head: *head,
        path,
        address,
        network,
        tier: tier.unwrap_or(&config.default_tier),
        class,
        route: classifier.route(path),
        cost,
        token_names: &config.token,
    }
}

/// Turns a refusal into a verdict, or into a log line where the module only watches.
struct Refuse<'a, 'h> {
    config: &'a Config,
    head: &'a RequestHead<'h>,
    would_refuse: &'a mut LogGate,
    class: &'a str,
}

impl Refuse<'_, '_> {
    fn refuse(
        &mut self,
        reason: Reason,
        refusal: Refusal,
        decision: Option<&str>,
        host: &mut dyn Host,
    ) -> Option<Verdict> {
        if self.config.mode == Mode::Monitor {
            if let Some(count) = self.would_refuse.open(host.now_ns()) {
                let (class, policies) = (self.class, refusal.violated.join(", "));
                let line = format!(
                    "monitor: would refuse a {class} request over {policies} ({count} since the last line)"
                );
                host.log(Level::Info, &line);
            }
            return None;
        }
        let mut answer = refusal.answer(reason, self.config.cors, self.head);
        if let Some(decision) = decision {
            answer = answer.header(explanation::TELLS, decision);
        }
        Some(Verdict::Answer(answer))
    }
}

fn place_refusal(place: Place, config: &Config) -> Option<(Reason, Refusal)> {
    match place {
        Place::Held => None,
        Place::Unknown => Some((
            Reason::ReducedCapacity,
            Refusal {
                retry_after_ns: 1_000_000_000,
                ..Refusal::default()
            },
        )),
        Place::Refused {
            capacity,
            retry_after_ns,
        } => {
            let mut refusal = Refusal {
                violated: vec![STREAMS.to_owned()],
                retry_after_ns,
                ..Refusal::default()
            };
            if config.fields != Fields::Never {
                let policy = format!("\"{STREAMS}\";q={capacity};qu=\"concurrent-requests\"");
                let secs = retry_after_ns.div_ceil(1_000_000_000);
                refusal.policies = policy.into_bytes();
                refusal.limits = format!("\"{STREAMS}\";r=0;t={secs}").into_bytes();
            }
            Some((Reason::QuotaExceeded, refusal))
        }
    }
}

fn quota_refusal(config: &Config, drawn: &[(&Draw<'_>, Drawn)]) -> Option<Refusal> {
    let refused = || drawn.iter().filter(|(_, drawn)| !drawn.allowed);
    let retry_after_ns = refused().map(|(_, drawn)| drawn.retry_after_ns).max()?;
    let violated = refused().map(|(draw, _)| draw.quota.name.clone()).collect();
    let mut refusal = Refusal {
        violated,
        retry_after_ns,
        ..Refusal::default()
    };
    if config.fields != Fields::Never {
        let (policies, limits) = rate_limit_fields(config, drawn, true);
        refusal.policies = policies.into_owned();
        refusal.limits = limits;
    }
    Some(refusal)
}

/// The edits of a request that passes: fields, explanation, and the note for the end of its response.
fn passing_edits(
    config: &Config,
    drawn: &[(&Draw<'_>, Drawn)],
    decision: Option<&str>,
    watched: Option<&Suspect>,
) -> Result<Edits, WireError> {
    let mut edits = Edits::none();
    if config.fields == Fields::Always && config.mode == Mode::Enforce && !drawn.is_empty() {
        let (policies, limits) = rate_limit_fields(config, drawn, false);
        edits.push(Edit::AppendResponse("ratelimit-policy", &policies))?;
        edits.push(Edit::AppendResponse("ratelimit", &limits))?;
    }
    if let Some(decision) = decision {
        edits.push(Edit::SetResponse(explanation::TELLS, decision.as_bytes()))?;
    }
    let mut note = Vec::new();
    for (draw, _) in drawn
        .iter()
        .filter(|(draw, _)| draw.quota.unit == Unit::ContentBytes)
    {
        note::push_charge(&mut note, draw);
    }
    if let Some(suspect) = watched {
        note::push_suspect(&mut note, suspect);
    }
    if !note.is_empty() {
        edits.push(Edit::Watch(&note))?;
    }
    Ok(edits)
}

/// `RateLimit-Policy` and `RateLimit`. A refusal names in `RateLimit` only the policies that had no room: the windows of the others
/// may end later than its `Retry-After`, which the draft (section 6) advises against.
fn rate_limit_fields<'q>(
    config: &Config,
    drawn: &[(&Draw<'q>, Drawn)],
    refused: bool,
) -> (Cow<'q, [u8]>, Vec<u8>) {
    let room = 64 * drawn.len();
    let mut limits = Vec::with_capacity(room);
    for (draw, drawn) in drawn {
        if !refused || !drawn.allowed {
            fields::push_limit(&mut limits, draw.quota, *drawn, partition(config, draw));
        }
    }
    // One quota, as for nearly every request: its item was made with the configuration.
    if let ([(draw, _)], false) = (drawn, config.partition_key) {
        return (Cow::Borrowed(draw.quota.policy_item.as_bytes()), limits);
    }
    let mut policies = Vec::with_capacity(room);
    for (draw, _) in drawn {
        fields::push_policy(&mut policies, draw.quota, partition(config, draw));
    }
    (Cow::Owned(policies), limits)
}

fn partition<'d>(config: &Config, draw: &'d Draw<'_>) -> Option<&'d [u8]> {
    config.partition_key.then_some(draw.key.as_slice())
}
