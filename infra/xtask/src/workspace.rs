//! Where things are in the repository.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The root of the repository: two folders above this crate.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        // `cargo run` names the folder of today. The one baked in at build time is wrong in a clone that was moved, or that shares its
        // target folder with another: cargo does not build anew for either.
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        manifest
            .ancestors()
            .nth(2)
            .map_or(manifest.clone(), Path::to_owned)
    });
    &ROOT
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
