//! What is remembered of a request for its log line and metrics, and who wants to know how it ended.

use std::sync::{Arc, Mutex, PoisonError};

use super::module::Module;
use crate::cache::CacheStatus;

/// What a module did with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Let it go on.
    Passed,
    /// Answered it.
    Answered,
    /// Saw its response.
    Exchanged,
    /// Could not be shown it: the head is too large.
    Refused,
    /// Trapped, or said what cannot be sent.
    Trapped,
    /// Took too long.
    TimedOut,
}

impl Outcome {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Self; 6] = [
        Self::Passed,
        Self::Answered,
        Self::Exchanged,
        Self::Refused,
        Self::Trapped,
        Self::TimedOut,
    ];

    /// The label in logs and metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "pass",
            Self::Answered => "answer",
            Self::Exchanged => "exchange",
            Self::Refused => "refuse",
            Self::Trapped => "trap",
            Self::TimedOut => "timeout",
        }
    }
}

/// Notes about one request.
#[derive(Default)]
pub(crate) struct Record(Mutex<Notes>);

/// What was noted.
#[derive(Default)]
pub(crate) struct Notes {
    /// In the order in which they were made.
    pub(crate) outcomes: Vec<(Arc<Module>, Outcome)>,
    pub(crate) cache: Option<CacheStatus>,
    /// Modules that want to know the end, with their notes.
    pub(crate) watching: Vec<(Arc<Module>, Vec<u8>)>,
}

impl Record {
    fn with(&self, note: impl FnOnce(&mut Notes)) {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn outcome(&self, module: &Arc<Module>, outcome: Outcome) {
        self.with(|notes| notes.outcomes.push((Arc::clone(module), outcome)));
    }

    pub(crate) fn cache(&self, status: CacheStatus) {
        // A handler may ask more than once; the first answer is the viewer's.
        self.with(|notes| {
            notes.cache.get_or_insert(status);
        });
    }

    pub(crate) fn watch(&self, module: &Arc<Module>, note: &[u8]) {
        self.with(|notes| notes.watching.push((Arc::clone(module), note.to_vec())));
    }

    /// Takes the notes out.
    pub(crate) fn take(&self) -> Notes {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
