//! What is wrong with a media playlist, by the rules of RFC 8216bis sections 4.4.3 to 4.4.5 and appendix D that a rewrite can break.

use std::collections::{BTreeMap, BTreeSet};

use super::attributes;

/// Tags that stand at most once.
const ONCE: [&str; 10] = [
    "#EXTM3U",
    "#EXT-X-VERSION",
    "#EXT-X-TARGETDURATION",
    "#EXT-X-MEDIA-SEQUENCE",
    "#EXT-X-DISCONTINUITY-SEQUENCE",
    "#EXT-X-PLAYLIST-TYPE",
    "#EXT-X-SERVER-CONTROL",
    "#EXT-X-PART-INF",
    "#EXT-X-START",
    "#EXT-X-ENDLIST",
];

/// Tags that must come before the first segment.
const BEFORE_SEGMENTS: [&str; 3] = [
    "#EXT-X-MEDIA-SEQUENCE",
    "#EXT-X-DISCONTINUITY-SEQUENCE",
    "#EXT-X-SKIP",
];

/// The faults of a playlist, each as a sentence without numbers of lines, so that two playlists can be compared.
pub fn problems(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let lines: Vec<&str> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let name = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    let value = |tag: &str| {
        let line = lines.iter().find(|line| name(line) == tag)?;
        line.split_once(':').map(|(_, value)| value.trim())
    };
    let number = |tag: &str| value(tag).and_then(|value| value.parse::<f64>().ok());
    if lines.first() != Some(&"#EXTM3U") {
        found.insert("it does not begin with EXTM3U".to_owned());
    }
    for tag in ONCE {
        if lines.iter().filter(|line| name(line) == tag).count() > 1 {
            found.insert(format!("{tag} twice"));
        }
    }
    if value("#EXT-X-PLAYLIST-TYPE") == Some("VOD") && !lines.contains(&"#EXT-X-ENDLIST") {
        found.insert("VOD without an end".to_owned());
    }
    let version = number("#EXT-X-VERSION").unwrap_or(1.0);
    let target = number("#EXT-X-TARGETDURATION");
    if target.is_none() {
        found.insert("no target duration".to_owned());
    }
    let mut walk = Walk::default();
    for line in &lines {
        walk.line(line, &name(line), target, version, &mut found);
    }
    if walk.duration {
        found.insert("EXTINF without a URI".to_owned());
    }
    if walk.parts && value("#EXT-X-PART-INF").is_none() {
        found.insert("parts without EXT-X-PART-INF".to_owned());
    }
    if walk.ranges && !walk.dates {
        found.insert("EXT-X-DATERANGE without EXT-X-PROGRAM-DATE-TIME".to_owned());
    }
    if let Some(control) = lines
        .iter()
        .find(|line| line.starts_with("#EXT-X-SERVER-CONTROL"))
        && let Some(until) = attributes(control).get("CAN-SKIP-UNTIL")
        && until.parse::<f64>().unwrap_or(0.0) < target.unwrap_or(0.0) * 6.0
    {
        found.insert("CAN-SKIP-UNTIL below six target durations".to_owned());
    }
    found
}

#[derive(Default)]
struct Walk {
    duration: bool,
    segments: bool,
    parts: bool,
    after_skip: bool,
    dates: bool,
    ranges: bool,
    /// A byte range that leaves its offset open stands before the next URI.
    open_range: bool,
    last_range_uri: Option<String>,
    has_range: bool,
    known: BTreeMap<String, String>,
}

impl Walk {
    fn line(
        &mut self,
        line: &str,
        name: &str,
        target: Option<f64>,
        version: f64,
        found: &mut BTreeSet<String>,
    ) {
        if !line.starts_with('#') {
            return self.uri(line, found);
        }
        if self.segments && BEFORE_SEGMENTS.contains(&name) {
            found.insert(format!("{name} after a segment"));
        }
        match name {
            "#EXTINF" => {
                if std::mem::replace(&mut self.duration, true) {
                    found.insert("EXTINF twice before a URI".to_owned());
                }
                let seconds = line.split([':', ',']).nth(1).unwrap_or_default();
                let seconds: f64 = seconds.trim().parse().unwrap_or(f64::NAN);
                if target.is_some_and(|target| seconds.round() > target) {
                    found.insert("a segment over the target duration".to_owned());
                }
            }
            "#EXT-X-BYTERANGE" => {
                self.has_range = true;
                self.open_range = !line.contains('@');
            }
            "#EXT-X-PART" => self.parts = true,
            "#EXT-X-SKIP" => {
                // The player has the segments that are left out, and goes on from them.
                self.after_skip = true;
                if version < 9.0 {
                    found.insert("EXT-X-SKIP below version 9".to_owned());
                }
            }
            "#EXT-X-PROGRAM-DATE-TIME" => self.dates = true,
            "#EXT-X-DATERANGE" => self.date_range(line, found),
            _ => {}
        }
    }

    fn uri(&mut self, uri: &str, found: &mut BTreeSet<String>) {
        if !std::mem::take(&mut self.duration) {
            found.insert("a URI without EXTINF".to_owned());
        }
        self.segments = true;
        let plain = uri.split(['?', '#']).next().unwrap_or_default().to_owned();
        let known =
            std::mem::take(&mut self.after_skip) || self.last_range_uri.as_ref() == Some(&plain);
        if std::mem::take(&mut self.open_range) && !known {
            found.insert("an open byte range that follows nothing".to_owned());
        }
        self.last_range_uri = std::mem::take(&mut self.has_range).then_some(plain);
    }

    fn date_range(&mut self, line: &str, found: &mut BTreeSet<String>) {
        self.ranges = true;
        let range = attributes(line);
        let text = |name: &str| range.get(name).cloned().unwrap_or_default();
        if text("ID").is_empty() {
            found.insert("EXT-X-DATERANGE without ID".to_owned());
        }
        if text("CLASS").contains("com.apple.hls.interstitial") {
            if text("START-DATE").is_empty() {
                found.insert("an interstitial without START-DATE".to_owned());
            }
            let ways = ["X-ASSET-URI", "X-ASSET-LIST"];
            if ways.iter().filter(|way| range.contains_key(**way)).count() != 1 {
                found.insert("an interstitial without exactly one asset".to_owned());
            }
            if range
                .get("X-ASSET-URI")
                .is_some_and(|uri| !uri.contains("://"))
            {
                found.insert("X-ASSET-URI is not absolute".to_owned());
            }
        }
        // The same ID again may add attributes, and may not change any.
        for (name, value) in &range {
            let key = format!("{} {name}", text("ID"));
            let before = self.known.insert(key, value.clone());
            if before.is_some_and(|before| before != *value) {
                found.insert("EXT-X-DATERANGE of one ID that contradict each other".to_owned());
            }
        }
    }
}
