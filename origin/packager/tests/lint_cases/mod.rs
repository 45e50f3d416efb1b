//! Broken presentations, each with the rule that must catch it.

pub(crate) mod delivery;
pub(crate) mod low_latency;
pub(crate) mod media;
pub(crate) mod multivariant;
pub(crate) mod package_cases;
pub(crate) mod playlists;

use crate::lint_support::Files;

/// A broken presentation.
pub(crate) struct Case {
    /// Identifier of the rule.
    pub(crate) rule: &'static str,
    pub(crate) files: Files,
    /// Path of the playlist to start with.
    pub(crate) start: String,
    /// Where the finding must be.
    pub(crate) line: Option<usize>,
}

/// The mark before the line where a finding must be.
pub(crate) const MARK: char = '»';

/// A case of one playlist. The line of the finding starts with [`MARK`].
pub(crate) fn playlist(rule: &'static str, text: &str) -> Case {
    let line = text
        .lines()
        .position(|line| line.starts_with(MARK))
        .map(|index| index + 1);
    let text = text.replace(MARK, "");
    Case {
        rule,
        files: Files::from([("index.m3u8".to_owned(), text.into_bytes())]),
        start: "index.m3u8".to_owned(),
        line,
    }
}
