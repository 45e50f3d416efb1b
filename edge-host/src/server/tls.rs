//! TLS: the certificate, and its renewal without a restart.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

use crate::config::TlsConfig;

/// Certificate and key, looked at now and then.
pub(super) struct Certificates {
    config: TlsConfig,
    current: Arc<RwLock<TlsAcceptor>>,
    seen: Option<[SystemTime; 2]>,
}

/// Takes connections with the certificate of the day.
#[derive(Clone)]
pub(super) struct Acceptor(Arc<RwLock<TlsAcceptor>>);

impl Certificates {
    pub(super) fn load(config: &TlsConfig) -> Result<Self, String> {
        Ok(Self {
            current: Arc::new(RwLock::new(read(config)?)),
            seen: times(config),
            config: config.clone(),
        })
    }

    /// Renews in the background. A pair that cannot be used is told and the last good one stays.
    pub(super) fn watch(mut self, tasks: &mut JoinSet<()>) -> Acceptor {
        let acceptor = Acceptor(Arc::clone(&self.current));
        tasks.spawn(async move {
            let pause = self.config.reload.get().max(Duration::from_secs(1));
            loop {
                tokio::time::sleep(pause).await;
                self.look();
            }
        });
        acceptor
    }

    fn look(&mut self) {
        let now = times(&self.config);
        if now == self.seen || now.is_none() {
            return;
        }
        match read(&self.config) {
            Ok(renewed) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = renewed;
                self.seen = now;
                tracing::info!("certificate renewed");
            }
            Err(why) => tracing::error!("certificate not renewed, the last one stays: {why}"),
        }
    }
}

impl Acceptor {
    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let acceptor = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        acceptor.accept(stream).await
    }
}

fn times(config: &TlsConfig) -> Option<[SystemTime; 2]> {
    let time = |path: &Path| std::fs::metadata(path).ok()?.modified().ok();
    Some([time(&config.certificate)?, time(&config.key)?])
}

fn read(config: &TlsConfig) -> Result<TlsAcceptor, String> {
    let fail = |key: &str, path: &Path, why: String| {
        format!("key `tls.{key}`: `{}`: {why}", path.display())
    };
    let chain = CertificateDer::pem_file_iter(&config.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| fail("certificate", &config.certificate, error.to_string()))?;
    if chain.is_empty() {
        let why = "holds no certificate".to_owned();
        return Err(fail("certificate", &config.certificate, why));
    }
    let key = PrivateKeyDer::from_pem_file(&config.key)
        .map_err(|error| fail("key", &config.key, error.to_string()))?;
    let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| fail("certificate", &config.certificate, error.to_string()))?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(server)))
}
