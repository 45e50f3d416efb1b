//! Drives the packager: bytes from a source, files to a sink, both of bounded size.

mod failure;
mod folder;
mod input;
mod just_in_time;
mod runner;
mod self_check;
mod sidecar;
mod sink;

pub use failure::{PackagingError, failure_of};
pub use folder::FolderSink;
pub use input::{FileInput, MediaInput, StoredInput};
pub use just_in_time::JustInTime;
pub use runner::{RunOptions, Summary, package, probe};
pub use self_check::{SelfCheck, self_check};
pub use sink::{OutputSink, StorageSink};
