//! What a module may ask of whoever runs it.

use crate::counters::Counters;

/// The world outside a module's logic.
pub trait Host {
    /// Unix time in nanoseconds, read once for each request.
    fn now_ns(&self) -> u64;

    /// The shared state. [`crate::NoCounters`] where the module was built without it.
    fn counters(&mut self) -> &mut dyn Counters;

    /// Asks for a document (by its name in [`crate::Module::documents`]) ahead of its age: an unknown key id, say.
    fn refresh_document(&mut self, name: &str);

    /// A line for the operator's log, lower case, without secrets, tokens or paths.
    fn log(&mut self, level: Level, message: &str);
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is broken and needs a person.
    Error,
    /// Something is wrong but handled.
    Warn,
    /// Worth knowing.
    Info,
}

impl Level {
    /// The level in capitals, as logs show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
        }
    }
}

/// A document that a module wants by URL, kept fresh by the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentNeed {
    /// The module's own name for it, unique within the module.
    pub name: String,
    /// `http` or `https`.
    pub url: String,
    /// How old a copy may be before the host fetches it again, in seconds.
    pub max_age: u32,
}
