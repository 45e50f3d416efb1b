//! A whole response that a module makes itself, and the problem bodies among them (RFC 9457).

use std::borrow::Cow;

use serde::Serialize;

use crate::wire::{self, Reader, WireError};

/// Header names in lower case with their values, in order.
pub type HeaderList = Vec<(Cow<'static, str>, Vec<u8>)>;

/// A response: status, headers, body.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status code, 200 to 599.
    pub status: u16,
    /// Names in lower case. `content-length` is added by the adapter.
    pub headers: HeaderList,
    /// The body.
    pub body: AnswerBody,
}

/// What an [`Answer`] carries.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerBody {
    /// Bytes as they are.
    Bytes(Vec<u8>),
    /// A problem, written as `application/problem+json` together with the request id when the answer leaves the module.
    Problem(Problem),
}

impl Answer {
    /// An empty response.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: AnswerBody::Bytes(Vec::new()),
        }
    }

    /// A redirect to `location`.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::new(status).header("location", location)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().to_vec()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = AnswerBody::Bytes(body.into());
        self.header("content-type", content_type)
    }

    /// Headers and body as they go out; a problem takes the request id in.
    pub fn render(mut self, request_id: Option<&str>) -> (u16, HeaderList, Vec<u8>) {
        let body = match self.body {
            AnswerBody::Bytes(bytes) => bytes,
            AnswerBody::Problem(problem) => {
                self.headers.push((
                    Cow::Borrowed("content-type"),
                    b"application/problem+json".to_vec(),
                ));
                problem.to_json(request_id)
            }
        };
        (self.status, self.headers, body)
    }

    /// The flat form (see [`crate::wire`]).
    ///
    /// # Errors
    /// A header that does not fit its length field.
    pub fn encode(self, request_id: Option<&str>) -> Result<Vec<u8>, WireError> {
        let (status, headers, body) = self.render(request_id);
        let mut out = Vec::with_capacity(64 + body.len());
        out.extend_from_slice(&status.to_le_bytes());
        let count = u16::try_from(headers.len()).map_err(|_| WireError::TooLong(headers.len()))?;
        out.extend_from_slice(&count.to_le_bytes());
        for (name, value) in &headers {
            wire::put_short(&mut out, name.as_bytes())?;
            wire::put_long(&mut out, value)?;
        }
        out.extend_from_slice(&body);
        Ok(out)
    }

    /// Reads the flat form.
    ///
    /// # Errors
    /// A buffer that ends early or a header name that is not UTF-8.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        let status = reader.word()?;
        let count = reader.word()?;
        let mut headers = Vec::new();
        for _ in 0..count {
            let name = Cow::Owned(reader.short_text()?.to_owned());
            headers.push((name, reader.long_bytes()?.to_vec()));
        }
        Ok(Self {
            status,
            headers,
            body: AnswerBody::Bytes(reader.rest().to_vec()),
        })
    }
}

/// A problem detail object (RFC 9457 section 3.1).
///
/// `code` is a short stable word such as `token-expired`: it ends the `type` URI and is the label in metrics. `detail` is for
/// people; it never holds a secret, a token, a path of the machine or a stack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Problem {
    #[serde(skip)]
    code: Cow<'static, str>,
    #[serde(rename = "type")]
    kind: String,
    title: Cow<'static, str>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(flatten)]
    extensions: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    /// A problem whose `type` is `urn:weir:problem:<code>`.
    pub fn new(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        let code = code.into();
        Self {
            kind: format!("urn:weir:problem:{code}"),
            code,
            title: title.into(),
            status,
            detail: None,
            extensions: serde_json::Map::new(),
        }
    }

    /// A `type` that somebody else registered, in place of Weir's own.
    #[must_use]
    pub fn with_type(mut self, uri: impl Into<String>) -> Self {
        self.kind = uri.into();
        self
    }

    /// What is wrong with this request, for people.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// An extension member (RFC 9457 section 3.2).
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.extensions.insert(name.to_owned(), value.into());
        self
    }

    /// The short stable code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The JSON text, with the request id as extension member `request_id`.
    pub fn to_json(mut self, request_id: Option<&str>) -> Vec<u8> {
        if let Some(id) = request_id {
            self.extensions.insert("request_id".to_owned(), id.into());
        }
        // Strings, numbers and maps with string keys always serialise.
        serde_json::to_vec(&self).unwrap_or_default()
    }

    /// The response: never stored by a cache, the code in `weir-reason`.
    pub fn into_answer(self) -> Answer {
        let code = self.code.clone();
        Answer {
            status: self.status,
            headers: Vec::new(),
            body: AnswerBody::Problem(self),
        }
        .header("cache-control", "no-store")
        .header(REASON, code.as_bytes())
    }
}

/// The response header that carries a problem's code to logs and metrics; the node takes it off before a viewer sees it.
pub const REASON: &str = "weir-reason";

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        problem.into_answer()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_its_type_and_the_request() {
        let answer = Problem::new(403, "token-expired", "The token has expired")
            .detail("exp is 12 s in the past")
            .with("retryable", false)
            .into_answer();
        let (status, headers, body) = answer.render(Some("r-1"));
        assert_eq!(status, 403);
        assert!(headers.contains(&("content-type".into(), b"application/problem+json".to_vec())));
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "type": "urn:weir:problem:token-expired", "title": "The token has expired", "status": 403,
                "detail": "exp is 12 s in the past", "retryable": false, "request_id": "r-1"
            })
        );
    }

    #[test]
    fn an_answer_crosses_the_door_whole() {
        let answer = Answer::new(429)
            .header("retry-after", "3")
            .with_body("text/plain", "slow down");
        let back = Answer::decode(&answer.clone().encode(None).unwrap()).unwrap();
        assert_eq!(back, answer);
        assert_eq!(Answer::decode(&[1]).unwrap_err(), WireError::Short);
        assert_eq!(
            Answer::decode(&[200, 0, 255, 255, 9]).unwrap_err(),
            WireError::Short
        );
    }
}
