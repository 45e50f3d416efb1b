//! Locks on keys, across threads and processes.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use crate::storage::ObjectKey;

/// How many lock files there are: two keys share one with probability 1/64, which only costs waiting.
const LOCK_FILES: u64 = 64;

/// A fixed set of lock files; a key belongs to one by its hash.
#[derive(Debug)]
pub(super) struct KeyLocks {
    folder: PathBuf,
}

/// Holds the lock until dropped: closing the file releases it, also when the process dies.
#[derive(Debug)]
pub(super) struct KeyGuard {
    _file: File,
}

impl KeyLocks {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Waits for the key's lock. Blocking: call it on the blocking pool.
    pub(super) fn lock(&self, key: &ObjectKey) -> io::Result<KeyGuard> {
        // `DefaultHasher::new` is the same in every process of one build; another build only waits on other files,
        // so a folder must not be shared by two versions at once.
        let mut hasher = DefaultHasher::new();
        key.as_str().hash(&mut hasher);
        let path = self
            .folder
            .join(format!("{:02x}", hasher.finish() % LOCK_FILES));
        // A new open file each time: locks belong to it, so two threads exclude each other as two processes do.
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        file.lock()?;
        Ok(KeyGuard { _file: file })
    }
}
