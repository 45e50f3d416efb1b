//! Where things are in the repository.

use std::path::{Path, PathBuf};

/// The root of the repository: two folders above this crate.
pub(crate) fn root() -> &'static Path {
    // The path is baked in at build time, so a moved clone rebuilds xtask (cargo notices) and finds itself again.
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest)
}

/// A path inside the repository.
pub(crate) fn path(relative: impl AsRef<Path>) -> PathBuf {
    root().join(relative)
}

/// The folder of what `cargo xtask dist` writes.
pub(crate) fn dist() -> PathBuf {
    path("dist")
}

/// A path as a person wants to read it: relative to the repository when it is inside.
pub(crate) fn shown(path: &Path) -> std::path::Display<'_> {
    path.strip_prefix(root()).unwrap_or(path).display()
}
