//! `[[blackouts]]`: times at which some viewers may not see the programme. Its segments become gaps (`EXT-X-GAP`) whose URIs are
//! gone, and a slate plays over them as an interstitial. Both are the same at every reload, so no state is needed; replaced
//! segments would need discontinuity numbers that outlive the window.

use serde::Deserialize;
use weir_module::ConfigError;

use crate::NAME;
use crate::error::RewriteError;
use crate::media::byte_range::{OpenRanges, write_closed};
use crate::media::interstitial::{At, Placed};
use crate::media::segments::{Piece, Segment, SegmentReader, Tag, newline, tag};
use crate::playlist::attributes::is_quotable;
use crate::playlist::datetime;
use crate::playlist::lines::lines;
use crate::playlist::rewriter::Stage;
use crate::select::expression::Expression;
use crate::select::scopes::is_viewer_name;
use crate::viewer::Viewer;

/// `[[blackouts]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BlackoutConfig {
    /// Unique among the blackouts.
    pub id: String,
    /// RFC 3339 date of its beginning.
    pub start: String,
    /// RFC 3339 date of its end.
    pub end: String,
    /// It holds for viewers of whom this is true. Absent: for all.
    pub when: Option<String>,
    /// A playlist to show instead.
    pub slate: Option<String>,
}

/// A compiled blackout.
#[derive(Debug, Clone)]
pub struct Blackout {
    id: String,
    start: i64,
    end: i64,
    when: Option<Expression>,
    slate: Option<String>,
}

/// What stands for the URI of a segment that is not to be seen. A gap is never fetched.
const GONE: &[u8] = b"blackout";

impl Blackout {
    /// Compiles the blackout at `index`.
    ///
    /// # Errors
    /// The key that is wrong.
    pub fn compile(index: usize, config: &BlackoutConfig) -> Result<Self, ConfigError> {
        let wrong = |key: &str, message: &str| {
            ConfigError::new(NAME, format!("blackouts[{index}].{key}"), message)
        };
        let date = |key: &str, text: &str| {
            datetime::parse(text)
                .ok_or_else(|| wrong(key, "write a date as in 2026-11-20T08:00:00Z"))
        };
        let (start, end) = (date("start", &config.start)?, date("end", &config.end)?);
        if end <= start {
            return Err(wrong("end", "it is after the start"));
        }
        if config.id.is_empty()
            || !is_quotable(&config.id)
            || config
                .slate
                .as_deref()
                .is_some_and(|text| !is_quotable(text))
        {
            return Err(wrong(
                "id",
                "it and the slate have no quote mark and no line end",
            ));
        }
        let when = config
            .when
            .as_deref()
            .map(|text| Expression::parse(text, &is_viewer_name))
            .transpose();
        let when = when.map_err(|error| wrong("when", &error.to_string()))?;
        Ok(Self {
            id: config.id.clone(),
            start,
            end,
            when,
            slate: config.slate.clone(),
        })
    }

    /// Every name that the condition uses.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.when.iter().flat_map(Expression::names)
    }

    /// True when it holds for the viewer, now or later.
    pub fn holds(&self, viewer: &Viewer) -> bool {
        if self.names().any(|name| !name.starts_with("query.")) {
            viewer.make_personal();
        }
        self.when
            .as_ref()
            .is_none_or(|when| when.evaluate(viewer) == Some(true))
    }

    /// The slate, by an absolute URI.
    #[allow(clippy::cast_precision_loss)]
    pub fn slate(&self, viewer: &Viewer) -> Option<Placed> {
        let seconds = (self.end - self.start) as f64 / 1000.0;
        let slate = viewer.absolute(self.slate.as_ref()?);
        Some(Placed::new(
            &self.id,
            At::Date(self.start),
            seconds,
            format!(",X-ASSET-URI=\"{slate}\",X-PLAYOUT-LIMIT={seconds},X-RESTRICT=\"SKIP,JUMP\""),
        ))
    }
}

/// Makes gaps in one media playlist.
#[derive(Debug)]
pub struct BlackoutStage {
    reader: SegmentReader,
    gaps: Gaps,
}

#[derive(Debug)]
struct Gaps {
    /// From and to, in milliseconds.
    windows: Vec<(i64, i64)>,
    date: Option<f64>,
    end: &'static [u8],
    /// The last segment was in a window.
    dark: bool,
    ranges: OpenRanges,
}

impl BlackoutStage {
    /// A stage for the blackouts that hold.
    pub fn new(blackouts: &[&Blackout]) -> Self {
        let windows = blackouts
            .iter()
            .map(|blackout| (blackout.start, blackout.end))
            .collect();
        Self {
            reader: SegmentReader::default(),
            gaps: Gaps {
                windows,
                date: None,
                end: b"\n",
                dark: false,
                ranges: OpenRanges::default(),
            },
        }
    }
}

impl Stage for BlackoutStage {
    fn lines(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let gaps = &mut self.gaps;
        self.reader.lines(block, |piece| {
            gaps.piece(piece, out);
            Ok(())
        })
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let gaps = &mut self.gaps;
        self.reader.finish(|piece| {
            gaps.piece(piece, out);
            Ok(())
        })?;
        // The parts of a segment that is not complete yet belong to the time after the last one.
        let dark = gaps.is_dark(0.0);
        for line in lines(&self.reader.rest) {
            let shown = matches!(
                tag(line),
                Tag::Known(b"EXT-X-PART" | b"EXT-X-PRELOAD-HINT" | b"EXT-X-PREFETCH", _)
            );
            if !(dark && shown) {
                out.extend_from_slice(line);
            }
        }
        Ok(())
    }
}

