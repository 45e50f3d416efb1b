//! Documents by URL that modules want: fetched in the background, the last good copy kept.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Request, StatusCode};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::message::Body;
use crate::message::body::BodyLimits;
use crate::origin::connector::HttpClient;

/// The largest document.
const MAX_BYTES: usize = 4 << 20;
/// How long a fetch may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);
/// The least time between two fetches of one document, however often a module asks.
const LEAST_PAUSE: Duration = Duration::from_secs(10);
/// The first pause after a failed fetch; it doubles up to the document's age.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// A document that a module wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Need {
    /// The module's own name for it.
    pub(crate) name: String,
    /// `http` or `https`.
    pub(crate) url: String,
    /// How old a copy may be.
    pub(crate) max_age_secs: u32,
}

/// A copy of a document.
#[derive(Debug, Clone)]
pub(crate) struct Copy {
    /// Grows with every change.
    pub(crate) version: u64,
    /// The bytes.
    pub(crate) body: Bytes,
}

/// The documents of one module.
#[derive(Debug)]
pub(crate) struct Documents {
    by_name: HashMap<String, Arc<Document>>,
}

#[derive(Debug)]
struct Document {
    need: Need,
    copy: RwLock<Option<Copy>>,
    wanted: Notify,
}

impl Documents {
    /// No documents.
    pub(crate) fn none() -> Self {
        Self {
            by_name: HashMap::new(),
        }
    }

    /// Takes the list of a module. Nothing is fetched before [`Documents::keep_fresh`].
    ///
    /// # Errors
    /// A URL that cannot be fetched; the text names it.
    pub(crate) fn new(needs: Vec<Need>) -> Result<Self, String> {
        let mut by_name = HashMap::new();
        for need in needs {
            let sound = need
                .url
                .parse::<http::Uri>()
                .is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
            if !sound {
                return Err(format!(
                    "document `{}`: `{}` is no http or https URL",
                    need.name, need.url
                ));
            }
            by_name.insert(
                need.name.clone(),
                Arc::new(Document {
                    need,
                    copy: RwLock::new(None),
                    wanted: Notify::new(),
                }),
            );
        }
        Ok(Self { by_name })
    }

    /// The copy, when it is newer than `have`.
    pub(crate) fn newer(&self, name: &str, have: u64) -> Option<Copy> {
        let copy = self.by_name.get(name)?.copy();
        copy.filter(|copy| copy.version > have)
    }

    /// Asks for a fetch soon.
    pub(crate) fn refresh(&self, name: &str) {
        if let Some(document) = self.by_name.get(name) {
            document.wanted.notify_one();
        }
    }

    /// Fetches every document now and then, until the tasks are dropped.
    pub(crate) fn keep_fresh(&self, client: &HttpClient, tasks: &mut JoinSet<()>) {
        for document in self.by_name.values() {
            tasks.spawn(Arc::clone(document).keep_fresh(client.clone()));
        }
    }

    /// Waits until every document has a copy.
    pub(crate) async fn complete(&self) {
        for document in self.by_name.values() {
            while document.copy().is_none() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

impl Document {
    fn copy(&self) -> Option<Copy> {
        self.copy
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn keep_fresh(self: Arc<Self>, client: HttpClient) {
        let age = Duration::from_secs(u64::from(self.need.max_age_secs.max(1)));
        let mut validators = Validators::default();
        let mut retry = FIRST_RETRY;
        loop {
            let fetched = Instant::now();
            let pause = match self.fetch(&client, &mut validators).await {
                Ok(()) => {
                    retry = FIRST_RETRY;
                    age
                }
                Err(why) => {
                    let document = self.need.name.as_str();
                    let kept = self.copy().is_some();
                    tracing::warn!(document, kept, "document not fetched: {why}");
                    let pause = retry.min(age.max(FIRST_RETRY));
                    retry = (retry * 2).min(Duration::from_secs(60));
                    pause
                }
            };
            tokio::select! {
                () = sleep_until(fetched + pause) => {}
                () = self.wanted.notified() => sleep_until(fetched + LEAST_PAUSE.min(pause)).await,
            }
        }
    }

    async fn fetch(&self, client: &HttpClient, validators: &mut Validators) -> Result<(), String> {
        let mut request = Request::get(&self.need.url)
            .header(header::ACCEPT, "*/*")
            .header(
                header::USER_AGENT,
                concat!("weir/", env!("CARGO_PKG_VERSION")),
            )
            .body(Body::Empty)
            .map_err(|error| error.to_string())?;
        validators.ask(request.headers_mut());
        let whole = async {
            let response = client
                .request(request)
                .await
                .map_err(|error| format!("no answer: {error}"))?;
            match response.status() {
                StatusCode::NOT_MODIFIED => return Ok(None),
                StatusCode::OK => {}
                status => return Err(format!("status {status}")),
            }
            let fresh = Validators::of(response.headers());
            let limits = BodyLimits {
                max_bytes: u64::try_from(MAX_BYTES).unwrap_or(u64::MAX),
                idle: FETCH_TIMEOUT,
            };
            let body = Body::limited(response.into_body(), limits)
                .collect_up_to(MAX_BYTES)
                .await
                .map_err(|error| error.to_string())?;
            Ok(Some((body, fresh)))
        };
        let fetched = timeout(FETCH_TIMEOUT, whole)
            .await
            .map_err(|_| format!("no answer in {FETCH_TIMEOUT:?}"))??;
        if let Some((body, fresh)) = fetched {
            *validators = fresh;
            self.store(body);
        }
        Ok(())
    }

    fn store(&self, body: Bytes) {
        let mut place = self.copy.write().unwrap_or_else(PoisonError::into_inner);
        let version = match &*place {
            Some(copy) if copy.body == body => return,
            Some(copy) => copy.version + 1,
            None => 1,
        };
        *place = Some(Copy { version, body });
    }
}

#[derive(Debug, Default)]
struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

impl Validators {
    fn of(headers: &http::HeaderMap) -> Self {
        Self {
            etag: headers.get(header::ETAG).cloned(),
            last_modified: headers.get(header::LAST_MODIFIED).cloned(),
        }
    }

    fn ask(&self, headers: &mut http::HeaderMap) {
        if let Some(etag) = &self.etag {
            headers.insert(header::IF_NONE_MATCH, etag.clone());
        }
        if let Some(date) = &self.last_modified {
            headers.insert(header::IF_MODIFIED_SINCE, date.clone());
        }
    }
}
