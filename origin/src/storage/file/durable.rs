//! Files that appear whole and stay after a power cut.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Temporary files older than this belong to no living write.
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// A file being written under a temporary name; dropped without [`PendingFile::rename_to`] it is removed.
#[derive(Debug)]
pub(super) struct PendingFile {
    file: File,
    path: PathBuf,
    renamed: bool,
}

impl PendingFile {
    /// Makes an empty file in `folder`; `private` gives it mode 0600.
    pub(super) fn create(folder: &Path, private: bool) -> io::Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let mode = if private { 0o600 } else { 0o644 };
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let clock = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_nanos());
            let path = folder.join(format!("{}-{clock:x}-{number:x}", std::process::id()));
            match OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(&path)
            {
                Ok(file) => {
                    return Ok(Self {
                        file,
                        path,
                        renamed: false,
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Appends bytes. Takes and gives the file, so that it can travel to the blocking pool and back.
    pub(super) fn write(mut self, bytes: &[u8]) -> io::Result<Self> {
        self.file.write_all(bytes)?;
        Ok(self)
    }

    /// Flushes to the disk.
    pub(super) fn finish(self) -> io::Result<Self> {
        // File systems stamp with the tick of the kernel's clock (1-10 ms), too coarse to tell two writes apart.
        self.file.set_modified(next_stamp())?;
        self.file.sync_all()?;
        Ok(self)
    }

    /// Puts the file in its place, making the folders on the way.
    pub(super) fn rename_to(mut self, path: &Path, root: &Path) -> io::Result<()> {
        let parent = path.parent().unwrap_or(root);
        create_folders(parent, root)?;
        match fs::rename(&self.path, path) {
            Ok(()) => {}
            // A delete of the last neighbour may have removed the folder between the two calls.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                create_folders(parent, root)?;
                fs::rename(&self.path, path)?;
            }
            Err(error) => return Err(error),
        }
        self.renamed = true;
        sync_folder(parent)
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if !self.renamed {
            // Nothing to be done about a failure here; `remove_abandoned` sweeps up at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The clock, but never the same value twice in this process.
fn next_stamp() -> SystemTime {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(0));
    let previous = LAST
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
            Some(now.max(last + 1))
        })
        .unwrap_or(0);
    UNIX_EPOCH + Duration::from_nanos(now.max(previous + 1))
}

fn create_folders(folder: &Path, root: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    // A new folder is durable when its parent's entry is.
    for parent in folder
        .ancestors()
        .skip(1)
        .take_while(|ancestor| ancestor.starts_with(root))
    {
        sync_folder(parent)?;
    }
    Ok(())
}

/// Makes the entries of a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder) {
        Ok(opened) => opened.sync_all(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes the folders that a deletion left empty, so that a folder of a million deleted assets stays small.
pub(super) fn remove_empty_parents(path: &Path, root: &Path) {
    for parent in path
        .ancestors()
        .skip(1)
        .take_while(|ancestor| ancestor.starts_with(root) && *ancestor != root)
    {
        // The first folder that is not empty ends the walk.
        if fs::remove_dir(parent).is_err() {
            return;
        }
    }
}

/// Removes what a killed process left behind.
pub(super) fn remove_abandoned(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
        if age > ABANDONED_AFTER {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_never_repeat() {
        let stamps: Vec<_> = (0..1000).map(|_| next_stamp()).collect();
        assert!(stamps.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn an_unfinished_file_disappears() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pending = PendingFile::create(folder.path(), true)
            .and_then(|file| file.write(b"half"))
            .expect("written");
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1);
        drop(pending);
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
    }
}
