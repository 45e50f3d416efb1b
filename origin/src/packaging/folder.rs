//! Packaged files in a plain folder, for the command line.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use async_trait::async_trait;
use tokio::task::spawn_blocking;
use weir_packager::Output;

use super::OutputSink;
use crate::storage::{ObjectKey, StorageError};

/// Writes files below a folder, each complete before it gets its name.
#[derive(Debug, Clone)]
pub struct FolderSink {
    root: PathBuf,
}

impl FolderSink {
    /// A sink for a folder, which is made when it does not exist.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        fs::create_dir_all(&root)?;
        Ok(Self { root })
    }

    fn write_now(&self, output: &Output) -> io::Result<()> {
        // The packager gives relative paths; the check keeps that true whatever it does.
        let key = ObjectKey::new(output.path.as_str()).map_err(io::Error::other)?;
        let path = self.root.join(key.as_str());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let unfinished = path.with_file_name(format!("{}.part", key.file_name()));
        // A file that holds a whole track comes in parts, in order.
        let mut file = if output.position == 0 {
            File::create(&unfinished)?
        } else {
            File::options().append(true).open(&unfinished)?
        };
        output
            .body
            .iter()
            .try_for_each(|chunk| file.write_all(chunk))?;
        if !output.complete {
            return Ok(());
        }
        fs::rename(unfinished, path)
    }
}

#[async_trait]
impl OutputSink for FolderSink {
    async fn write(&self, output: Output) -> Result<(), StorageError> {
        let sink = self.clone();
        let written = spawn_blocking(move || sink.write_now(&output))
            .await
            .map_err(io::Error::other)
            .flatten();
        written.map_err(|error| StorageError::unavailable("writing a file", error))
    }
}
