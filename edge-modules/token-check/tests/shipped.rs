//! The settings that are shipped for other hosts let nobody in without a token.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

use token_check::TokenCheck;
use weir_module::testing::{TestHost, decide};
use weir_module::{Module, NoCounters, Verdict};

const WASMTIME: &str = include_str!("../../../cdn-config/wasmtime/token-check.toml");
const SPIN: &str = include_str!("../../../cdn-config/spin/spin.toml");

/// The settings in Spin's manifest.
fn spin() -> String {
    let manifest: toml::Table = toml::from_str(SPIN).unwrap();
    let environment = &manifest["component"]["origin-fetch"]["environment"];
    environment["TOKEN_CHECK"].as_str().unwrap().to_owned()
}

/// The status of the answer; none when the request goes on.
fn status(config: &str, target: &str) -> Option<u16> {
    let mut module = TokenCheck::configure(config).unwrap();
    let mut host = TestHost::<NoCounters>::default();
    match decide(&mut module, &mut host, "GET", target, &[]) {
        Verdict::Answer(answer) => Some(answer.status),
        Verdict::Pass(_) | Verdict::Exchange(..) => None,
    }
}

#[test]
fn media_need_a_token() {
    for config in [WASMTIME.to_owned(), spin()] {
        for target in [
            "/vod/film/v1/multivariant.m3u8",
            "/vod/film/v1/video-1/00001.m4s",
            "/vod/film/v1/multivariant.m3u8?token=abc",
            "/keys/film/1",
            "/anything",
        ] {
            assert_eq!(status(&config, target), Some(401), "{target}");
        }
    }
}

#[test]
fn the_demonstration_needs_none() {
    for target in ["/", "/play/film", "/assets/player.js"] {
        assert_eq!(status(WASMTIME, target), None, "{target}");
    }
}

#[test]
fn the_front_page_is_one_page() {
    let config = |paths| {
        format!(
            "[[keys]]\nsecret = \"a secret of 16 bytes\"\n[[routes]]\npaths = [{paths:?}]\naccess = \"public\"\n"
        )
    };
    assert_eq!(status(&config("/"), "/"), None);
    assert_eq!(status(&config("/"), "/a"), Some(401));
    assert_eq!(status(&config("/**"), "/a/b"), None);
    assert_eq!(status(&config("/a/"), "/a/b"), None);
}
