//! The module itself: one request head in, a verdict out.

use std::sync::Arc;

use smallvec::SmallVec;
use weir_module::{
    Answer, ConfigError, DocumentNeed, Edit, Host, Level, Module, RequestHead, Verdict,
};

use crate::NAME;
use crate::carrier::without_path_parameters;
use crate::config::{Access, Config, Policy, Propagate};
use crate::forwarded::{self, IDENTITY, Places, SURROUNDINGS, push};
use crate::grant::{Grant, RenewalCarrier, Request};
use crate::key_source::KeyRing;
use crate::keys::KeySet;
use crate::path::NormalPath;
use crate::reason::{Reason, Refused};
use crate::refusal;
use crate::remembered::Remembered;
use crate::renewal;
use crate::replay::once;
use crate::revocation::{DOCUMENT, Revocations};
use crate::sharing::Sharing;

/// Checks playback tokens. See `README.md`.
pub struct TokenCheck {
    policy: Policy,
    known: Known,
}

/// The keys, and the tokens that were checked with them.
struct Known {
    ring: KeyRing,
    /// The keys of each format, in the order of the policy's formats.
    key_sets: Vec<KeySet>,
    remembered: Remembered,
    /// When a refresh of key sets was last asked for (Unix time): bounds what unknown key ids can cause.
    refreshed: i64,
    revocations: Option<Revocations>,
    sharing: Option<Sharing>,
}

/// A token that was made for one viewer is nobody else's.
const PERSONAL: Edit<'static> = Edit::SetResponse("cache-control", b"private, no-store");

/// Seconds between two requests for fresh key sets.
const REFRESH_INTERVAL: i64 = 10;

impl Module for TokenCheck {
    const NAME: &'static str = NAME;

    fn configure(text: &str) -> Result<Self, ConfigError> {
        let config: Config = weir_module::config::parse(NAME, text)?;
        let remember = config.remember;
        let revocations = config
            .revocations
            .clone()
            .map(Revocations::new)
            .transpose()?;
        let sharing = config.sharing.clone().map(Sharing::new).transpose()?;
        let (policy, ring) = config.build()?;
        let mut known = Known {
            ring,
            key_sets: Vec::new(),
            remembered: Remembered::new(remember),
            refreshed: i64::MIN,
            revocations,
            sharing,
        };
        known.use_keys(&policy);
        Ok(Self { policy, known })
    }

    fn headers(&self) -> Vec<String> {
        let fixed = [
            "origin",
            "access-control-request-method",
            "access-control-request-headers",
            "referer",
            "cookie",
        ];
        let client = self.policy.client.headers();
        let mut names: Vec<String> = fixed
            .iter()
            .chain(&IDENTITY)
            .chain(&SURROUNDINGS)
            .chain(client)
            .map(|name| (*name).to_owned())
            .collect();
        if self.known.sharing.is_some() {
            names.push("user-agent".to_owned());
        }
        for format in &self.policy.formats {
            names.extend(format.verifier.headers());
        }
        names
    }

    fn documents(&self) -> Vec<DocumentNeed> {
        let revocations = self.known.revocations.as_ref().map(Revocations::document);
        self.known
            .ring
            .documents()
            .into_iter()
            .chain(revocations)
            .collect()
    }

    fn load_document(&mut self, name: &str, body: &[u8]) -> Result<(), String> {
        if let Some(revocations) = self.known.revocations.as_mut().filter(|_| name == DOCUMENT) {
            return revocations.load(body);
        }
        self.known.ring.load(name, body)?;
        self.known.use_keys(&self.policy);
        Ok(())
    }

    fn decide(&mut self, head: &RequestHead<'_>, host: &mut dyn Host) -> Verdict {
        if let Some(answer) = self.policy.cors.preflight(head) {
            return Verdict::Answer(answer);
        }
        match judge(&self.policy, &mut self.known, head, host) {
            Ok(verdict) => verdict,
            Err(refused) => Verdict::Answer(self.policy.refuse(&refused, head)),
        }
    }
}

impl Known {
    fn use_keys(&mut self, policy: &Policy) {
        self.key_sets = policy
            .formats
            .iter()
            .map(|format| self.ring.key_set(&format.sources))
            .collect();
        // A token whose key is gone must not live on in memory.
        self.remembered.clear();
    }

