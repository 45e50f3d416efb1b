//! Packaging jobs: a durable queue in the store, worked off by any number of origins.

mod image_playlist;
mod lease;
mod packaging_plan;
mod picture_streams;
mod pictures;
mod production;
mod progress;
mod queue;
mod record;
mod scheduler;
mod subtitles;
mod worker;

pub(crate) use packaging_plan::packager_options;
pub use progress::{AssetEvent, ProgressBus};
pub use queue::{JobQueue, QueueError};
pub use record::JobRecord;
pub use scheduler::Scheduler;
pub use worker::Worker;
