//! Listeners and connections.

mod connection;
pub(crate) mod side;
mod stop;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::Node;
use crate::observe::admin::{self, Readiness};
use connection::Connections;

/// The most connections of operators at once, scrapers among them.
const OPERATORS: usize = 64;
/// The most connections of hosts that ask for this node's counters.
const HOSTS: usize = 4_096;
/// How long the start waits for the documents that modules want. After that the node serves, and the modules refuse.
const DOCUMENTS: Duration = Duration::from_secs(10);

/// A node with its listeners bound.
pub struct Server {
    node: Arc<Node>,
    listener: TcpListener,
    admin: Option<TcpListener>,
    authority: Option<TcpListener>,
    tls: Option<tls::Acceptor>,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address that cannot be had.
    #[error("key `{key}`: cannot listen on `{address}`")]
    Bind {
        /// The configuration key.
        key: &'static str,
        /// The address.
        address: std::net::SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The certificate or key cannot be used.
    #[error("{0}")]
    Tls(String),
    /// Something of the system is missing.
    #[error("{0}")]
    System(#[from] std::io::Error),
}

impl Server {
    /// Binds the listeners.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn bind(node: Node) -> Result<Self, ServeError> {
        let config = node.config();
        let bind = async |key, address| {
            TcpListener::bind(address)
                .await
                .map_err(|source| ServeError::Bind {
                    key,
                    address,
                    source,
                })
        };
        let listener = bind("listen", config.listen).await?;
        let admin = match &config.admin {
            Some(admin) => Some(bind("admin.listen", admin.listen).await?),
            None => None,
        };
        let authority = match &config.state.serve {
            Some(serve) => Some(bind("state.serve.listen", serve.listen).await?),
            None => None,
        };
        let tls = match &config.tls {
            Some(tls) => Some(tls::Acceptor::load(tls).map_err(ServeError::Tls)?),
            None => None,
        };
        Ok(Self {
            node: Arc::new(node),
            listener,
            admin,
            authority,
            tls,
        })
    }

    /// Where viewers are served.
    ///
    /// # Errors
    /// The listener is gone.
    pub fn address(&self) -> std::io::Result<std::net::SocketAddr> {
        self.listener.local_addr()
    }

    /// Where metrics are.
    pub fn admin_address(&self) -> Option<std::net::SocketAddr> {
        self.admin.as_ref()?.local_addr().ok()
    }

    /// Where other hosts find this node's counters.
    pub fn authority_address(&self) -> Option<std::net::SocketAddr> {
        self.authority.as_ref()?.local_addr().ok()
    }

    /// Serves until SIGTERM or SIGINT.
    ///
    /// # Errors
    /// [`ServeError::System`].
    pub async fn run(self) -> Result<(), ServeError> {
        let stop = stop::signal()?;
        self.run_until(stop).await
    }

    /// Serves until `stop` is done, then lets running requests end, at most as long as `limits.drain` says.
    ///
    /// # Errors
    /// [`ServeError::System`].
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
        let Self {
            node,
            listener,
            admin,
            authority,
            tls,
        } = self;
        let _background = node.start_background()?;
        let mut tasks = JoinSet::new();
        let readiness = Arc::new(Readiness::default());
        if let Some(admin) = admin {
            let (node, readiness) = (Arc::clone(&node), Arc::clone(&readiness));
            tasks.spawn(side::serve(admin, OPERATORS, move |request| {
                std::future::ready(admin::answer(&request, &node, &readiness))
            }));
        }
        if let Some(authority) = authority {
            let node = Arc::clone(&node);
            tasks.spawn(side::serve(authority, HOSTS, move |request| {
                let node = Arc::clone(&node);
                async move { node.answer_as_authority(request).await }
            }));
        }
        if let Some(acceptor) = &tls {
            acceptor.keep_fresh(&mut tasks);
        }
        if !node.documents_complete(DOCUMENTS).await {
            tracing::warn!(
                "not all documents of the modules could be fetched; what needs them is refused until they are"
            );
        }
        readiness.set(true);
        tracing::info!(address = %listener.local_addr()?, "serving");
        let mut connections = Connections::new(Arc::clone(&node), tls);
        tokio::pin!(stop);
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => connections.take(stream, peer),
                    Err(error) => {
                        // Out of files, most likely: wait for connections to end rather than spin.
                        tracing::error!("accept failed: {error}");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                () = &mut stop => break,
            }
        }
        drop(listener);
        readiness.set(false);
        let patience = node.config().limits.drain.get();
        tracing::info!(?patience, "stopping: running requests may end");
        connections.drain(patience).await;
        Ok(())
    }
}
