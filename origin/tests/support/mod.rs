//! What several integration tests need.
#![allow(dead_code, reason = "each test binary uses a part")]

pub(crate) mod ffmpeg;
pub(crate) mod minio;

use std::path::PathBuf;

/// Whether a missing tool is a failure (`WEIR_STRICT=1`, as on the build server) or a reason to skip.
pub(crate) fn is_strict() -> bool {
    std::env::var("WEIR_STRICT").is_ok_and(|value| value == "1")
}

/// Says what is missing; panics in strict mode so that nothing is skipped in silence.
pub(crate) fn skip_or_fail(what: &str, how_to_install: &str) {
    let message = format!("{what} is not installed: {how_to_install}");
    assert!(!is_strict(), "{message}");
    eprintln!("skipped: {message}");
}

/// A program on PATH, among those that `cargo xtask` built (`WEIR_CACHE`, else its default place), or in Go's own folder.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let home = std::env::home_dir().unwrap_or_default();
    let cache =
        std::env::var_os("WEIR_CACHE").map_or_else(|| home.join(".cache/weir"), PathBuf::from);
    folders.extend([cache.join("bin"), home.join("go/bin")]);
    folders
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// A TCP port of the loopback address that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound address").port()
}

/// A file of the repository's shared test media.
pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures")
        .join(name)
}
