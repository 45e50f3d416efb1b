//! Drives the packager: bytes from a source, files to a sink, both of bounded size.

mod failure;
mod folder;
mod input;
mod just_in_time;
mod runner;
mod sink;

pub use failure::{PackagingError, failure_of};
pub use folder::FolderSink;
pub use input::{FileInput, MediaInput, StoredInput};
pub use just_in_time::JustInTime;
pub use runner::{RunOptions, Summary, package, probe};
pub use sink::{OutputSink, StorageSink};
