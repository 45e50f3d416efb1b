//! Puts interstitials into a media playlist. Their dates need `EXT-X-PROGRAM-DATE-TIME`; a VOD playlist that has none gets one
//! (the same in every rendition), a live playlist without dates stays as it is.
//!
//! A tag is the same each time that a live playlist is loaded, wherever its window then stands: two tags with one `ID` may not
//! contradict each other (RFC 8216bis section 4.4.5.1), and a player takes another `ID` for another break.

use std::collections::VecDeque;

use crate::error::RewriteError;
use crate::media::interstitial::{At, Placed};
use crate::media::segments::{Piece, Segment, SegmentReader, Tag, newline, tag};
use crate::playlist::attributes::AttributeList;
use crate::playlist::datetime;
use crate::playlist::lines::lines;
use crate::playlist::rewriter::Stage;

/// Puts interstitials into one playlist.
#[derive(Debug)]
pub struct InterstitialStage {
    reader: SegmentReader,
    placing: Placing,
}

#[derive(Debug)]
struct Placing {
    items: Vec<Placed>,
    end: &'static [u8],
    is_vod: bool,
    /// Segments leave at the front: the playlist is neither `VOD` nor `EVENT`.
    slides: bool,
    is_i_frames: bool,
    first: bool,
    /// Seconds of the playlist before the current segment.
    position: f64,
    /// Date of the current segment in milliseconds.
    date: Option<f64>,
    /// The breaks of late: one that is marked again is no other.
    told: VecDeque<i64>,
}

/// Breaks that are remembered.
const REMEMBERED: usize = 32;

impl InterstitialStage {
    /// A stage for these interstitials.
    pub fn new(items: Vec<Placed>) -> Self {
        Self {
            reader: SegmentReader::default(),
            placing: Placing {
                items,
                end: b"\n",
                is_vod: false,
                slides: true,
                is_i_frames: false,
                first: true,
                position: 0.0,
                date: None,
                told: VecDeque::new(),
            },
        }
    }
}

impl Stage for InterstitialStage {
    fn lines(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let placing = &mut self.placing;
        self.reader.lines(block, |piece| {
            placing.piece(piece, out);
            Ok(())
        })
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let placing = &mut self.placing;
        self.reader.finish(|piece| {
            placing.piece(piece, out);
            Ok(())
        })?;
        out.append(&mut self.reader.rest);
        Ok(())
    }
}

impl Placing {
    fn piece(&mut self, piece: Piece<'_>, out: &mut Vec<u8>) {
        match piece {
            Piece::Opening(opening) => {
                self.end = newline(opening);
                for line in lines(opening) {
                    match tag(line) {
                        Tag::Known(b"EXT-X-PLAYLIST-TYPE", value) => {
                            self.is_vod = value == b"VOD";
                            self.slides = !self.is_vod && value != b"EVENT";
                        }
                        Tag::Known(b"EXT-X-I-FRAMES-ONLY", _) => self.is_i_frames = true,
                        _ => {}
                    }
                }
                out.extend_from_slice(opening);
            }
            Piece::Segment(segment) => self.segment(segment, out),
        }
    }

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    fn segment(&mut self, segment: &Segment, out: &mut Vec<u8>) {
        match (segment.date, segment.discontinuities) {
            (Some(date), _) => self.date = Some(date as f64),
            (None, 1..) if !self.first => self.date = None,
            _ => {}
        }
        let is_first = std::mem::take(&mut self.first);
        // A multivariant playlist has no durations, trick play has no breaks.
        if self.is_i_frames
            || !lines(&segment.text).any(|line| matches!(tag(line), Tag::Known(b"EXTINF", _)))
        {
            out.extend_from_slice(&segment.text);
            return;
        }
        if is_first && self.date.is_none() && self.is_vod {
            self.date = Some(0.0);
            self.write("#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.000Z", out);
        }
        if let Some(date) = self.date {
            let found = Break::find(&segment.text)
                .map(|found| found.begin(date))
                .filter(|(start, _)| self.is_new(*start));
            for item in &self.items {
                let start = match item.at {
                    At::Pre | At::Post if is_first && self.slides => UNUSED,
                    At::Pre | At::Post if is_first => date,
                    At::Offset(at)
                        if self.is_vod
                            && at >= self.position
                            && at < self.position + segment.duration =>
                    {
                        date + (at - self.position) * 1000.0
                    }
                    // A date is told at once, so that players can fetch ahead, unless it is past.
                    At::Date(at)
                        if is_first
                            && at as f64 + item.duration.unwrap_or(0.0) * 1000.0 >= date =>
                    {
                        at as f64
                    }
                    At::Break => {
                        if let Some((start, length)) = found {
                            let text = item.tag(start, Some(to_the_second(start)), length);
                            self.write(&text, out);
                        }
                        continue;
                    }
                    _ => continue,
                };
                // Dates in milliseconds are far inside what an i64 holds.
                let text = item.tag(start.round() as i64, None, None);
                self.write(&text, out);
            }
        }
        out.extend_from_slice(&segment.text);
        self.position += segment.duration;
        self.date = self.date.map(|date| date + segment.duration * 1000.0);
    }

