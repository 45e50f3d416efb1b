//! Folders for intermediate files. One is removed with its owner, and when its owner was killed, by the next origin that starts.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// How their names begin.
const PREFIX: &str = "weir-transcode-";
/// A file that its owner keeps locked for as long as it lives.
const LOCK: &str = ".owner";

/// A folder for one run.
#[derive(Debug)]
pub(super) struct WorkFolder {
    folder: TempDir,
    _lock: File,
}

impl WorkFolder {
    /// Makes one below `parent`; an empty path stands for the system's place.
    pub(super) fn create(parent: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(place(parent))?;
        // The name by which others look for it appears when it is locked.
        let unlocked = folder.path().join(".new");
        let lock = File::create(&unlocked)?;
        lock.lock()?;
        fs::rename(unlocked, folder.path().join(LOCK))?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders below `parent` whose owners are gone; the number of them.
pub(super) fn remove_abandoned(parent: &Path) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(place(parent))?.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_ours && is_abandoned(&entry.path()) && fs::remove_dir_all(entry.path()).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether the lock is there and nobody holds it.
fn is_abandoned(folder: &Path) -> bool {
    File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok())
}

fn place(parent: &Path) -> PathBuf {
    if parent.as_os_str().is_empty() {
        std::env::temp_dir()
    } else {
        parent.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_owner_left_is_removed_and_nothing_else() {
        let parent = tempfile::tempdir().expect("a folder");
        let alive = WorkFolder::create(parent.path()).expect("made");
        let killed = parent.path().join(format!("{PREFIX}killed"));
        let young = parent.path().join(format!("{PREFIX}young"));
        let foreign = parent.path().join("other");
        for folder in [&killed, &young, &foreign] {
            fs::create_dir(folder).expect("made");
        }
        for file in [
            killed.join(LOCK),
            killed.join("video-0.mp4"),
            foreign.join(LOCK),
        ] {
            fs::write(file, "").expect("written");
        }
        assert_eq!(remove_abandoned(parent.path()).expect("looked through"), 1);
        assert!(!killed.exists() && young.exists() && foreign.exists());
        let path = alive.path().to_owned();
        assert!(path.exists());
        drop(alive);
        assert!(!path.exists());
    }
}
