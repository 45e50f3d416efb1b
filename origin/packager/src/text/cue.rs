//! Cues and their times.

use serde::{Deserialize, Serialize};

/// A text shown for some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cue {
    /// Microseconds of presentation time.
    pub(crate) start: i64,
    /// Microseconds of presentation time.
    pub(crate) end: i64,
    /// WebVTT cue settings, such as `line:0`.
    pub(crate) settings: String,
    /// WebVTT cue text: lines, none of them empty.
    pub(crate) text: String,
}

/// Subtitles of one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Document {
    /// `STYLE` and `REGION` blocks as they stand in the source.
    pub(crate) head: Vec<String>,
    /// By start time.
    pub(crate) cues: Vec<Cue>,
}

/// Microseconds by which two cues may miss each other and still be one: the rounding of two clocks.
const SEAM: i64 = 1_000;

impl Document {
    /// Puts cues in the order of their times.
    pub(super) fn sort(&mut self) {
        self.cues.sort_by_key(|cue| (cue.start, cue.end));
    }

    /// Joins cues that say the same one after the other: containers divide a cue where another one starts or ends. They are in the
    /// order of their times.
    pub(super) fn join(&mut self) {
        let mut joined: Vec<Cue> = Vec::with_capacity(self.cues.len());
        for cue in self.cues.drain(..) {
            // What a cue goes on from ended when it starts, so it is among the last few.
            let before = joined.iter_mut().rev().take(16).find(|before| {
                (before.end - cue.start).abs() <= SEAM
                    && before.text == cue.text
                    && before.settings == cue.settings
            });
            match before {
                Some(before) => before.end = before.end.max(cue.end),
                None => joined.push(cue),
            }
        }
        self.cues = joined;
        self.sort();
    }

    /// The cues between two times, cut to them.
    pub(super) fn within(self, start: i64, end: i64) -> Vec<Cue> {
        let cut = self.cues.into_iter().map(|cue| Cue {
            start: cue.start.max(start),
            end: cue.end.min(end),
            ..cue
        });
        cut.filter(|cue| cue.end > cue.start).collect()
    }
}

/// The lines of a text. A carriage return ends one too, with or without a line feed after it (WebVTT, section 6.1).
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// Cue text of WebVTT as it may stand in a file: no empty lines, no arrows.
pub(super) fn clean_text(text: &str) -> String {
    let lines = lines(text).filter(|line| !line.trim().is_empty());
    let lines: Vec<&str> = lines.map(str::trim_end).collect();
    lines.join("\n").replace("-->", "--&gt;")
}

/// Cue settings as they may stand in a file: one line, no arrows.
pub(super) fn clean_settings(settings: &str) -> String {
    let line = lines(settings).next().unwrap_or_default();
    line.trim().replace("-->", "")
}

/// Reads a timing line: start, `-->`, end, settings. WebVTT (section 4.1) and SRT differ in the decimal sign only.
pub(super) fn parse_timing(line: &str) -> Option<(i64, i64, String)> {
    let (start, rest) = line.split_once("-->")?;
    let rest = rest.trim();
    let (end, settings) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    Some((
        parse_time(start.trim())?,
        parse_time(end)?,
        settings.trim().to_owned(),
    ))
}

/// Reads `hh:mm:ss.mmm` or `mm:ss.mmm`, with a point or a comma, as microseconds.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    let mut micros = 0_i64;
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let parts: Vec<&str> = whole.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    for part in parts {
        micros = micros
            .checked_mul(60)?
            .checked_add(i64::from(part.trim().parse::<u32>().ok()?))?;
    }
    let digits = fraction.trim();
    if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction = digits.parse::<i64>().ok()? * 10_i64.pow(6 - u32::try_from(digits.len()).ok()?);
    micros.checked_mul(1_000_000)?.checked_add(fraction)
}

/// Blocks of lines between empty lines.
pub(super) fn blocks(text: &str) -> Vec<Vec<&str>> {
    let mut blocks = vec![Vec::new()];
    for line in lines(text) {
        if line.trim().is_empty() {
            if blocks
                .last()
                .is_some_and(|block: &Vec<&str>| !block.is_empty())
            {
                blocks.push(Vec::new());
            }
        } else if let Some(block) = blocks.last_mut() {
            block.push(line.trim_end());
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cues_that_were_divided_are_joined() {
        let cue = |start: i64, end: i64, text: &str| Cue {
            start,
            end,
            settings: String::new(),
            text: text.to_owned(),
        };
        let mut document = Document {
            head: Vec::new(),
            cues: vec![
                cue(0, 1_000_000, "a"),
                cue(1_000_000, 2_000_000, "a"),
                cue(1_000_000, 2_000_000, "b"),
                cue(2_000_400, 3_000_000, "b"),
                cue(5_000_000, 6_000_000, "a"),
            ],
        };
        document.join();
        assert_eq!(
            document.cues,
            [
                cue(0, 2_000_000, "a"),
                cue(1_000_000, 3_000_000, "b"),
                cue(5_000_000, 6_000_000, "a"),
            ]
        );
        assert_eq!(
            document.within(500_000, 1_500_000),
            [cue(500_000, 1_500_000, "a"), cue(1_000_000, 1_500_000, "b")]
        );
    }

    #[test]
    fn a_carriage_return_ends_a_line() {
        let all: Vec<_> = lines("a\rb\r\nc\n\rd").collect();
        assert_eq!(all, ["a", "b", "c", "", "d"]);
        assert_eq!(blocks("1\r2\r\r3\r").len(), 2);
        assert_eq!(clean_settings("line:0\rstray"), "line:0");
    }

    #[test]
    fn times_in_both_notations() {
        assert_eq!(parse_time("01:02:03.004"), Some(3_723_004_000));
        assert_eq!(parse_time("01:02:03,004"), Some(3_723_004_000));
        assert_eq!(parse_time("02:03.5"), Some(123_500_000));
        assert_eq!(parse_time("3.5"), None);
        assert_eq!(parse_time("aa:bb.ccc"), None);
        assert_eq!(
            parse_timing("00:01.000 --> 00:02.000 line:0 align:start"),
            Some((1_000_000, 2_000_000, "line:0 align:start".to_owned()))
        );
    }
}
