//! News of assets, for whoever watches them.

use serde::Serialize;
use tokio::sync::broadcast;
use utoipa::ToSchema;

use crate::catalogue::{Asset, AssetId, AssetState, Failure};

/// News that a slow reader may fall behind before it loses some.
const CAPACITY: usize = 1024;

/// One piece of news.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AssetEvent {
    /// The asset.
    pub id: AssetId,
    /// How it stands now.
    pub state: AssetState,
    /// Part of the running job that is done, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// The live version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_version: Option<u32>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl AssetEvent {
    /// The news that a record holds.
    #[must_use]
    pub fn of(asset: &Asset) -> Self {
        Self {
            id: asset.id.clone(),
            state: asset.state,
            progress: None,
            live_version: asset.live_version,
            failure: asset.failure.clone(),
        }
    }
}

/// Hands news from workers to listeners in this process.
#[derive(Debug, Clone)]
pub struct ProgressBus {
    sender: broadcast::Sender<AssetEvent>,
}

impl Default for ProgressBus {
    fn default() -> Self {
        Self {
            sender: broadcast::Sender::new(CAPACITY),
        }
    }
}

impl ProgressBus {
    /// Tells everybody who listens now.
    pub fn publish(&self, event: AssetEvent) {
        // An error means that nobody listens.
        let _ = self.sender.send(event);
    }

    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<AssetEvent> {
        self.sender.subscribe()
    }
}
