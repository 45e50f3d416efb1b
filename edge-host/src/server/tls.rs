//! TLS: the certificate, and its renewal without a restart.

use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

use crate::config::TlsConfig;
use crate::watched::Watched;

/// Takes connections with the certificate of the day.
#[derive(Clone)]
pub(super) struct Acceptor(Arc<Watched<TlsAcceptor>>);

impl Acceptor {
    /// # Errors
    /// A certificate or key that cannot be used, with its key in the configuration.
    pub(super) fn load(config: &TlsConfig) -> Result<Self, String> {
        let files = vec![config.certificate.clone(), config.key.clone()];
        let (pause, config) = (config.reload.get(), config.clone());
        let name = "certificate".to_owned();
        Watched::load(name, files, pause, move || read(&config)).map(Self)
    }

    /// Renews in the background.
    pub(super) fn keep_fresh(&self, tasks: &mut JoinSet<()>) {
        self.0.keep_fresh(tasks);
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.0.current().accept(stream).await
    }
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
