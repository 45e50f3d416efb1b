//! A client of SPEKE v2 (Secure Packager and Encoder Key Exchange): asks a key server for keys with a CPIX document.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::cpix::{self, KeyRequest};
use super::{DeliveryKey, KeySet, ProtectionError};
use crate::config::SpekeSettings;

/// Largest answer in bytes: 128 keys for five systems have about 300 KiB.
const MAX_ANSWER: usize = 2 << 20;
/// How much of a refusal is repeated.
const MAX_REPEATED: usize = 300;
/// The first pause before another attempt; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// What this client calls itself.
const AGENT: &str = concat!("weir-origin/", env!("CARGO_PKG_VERSION"));

/// A key server.
#[derive(Clone)]
pub struct Speke {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    uri: Uri,
    delivery: Option<DeliveryKey>,
    credential: Option<(HeaderName, HeaderValue)>,
    timeout: Duration,
    attempts: u32,
}

impl std::fmt::Debug for Speke {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Speke")
            .field("host", &self.uri.host())
            .finish_non_exhaustive()
    }
}

/// Why one attempt brought nothing.
struct Missed {
    reason: String,
    again: bool,
}

impl Speke {
    /// A client by these settings; `None` without a URL. With a certificate of `delivery` it asks for encrypted keys.
    ///
    /// # Errors
    /// [`ProtectionError::Settings`] names the key.
    pub fn new(
        settings: &SpekeSettings,
        delivery: Option<DeliveryKey>,
    ) -> Result<Option<Self>, ProtectionError> {
        if settings.url.is_empty() {
            return Ok(None);
        }
        let refuse = |key: &str, reason: String| {
            ProtectionError::Settings(format!("`protection.speke.{key}`: {reason}"))
        };
        let uri: Uri = settings
            .url
            .parse()
            .map_err(|error| refuse("url", format!("{error}")))?;
        let host = uri
            .host()
            .ok_or_else(|| refuse("url", "it names no host".to_owned()))?;
        let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        if uri.scheme_str() != Some("https") && !(local && uri.scheme_str() == Some("http")) {
            return Err(refuse(
                "url",
                "keys travel over https only (http is taken on the same machine)".to_owned(),
            ));
        }
        let credential = if settings.secret.is_empty() {
            None
        } else {
            let name = HeaderName::from_bytes(settings.secret_header.as_bytes())
                .map_err(|_| refuse("secret-header", "not the name of a header".to_owned()))?;
            let mut value = HeaderValue::from_str(settings.secret.reveal())
                .map_err(|_| refuse("secret", "not the value of a header".to_owned()))?;
            value.set_sensitive(true);
            Some((name, value))
        };
        let tls = tls_config(settings).map_err(|reason| refuse("ca-file", reason))?;
        let timeout = Duration::from_secs(settings.timeout_seconds);
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Ok(Some(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            uri,
            delivery,
            credential,
            timeout,
            attempts: settings.attempts.max(1),
        }))
    }

    /// Asks for keys. The answer may name other ids than those asked for; then its usage rules say what they are for.
    ///
    /// # Errors
    /// [`ProtectionError::KeyServer`] says what the server answered.
    pub async fn keys(&self, wanted: &KeyRequest<'_>) -> Result<KeySet, ProtectionError> {
        let body = Bytes::from(cpix::request(
            wanted,
            self.delivery.as_ref().and_then(DeliveryKey::certificate),
        ));
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let asked = self.ask(body.clone(), wanted.speke_version());
            let missed = match tokio::time::timeout(self.timeout, asked).await {
                Ok(Ok(text)) => return self.taken(&text, wanted),
                Ok(Err(missed)) => missed,
                Err(_) => Missed {
                    reason: format!("no answer within {} s", self.timeout.as_secs()),
                    again: true,
                },
            };
            if !missed.again || attempt >= self.attempts {
                return Err(ProtectionError::KeyServer {
                    reason: missed.reason,
                    transient: missed.again,
                });
            }
            tracing::warn!(
                attempt,
                reason = missed.reason,
                "the key server is asked again"
            );
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        unreachable!("the loop ends by returning")
    }

    async fn ask(&self, body: Bytes, version: &'static str) -> Result<String, Missed> {
        let transport = |error: &dyn std::error::Error| Missed {
            reason: with_causes(error),
            again: true,
        };
        let mut request = Request::post(self.uri.clone())
            .header(CONTENT_TYPE, "application/xml")
            .header(USER_AGENT, AGENT)
            .header("x-speke-version", version)
            .header("x-speke-user-agent", AGENT);
        if let Some((name, value)) = &self.credential {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body)).map_err(|error| Missed {
            reason: error.to_string(),
            again: false,
        })?;
        let answer = self
            .client
            .request(request)
            .await
            .map_err(|error| transport(&error))?;
        let status = answer.status();
        let mut body = answer.into_body();
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| transport(&error))?;
            if let Ok(part) = frame.into_data() {
                if bytes.len() + part.len() > MAX_ANSWER {
                    return Err(Missed {
                        reason: format!("it answers with more than {MAX_ANSWER} bytes"),
                        again: false,
                    });
                }
                bytes.extend_from_slice(&part);
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if status == StatusCode::OK {
            return Ok(text);
        }
        Err(Missed {
            reason: format!("it answers {status}: {}", repeated(&text)),
            again: status.is_server_error()
                || matches!(
                    status,
                    StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
                ),
        })
    }

    /// The keys of an answer, with the tracks and the order that were asked for when the ids are those asked for.
    fn taken(&self, text: &str, wanted: &KeyRequest<'_>) -> Result<KeySet, ProtectionError> {
        let failed = |reason: String| ProtectionError::KeyServer {
            reason,
            transient: false,
        };
        let mut set = cpix::read(text, self.delivery.as_ref())
            .and_then(|document| document.for_scheme(wanted.scheme))
            .map_err(|error| failed(format!("its answer cannot be used: {error}")))?;
        let known = |id| wanted.keys.iter().position(|(own, _)| *own == id);
        if set.keys.iter().all(|key| known(key.id).is_none()) {
            return Ok(set);
        }
        for (id, _) in wanted.keys {
            if set.key(*id).is_none() {
                return Err(failed(format!("its answer has no key {id}")));
            }
        }
        set.keys.retain(|key| known(key.id).is_some());
        set.keys.sort_by_key(|key| known(key.id));
        for key in &mut set.keys {
            if let Some(position) = known(key.id) {
                key.tracks = wanted.keys[position].1;
            }
        }
        Ok(set)
    }
}

/// Trust in the system's authorities, or in those of the file alone.
fn tls_config(settings: &SpekeSettings) -> Result<ClientConfig, String> {
    let provider = tokio_rustls::rustls::crypto::ring::default_provider();
    let builder = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    if settings.ca_file.as_os_str().is_empty() {
        let trusted = builder
            .with_native_roots()
            .map_err(|error| format!("the system's certificates cannot be read: {error}"))?;
        return Ok(trusted.with_no_client_auth());
    }
    let file = settings.ca_file.display();
    let mut roots = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(&settings.ca_file).map_err(|e| format!("{file}: {e}"))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| format!("{file}: {error}"))?;
        roots
            .add(certificate)
            .map_err(|error| format!("{file}: {error}"))?;
    }
    if roots.is_empty() {
        return Err(format!("{file} holds no certificate"));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// A refusal's text in one short line.
fn repeated(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    let mut line: String = line
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_REPEATED)
        .collect();
    if line.is_empty() {
        line.push_str("(nothing more)");
    }
    line
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        message = format!("{message}: {cause}");
        next = cause.source();
    }
    message
}
