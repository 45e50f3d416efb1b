//! The SDK for Weir edge modules.
//!
//! A module is a type that implements [`Module`]: configuration in, request head in, [`Verdict`] out. The same crate is built
//! twice for `wasm32-wasip2`: with feature `handler` it is ordinary WASI 0.3.0 HTTP middleware, which Spin, `wasmtime serve` and
//! Weir's node run; with feature `door` it is a small plain component with one synchronous call, which the node prefers.
//!
//! ```
//! use weir_module::{Answer, ConfigError, Host, Module, Problem, RequestHead, Verdict};
//!
//! /// Refuses every request without a certain header.
//! struct Gate { secret: String }
//!
//! impl Module for Gate {
//!     const NAME: &'static str = "gate";
//!
//!     fn configure(text: &str) -> Result<Self, ConfigError> {
//!         #[derive(serde::Deserialize)]
//!         #[serde(deny_unknown_fields)]
//!         struct Config { secret: String }
//!         let Config { secret } = weir_module::config::parse(Self::NAME, text)?;
//!         Ok(Self { secret })
//!     }
//!
//!     fn headers(&self) -> Vec<String> {
//!         vec!["x-gate".to_owned()]
//!     }
//!
//!     fn decide(&mut self, head: &RequestHead<'_>, _host: &mut dyn Host) -> Verdict {
//!         if head.header_str("x-gate") == Some(&self.secret) {
//!             Verdict::pass()
//!         } else {
//!             Verdict::Answer(Problem::new(403, "gate-closed", "The gate is closed").into())
//!         }
//!     }
//! }
//!
//! // Makes the exports of whichever door this build is for; nothing in a native build.
//! weir_module::export!(Gate);
//! ```
//!
//! A module that keeps shared state says `weir_module::export!(Gate, stateful)`.
#![deny(missing_docs)]

mod answer;
pub mod client_address;
pub mod config;
pub mod counters;
pub mod device;
mod edits;
mod exchange;
mod head;
mod host;
mod log_gate;
mod normal_path;
mod path_pattern;
pub mod wire;

#[cfg(feature = "testing")]
pub mod testing;

#[cfg(all(target_arch = "wasm32", any(feature = "handler", feature = "door")))]
#[doc(hidden)]
pub mod guest;

pub use answer::{Answer, AnswerBody, HeaderList, Problem, REASON};
pub use client_address::ClientSource;
pub use config::ConfigError;
pub use counters::{Counters, NoCounters};
pub use edits::{Edit, Edits};
pub use exchange::{BodyTransform, Collected, Exchange, Forward, Reply, ResponseHead, Step, Then};
pub use head::{HOP_BY_HOP, HeadBuffer, HeaderNames, REQUEST_ID, RequestHead};
pub use host::{DocumentNeed, Host, Level};
pub use log_gate::LogGate;
pub use normal_path::{AmbiguousPath, MAX_PATH, NormalPath};
pub use path_pattern::PathPattern;

/// One edge module.
///
/// An instance serves one request at a time, so methods take `&mut self` and may keep what they learn (a verified token, say);
/// anything that must be shared between instances lives in [`Host::counters`].
pub trait Module: Sized + 'static {
    /// The name: kebab case. The configuration stands in the environment variable of that name ([`config::variable`]).
    const NAME: &'static str;

    /// Reads the configuration, once for each instance. An absent variable is an empty text.
    ///
    /// # Errors
    /// The key that is wrong. The module then answers every request 500 and never fails open.
    fn configure(text: &str) -> Result<Self, ConfigError>;

    /// The request headers that [`Module::decide`] reads, in lower case, `:authority` and `:scheme` among them.
    fn headers(&self) -> Vec<String>;

    /// Documents by URL that this configuration needs.
    fn documents(&self) -> Vec<DocumentNeed> {
        Vec::new()
    }

    /// Takes a new copy of a document. The last good copy stays in force when this one is refused.
    ///
    /// # Errors
    /// Why it cannot be used, for the log.
    fn load_document(&mut self, name: &str, body: &[u8]) -> Result<(), String> {
        let _ = (name, body);
        Ok(())
    }

    /// Decides about one request.
    fn decide(&mut self, head: &RequestHead<'_>, host: &mut dyn Host) -> Verdict;

    /// How a response ended whose request this module let pass with [`Edit::Watch`].
    fn ended(&mut self, note: &[u8], end: Ended, host: &mut dyn Host) {
        let _ = (note, end, host);
    }
}

/// What a module decides about a request.
pub enum Verdict {
    /// Go on to the next module.
    Pass(Edits),
    /// This is the response.
    Answer(Answer),
    /// Go on, then show the response to the exchange.
    Exchange(Edits, Box<dyn Exchange>),
}

impl Verdict {
    /// Go on, nothing changed.
    pub fn pass() -> Self {
        Self::Pass(Edits::none())
    }
}

impl std::fmt::Debug for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pass(edits) => f
                .debug_tuple("Pass")
                .field(&edits.iter().collect::<Vec<_>>())
                .finish(),
            Self::Answer(answer) => f.debug_tuple("Answer").field(answer).finish(),
            Self::Exchange(edits, _) => f
                .debug_tuple("Exchange")
                .field(&edits.iter().collect::<Vec<_>>())
                .finish(),
        }
    }
}

/// How a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The status that the viewer got.
    pub status: u16,
    /// Body bytes sent.
    pub bytes: u64,
}

/// Makes the exports of the door that this build is for: `export!(Type)`, or `export!(Type, stateful)` for a module that
/// uses [`Host::counters`]. Does nothing in a native build.
#[macro_export]
macro_rules! export {
    ($module:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            $crate::guest_export!($module, stateless);
        };
    };
    ($module:ty, stateful) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            $crate::guest_export!($module, stateful);
        };
    };
}

#[doc(hidden)]
#[macro_export]
#[cfg(feature = "door")]
macro_rules! guest_export {
    ($module:ty, stateless) => {
        $crate::guest_export_door!($module, $crate::NoCounters);
    };
    ($module:ty, stateful) => {
        $crate::guest_export_door!($module, $crate::guest::ImportedCounters);
    };
}

#[doc(hidden)]
#[macro_export]
#[cfg(all(feature = "handler", not(feature = "door")))]
macro_rules! guest_export {
    ($module:ty, stateless) => {
        $crate::guest_export_handler!($module, $crate::NoCounters);
    };
    ($module:ty, stateful) => {
        $crate::guest_export_handler!($module, $crate::guest::ImportedCounters);
    };
}

#[doc(hidden)]
#[macro_export]
#[cfg(not(any(feature = "handler", feature = "door")))]
macro_rules! guest_export {
    ($module:ty, $state:ident) => {};
}
