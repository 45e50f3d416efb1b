//! What a player saw of one stream, as `policies.mjs` tells it.

use serde_json::Value;

/// One stream in one player.
pub(crate) struct Played<'a> {
    pub(crate) policy: &'a str,
    pub(crate) seen: &'a Value,
}

impl Played<'_> {
    /// Fails the test when the condition does not hold.
    #[track_caller]
    pub(crate) fn must(&self, holds: bool, what: &str) {
        assert!(holds, "{}: {what}: {:#}", self.policy, self.seen);
    }

    /// Everything that was asked for.
    pub(crate) fn urls(&self) -> Vec<&str> {
        let requests = self.seen["requests"].as_array();
        let urls = requests.into_iter().flatten();
        urls.filter_map(|request| request[1].as_str()).collect()
    }

    /// Media segments that were asked for.
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.urls()
            .into_iter()
            .filter(|url| path(url).ends_with(".m4s"))
            .collect()
    }

    /// The stream was played without a gap for so many seconds, from this second on, and everything that was asked for was given.
    #[track_caller]
    pub(crate) fn must_be_whole(&self, start: f64, end: f64) {
        self.must(
            self.seen["errors"].as_array().is_some_and(Vec::is_empty),
            "no error",
        );
        self.must(!self.seen["ended"].is_null(), "it ends");
        for request in self.seen["requests"].as_array().into_iter().flatten() {
            let given = matches!(request[0].as_u64(), Some(200 | 206));
            self.must(given, "every request is answered");
        }
        let played = self.seen["played"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        self.must(played.len() == 1, "one stretch is played");
        let at = |index: usize| played[0][index].as_f64().unwrap_or(f64::NAN);
        self.must(
            (at(0) - start).abs() < 0.3 && (at(1) - end).abs() < 0.3,
            &format!("it is played from {start} to {end}"),
        );
    }

    /// Every choice of a kind, `height` or `codec`, that the player had.
    pub(crate) fn choices(&self, kind: &str) -> Vec<&Value> {
        let choices = self.seen["choices"].as_array();
        choices
            .into_iter()
            .flatten()
            .map(|choice| &choice[kind])
            .collect()
    }
}

/// A URL without its query.
pub(crate) fn path(url: &str) -> &str {
    url.split_once('?').map_or(url, |(path, _)| path)
}
