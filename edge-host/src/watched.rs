//! Something that is read from files, and read anew when they change.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;

/// Reads the files, or says why they cannot be used.
type Read<T> = Box<dyn Fn() -> Result<T, String> + Send + Sync>;

/// What was read last, and how to read it again.
pub(crate) struct Watched<T> {
    /// As the log names it.
    name: String,
    files: Vec<PathBuf>,
    read: Read<T>,
    /// How often the files are looked at.
    pause: Duration,
    current: RwLock<(Option<Vec<Stamp>>, Arc<T>)>,
}

/// What tells a file from the one that was there before.
type Stamp = (SystemTime, u64);

impl<T: Send + Sync + 'static> Watched<T> {
    /// Reads for the first time.
    ///
    /// # Errors
    /// Those of `read`.
    pub(crate) fn load(
        name: String,
        files: Vec<PathBuf>,
        pause: Duration,
        read: impl Fn() -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Arc<Self>, String> {
        // Before they are read: a change meanwhile is seen at the next look.
        let stamps = stamps(&files);
        let first = read()?;
        Ok(Arc::new(Self {
            name,
            files,
            read: Box::new(read),
            pause: pause.max(Duration::from_secs(1)),
            current: RwLock::new((stamps, Arc::new(first))),
        }))
    }

    /// What was read last.
    pub(crate) fn current(&self) -> Arc<T> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.1)
    }

    /// Renews in the background. Files that cannot be used are told and the last good ones stay.
    pub(crate) fn keep_fresh(self: &Arc<Self>, tasks: &mut JoinSet<()>) {
        let this = Arc::clone(self);
        tasks.spawn(async move {
            loop {
                tokio::time::sleep(this.pause).await;
                let this = Arc::clone(&this);
                // Reading some hundred megabytes must not hold a thread of the requests.
                let _ = tokio::task::spawn_blocking(move || this.look()).await;
            }
        });
    }

    fn look(&self) {
        let now = stamps(&self.files);
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let unchanged = now == current.0;
        drop(current);
        if unchanged || now.is_none() {
            return;
        }
        let name = &self.name;
        match (self.read)() {
            Ok(renewed) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) =
                    (now, Arc::new(renewed));
                tracing::info!("{name} renewed");
            }
            Err(why) => tracing::error!("{name} not renewed, the last one stays: {why}"),
        }
    }
}

/// None while a file is away.
fn stamps(files: &[PathBuf]) -> Option<Vec<Stamp>> {
    let stamp = |path: &PathBuf| {
        let data = std::fs::metadata(path).ok()?;
        Some((data.modified().ok()?, data.len()))
    };
    files.iter().map(stamp).collect()
}
