//! Whether a component must be built again.
//!
//! The two builds of a module share one file name in cargo's folder, so that cargo takes either for stale after the other. This
//! keeps a digest of everything that a component is made from beside the file that was made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::{cargo, workspace};

/// Files that every component depends on, from the root of the repository.
const SHARED: [&str; 5] = [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    ".cargo/config.toml",
    "wit",
];

/// The packages of the workspace with the folders that they are made from.
pub(crate) struct Sources {
    folders: BTreeMap<String, PathBuf>,
    dependencies: BTreeMap<String, Vec<String>>,
}

impl Sources {
    /// Reads the workspace.
    ///
    /// # Errors
    /// Cargo cannot read it.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let metadata = cargo::metadata()?;
        let mut sources = Self {
            folders: BTreeMap::new(),
            dependencies: BTreeMap::new(),
        };
        for package in metadata["packages"]
            .as_array()
            .context("cargo names no packages")?
        {
            let name = package["name"]
                .as_str()
                .context("a package without a name")?;
            let manifest = Path::new(
                package["manifest_path"]
                    .as_str()
                    .context("a package without a manifest")?,
            );
            let dependencies = package["dependencies"].as_array().into_iter().flatten();
            // Only what has a path is ours; tests' needs do not reach a component.
            let ours = dependencies
                .filter(|dependency| dependency["path"].is_string() && dependency["kind"] != "dev");
            let names = ours
                .filter_map(|dependency| dependency["name"].as_str().map(str::to_owned))
                .collect();
            sources.folders.insert(
                name.to_owned(),
                manifest.parent().unwrap_or(manifest).to_owned(),
            );
            sources.dependencies.insert(name.to_owned(), names);
        }
        Ok(sources)
    }

    /// A digest of everything that a package is made from.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn digest(&self, package: &str) -> anyhow::Result<String> {
        let mut files = BTreeSet::new();
        for shared in SHARED {
            collect(&workspace::path(shared), &mut files)?;
        }
        for name in self.reach(package) {
            if let Some(folder) = self.folders.get(&name) {
                collect(&folder.join("Cargo.toml"), &mut files)?;
                collect(&folder.join("src"), &mut files)?;
                // The headers for what is C in a package.
                collect(&folder.join("c"), &mut files)?;
            }
        }
        let mut digest = Sha256::new();
        for file in files {
            let bytes =
                fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            digest.update(file.as_os_str().as_encoded_bytes());
            digest.update(Sha256::digest(bytes));
        }
        Ok(digest
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect())
    }

    /// A package and everything of ours that it depends on.
    fn reach(&self, package: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![package.to_owned()];
        while let Some(name) = waiting.pop() {
            if reached.insert(name.clone()) {
                waiting.extend(self.dependencies.get(&name).into_iter().flatten().cloned());
            }
        }
        reached
    }
}

/// True when `file` was made from what `digest` stands for.
pub(crate) fn is_fresh(file: &Path, digest: &str) -> bool {
    file.is_file() && fs::read_to_string(stamp(file)).is_ok_and(|known| known == digest)
}

/// Notes what `file` was made from.
///
/// # Errors
/// The note cannot be written.
pub(crate) fn note(file: &Path, digest: &str) -> anyhow::Result<()> {
    fs::write(stamp(file), digest)
        .with_context(|| format!("{} cannot be written", stamp(file).display()))
}

fn stamp(file: &Path) -> PathBuf {
    file.with_extension("made-from")
}

fn collect(path: &Path, files: &mut BTreeSet<PathBuf>) -> anyhow::Result<()> {
    if path.is_dir() {
        for entry in
            fs::read_dir(path).with_context(|| format!("{} cannot be read", path.display()))?
        {
            collect(&entry?.path(), files)?;
        }
    } else if path.is_file() {
        files.insert(path.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_made_from_the_sdk_and_its_counters_too() {
        let sources = Sources::read().unwrap();
        let reach = sources.reach("rate-limit");
        for name in ["rate-limit", "weir-module", "weir-counters"] {
            assert!(reach.contains(name), "{reach:?}");
        }
        assert!(!reach.contains("weir-origin"));
        assert_ne!(
            sources.digest("rate-limit").unwrap(),
            sources.digest("token-check").unwrap()
        );
        assert_eq!(
            sources.digest("rate-limit").unwrap(),
            sources.digest("rate-limit").unwrap()
        );
    }
}
