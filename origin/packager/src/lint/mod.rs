//! A linter for HLS: RFC 8216bis (`draft-pantos-hls-rfc8216bis-22`) and Apple's HLS Authoring Specification (revision 2025-06-26).
//!
//! Like the packager it does no input and output of its own. A [`Linter`] says which resource it needs next, the caller
//! brings it, and in the end there is a [`Report`]: every finding with its rule, document, line and value. Playlists are
//! read whole; of media segments only the boxes that describe samples, so that a film of any length takes little memory.
//!
//! ```
//! use weir_packager::lint::{Linter, Options, Response, Step};
//!
//! let mut linter = Linter::new("https://example.com/media.m3u8", Options::default())?;
//! let report = loop {
//!     match linter.step() {
//!         Step::Read(request) => {
//!             assert_eq!(request.url, "https://example.com/media.m3u8");
//!             // No EXT-X-TARGETDURATION.
//!             let text = "#EXTM3U\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-ENDLIST\n";
//!             linter.supply(Response::whole(text));
//!         }
//!         Step::Done(report) => break report,
//!     }
//! };
//! let broken: Vec<_> = report.findings.iter().map(|finding| finding.rule.id).collect();
//! assert!(broken.contains(&"rfc-4.4.3.1-required"), "{broken:?}");
//! assert_eq!(report.exit_code(), 1);
//! # Ok::<(), weir_packager::Error>(())
//! ```
//!
//! What a rule asks is said by [`rules`] and [`rule`], in the words that `weir-origin lint --explain` prints.

mod catalogue;
mod finding;
mod linter;
mod media;
mod options;
mod playlist;
mod presentation;
mod report;
mod request;
mod rule;
mod rules;

pub use catalogue::{rule, rules};
pub use finding::Finding;
pub use linter::Linter;
pub use options::Options;
pub use report::{Report, Unread};
pub use request::{Delivery, Failure, Request, Response, Step};
pub use rule::{Concern, Rule, Severity};
