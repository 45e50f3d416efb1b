//! The module: which requests are manifests, and what is done with their responses.

use std::rc::Rc;

use weir_module::{
    Answer, Collected, ConfigError, DocumentNeed, Edit, Edits, Host, Level, Module, Problem, Reply,
    RequestHead, ResponseHead, Step, Verdict,
};

use crate::NAME;
use crate::body::{Encoding, ManifestBody, accepts_gzip};
use crate::config::Settings;
use crate::error::RewriteError;
use crate::fingerprint::Fingerprint;
use crate::media::interstitial::read_schedule;
use crate::plan::{Format, Learned, Plan, origin_target};
use crate::steering::server::{Steering, read_health};
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

/// Headers that describe the bytes of the shared manifest (RFC 9110 section 8, RFC 9530).
const NOT_OF_THE_RESULT: [&str; 9] = [
    "accept-ranges",
    "content-digest",
    "content-encoding",
    "content-length",
    "content-md5",
    "digest",
    "etag",
    "last-modified",
    "repr-digest",
];

/// What tells caches to keep a response, besides `cache-control`.
const FOR_CACHES: [&str; 7] = [
    "age",
    "cache-groups",
    "cdn-cache-control",
    "expires",
    "pragma",
    "surrogate-control",
    "surrogate-key",
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

/// A manifest request that waits for its response.
struct ManifestExchange {
    compress: bool,
    gzip: bool,
    is_head: bool,
    path: String,
    if_none_match: Option<String>,
    plan: Plan,
}

impl ManifestExchange {
    fn respond(self, head: &ResponseHead, host: &mut dyn Host) -> Reply {
        if matches!(head.status, 301 | 302 | 303 | 307 | 308) {
            return Reply::Pass(self.redirect(head));
        }
        let Some(format) =
            Format::of(head.header_str("content-type"), &self.path).filter(|_| head.status == 200)
        else {
            return Reply::Pass(Edits::none());
        };
        let encoding = head.header_str("content-encoding").unwrap_or_default();
        let Some(encoding) = Encoding::parse(encoding) else {
            host.log(
                Level::Error,
                "the origin sent a manifest in an encoding that cannot be unpacked",
            );
            return Reply::Answer(bad_gateway(
                "manifest-encoding",
                "The manifest came in an unknown content encoding",
            ));
        };
        let etag = self.plan.etag(head.header_str("etag"), self.gzip);
        if let (Some(etag), Some(condition)) = (&etag, &self.if_none_match)
            && is_listed(condition, etag)
        {
            return Reply::Answer(self.not_modified(head, etag));
        }
        let edits = self.result_headers(head, etag.as_deref());
        if self.is_head {
            return Reply::Pass(edits);
        }
        let whole = self.plan.may_refuse();
        let body = ManifestBody::new(self.plan.into_rewriter(format), encoding, self.gzip);
        if !whole {
            return Reply::Stream(edits, Box::new(body));
        }
        let headers = edited(head, &edits);
        Reply::Collect {
            limit: MAX_COLLECTED,
            then: Box::new(move |collected, host| rewrite_whole(body, headers, collected, host)),
        }
    }

    /// A redirect must carry the token too: the player follows it by itself.
    fn redirect(&self, head: &ResponseHead) -> Edits {
        let mut edits = Edits::none();
        let Some(location) = head.header("location") else {
            return edits;
        };
        if let Some(location) = self.plan.redirect(location) {
            push(&mut edits, Edit::SetResponse("location", &location));
            if self.plan.is_personal() {
                push(
                    &mut edits,
                    Edit::SetResponse("cache-control", b"private, no-store"),
                );
                FOR_CACHES
                    .iter()
                    .for_each(|name| push(&mut edits, Edit::RemoveResponse(name)));
            }
        }
        edits
    }

    fn result_headers(&self, head: &ResponseHead, etag: Option<&str>) -> Edits {
        let mut edits = Edits::none();
        let mut remove = |name| push(&mut edits, Edit::RemoveResponse(name));
        NOT_OF_THE_RESULT.into_iter().for_each(&mut remove);
        if self.plan.is_personal() {
            FOR_CACHES.into_iter().for_each(&mut remove);
            push(
                &mut edits,
                Edit::SetResponse("cache-control", b"private, no-store"),
            );
        }
        if let Some(etag) = etag {
            push(&mut edits, Edit::SetResponse("etag", etag.as_bytes()));
        }
        if self.gzip {
            push(&mut edits, Edit::SetResponse("content-encoding", b"gzip"));
        }
        if self.compress && !varies_by_encoding(head) {
            push(&mut edits, Edit::AppendResponse("vary", b"accept-encoding"));
        }
        edits
    }

    fn not_modified(&self, head: &ResponseHead, etag: &str) -> Answer {
        let mut answer = Answer::new(304).header("etag", etag);
        for name in [
            "cache-control",
            "content-location",
            "date",
            "expires",
            "vary",
        ] {
            if let Some(value) = head.header(name) {
                answer = answer.header(name, value);
            }
        }
        if self.compress && !varies_by_encoding(head) {
            answer = answer.header("vary", "accept-encoding");
        }
        answer
    }
}

/// A manifest that is refused or answered as a whole may be this large.
const MAX_COLLECTED: usize = 4 * 1024 * 1024;

/// Rewrites a manifest whose answer is known only at its end.
fn rewrite_whole(
    mut body: ManifestBody,
    headers: Vec<(String, Vec<u8>)>,
    collected: Collected,
    host: &mut dyn Host,
) -> Step {
    let text = match collected {
        Collected::Whole(text) => text,
        Collected::TooLarge => {
            return Step::Answer(bad_gateway(
                "manifest-too-large",
                "The manifest is too large to be decided",
            ));
        }
        Collected::Broken => {
            return Step::Answer(bad_gateway("manifest-broken", "The manifest ended early"));
        }
    };
    let mut out = Vec::new();
    Step::Answer(
        match body.take(&text, &mut out).and_then(|()| body.end(&mut out)) {
            Ok(()) => {
                let mut answer = Answer::new(200);
                answer.headers = headers
                    .into_iter()
                    .map(|(name, value)| (name.into(), value))
                    .collect();
                answer.body = weir_module::AnswerBody::Bytes(out);
                answer
            }
            Err(error @ RewriteError::FilterEmpty) => {
                Problem::new(400, "filter-empty", "Nothing meets the filter")
                    .detail(error.to_string())
                    .into()
            }
            Err(error @ RewriteError::ClipEmpty) => {
                Problem::new(400, "clip-empty", "Nothing is there at that time")
                    .detail(error.to_string())
                    .into()
            }
            Err(error @ RewriteError::Refused) => {
                Problem::new(403, "no-stream-allowed", "Nothing here is allowed")
                    .detail(error.to_string())
                    .into()
            }
            Err(error) => {
                host.log(
                    Level::Error,
                    &format!("the origin's manifest cannot be rewritten: {error}"),
                );
                bad_gateway("manifest-unreadable", "The manifest cannot be read")
            }
        },
    )
}

/// The headers of a response after edits.
fn edited(head: &ResponseHead, edits: &Edits) -> Vec<(String, Vec<u8>)> {
    let mut headers = head.headers.clone();
    for edit in edits.iter() {
        match edit {
            Edit::RemoveResponse(name) => headers.retain(|(known, _)| known != name),
            Edit::SetResponse(name, value) => {
                headers.retain(|(known, _)| known != name);
                headers.push((name.to_owned(), value.to_vec()));
            }
            Edit::AppendResponse(name, value) => headers.push((name.to_owned(), value.to_vec())),
            _ => {}
        }
    }
    // The adapter makes these anew, or they are about the connection to the origin.
    headers.retain(|(name, _)| {
        !matches!(
            name.as_str(),
            "connection" | "keep-alive" | "transfer-encoding" | "upgrade"
        )
    });
    headers
}

fn varies_by_encoding(head: &ResponseHead) -> bool {
    let varies = head.headers.iter().filter(|(name, _)| name == "vary");
    varies
        .flat_map(|(_, value)| value.split(|byte| *byte == b','))
        .any(|item| {
            let item = item.trim_ascii();
            item == b"*" || item.eq_ignore_ascii_case(b"accept-encoding")
        })
}

/// True when an `if-none-match` field names the tag, compared weakly (RFC 9110 section 13.1.2).
fn is_listed(condition: &str, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    condition.trim() == "*" || condition.split(',').any(|tag| opaque(tag) == opaque(etag))
}

fn bad_gateway(code: &'static str, title: &'static str) -> Answer {
    Problem::new(502, code, title).into()
}

fn push(edits: &mut Edits, edit: Edit<'_>) {
    // Names and values here are short: a target is no longer than the one that came in, a tag than the origin's.
    let done = edits.push(edit);
    debug_assert!(done.is_ok(), "an edit of this module is over its field");
}
