//! What happens when the response to a manifest request comes.

use weir_module::{
    Answer, Collected, Edit, Edits, HOP_BY_HOP, Host, Level, Problem, Reply, ResponseHead, Step,
};

use crate::body::ManifestBody;
use crate::encoding::Encoding;
use crate::error::RewriteError;
use crate::plan::{Format, Plan};

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

/// A manifest request that waits for its response.
pub(crate) struct ManifestExchange {
    pub(crate) compress: bool,
    pub(crate) gzip: bool,
    pub(crate) is_head: bool,
    pub(crate) path: String,
    pub(crate) if_none_match: Option<String>,
    pub(crate) plan: Plan,
}

impl ManifestExchange {
    pub(crate) fn respond(self, head: &ResponseHead, host: &mut dyn Host) -> Reply {
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
    headers.retain(|(name, _)| !HOP_BY_HOP.contains(&name.as_str()));
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

pub(crate) fn push(edits: &mut Edits, edit: Edit<'_>) {
    // Names and values here are short: a target is no longer than the one that came in, a tag than the origin's.
    let done = edits.push(edit);
    debug_assert!(done.is_ok(), "an edit of this module is over its field");
}