    /// Whether a break at this date was not told before.
    fn is_new(&mut self, start: i64) -> bool {
        let second = to_the_second(start);
        let is_new = !self.told.contains(&second);
        if is_new {
            self.told.truncate(REMEMBERED - 1);
            self.told.push_front(second);
        }
        is_new
    }

    fn write(&self, line: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(self.end);
    }
}

/// The date of what plays before or after a programme without a fixed beginning. Players schedule by `CUE` and not by it
/// (`AVPlayerInterstitialEvent.Cue`; hls.js), but the tag must have one, and any that hung on the window would move with it.
const UNUSED: f64 = 0.0;

/// What tells the breaks of one interstitial apart: the date to the second. The date of a segment without one of its own is the
/// sum of durations, which may come out a millisecond other when the window has moved on.
fn to_the_second(start: i64) -> i64 {
    (start + 500).div_euclid(1000) * 1000
}

/// A marked break: `EXT-X-CUE-OUT:30`, `EXT-X-CUE-OUT:DURATION=30`, `EXT-X-DATERANGE` with `SCTE35-OUT`.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Break {
    /// Where the mark itself says; it may stand at another segment than the one where the break begins.
    start: Option<i64>,
    /// Seconds.
    length: Option<f64>,
}

impl Break {
    /// Date and length of a break that was found at a segment of this date.
    #[allow(clippy::cast_possible_truncation)] // Dates in milliseconds are far inside what an i64 holds.
    fn begin(self, segment: f64) -> (i64, Option<f64>) {
        (self.start.unwrap_or(segment.round() as i64), self.length)
    }

    fn find(text: &[u8]) -> Option<Self> {
        let mut found: Option<Self> = None;
        for line in lines(text) {
            let mark = match tag(line) {
                Tag::Known(b"EXT-X-CUE-OUT", value) => Self {
                    start: None,
                    length: seconds(value)
                        .or_else(|| seconds(AttributeList::find(value, "DURATION")?)),
                },
                Tag::Known(b"EXT-X-DATERANGE", value)
                    if AttributeList::find(value, "SCTE35-OUT").is_some() =>
                {
                    let length = AttributeList::find(value, "DURATION")
                        .or(AttributeList::find(value, "PLANNED-DURATION"));
                    Self {
                        start: AttributeList::find(value, "START-DATE").and_then(date_of),
                        length: length.and_then(seconds),
                    }
                }
                _ => continue,
            };
            // Several marks of one break: what the first leaves open another may say.
            let known = found.unwrap_or_default();
            found = Some(Self {
                start: known.start.or(mark.start),
                length: known.length.or(mark.length),
            });
        }
        found
    }
}

fn seconds(value: &[u8]) -> Option<f64> {
    let seconds = std::str::from_utf8(value)
        .ok()?
        .trim()
        .parse::<f64>()
        .ok()?;
    (seconds.is_finite() && seconds > 0.0).then_some(seconds)
}

