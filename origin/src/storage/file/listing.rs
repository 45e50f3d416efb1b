//! Listing a folder tree in key order.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::{OWN_FOLDER, describe, failed};
use crate::storage::{ListOptions, ListPage, ObjectKey, StorageError, after_prefix};

/// One page of the tree under `root`, in the byte order of whole keys (as S3 sorts them).
pub(super) fn list(root: &Path, options: &ListOptions) -> Result<ListPage, StorageError> {
    let mut walk = Walk {
        root,
        options,
        page: ListPage::default(),
        cursor: None,
    };
    // Everything with the prefix lies under the folder that the prefix names up to its last slash.
    let folder = options
        .prefix
        .rfind('/')
        .map_or("", |slash| &options.prefix[..=slash]);
    walk.folder(folder)?;
    Ok(walk.page)
}

struct Walk<'a> {
    root: &'a Path,
    options: &'a ListOptions,
    page: ListPage,
    /// Where the next page begins if this one is full.
    cursor: Option<String>,
}

impl Walk<'_> {
    /// Visits a folder (`""` or a path ending in `/`); `false` when the page is full.
    fn folder(&mut self, folder: &str) -> Result<bool, StorageError> {
        let mut names = Vec::new();
        let entries = match fs::read_dir(self.root.join(folder)) {
            Ok(entries) => entries,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(true);
            }
            Err(error) => return Err(failed("list", error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| failed("list", error))?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if folder.is_empty() && name == OWN_FOLDER {
                continue;
            }
            let is_folder = entry
                .file_type()
                .map_err(|error| failed("list", error))?
                .is_dir();
            // A folder sorts with its slash: "a-b" comes before "a/…", as in the order of whole keys.
            names.push(if is_folder { name + "/" } else { name });
        }
        names.sort_unstable();
        for name in names {
            if !self.entry(&format!("{folder}{name}"))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn entry(&mut self, path: &str) -> Result<bool, StorageError> {
        let options = self.options;
        let is_folder = path.ends_with('/');
        let inside = path.starts_with(&options.prefix);
        let leads_to_prefix = is_folder && options.prefix.starts_with(path);
        if !inside && !leads_to_prefix {
            return Ok(true);
        }
        if let Some(after) = &options.start_after {
            let wholly_before = if is_folder {
                after_prefix(path) <= *after
            } else {
                path <= after.as_str()
            };
            if wholly_before {
                return Ok(true);
            }
        }
        if is_folder && !(inside && options.delimited && path.len() > options.prefix.len()) {
            return self.folder(path);
        }
        if is_folder && !has_file(&self.root.join(path)) {
            return Ok(true);
        }
        if self.page.objects.len() + self.page.prefixes.len() == options.limit {
            self.page.next = self.cursor.take();
            return Ok(false);
        }
        if is_folder {
            self.cursor = Some(after_prefix(path));
            self.page.prefixes.push(path.to_owned());
            return Ok(true);
        }
        // Files that no key can name were not written by us, and a file may vanish while we look.
        let Ok(key) = ObjectKey::new(path) else {
            return Ok(true);
        };
        if let Ok(metadata) = fs::metadata(self.root.join(path)) {
            self.cursor = Some(path.to_owned());
            self.page.objects.push(describe(&key, &metadata)?);
        }
        Ok(true)
    }
}

/// Whether a folder holds a file at any depth: an object store knows no empty folders.
fn has_file(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().any(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => has_file(&entry.path()),
        Ok(_) => true,
        Err(_) => false,
    })
}
