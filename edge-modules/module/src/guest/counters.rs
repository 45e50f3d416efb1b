//! `weir:state/counters`, imported.

use crate::counters::{Counters, LeaseOutcome, Limit, Standing, StoreError, Takeover};

mod bindings {
    #![allow(missing_docs, clippy::all, unreachable_pub)]
    wit_bindgen::generate!({
        inline: "package weir:sdk-counters; world uses { import weir:state/counters@0.1.0; }",
        path: "../../wit",
        world: "weir:sdk-counters/uses",
        generate_all,
    });
}
use bindings::weir::state::counters as wit;

/// The host's counters, or an adapter's that was plugged in.
#[derive(Debug, Default, Clone, Copy)]
pub struct ImportedCounters;

impl From<wit::StoreError> for StoreError {
    fn from(error: wit::StoreError) -> Self {
        match error {
            wit::StoreError::Unavailable(why) => Self::Unavailable(why),
            wit::StoreError::Invalid(why) => Self::Invalid(why),
        }
    }
}

fn lower(limit: &Limit<'_>) -> wit::Limit {
    wit::Limit {
        key: limit.key.to_vec(),
        interval_ns: limit.interval_ns,
        burst: limit.burst,
        cost: limit.cost,
    }
}

impl Counters for ImportedCounters {
    fn take(&mut self, limits: &[Limit<'_>]) -> Result<Vec<Standing>, StoreError> {
        // Nearly every request draws from one quota: then only its key is allocated.
        let standings = match limits {
            [limit] => wit::take(&[lower(limit)]),
            several => wit::take(&several.iter().map(lower).collect::<Vec<_>>()),
        }?;
        Ok(standings
            .into_iter()
            .map(|s| Standing {
                allowed: s.allowed,
                remaining: s.remaining,
                retry_after_ns: s.retry_after_ns,
                reset_after_ns: s.reset_after_ns,
            })
            .collect())
    }

    fn lease(
        &mut self,
        set: &[u8],
        holder: &[u8],
        capacity: u32,
        ttl_ns: u64,
        takeover: Takeover,
    ) -> Result<LeaseOutcome, StoreError> {
        let takeover = match takeover {
            Takeover::RefuseNewest => wit::Takeover::RefuseNewest,
            Takeover::DropOldest => wit::Takeover::DropOldest,
        };
        let outcome = wit::lease(set, holder, capacity, ttl_ns, takeover)?;
        Ok(LeaseOutcome {
            granted: outcome.granted,
            active: outcome.active,
            dropped: outcome.dropped,
            retry_after_ns: outcome.retry_after_ns,
        })
    }

    fn release(&mut self, set: &[u8], holder: &[u8]) -> Result<bool, StoreError> {
        Ok(wit::release(set, holder)?)
    }

    fn increment(&mut self, key: &[u8], by: i64, ttl_ns: u64) -> Result<i64, StoreError> {
        Ok(wit::increment(key, by, ttl_ns)?)
    }

    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(wit::get(key)?)
    }

    fn put_if(
        &mut self,
        key: &[u8],
        expected: Option<&[u8]>,
        value: &[u8],
        ttl_ns: u64,
    ) -> Result<bool, StoreError> {
        Ok(wit::put_if(key, expected, value, ttl_ns)?)
    }

    fn delete(&mut self, key: &[u8]) -> Result<bool, StoreError> {
        Ok(wit::delete(key)?)
    }
}