fn date_of(value: &[u8]) -> Option<i64> {
    datetime::parse(std::str::from_utf8(value).ok()?.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::interstitial::{InterstitialConfig, compile_all};
    use crate::viewer::Viewer;

    fn run(items: &[&str], text: &str) -> String {
        let configs: Vec<InterstitialConfig> = items
            .iter()
            .enumerate()
            .map(|(index, at)| {
                toml::from_str(&format!("id='i{index}'\nat='{at}'\nasset-uri='ad.m3u8'")).unwrap()
            })
            .collect();
        let viewer = Viewer::from_query("");
        let placed = compile_all(&configs)
            .unwrap()
            .iter()
            .filter_map(|item| item.for_viewer(&viewer))
            .collect();
        let mut stage = InterstitialStage::new(placed);
        let mut out = Vec::new();
        stage.lines(text.as_bytes(), &mut out).unwrap();
        stage.finish(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        text.replace(",CLASS=\"com.apple.hls.interstitial\"", "")
            .replace(",X-ASSET-URI=\"ad.m3u8\"", "")
    }

    const VOD: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:4,\na\n#EXTINF:4,\nb\n#EXTINF:4,\nc\n#EXT-X-ENDLIST\n";

    #[test]
    fn a_programme_gets_its_breaks() {
        assert_eq!(
            run(&["pre", "5", "post", "99"], VOD),
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.000Z\n\
             #EXT-X-DATERANGE:ID=\"i0\",START-DATE=\"1970-01-01T00:00:00.000Z\",X-RESUME-OFFSET=0,CUE=\"PRE\"\n\
             #EXT-X-DATERANGE:ID=\"i2\",START-DATE=\"1970-01-01T00:00:00.000Z\",X-RESUME-OFFSET=0,CUE=\"POST\"\n\
             #EXTINF:4,\na\n#EXT-X-DATERANGE:ID=\"i1\",START-DATE=\"1970-01-01T00:00:05.000Z\",X-RESUME-OFFSET=0\n\
             #EXTINF:4,\nb\n#EXTINF:4,\nc\n#EXT-X-ENDLIST\n"
        );
    }

    #[test]
    fn breaks_in_a_live_playlist_keep_their_identity() {
        let live = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:10Z\n#EXTINF:4,\na\n\
            #EXT-X-CUE-OUT:30\n#EXT-X-DATERANGE:ID=\"s\",START-DATE=\"1970-01-01T00:00:14Z\",SCTE35-OUT=0xFC\n#EXTINF:4,\nb\n";
        let text = run(
            &["break", "1970-01-01T00:01:00Z", "1970-01-01T00:00:01Z", "5"],
            live,
        );
        assert!(text.contains("#EXT-X-DATERANGE:ID=\"i0-14000\",START-DATE=\"1970-01-01T00:00:14.000Z\",DURATION=30,X-PLAYOUT-LIMIT=30\n#EXT-X-CUE-OUT:30\n"), "{text}");
        assert!(
            text.contains("ID=\"i1\",START-DATE=\"1970-01-01T00:01:00.000Z\"")
                && !text.contains("\"i2\"")
                && !text.contains("\"i3\""),
            "{text}"
        );
    }

    /// A live playlist whose window begins at segment `first`; only its first segment has a date, as the packager rounds it. The
    /// mark by date range stays at the front while its break is in the window.
    fn window(first: u32) -> String {
        let exact = |number: u32| 1_780_000_000_000.0 + f64::from(number) * 4004.4;
        #[allow(clippy::cast_possible_truncation)]
        let date = |number| datetime::format(f64::floor(exact(number)) as i64);
        let mut text = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-PROGRAM-DATE-TIME:{}\n",
            date(first)
        );
        if first <= 7 {
            let start = date(7);
            text += &format!(
                "#EXT-X-DATERANGE:ID=\"s\",START-DATE=\"{start}\",PLANNED-DURATION=20,SCTE35-OUT=0xFC\n"
            );
        }
        for number in first..first + 6 {
            if number == 4 {
                text += "#EXT-X-CUE-OUT:8\n";
            }
            text += &format!("#EXTINF:4.0044,\n{number}.m4s\n");
        }
        text
    }

    #[test]
    fn a_sliding_window_moves_no_interstitial() {
        let mut known = std::collections::BTreeMap::new();
        for first in 0..=7 {
            let text = run(
                &["pre", "post", "break", "2026-05-28T20:27:00Z"],
                &window(first),
            );
            for line in text.lines().filter(|line| line.contains(":ID=\"i")) {
                let id = line.split('"').nth(1).unwrap().to_owned();
                // A millisecond of rounding is no other date.
                let millis = datetime::parse(
                    line.split("START-DATE=\"")
                        .nth(1)
                        .unwrap()
                        .split('"')
                        .next()
                        .unwrap(),
                );
                let rest: String = line
                    .split(',')
                    .filter(|part| !part.starts_with("START-DATE"))
                    .collect();
                let (before, tag) = known.entry(id).or_insert((millis.unwrap(), rest.clone()));
                assert!(before.abs_diff(millis.unwrap()) <= 2, "{first}: {line}");
                assert_eq!(*tag, rest, "{first}");
            }
            assert!(
                text.contains("CUE=\"PRE\"") && text.contains("CUE=\"POST\""),
                "{text}"
            );
        }
        // Before, after, at the date, and two breaks.
        assert_eq!(known.len(), 5, "{known:?}");
    }

    #[test]
    fn what_has_no_dates_or_no_segments_stays() {
        let live = VOD.replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "");
        let multivariant = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n";
        for text in [live.as_str(), multivariant, ""] {
            assert_eq!(run(&["pre", "break", "0"], text), text);
        }
    }
}