    /// The grant of a token: from memory, or by checking it.
    fn grant(
        &mut self,
        policy: &Policy,
        format: usize,
        text: &str,
        now: i64,
        host: &mut dyn Host,
    ) -> Result<Arc<Grant>, Refused> {
        if let Some(grant) = self.remembered.get(format, text) {
            return Ok(grant);
        }
        let verifier = &policy.formats[format].verifier;
        let verified = verifier
            .verify(text, &self.key_sets[format])
            .inspect_err(|refused| {
                let missing =
                    matches!(refused.reason, Reason::KeyUnknown | Reason::KeysUnavailable);
                if missing && now >= self.refreshed.saturating_add(REFRESH_INTERVAL) {
                    self.refreshed = now;
                    for name in self.ring.remote_documents(&policy.formats[format].sources) {
                        host.log(
                            Level::Info,
                            "a token's key is unknown: asking for a fresh key set",
                        );
                        host.refresh_document(&name);
                    }
                }
            })?;
        let grant = Arc::new(verified);
        // Only what can still be used is worth a place.
        if grant.check_times(now, verifier.clock_skew()).is_ok() {
            self.remembered.insert(format, text, Arc::clone(&grant));
        }
        Ok(grant)
    }
}

/// Decides about one request; an error is the refusal.
fn judge(
    policy: &Policy,
    known: &mut Known,
    head: &RequestHead<'_>,
    host: &mut dyn Host,
) -> Result<Verdict, Refused> {
    let now = i64::try_from(host.now_ns() / 1_000_000_000).unwrap_or(i64::MAX);
    let before = policy
        .formats
        .iter()
        .find_map(|format| format.verifier.before_path(head.path()));
    let asked = &head.path()[before.unwrap_or_default()..];
    let asked = without_path_parameters(asked, &policy.path_parameters);
    let path = NormalPath::new(&asked)?;
    // Routes are matched on the path that goes on, whatever format a path token belongs to: else a token of one format in
    // the path would lead round a route that asks for another.
    let taken = policy
        .formats
        .iter()
        .find_map(|format| format.verifier.path_token(&path));
    let clean = taken
        .and_then(|count| path.without_first(count))
        .unwrap_or_else(|| path.clone());
    let route = policy.routes.iter().find(|route| route.covers(&clean));
    let (access, formats) = match route {
        Some(route) => (route.access, route.formats.as_slice()),
        None => (policy.access, policy.every_format.as_slice()),
    };
    let mut presented = Vec::new();
    // Where the tokens of each format end among them, in the order of `formats`.
    let mut ends: SmallVec<[usize; 8]> = SmallVec::new();
    match access {
        Access::Public => {}
        Access::Closed => return Err(Reason::RouteClosed.into()),
        Access::Token | Access::Optional => {
            for &format in formats {
                let verifier = &policy.formats[format].verifier;
                verifier.present(head, &path, &mut presented);
                ends.push(presented.len());
            }
        }
    }
    let mut gone = Places::default();
    for token in &presented {
        token.places.iter().for_each(|place| gone.add(*place));
    }
    let query = gone.query(head);
    let Some(first) = presented.first() else {
        if access == Access::Token {
            return Err(Reason::TokenMissing.into());
        }
        return Ok(Verdict::Pass(policy.edits(
            head,
            &clean,
            query.as_deref(),
            &gone,
            None,
            None,
        )?));
    };
    if presented[1..].iter().any(|other| other.text != first.text) {
        return Err(Reason::TokensConflict.into());
    }
    // Formats may share a carrier: the token's look says whose it is.
    let format_of = |at: usize| formats[ends.partition_point(|end| *end <= at)];
    let mine = |at: &usize| {
        let verifier = &policy.formats[format_of(*at)].verifier;
        verifier.recognises(&presented[*at].text)
    };
    let chosen = match presented.len() {
        1 => 0,
        several => (0..several).find(mine).unwrap_or(0),
    };
    let format = format_of(chosen);
    let grant = known.grant(policy, format, &first.text, now, host)?;
    let skew = policy.formats[format].verifier.clock_skew();
    let query_left = query.as_deref().unwrap_or_default();
    let request = Request {
        head,
        path: &clean,
        query: query_left,
        now,
        client: &policy.client,
        surroundings: &policy.surroundings,
    };
    let revoked = || {
        known
            .revocations
            .as_ref()
            .map_or(Ok(()), |list| list.check(&grant, now))
    };
    let checked = grant
        .check_times(now, skew)
        .and_then(|()| grant.check(&request))
        .and_then(|()| revoked());
    let clean_url = policy.clean_url.as_ref().filter(|_| checked.is_ok());
    // Before the use is counted: the viewer comes back with the cookie.
    if let Some(answer) = clean_url.and_then(|clean_url| {
        clean_url.redirect(head, first, &clean, query_left, grant.expires, now)
    }) {
        return Ok(Verdict::Answer(answer));
    }
    let checked = checked
        .and_then(|()| once(&grant, &first.text, clean.encoded(), now, host))
        .and_then(|()| match &mut known.sharing {
            Some(sharing) => sharing.check(&grant, &request, host),
            None => Ok(()),
        });
    if let Err(refused) = checked {
        return Ok(Verdict::Answer(
            policy.refuse_as_told(&refused, &grant, head),
        ));
    }
    let long = grant.exchange.as_deref();
    let long = long.and_then(|long| Some((long.carry(), long.mint(now)?)));
    let renewed = grant.renewal.as_deref().filter(|renewal| {
        // Without a playlist that is rewritten no URL can carry it, and the token that came goes on serving.
        let carried = !matches!(renewal.by, RenewalCarrier::Query(_))
            || policy.propagate == Propagate::Header;
        carried && renewal.is_due(&grant, now)
    });
    let renewed = renewed.and_then(|renewal| Some((&renewal.by, renewal.mint(now)?)));
    let handed = match (&long, &renewed) {
        _ if policy.propagate == Propagate::None => None,
        (Some((carry, token)), _) => carry.handed_on(token),
        (None, Some((RenewalCarrier::Query(name), token))) => Some(format!("query:{name}={token}")),
        (None, _) => forwarded::carrier_form(first),
    };
    let mut edits = policy.edits(head, &clean, query.as_deref(), &gone, Some(&grant), handed)?;
    if let Some((carry, token)) = &long {
        if let Some(cookie) = carry.cookie(token) {
            push(
                &mut edits,
                Edit::AppendResponse("set-cookie", cookie.as_bytes()),
            )?;
        }
        push(&mut edits, PERSONAL)?;
    }
    if let Some((by, token)) = renewed {
        match by {
            RenewalCarrier::Query(_) => {}
            RenewalCarrier::Cookie(name, attributes) => {
                let cookie = renewal::with_parameters(&format!("{name}={token}"), attributes);
                push(
                    &mut edits,
                    Edit::AppendResponse("set-cookie", cookie.as_bytes()),
                )?;
            }
            RenewalCarrier::CookieBelow(name, depth, attributes) => {
                // Where the path is shorter than the cookie would reach no token is made, and the one that came goes on serving.
                if let Some(below) = renewal::path_below(&clean, *depth) {
                    let cookie = format!("{name}={token}; Path={below}");
                    let cookie = renewal::with_parameters(&cookie, attributes);
                    push(
                        &mut edits,
                        Edit::AppendResponse("set-cookie", cookie.as_bytes()),
                    )?;
                }
            }
            RenewalCarrier::Header(name, parameters) => {
                let value = renewal::with_parameters(&token, parameters);
                push(&mut edits, Edit::SetResponse(name, value.as_bytes()))?;
            }
            RenewalCarrier::Redirect(status) => {
                if let Some(location) = renewal::location(first, &token, &path, &clean, query_left)
                {
                    let answer =
                        Answer::redirect(*status, &location).header("cache-control", "no-store");
                    return Ok(Verdict::Answer(answer));
                }
            }
        }
        push(&mut edits, PERSONAL)?;
    }
    Ok(Verdict::Pass(edits))
}

impl Policy {
    fn refuse(&self, refused: &Refused, head: &RequestHead<'_>) -> Answer {
        refusal::answer(refused, &self.cors, self.expired_status, &self.realm, head)
    }

    /// A refusal in the way that the token itself prescribes, where it does.
    fn refuse_as_told(&self, refused: &Refused, grant: &Grant, head: &RequestHead<'_>) -> Answer {
        let mut answer = self.refuse(refused, head);
        if let Some((_, told)) = grant
            .on_failure
            .iter()
            .find(|(reason, _)| *reason == refused.reason)
        {
            answer.status = told.status;
            answer
                .headers
                .retain(|(name, _)| told.headers.iter().all(|(ours, _)| ours != name));
            for (name, value) in &told.headers {
                answer = answer.header(name.clone(), value);
            }
        }
        answer
    }
}
