//! Puts interstitials into a media playlist. Their dates need `EXT-X-PROGRAM-DATE-TIME`; a VOD playlist that has none gets one
//! (the same in every rendition), a live playlist without dates stays as it is.

use crate::error::RewriteError;
use crate::media::interstitial::{At, Placed};
use crate::media::segments::{Piece, Segment, SegmentReader, Tag, newline, tag};
use crate::playlist::attributes::AttributeList;
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
    is_i_frames: bool,
    first: bool,
    /// Seconds of the playlist before the current segment.
    position: f64,
    /// Date of the current segment in milliseconds.
    date: Option<f64>,
}

impl InterstitialStage {
    /// A stage for these interstitials.
    pub fn new(items: Vec<Placed>) -> Self {
        Self {
            reader: SegmentReader::default(),
            placing: Placing {
                items,
                end: b"\n",
                is_vod: false,
                is_i_frames: false,
                first: true,
                position: 0.0,
                date: None,
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
                        Tag::Known(b"EXT-X-PLAYLIST-TYPE", value) => self.is_vod = value == b"VOD",
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
            let length = break_length(&segment.text);
            for item in &self.items {
                let (offset, occurrence) = match item.at {
                    At::Pre | At::Post if is_first => (0.0, None),
                    At::Offset(at)
                        if self.is_vod
                            && at >= self.position
                            && at < self.position + segment.duration =>
                    {
                        (at - self.position, None)
                    }
                    At::Break if length.is_some() => (0.0, Some(date.round() as i64)),
                    // A date is told at once, so that players can fetch ahead, unless it is past.
                    At::Date(at)
                        if is_first
                            && at as f64 + item.duration.unwrap_or(0.0) * 1000.0 >= date =>
                    {
                        ((at as f64 - date) / 1000.0, None)
                    }
                    _ => continue,
                };
                // Dates in milliseconds are far inside what an i64 holds.
                let start = (date + offset * 1000.0).round() as i64;
                let break_length = length.flatten().filter(|_| item.at == At::Break);
                let text = item.tag(start, occurrence, break_length);
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(self.end);
            }
        }
        out.extend_from_slice(&segment.text);
        self.position += segment.duration;
        self.date = self.date.map(|date| date + segment.duration * 1000.0);
    }

    fn write(&self, line: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(self.end);
    }
}

/// `Some` when a break begins at this segment, with its length if the tags say: `EXT-X-CUE-OUT:30`,
/// `EXT-X-CUE-OUT:DURATION=30`, `EXT-X-DATERANGE` with `SCTE35-OUT`.
fn break_length(text: &[u8]) -> Option<Option<f64>> {
    let number = |value: &[u8]| {
        std::str::from_utf8(value)
            .ok()?
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|seconds| seconds.is_finite() && *seconds > 0.0)
    };
    let found: Vec<Option<f64>> = lines(text)
        .filter_map(|line| match tag(line) {
            Tag::Known(b"EXT-X-CUE-OUT", value) => {
                Some(number(value).or_else(|| number(AttributeList::find(value, "DURATION")?)))
            }
            Tag::Known(b"EXT-X-DATERANGE", value)
                if AttributeList::find(value, "SCTE35-OUT").is_some() =>
            {
                let length = AttributeList::find(value, "DURATION")
                    .or(AttributeList::find(value, "PLANNED-DURATION"));
                Some(length.and_then(number))
            }
            _ => None,
        })
        .collect();
    // Several marks of one break: the one that says how long.
    found
        .iter()
        .copied()
        .find(Option::is_some)
        .or(found.first().copied())
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

    #[test]
    fn what_has_no_dates_or_no_segments_stays() {
        let live = VOD.replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "");
        let multivariant = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n";
        for text in [live.as_str(), multivariant, ""] {
            assert_eq!(run(&["pre", "break", "0"], text), text);
        }
    }
}
