//! One request through the module, natively.

use manifest_rewrite::ManifestRewrite;
use weir_module::testing::{Outcome, TestHost, decide, exchange};
use weir_module::{Module, NoCounters, ResponseHead};

/// 2026-01-01T00:00:20Z, twenty seconds into the playlists that the property tests make.
const NOW: u64 = 1_767_225_620_000_000_000;

/// Status and text of what a viewer gets who asks for `target` with a token in the form of the header `weir-token`. The body
/// comes in pieces of `piece` bytes.
pub fn ask(config: &str, target: &str, token: &str, playlist: &str, piece: usize) -> (u16, String) {
    let mut host = TestHost::<NoCounters> {
        now_ns: NOW,
        ..TestHost::default()
    };
    let mut module =
        ManifestRewrite::configure(config).unwrap_or_else(|error| panic!("{error}\n{config}"));
    let headers = [
        ("weir-token", token),
        ("weir-session", "s"),
        ("weir-tier", "free"),
        (":authority", "edge.test"),
        (":scheme", "https"),
    ];
    let verdict = decide(&mut module, &mut host, "GET", target, &headers);
    let head = ResponseHead {
        status: 200,
        headers: Vec::new(),
    };
    match exchange(
        verdict,
        &mut host,
        (head, playlist.into()),
        piece,
        |_| unreachable!(),
    ) {
        Outcome::Upstream(_, body) => (200, String::from_utf8(body).unwrap()),
        Outcome::Answer(answer) => {
            let (status, _, body) = answer.render(None);
            (status, String::from_utf8(body).unwrap())
        }
        Outcome::BrokenOff(reason) => panic!("{reason}\n{config}\n{playlist}"),
    }
}
