//! Samples of text tracks, for the fuzzer: what every reader makes of them can stand in a WebVTT file.

use bytes::Bytes;

use super::cue::Cue;
use super::{BlockSyntax, ttml, tx3g, wvtt};

/// Reads a sample in one of the ways that there are.
///
/// # Panics
/// When a reader makes something that is no cue.
pub(crate) fn fuzz_sample(way: u8, sample: &[u8]) {
    let cue = |(text, settings): (String, String)| Cue {
        start: 0,
        end: 1,
        settings,
        text,
    };
    let plain = |text: Option<String>| text.map(|text| vec![cue((text, String::new()))]);
    let block = |syntax: BlockSyntax| vec![cue(syntax.cue(sample, sample))];
    let cues = match way % 7 {
        0 => plain(tx3g::cue_text(sample)),
        1 => {
            // Titles of chapters stand in JSON: one line, nothing else is asked.
            let title = tx3g::plain_text(sample).unwrap_or_default();
            assert!(!title.contains(char::is_control), "{title:?}");
            None
        }
        2 => wvtt::cues(&Bytes::copy_from_slice(sample), 0, 1),
        3 => ttml::parse(&String::from_utf8_lossy(sample))
            .ok()
            .map(|document| document.within(0, i64::MAX)),
        4 => Some(block(BlockSyntax::Plain)),
        5 => Some(block(BlockSyntax::SubStation)),
        _ => Some(block(BlockSyntax::EarlyWebVtt)),
    };
    for cue in cues.into_iter().flatten() {
        assert!(cue.end > cue.start, "{cue:?}");
        assert!(!cue.settings.contains(['\n', '\r']), "{cue:?}");
        assert!(!cue.text.contains("-->"), "{cue:?}");
        // An empty line ends a cue; one of no-break spaces does not.
        let is_empty = |line: &str| line.trim_matches([' ', '\t']).is_empty();
        assert!(
            cue.text.is_empty() || !cue.text.split(['\n', '\r']).any(is_empty),
            "{cue:?}"
        );
    }
}
