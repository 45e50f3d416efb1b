//! One fetch for many requests: who comes while it runs waits for its head and then reads along.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::key::{ByKey, Key};
use super::object::Object;

/// How a fetch came out.
#[derive(Debug, Clone)]
pub(super) enum Landing {
    /// A response for everyone who selects its variant.
    Shared(Arc<Shared>),
    /// Only the one who asked can have it; the others go on their own.
    Alone,
}

/// A response that several requests get.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) object: Arc<Object>,
    /// The variant that it is, without the index's generation.
    pub(super) variant: Vec<u8>,
    /// What the origin answered.
    pub(super) status: u16,
    /// It is being stored.
    pub(super) stored: bool,
    /// The origin failed and this is what was there before.
    pub(super) instead_of_failure: bool,
}

/// The fetches under way.
#[derive(Debug, Default)]
pub(super) struct Flights(Arc<Mutex<ByKey<watch::Receiver<Option<Landing>>>>>);

/// A place at a fetch.
pub(super) enum Seat {
    /// Nobody is on the way: go.
    Pilot(Pilot, Passenger),
    /// Somebody is.
    Passenger(Passenger),
}

/// Waits for the landing.
#[derive(Debug, Clone)]
pub(super) struct Passenger(watch::Receiver<Option<Landing>>);

/// Carries out a fetch. When it is dropped, the fetch is over for everyone.
pub(super) struct Pilot {
    key: Key,
    flights: Flights,
    tower: watch::Sender<Option<Landing>>,
}

impl Flights {
    /// Takes a seat.
    pub(super) fn join(&self, key: &[u8]) -> Seat {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = all.get(key) {
            return Seat::Passenger(Passenger(running.clone()));
        }
        let (tower, receiver) = watch::channel(None);
        let key: Key = key.into();
        all.insert(key.clone(), receiver.clone());
        let pilot = Pilot {
            key,
            flights: Self(Arc::clone(&self.0)),
            tower,
        };
        Seat::Pilot(pilot, Passenger(receiver))
    }
}

impl Pilot {
    /// Tells everyone how it came out.
    pub(super) fn land(&self, landing: Landing) {
        self.tower.send_replace(Some(landing));
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        self.flights
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

impl Passenger {
    /// The landing. A fetch that was given up leaves everyone alone.
    pub(super) async fn landing(mut self) -> Landing {
        match self.0.wait_for(Option::is_some).await {
            Ok(landing) => (*landing).clone().unwrap_or(Landing::Alone),
            Err(_) => Landing::Alone,
        }
    }
}
