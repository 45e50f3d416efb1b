//! What several integration tests need.
#![allow(dead_code, reason = "each test binary uses a part")]

pub(crate) mod ffmpeg;
pub(crate) mod minio;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports that tests take, and how many: from 32,768 on the system hands them out by itself.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

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

/// A free TCP port of the loopback address, below those that the system hands out: no other program gets it before it is used.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let first = std::process::id() % u32::from(PORTS);
    (0..PORTS)
        .map(|_| {
            let next = first + u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
            FIRST_PORT + u16::try_from(next % u32::from(PORTS)).expect("below the number of ports")
        })
        .find(is_free)
        .expect("a free port")
}

/// A file of the repository's shared test media.
pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures")
        .join(name)
}
