//! Which versions may be served: those that their asset's record names, remembered for a moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::catalogue::{AssetId, Catalogue, CatalogueError, VersionNumber};

/// How long a look at an asset's record is believed.
const PUBLISHED_FOR: Duration = Duration::from_secs(5);
/// How long "not published" is believed.
const MISSING_FOR: Duration = Duration::from_millis(250);
/// Assets remembered.
const MAX_REMEMBERED: usize = 10_000;

/// Which versions of which assets are published, remembered for a moment.
#[derive(Debug, Default)]
pub(super) struct Published {
    assets: Mutex<HashMap<AssetId, Looked>>,
}

#[derive(Debug, Clone)]
struct Looked {
    when: Instant,
    versions: Arc<[VersionNumber]>,
    /// When the record was last read for a version that was not there.
    missed: Option<Instant>,
}

impl Looked {
    /// The answer, when this look is fresh enough for the question.
    fn answer(&self, number: VersionNumber) -> Option<bool> {
        if self.when.elapsed() >= PUBLISHED_FOR {
            return None;
        }
        if self.versions.contains(&number) {
            return Some(true);
        }
        // It may have been published since: look again, but not for every request of somebody who is guessing.
        self.missed
            .is_some_and(|missed| missed.elapsed() < MISSING_FOR)
            .then_some(false)
    }
}

impl Published {
    /// Whether a version is named in its asset's record.
    pub(super) async fn contains(
        &self,
        catalogue: &Catalogue,
        id: &AssetId,
        number: VersionNumber,
    ) -> Result<bool, CatalogueError> {
        if let Some(answer) = self.lock().get(id).and_then(|looked| looked.answer(number)) {
            return Ok(answer);
        }
        let asset = catalogue.get(id).await?;
        let versions: Arc<[VersionNumber]> = asset
            .versions
            .iter()
            .map(|version| version.number)
            .collect();
        let published = versions.contains(&number);
        let looked = Looked {
            when: Instant::now(),
            versions,
            missed: (!published).then(Instant::now),
        };
        let mut assets = self.lock();
        if assets.len() >= MAX_REMEMBERED {
            assets.retain(|_, looked| looked.when.elapsed() < PUBLISHED_FOR);
        }
        if assets.len() < MAX_REMEMBERED {
            assets.insert(id.clone(), looked);
        }
        Ok(published)
    }

    /// Forgets an asset that was deleted.
    pub(super) fn forget(&self, id: &AssetId) {
        self.lock().remove(id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AssetId, Looked>> {
        self.assets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
