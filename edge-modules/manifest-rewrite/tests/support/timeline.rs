//! What a media playlist means: for each segment its number, bytes, keys, map and date, as RFC 8216bis section 4.4 has a player
//! work them out. Shares no code with the crate, dates aside.

use std::collections::BTreeMap;

use manifest_rewrite::playlist::datetime;

use super::attributes;

/// Length and offset; no offset where the playlist leaves it open and nothing before says it.
pub type Range = (u64, Option<u64>);

/// Keys by `KEYFORMAT`.
pub type Keys = BTreeMap<String, String>;

/// One partial segment.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub uri: String,
    /// Its attributes without the byte range.
    pub attributes: BTreeMap<String, String>,
    pub range: Option<Range>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Segment {
    pub number: u64,
    pub discontinuity: u64,
    pub uri: String,
    pub info: String,
    pub seconds: f64,
    pub range: Option<Range>,
    pub keys: Keys,
    /// The map and the keys that it is encrypted with.
    pub map: Option<(String, Keys)>,
    pub bitrate: Option<String>,
    pub date: Option<i64>,
    pub gap: bool,
    pub parts: Vec<Part>,
    /// Tags and comments that mean nothing to the model.
    pub others: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Timeline {
    pub segments: Vec<Segment>,
    /// Parts, hints and reports after the last segment.
    pub open_parts: Vec<Part>,
    pub open_others: Vec<String>,
    /// Tags of the whole playlist, by name.
    pub globals: BTreeMap<String, String>,
    pub date_ranges: Vec<String>,
    /// Variables that are used before they are defined.
    pub undefined: Vec<String>,
}

/// Tags about the whole playlist that are compared.
const GLOBALS: [&str; 9] = [
    "#EXT-X-TARGETDURATION",
    "#EXT-X-PLAYLIST-TYPE",
    "#EXT-X-I-FRAMES-ONLY",
    "#EXT-X-INDEPENDENT-SEGMENTS",
    "#EXT-X-PART-INF",
    "#EXT-X-ENDLIST",
    "#EXT-X-VERSION",
    "#EXT-X-SERVER-CONTROL",
    "#EXT-X-IMAGES-ONLY",
];

impl Timeline {
    /// Reads a playlist.
    pub fn read(text: &str) -> Self {
        Self::after(text, None)
    }

    /// Reads a playlist, a delta update over `full` perhaps (section 6.3.7).
    pub fn after(text: &str, full: Option<&Self>) -> Self {
        let mut reader = Reader::default();
        for line in text.lines() {
            let line = line.trim_start_matches('\u{feff}').trim();
            if !line.is_empty() {
                reader.line(line, full);
            }
        }
        reader.timeline.open_parts = reader.segment.parts;
        reader.timeline.open_others = reader.segment.others;
        reader.timeline
    }
}

#[derive(Default)]
struct Reader {
    timeline: Timeline,
    /// The segment that is being read; what stays in force is carried over.
    segment: Segment,
    date: Option<f64>,
    defined: Vec<String>,
    last_part: Option<(String, u64)>,
    skipped: bool,
}

impl Reader {
    fn line(&mut self, line: &str, full: Option<&Timeline>) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        if !line.starts_with("#EXT") {
            match line.starts_with('#') {
                false => self.uri(line),
                // A comment at the head is about the playlist.
                true if self.segment == Segment::default() => {}
                true => self.segment.others.push(line.to_owned()),
            }
            return;
        }
        self.variables(line);
        let segment = &mut self.segment;
        match name {
            "#EXTM3U" => {}
            "#EXT-X-MEDIA-SEQUENCE" => segment.number = value.parse().unwrap(),
            "#EXT-X-DISCONTINUITY-SEQUENCE" => segment.discontinuity = value.parse().unwrap(),
            "#EXT-X-DEFINE" => {
                let define = attributes(line);
                let name = ["NAME", "QUERYPARAM", "IMPORT"]
                    .iter()
                    .find_map(|of| define.get(*of));
                self.defined
                    .push(name.unwrap().trim_matches('"').to_owned());
            }
            "#EXT-X-SKIP" => self.skip(line, full.expect("a delta needs what it is a delta of")),
            "#EXTINF" => {
                segment.info = value.to_owned();
                segment.seconds = value.split(',').next().unwrap().trim().parse().unwrap();
            }
            "#EXT-X-BYTERANGE" => segment.range = Some(range(value)),
            "#EXT-X-DISCONTINUITY" => {
                segment.discontinuity += 1;
                self.date = None;
            }
            "#EXT-X-KEY" => {
                let key = attributes(line);
                if key["METHOD"] == "NONE" {
                    segment.keys.clear();
                } else {
                    let format = key.get("KEYFORMAT").cloned();
                    let format = format.unwrap_or("\"identity\"".into());
                    segment.keys.insert(format, value.to_owned());
                }
            }
            "#EXT-X-MAP" => segment.map = Some((value.to_owned(), segment.keys.clone())),
            "#EXT-X-BITRATE" => segment.bitrate = Some(value.to_owned()),
            "#EXT-X-PROGRAM-DATE-TIME" => {
                #[allow(clippy::cast_precision_loss)]
                let date = datetime::parse(value).unwrap() as f64;
                self.date = Some(date);
            }
            "#EXT-X-GAP" => segment.gap = true,
            "#EXT-X-PART" => self.part(line),
            "#EXT-X-DATERANGE" => self.timeline.date_ranges.push(line.to_owned()),
            _ if GLOBALS.contains(&name) => {
                self.timeline
                    .globals
                    .insert(name.to_owned(), value.to_owned());
            }
            _ => segment.others.push(line.to_owned()),
        }
    }

    fn variables(&mut self, text: &str) {
        for piece in text.split("{$").skip(1) {
            let name = piece.split('}').next().unwrap();
            if !self.defined.iter().any(|known| known == name) {
                self.timeline.undefined.push(name.to_owned());
            }
        }
    }

    fn uri(&mut self, uri: &str) {
        self.variables(uri);
        let segments = &self.timeline.segments;
        let segment = &mut self.segment;
        segment.uri = uri.to_owned();
        if let Some((_, offset @ None)) = &mut segment.range {
            *offset = segments.last().filter(|last| last.uri == uri).and_then(end);
        }
        #[allow(clippy::cast_possible_truncation)]
        let date = self.date.map(|date| date.round() as i64);
        segment.date = date;
        self.date = self.date.map(|date| date + segment.seconds * 1000.0);
        let next = Segment {
            number: segment.number + 1,
            discontinuity: segment.discontinuity,
            keys: segment.keys.clone(),
            map: segment.map.clone(),
            bitrate: segment.bitrate.clone(),
            ..Segment::default()
        };
        let done = std::mem::replace(segment, next);
        self.timeline.segments.push(done);
    }

    fn part(&mut self, line: &str) {
        let mut part = attributes(line);
        let uri = part["URI"].clone();
        let mut bytes = part
            .remove("BYTERANGE")
            .map(|text| range(text.trim_matches('"')));
        if let Some((_, offset @ None)) = &mut bytes {
            let last = self.last_part.as_ref().filter(|(of, _)| *of == uri);
            *offset = last.map(|(_, end)| *end);
        }
        let part = Part {
            uri,
            attributes: part,
            range: bytes,
        };
        self.last_part = part_end(&part);
        self.segment.parts.push(part);
    }

    /// The client has the first segments, and goes on from the state that they left.
    #[allow(clippy::cast_precision_loss)]
    fn skip(&mut self, line: &str, full: &Timeline) {
        assert!(
            !std::mem::replace(&mut self.skipped, true),
            "two EXT-X-SKIP"
        );
        let count: usize = attributes(line)["SKIPPED-SEGMENTS"].parse().unwrap();
        self.timeline.segments = full.segments[..count].to_vec();
        let Some(last) = self.timeline.segments.last() else {
            return;
        };
        assert_eq!(
            full.segments[0].number, self.segment.number,
            "the numbers are of the full playlist"
        );
        self.date = last.date.map(|date| date as f64 + last.seconds * 1000.0);
        let mut parts = self
            .timeline
            .segments
            .iter()
            .flat_map(|segment| &segment.parts);
        self.last_part = parts.next_back().and_then(part_end);
        self.segment = Segment {
            number: last.number + 1,
            discontinuity: last.discontinuity,
            keys: last.keys.clone(),
            map: last.map.clone(),
            bitrate: last.bitrate.clone(),
            ..Segment::default()
        };
    }
}

fn end(segment: &Segment) -> Option<u64> {
    let (length, offset) = segment.range?;
    Some(offset? + length)
}

fn part_end(part: &Part) -> Option<(String, u64)> {
    let (length, offset) = part.range?;
    Some((part.uri.clone(), offset? + length))
}

fn range(text: &str) -> Range {
    match text.split_once('@') {
        Some((length, offset)) => (length.trim().parse().unwrap(), offset.trim().parse().ok()),
        None => (text.trim().parse().unwrap(), None),
    }
}
