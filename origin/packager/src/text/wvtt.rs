//! WebVTT in MP4 (ISO/IEC 14496-30, 7): the cues of a sample.

use bytes::Bytes;

use super::cue::{Cue, Document, clean_settings, clean_text};
use super::webvtt;
use crate::isobmff::{FourCc, Mp4Box};

/// What stands before the cues of a track: the `STYLE` and `REGION` blocks of its configuration.
pub(super) fn head(entry: &Mp4Box) -> Vec<String> {
    let config = entry.children_after(8).find(b"vttC").ok().flatten();
    config.map_or_else(Vec::new, |config| {
        let Document { head, .. } = webvtt::parse(&String::from_utf8_lossy(&config.payload));
        head
    })
}

/// The cues of a sample that is shown from `start` to `end`. `None` when it is broken.
pub(super) fn cues(sample: &Bytes, start: i64, end: i64) -> Option<Vec<Cue>> {
    let whole = Mp4Box {
        kind: FourCc(*b"wvtt"),
        offset: 0,
        payload: sample.clone(),
        payload_offset: 0,
    };
    let mut found = Vec::new();
    for cue in whole.children() {
        let cue = cue.ok()?;
        if cue.kind != b"vttc" {
            // An empty cue, or a comment.
            continue;
        }
        let (mut text, mut settings) = (String::new(), String::new());
        for part in cue.children() {
            let part = part.ok()?;
            let content = || String::from_utf8_lossy(&part.payload).into_owned();
            match &part.kind.bytes() {
                b"payl" => text = clean_text(&content()),
                b"sttg" => settings = clean_settings(&content()),
                _ => {}
            }
        }
        if !text.is_empty() {
            found.push(Cue {
                start,
                end,
                settings,
                text,
            });
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(kind: &[u8], content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
        [&size[..], kind, content].concat()
    }

    #[test]
    fn cues_with_settings_beside_each_other() {
        let first = [
            part(b"iden", b"1"),
            part(b"sttg", b"line:0\nx"),
            part(b"payl", b"a\n\nb --> c"),
        ];
        let sample = [
            part(b"vttc", &first.concat()),
            part(b"vtta", b"a comment"),
            part(b"vttc", &part(b"payl", b"d")),
            part(b"vtte", b""),
        ];
        let found = cues(&sample.concat().into(), 1, 2).unwrap();
        let texts: Vec<_> = found
            .iter()
            .map(|cue| (cue.text.as_str(), cue.settings.as_str()))
            .collect();
        assert_eq!(texts, [("a\nb --&gt; c", "line:0"), ("d", "")]);
        assert_eq!(cues(&Bytes::from_static(b"\0\0\0\xffvttc"), 1, 2), None);
    }

    #[test]
    fn styles_stand_in_the_configuration() {
        let config = part(b"vttC", b"WEBVTT\n\nSTYLE\n::cue { color: red }\n");
        let entry = Mp4Box {
            kind: FourCc(*b"wvtt"),
            offset: 0,
            payload: [vec![0; 8], config].concat().into(),
            payload_offset: 0,
        };
        assert_eq!(head(&entry), ["STYLE\n::cue { color: red }"]);
    }
}
