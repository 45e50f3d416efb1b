//! `weir-origin serve`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use weir_origin::auth::{AdminKeys, Authenticator, IdentityProvider};
use weir_origin::config::Config;
use weir_origin::http::{App, cache_control, router, server};
use weir_origin::jobs::{JobQueue, ProgressBus, Scheduler, Worker};
use weir_origin::metrics::Metrics;
use weir_origin::playback::SigningKeys;
use weir_origin::protection::{ContentKeys, Vault};
use weir_origin::storage::{Metered, Storage};

use super::location::open_storage;

/// How often the store is asked for new signing keys.
const KEY_REFRESH: Duration = Duration::from_secs(60);

/// Runs the service until a signal.
pub(super) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    weir_origin::telemetry::start(&config.telemetry)?;
    let metrics = Metrics::default();
    let storage: Arc<dyn Storage> =
        Arc::new(Metered::new(open_storage(&config).await?, metrics.clone()));
    storage
        .check()
        .await
        .context("cannot use the object store")?;
    let provider = IdentityProvider::new(&config.auth.jwt).map_err(anyhow::Error::msg)?;
    let (keys, created) =
        AdminKeys::load_or_create(storage.as_ref(), &config.auth.admin_key).await?;
    let signing_keys = Arc::new(SigningKeys::load_or_create(storage.as_ref()).await?);

    let listener = TcpListener::bind(config.server.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.server.listen))?;
    let address = listener.local_addr()?;
    let shutdown = CancellationToken::new();
    let transcoder = super::transcoder(&config)?;
    let vault = Vault::new(Arc::clone(&storage), &config.protection.storage_key)?;
    let content_keys = ContentKeys::new(vault, &config.protection)?;
    let (queue, bus) = (JobQueue::new(Arc::clone(&storage)), ProgressBus::default());
    let worker = Arc::new(Worker::new(
        Arc::clone(&storage),
        queue.clone(),
        bus.clone(),
        metrics.clone(),
        config.packaging.clone(),
        transcoder.clone(),
        content_keys.clone(),
        cache_control(config.media.max_age_seconds),
    ));
    let takeover = Duration::from_secs(config.packaging.takeover_seconds);
    let scheduler = Scheduler::new(
        queue.clone(),
        worker,
        config.packaging.concurrency,
        takeover,
    );
    let jobs = tokio::spawn(scheduler.run(shutdown.clone()));
    let refresh = tokio::spawn(refresh_keys(
        Arc::clone(&signing_keys),
        Arc::clone(&storage),
        shutdown.clone(),
    ));
    stop_on_signal(shutdown.clone())?;

    let settings = config.server.clone();
    let app = App::new(
        config,
        storage,
        queue,
        bus,
        metrics,
        transcoder,
        content_keys,
        Authenticator::new(keys, provider),
        signing_keys,
        shutdown.clone(),
    );
    if let Some(key) = created {
        // To standard output and once: logs are kept and copied, this must not be.
        println!(
            "administrator's key (shown only now, keep it safe): {}",
            key.reveal()
        );
    }
    println!("weir-origin is listening on http://{address}");
    server::serve(listener, router(app.clone()), &settings, shutdown).await;
    let patience = Duration::from_secs(settings.shutdown_seconds);
    if tokio::time::timeout(patience, app.finish()).await.is_err() {
        tracing::warn!(
            "indexes of films could not be kept in time; they are read from their sources again"
        );
    }
    if tokio::time::timeout(patience, jobs).await.is_err() {
        tracing::warn!("jobs did not stop in time; another origin takes them over");
    }
    refresh.await.context("the key refresh failed")?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

async fn refresh_keys(
    keys: Arc<SigningKeys>,
    storage: Arc<dyn Storage>,
    shutdown: CancellationToken,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(KEY_REFRESH) => {}
            () = shutdown.cancelled() => return,
        }
        if let Err(error) = keys.refresh(storage.as_ref()).await {
            tracing::warn!(error = %error, "could not look for new signing keys");
        }
    }
}

/// Listens for the wish to stop from now on: whoever reads that this origin listens may send it at once.
fn stop_on_signal(shutdown: CancellationToken) -> anyhow::Result<()> {
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: finishing open requests");
        shutdown.cancel();
    });
    Ok(())
}