impl Gaps {
    #[allow(clippy::cast_precision_loss)]
    fn piece(&mut self, piece: Piece<'_>, out: &mut Vec<u8>) {
        match piece {
            Piece::Opening(opening) => {
                self.end = newline(opening);
                out.extend_from_slice(opening);
            }
            Piece::Segment(segment) => {
                match (segment.date, segment.discontinuities) {
                    (Some(date), _) => self.date = Some(date as f64),
                    (None, 1..) => self.date = None,
                    (None, 0) => {}
                }
                let was_dark = self.dark;
                // Between two dates that are not known, what was dark stays dark.
                self.dark = if self.date.is_some() {
                    self.is_dark(segment.duration)
                } else {
                    self.dark
                };
                if self.dark {
                    self.write_gap(segment, out);
                } else {
                    self.write_shown(segment, was_dark, out);
                }
                self.ranges.segment_ends();
                self.date = self.date.map(|date| date + segment.duration * 1000.0);
            }
        }
    }

    /// After a gap an open byte range has nothing before it to go on from.
    fn write_shown(&mut self, segment: &Segment, after_gap: bool, out: &mut Vec<u8>) {
        if segment.byte_range.is_none() {
            out.extend_from_slice(&segment.text);
            return;
        }
        for line in lines(&segment.text) {
            let open = match tag(line) {
                Tag::Known(b"EXT-X-BYTERANGE", value) => self.ranges.range(value),
                _ => None,
            };
            match open.filter(|_| after_gap) {
                Some(offset) => write_closed(line, offset, out),
                None => out.extend_from_slice(line),
            }
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn is_dark(&self, duration: f64) -> bool {
        let Some(from) = self.date else {
            return self.dark;
        };
        // A millisecond of overlap is rounding.
        let to = from + (duration * 1000.0 - 1.0).max(0.0);
        self.windows
            .iter()
            .any(|(start, end)| to >= *start as f64 && from < *end as f64 - 1.0)
    }

    fn write_gap(&mut self, segment: &Segment, out: &mut Vec<u8>) {
        for line in lines(&segment.text) {
            match tag(line) {
                Tag::Known(b"EXT-X-BYTERANGE", value) => drop(self.ranges.range(value)),
                Tag::Known(b"EXT-X-PART" | b"EXT-X-PREFETCH" | b"EXT-X-GAP", _) => {}
                Tag::Uri(_) => {
                    for text in [&b"#EXT-X-GAP"[..], GONE] {
                        out.extend_from_slice(text);
                        out.extend_from_slice(self.end);
                    }
                }
                _ => out.extend_from_slice(line),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"i\"\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF:4,\na\n\
        #EXT-X-PART:DURATION=4,URI=\"b.0\"\n#EXTINF:4,\nb\n#EXTINF:4,\nc\n#EXTINF:4,\nd\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"e.0\"\n";

    fn run(start: &str, end: &str) -> String {
        let text = format!(
            "id='b'\nstart='2026-01-01T00:00:{start}Z'\nend='2026-01-01T00:00:{end}Z'\nslate='s.m3u8'"
        );
        let blackout = Blackout::compile(0, &toml::from_str(&text).unwrap()).unwrap();
        let mut stage = BlackoutStage::new(&[&blackout]);
        let mut out = Vec::new();
        stage.lines(LIVE.as_bytes(), &mut out).unwrap();
        stage.finish(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn segments_of_the_time_become_gaps() {
        let expected = LIVE
            .replace(
                "#EXT-X-PART:DURATION=4,URI=\"b.0\"\n#EXTINF:4,\nb\n",
                "#EXTINF:4,\n#EXT-X-GAP\nblackout\n",
            )
            .replace("#EXTINF:4,\nc\n", "#EXTINF:4,\n#EXT-X-GAP\nblackout\n");
        assert_eq!(run("06", "12"), expected);
        assert_eq!(run("20", "30"), LIVE);
        let text = run("12", "30");
        assert!(
            text.ends_with("c\n#EXTINF:4,\n#EXT-X-GAP\nblackout\n"),
            "{text}"
        );
    }

    #[test]
    fn a_slate_plays_over_the_gap() {
        let config = "id='b'\nstart='2026-01-01T00:00:00Z'\nend='2026-01-01T00:00:30Z'\nslate='s.m3u8'\nwhen='country == \"DE\"'";
        let blackout = Blackout::compile(0, &toml::from_str(config).unwrap()).unwrap();
        assert!(!blackout.holds(&Viewer::from_query("")));
        let tag = blackout
            .slate(&Viewer::from_query(""))
            .unwrap()
            .tag(0, None, None);
        assert!(
            tag.contains(
                "DURATION=30,X-ASSET-URI=\"s.m3u8\",X-PLAYOUT-LIMIT=30,X-RESTRICT=\"SKIP,JUMP\""
            ),
            "{tag}"
        );
        let wrong = config.replace("00:30Z", "00:00Z");
        assert_eq!(
            Blackout::compile(2, &toml::from_str(&wrong).unwrap())
                .unwrap_err()
                .key(),
            "blackouts[2].end"
        );
    }
}
