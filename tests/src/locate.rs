//! Where the tested programs and files are, and what happens when one is not there.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// True when a missing tool must fail a test: `WEIR_STRICT=1`, as in continuous integration.
pub fn strict() -> bool {
    std::env::var_os("WEIR_STRICT").is_some_and(|value| value == "1")
}

/// A program of this workspace, beside the running test: `target/<profile>/<name>`, or `WEIR_BIN/<name>`.
///
/// # Panics
/// It is not built; the text says how.
pub fn program(name: &str) -> PathBuf {
    let folder = std::env::var_os("WEIR_BIN").map(PathBuf::from).or_else(|| {
        // A test runs from target/<profile>/deps.
        std::env::current_exe()
            .ok()?
            .parent()?
            .parent()
            .map(Path::to_owned)
    });
    let program = folder.unwrap_or_default().join(name);
    assert!(
        program.is_file(),
        "{} is not built: run `cargo build -p {name}` first, or everything by `cargo xtask test`",
        program.display()
    );
    program
}

/// A file that `cargo xtask dist` writes: `dist/<relative>`, or `WEIR_DIST/<relative>`.
///
/// # Panics
/// It is not there; the text says how to make it.
pub fn dist(relative: &str) -> PathBuf {
    let folder = std::env::var_os("WEIR_DIST").map_or_else(|| root().join("dist"), PathBuf::from);
    let file = folder.join(relative);
    assert!(
        file.is_file(),
        "{} is missing: run `cargo xtask dist`",
        file.display()
    );
    file
}

/// A tool from outside, looked for on `PATH` and in `more` folders. None when it is absent and may be; the caller then skips.
///
/// # Panics
/// It is absent under `WEIR_STRICT=1`.
pub fn tool(name: &str, more: &[PathBuf], install: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(more.iter().cloned())
        .chain(["/usr/sbin".into(), "/usr/local/bin".into()])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        assert!(!strict(), "{name} is missing and WEIR_STRICT=1: {install}");
        eprintln!("skipped: {name} is missing ({install})");
    }
    found
}

/// Folders where tools stand that `cargo xtask` builds or people install without a package manager.
pub fn tool_folders() -> Vec<PathBuf> {
    let home = std::env::home_dir().unwrap_or_default();
    let cache =
        std::env::var_os("WEIR_CACHE").map_or_else(|| home.join(".cache/weir"), PathBuf::from);
    vec![
        cache.join("bin"),
        home.join("go/bin"),
        home.join(".cargo/bin"),
    ]
}

/// The sample film of the repository: 30 s, 854x480, H.264 and AAC.
pub fn sample_film() -> PathBuf {
    root().join("tests/fixtures/media/bbb-480p-30s.mp4")
}
