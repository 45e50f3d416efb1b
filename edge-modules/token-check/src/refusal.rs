//! How a refusal is told: a problem body, `WWW-Authenticate`, and the CORS headers without which a player in a browser could not read it.

use weir_module::{Answer, Problem, RequestHead};

use crate::reason::{Reason, Refused};

/// Which web pages may read refusals (and, for preflights, use the tokens' headers).
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Cors {
    /// Origins (`https://player.example`), or `*` for all. Empty: no CORS headers.
    pub origins: Vec<String>,
    /// Whether requests with cookies may read the answer; needs listed origins.
    pub credentials: bool,
    /// Whether preflight requests are answered here; otherwise they need a token like any request.
    pub preflight: bool,
    /// How long a preflight's answer holds, in seconds.
    pub max_age: u32,
}

impl Default for Cors {
    fn default() -> Self {
        Self {
            origins: vec!["*".to_owned()],
            credentials: false,
            preflight: true,
            max_age: 86_400,
        }
    }
}

const METHODS: &[u8] = b"GET, HEAD, OPTIONS";

impl Cors {
    /// The value of `access-control-allow-origin` for this request.
    fn allowed<'a>(&self, head: &RequestHead<'a>) -> Option<&'a str> {
        let origin = head.header_str("origin")?;
        if self.origins.iter().any(|allowed| allowed == origin) {
            Some(origin)
        } else {
            self.origins
                .iter()
                .any(|allowed| allowed == "*")
                .then_some("*")
        }
    }

    fn add(&self, head: &RequestHead<'_>, mut answer: Answer) -> Answer {
        if self.origins.is_empty() {
            return answer;
        }
        if !self.origins.iter().all(|allowed| allowed == "*") {
            answer = answer.header("vary", "origin");
        }
        let Some(origin) = self.allowed(head) else {
            return answer;
        };
        answer = answer.header("access-control-allow-origin", origin);
        if self.credentials && origin != "*" {
            answer = answer.header("access-control-allow-credentials", "true");
        }
        answer
    }

    /// The answer to a preflight (Fetch standard, section 3.3), when the request is one and they are answered here.
    pub(crate) fn preflight(&self, head: &RequestHead<'_>) -> Option<Answer> {
        let asked =
            head.method() == "OPTIONS" && head.header("access-control-request-method").is_some();
        if !asked || !self.preflight || head.header("origin").is_none() || self.origins.is_empty() {
            return None;
        }
        let mut answer = self
            .add(head, Answer::new(204))
            .header("access-control-allow-methods", METHODS);
        if let Some(names) = head.header("access-control-request-headers") {
            let plain =
                |byte: &u8| crate::carrier::is_token_byte(*byte) || matches!(byte, b',' | b' ');
            if names.len() <= 1024 && names.iter().all(plain) {
                answer = answer
                    .header("access-control-allow-headers", names)
                    .header("vary", "access-control-request-headers");
            }
        }
        Some(answer.header("access-control-max-age", self.max_age.to_string()))
    }
}

/// The response to a refused request.
pub(crate) fn answer(
    refused: &Refused,
    cors: &Cors,
    expired_status: u16,
    realm: &str,
    head: &RequestHead<'_>,
) -> Answer {
    let reason = refused.reason;
    let status = if reason == Reason::TokenExpired {
        expired_status
    } else {
        reason.status()
    };
    let mut problem = Problem::new(status, reason.code(), reason.title());
    if !refused.subject.is_empty() {
        problem = problem.detail(format!(
            "{}: `{}`",
            reason.title(),
            printable(&refused.subject)
        ));
    }
    let mut answer = problem.into_answer();
    if matches!(status, 401 | 403) {
        answer = answer.header("www-authenticate", challenge(reason, realm));
    }
    if status == 503 {
        answer = answer.header("retry-after", "5");
    }
    cors.add(head, answer).header(
        "access-control-expose-headers",
        "www-authenticate, retry-after, x-request-id",
    )
}

/// RFC 6750 section 3: a request without a token learns the scheme alone.
fn challenge(reason: Reason, realm: &str) -> String {
    match reason.bearer_error() {
        Some(error) => format!(
            "Bearer realm=\"{realm}\", error=\"{error}\", error_description=\"{}\"",
            reason.code()
        ),
        None => format!("Bearer realm=\"{realm}\""),
    }
}

/// A claim's name comes from the token: shown only as far as it is harmless.
fn printable(name: &str) -> String {
    name.chars()
        .take(64)
        .map(|c| {
            if c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\') {
                c
            } else {
                '?'
            }
        })
        .collect()
}
