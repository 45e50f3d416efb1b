//! The tags that stay in force for the segments that follow: `EXT-X-KEY` (one for each `KEYFORMAT`), `EXT-X-MAP` with the keys that
//! it is encrypted with, and `EXT-X-BITRATE` (RFC 8216bis sections 4.4.4.4, 4.4.4.5 and 4.4.4.8).

use crate::media::segments::{Tag, tag};
use crate::playlist::attributes::AttributeList;
use crate::playlist::lines::{content, lines};

/// More formats than any player has systems for: not worth holding.
const MAX_KEYS: usize = 32;

/// Keys in force: `KEYFORMAT` and the line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Keys(Vec<(Vec<u8>, Vec<u8>)>);

impl Keys {
    fn update(&mut self, line: &[u8], value: &[u8]) {
        if AttributeList::find(value, "METHOD") == Some(b"NONE") {
            self.0.clear();
            return;
        }
        let format = format(value);
        self.0.retain(|(known, _)| known != format);
        if self.0.len() < MAX_KEYS {
            self.0.push((format.to_vec(), content(line).to_vec()));
        }
    }
}

fn format(value: &[u8]) -> &[u8] {
    AttributeList::find(value, "KEYFORMAT").unwrap_or(b"identity")
}

/// What is in force after some segments.
#[derive(Debug, Clone, Default)]
pub struct InForce {
    map: Option<(Vec<u8>, Keys)>,
    keys: Keys,
    bitrate: Option<Vec<u8>>,
}

impl InForce {
    /// Takes in what a segment's tags set.
    pub fn update(&mut self, text: &[u8]) {
        for line in lines(text) {
            let Tag::Known(name, value) = tag(line) else {
                continue;
            };
            match name {
                b"EXT-X-MAP" => self.map = Some((content(line).to_vec(), self.keys.clone())),
                b"EXT-X-BITRATE" => self.bitrate = Some(content(line).to_vec()),
                b"EXT-X-KEY" => self.keys.update(line, value),
                _ => {}
            }
        }
    }

    /// Writes the tags that a segment with this text does not set itself, at the beginning of a playlist.
    pub fn write(&self, text: &[u8], newline: &[u8], out: &mut Vec<u8>) {
        self.write_again(false, text, newline, out);
    }

    /// The same where the player may know these tags already, or may not: after a delta update's skipped segments (section
    /// 6.3.7), which some players read for themselves.
    pub fn repeat(&self, text: &[u8], newline: &[u8], out: &mut Vec<u8>) {
        self.write_again(true, text, newline, out);
    }

    fn write_again(&self, known: bool, text: &[u8], newline: &[u8], out: &mut Vec<u8>) {
        let own = Own::of(text);
        let clear = |out: &mut Vec<u8>| {
            out.extend_from_slice(b"#EXT-X-KEY:METHOD=NONE");
            out.extend_from_slice(newline);
        };
        // A map is encrypted with the keys in front of it, those of the segments come after it.
        let mut written = &Keys::default();
        if let Some((map, keys)) = self.map.as_ref().filter(|_| !own.map) {
            if known && *keys != self.keys {
                clear(out);
            }
            write_lines(keys.0.iter().map(|(_, line)| line), newline, out);
            write_lines([map], newline, out);
            written = keys;
        }
        let gone = |(format, _): &(Vec<u8>, Vec<u8>)| {
            !self.keys.0.iter().any(|(known, _)| known == format)
        };
        let reset = written.0.iter().any(gone) && !own.reset;
        if reset {
            clear(out);
        }
        let missing = self
            .keys
            .0
            .iter()
            .filter(|key| reset || !written.0.contains(key));
        let missing = missing.filter(|(format, _)| !own.reset && !own.formats.contains(format));
        write_lines(missing.map(|(_, line)| line), newline, out);
        write_lines(self.bitrate.iter().filter(|_| !own.bitrate), newline, out);
    }
}

fn write_lines<'a>(
    texts: impl IntoIterator<Item = &'a Vec<u8>>,
    newline: &[u8],
    out: &mut Vec<u8>,
) {
    for line in texts {
        out.extend_from_slice(line);
        out.extend_from_slice(newline);
    }
}

/// What a segment sets itself, so that it need not be said again.
#[derive(Default)]
struct Own {
    map: bool,
    bitrate: bool,
    reset: bool,
    formats: Vec<Vec<u8>>,
}

impl Own {
    fn of(text: &[u8]) -> Self {
        let mut own = Self::default();
        for line in lines(text) {
            let Tag::Known(name, value) = tag(line) else {
                continue;
            };
            match name {
                b"EXT-X-MAP" => own.map = true,
                b"EXT-X-BITRATE" => own.bitrate = true,
                // A map in front of the segment's key is encrypted with the one before.
                b"EXT-X-KEY" if !own.map => {
                    own.reset |= AttributeList::find(value, "METHOD") == Some(b"NONE");
                    own.formats.push(format(value).to_vec());
                }
                _ => {}
            }
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(dropped: &str, kept: &str) -> String {
        let mut in_force = InForce::default();
        in_force.update(dropped.as_bytes());
        let mut out = Vec::new();
        in_force.write(kept.as_bytes(), b"\n", &mut out);
        String::from_utf8(out).unwrap()
    }

    const K1: &str = "#EXT-X-KEY:METHOD=AES-128,URI=\"1\"\n";
    const K2: &str = "#EXT-X-KEY:METHOD=AES-128,URI=\"2\"\n";
    const MAP: &str = "#EXT-X-MAP:URI=\"i\"\n";
    const NONE: &str = "#EXT-X-KEY:METHOD=NONE\n";

    #[test]
    fn a_map_keeps_the_keys_that_it_had() {
        for (dropped, expected) in [
            (vec![MAP, K1], vec![MAP, K1]),
            (vec![K1, MAP], vec![K1, MAP]),
            (vec![K1, MAP, K2], vec![K1, MAP, K2]),
            (vec![K1, MAP, NONE], vec![K1, MAP, NONE]),
            (vec![MAP], vec![MAP]),
            (vec![K1, NONE], vec![]),
        ] {
            assert_eq!(carried(&dropped.concat(), "a\n"), expected.concat());
        }
    }

    #[test]
    fn a_player_that_knows_the_key_does_not_decrypt_a_plain_map() {
        let mut in_force = InForce::default();
        in_force.update([MAP, K1].concat().as_bytes());
        let mut out = Vec::new();
        in_force.repeat(b"a\n", b"\n", &mut out);
        assert_eq!(out, [NONE, MAP, K1].concat().as_bytes());
        in_force.update(MAP.as_bytes());
        out.clear();
        in_force.repeat(b"a\n", b"\n", &mut out);
        assert_eq!(out, [K1, MAP].concat().as_bytes());
    }

    #[test]
    fn what_the_segment_sets_is_not_said_again() {
        for (kept, expected) in [
            (vec![K2, MAP], vec![]),
            (vec![K2], vec![K1, MAP]),
            // This map is still encrypted with the first key.
            (vec![MAP, K2], vec![K1]),
            (vec![NONE, MAP], vec![]),
            (vec!["#EXT-X-BITRATE:1\n", MAP], vec![K1]),
        ] {
            assert_eq!(
                carried(
                    &[K1, MAP, "#EXT-X-BITRATE:9\n"].concat(),
                    &[kept.concat().as_str(), "a\n"].concat()
                )
                .replace("#EXT-X-BITRATE:9\n", ""),
                expected.concat()
            );
        }
    }
}
