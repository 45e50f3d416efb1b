//! WebVTT (W3C), and its segments in HLS (RFC 8216bis 3.1.4).

use std::fmt::Write;

use super::cue::{Cue, Document, blocks, parse_time, parse_timing};

/// Reads WebVTT. Comments and what cannot be read are passed over. An `X-TIMESTAMP-MAP` header moves all cues.
pub(super) fn parse(text: &str) -> Document {
    let mut document = Document::default();
    let mut blocks = blocks(text).into_iter();
    let head = blocks.next().unwrap_or_default();
    let shift = head
        .iter()
        .find_map(|line| timestamp_shift(line))
        .unwrap_or(0);
    for block in blocks {
        if block[0].starts_with("STYLE") || block[0].starts_with("REGION") {
            document.head.push(block.join("\n"));
            continue;
        }
        let Some(at) = block.iter().take(2).position(|line| line.contains("-->")) else {
            continue;
        };
        let Some((start, end, settings)) = parse_timing(block[at]) else {
            continue;
        };
        let text = block[at + 1..].join("\n").replace("-->", "--&gt;");
        if end > start && !text.is_empty() {
            document.cues.push(Cue {
                start: start.saturating_add(shift),
                end: end.saturating_add(shift),
                settings,
                text,
            });
        }
    }
    document.cues.sort_by_key(|cue| (cue.start, cue.end));
    document
}

/// Reads `X-TIMESTAMP-MAP=MPEGTS:n,LOCAL:hh:mm:ss.mmm`: what is added to cue times, in microseconds.
fn timestamp_shift(line: &str) -> Option<i64> {
    let list = line.strip_prefix("X-TIMESTAMP-MAP=")?;
    let (mut stream, mut local) = (None, None);
    for part in list.split(',') {
        let (name, value) = part.split_once(':')?;
        match name.trim() {
            // Time stamps have 33 bits.
            "MPEGTS" => {
                stream = value
                    .trim()
                    .parse::<i64>()
                    .ok()
                    .filter(|ticks| (0..1 << 33).contains(ticks))
            }
            "LOCAL" => local = parse_time(value.trim()),
            _ => {}
        }
    }
    // The transport stream's clock ticks 90 000 times a second.
    Some(stream? * 100 / 9 - local?)
}

/// The WebVTT segment that shows `cues` of a document.
///
/// A cue that is on show in several segments is in each of them with its full times, so that it appears wherever playback starts.
/// `epoch` is the time stamp of the media, in ticks of 90 kHz, at the time 0 that `LOCAL` names: 0 in CMAF.
pub(crate) fn segment<'a>(
    head: &[String],
    cues: impl Iterator<Item = &'a Cue>,
    epoch: i64,
) -> String {
    let mut text = format!("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:{epoch},LOCAL:00:00:00.000\n");
    write(&mut text, head, cues);
    text
}

/// The whole document as one file.
pub(crate) fn whole(document: &Document) -> String {
    let mut text = "WEBVTT\n".to_owned();
    write(&mut text, &document.head, document.cues.iter());
    text
}

fn write<'a>(text: &mut String, head: &[String], cues: impl Iterator<Item = &'a Cue>) {
    for block in head {
        let _ = writeln!(text, "\n{block}");
    }
    for cue in cues {
        let space = if cue.settings.is_empty() { "" } else { " " };
        let _ = writeln!(
            text,
            "\n{} --> {}{space}{}\n{}",
            time(cue.start),
            time(cue.end),
            cue.settings,
            cue.text
        );
    }
}

/// `hh:mm:ss.mmm`.
fn time(micros: i64) -> String {
    let millis = (micros.max(0) + 500) / 1000;
    let (seconds, millis) = (millis / 1000, millis % 1000);
    format!(
        "{:02}:{:02}:{:02}.{millis:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::super::TextTrack;
    use super::*;

    #[test]
    fn cues_are_in_every_segment_they_are_shown_in() {
        let source = "WEBVTT - a film\n\nNOTE nothing\n\nSTYLE\n::cue { color: red }\n\nid\n00:05.000 --> 00:07.000 line:0\nover the border\n\n\
                      00:00:20.000 --> 00:00:21.000\nlate\n";
        let document = parse(source);
        assert_eq!(document.cues.len(), 2);
        let mut track = TextTrack::new(1, crate::Subtitle::default(), document);
        let stretches = [0, 6, 12, 18, 24].map(|second| second * 1_000_000);
        let stretches: Vec<_> = stretches
            .windows(2)
            .map(|pair| (pair[0], pair[1]))
            .collect();
        assert!(!track.divide(&stretches, &mut 100), "too much");
        assert!(track.divide(&stretches, &mut 1_000));
        let segment = |number| segment(&track.document.head, track.cues(number), 0);
        let first = segment(0);
        assert_eq!(
            first,
            "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\nSTYLE\n::cue { color: red }\n\n\
             00:00:05.000 --> 00:00:07.000 line:0\nover the border\n"
        );
        assert!(segment(1).contains("over the border"));
        // A segment without cues is still a document; and a late first cue is not moved (shaka-packager #1135).
        assert!(!segment(2).contains("-->"));
        assert!(segment(3).contains("00:00:20.000 --> 00:00:21.000\nlate"));
    }

    #[test]
    fn a_timestamp_map_in_the_source_is_applied() {
        let document = parse(
            "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:01.000\n\n00:02.000 --> 00:03.000\nx\n",
        );
        assert_eq!(document.cues[0].start, 11_000_000);
        // The last time stamp before the clock of 33 bits begins anew.
        let document = parse(
            "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:8589934591,LOCAL:00:00:00.000\n\n00:02.000 --> 00:03.000\nx\n",
        );
        assert_eq!(document.cues[0].start, 95_443_717_677 + 2_000_000);
    }
}
