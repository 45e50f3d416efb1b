//! `weir-edge serve`

use anyhow::Context as _;
use clap::Args;
use weir_edge::{Node, Server, start_log};

use super::Settings;

/// Flags of `serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    settings: Settings,
    /// Threads for requests. Default: one for each processor.
    #[arg(long)]
    threads: Option<usize>,
}

impl Serve {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load()?;
        start_log(&config.log)?;
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.enable_all();
        if let Some(threads) = self.threads {
            runtime.worker_threads(threads.max(1));
        }
        let runtime = runtime.build().context("the threads cannot be started")?;
        runtime.block_on(async {
            let node = tokio::task::spawn_blocking(move || Node::build(config)).await??;
            let server = Server::bind(node).await?;
            tracing::info!(
                listen = %server.address()?,
                admin = server.admin_address().map(tracing::field::display),
                authority = server.authority_address().map(tracing::field::display),
                "weir-edge {}",
                env!("CARGO_PKG_VERSION")
            );
            server.run().await?;
            anyhow::Ok(())
        })
    }
}
