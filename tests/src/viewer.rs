//! What a player does: fetches a playlist, then everything that it names.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use url::Url;

/// An HTTP client that hands over every status as it is and follows no redirect.
#[derive(Debug, Clone)]
pub struct Viewer {
    agent: ureq::Agent,
    headers: Vec<(String, String)>,
}

/// One answer, whole.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// What was asked for.
    pub url: Url,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Fetched {
    /// A header as text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is none.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{}: no JSON: {}", self.url, self.text()))
    }

    /// The last word of a problem's `type`: its stable code (RFC 9457).
    ///
    /// # Errors
    /// The answer is no problem document.
    pub fn problem(&self) -> anyhow::Result<String> {
        ensure!(
            self.header("content-type") == "application/problem+json",
            "{}: {} with content-type `{}`, no problem document: {}",
            self.url,
            self.status,
            self.header("content-type"),
            self.text()
        );
        let problem = self.json()?;
        ensure!(
            problem["status"] == self.status,
            "{}: the problem's status is not the response's: {problem}",
            self.url
        );
        let kind = problem["type"]
            .as_str()
            .with_context(|| format!("{}: a problem without a type", self.url))?;
        Ok(kind.rsplit([':', '/']).next().unwrap_or(kind).to_owned())
    }
}

impl Default for Viewer {
    fn default() -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        Self {
            agent,
            headers: Vec::new(),
        }
    }
}

impl Viewer {
    /// Sends a header with every request.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// GET.
    ///
    /// # Errors
    /// No answer.
    pub fn get(&self, url: &str) -> anyhow::Result<Fetched> {
        self.send("GET", url, None)
    }

    /// A request with a JSON body.
    ///
    /// # Errors
    /// No answer.
    pub fn send_json(
        &self,
        method: &str,
        url: &str,
        body: &serde_json::Value,
    ) -> anyhow::Result<Fetched> {
        self.send(
            method,
            url,
            Some(("application/json", body.to_string().into_bytes())),
        )
    }

    /// A request with a body of a media type, or without.
    ///
    /// # Errors
    /// No answer.
    pub fn send(
        &self,
        method: &str,
        url: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> anyhow::Result<Fetched> {
        let mut request = http::Request::builder().method(method).uri(url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = match body {
            Some((kind, body)) => self
                .agent
                .run(request.header("content-type", kind).body(body)?),
            None => self.agent.run(request.body(())?),
        };
        let response = response.with_context(|| format!("{method} {url}"))?;
        let (parts, mut body) = response.into_parts();
        // As large as any film of the tests; the default limit is 10 MiB.
        let body = body
            .with_config()
            .limit(1 << 30)
            .read_to_vec()
            .with_context(|| format!("{method} {url}: the body broke off"))?;
        Ok(Fetched {
            url: Url::parse(url)?,
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        })
    }

    /// Fetches a playlist and everything that it and its playlists name, each URL once. Byte ranges are fetched as ranges.
    ///
    /// # Errors
    /// No answer, or a URI that is none.
    pub fn play(&self, playlist: &str) -> anyhow::Result<Vec<Fetched>> {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![(Url::parse(playlist)?, None)];
        let mut fetched = Vec::new();
        while let Some((url, range)) = waiting.pop() {
            if !seen.insert((url.to_string(), range.clone())) {
                continue;
            }
            let viewer = range.iter().fold(self.clone(), |viewer, range: &String| {
                viewer.with("range", &format!("bytes={range}"))
            });
            let answer = viewer.get(url.as_str())?;
            if url.path().ends_with(".m3u8") && answer.status == 200 {
                for (uri, range) in crate::playlist::uris(&answer.text()) {
                    waiting.push((
                        url.join(&uri)
                            .with_context(|| format!("`{uri}` in {url}"))?,
                        range,
                    ));
                }
            }
            fetched.push(answer);
        }
        Ok(fetched)
    }
}
