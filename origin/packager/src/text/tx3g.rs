//! 3GPP timed text (3GPP TS 26.245) and QuickTime text: what a sample says, with bold, italics and underline. Fonts, colours, sizes and
//! places are left out, and so is what the track says about all of its text.

use crate::isobmff::Mp4Box;

use super::markup::{Face, Markup};

/// Characters of the Macintosh code page from 0x80 on.
const MACINTOSH: &str = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…\u{a0}ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{f8ff}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ";

/// Flag of a track whose samples are all forced (`displayFlags` of Apple's encoders).
const ALL_FORCED: u32 = 0x8000_0000;

/// True when a `tx3g` entry says that all of its text is forced.
pub(super) fn is_forced(entry: &Mp4Box) -> bool {
    let mut fields = entry.fields();
    let flags = fields.skip(8).and_then(|()| fields.u32());
    flags.is_ok_and(|flags| flags & ALL_FORCED != 0)
}

/// The cue text of a sample; empty where nothing is shown. `None` when it is broken.
pub(super) fn cue_text(sample: &[u8]) -> Option<String> {
    let (text, boxes) = divide(sample)?;
    let faces = styles(boxes);
    let mut markup = Markup::default();
    let mut runs = faces.iter().peekable();
    for (number, c) in text.chars().enumerate() {
        while runs.next_if(|(_, end, _)| *end <= number).is_some() {}
        let face = runs
            .peek()
            .filter(|(start, ..)| *start <= number)
            .map_or(Face::default(), |(.., face)| *face);
        markup.push(c, face);
    }
    Some(markup.finish())
}

/// The plain text of a sample, as chapters have it. `None` when it is broken.
pub(super) fn plain_text(sample: &[u8]) -> Option<String> {
    let (text, _) = divide(sample)?;
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    Some(words.join(" "))
}

/// The text of a sample, and the boxes after it.
fn divide(sample: &[u8]) -> Option<(String, &[u8])> {
    let (length, rest) = sample.split_first_chunk::<2>()?;
    let (text, boxes) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((decode(text, boxes), boxes))
}

/// UTF-8, or UTF-16 after a byte order mark. Text of QuickTime that is neither is of the Macintosh.
fn decode(text: &[u8], boxes: &[u8]) -> String {
    let wide = |text: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = text
            .chunks_exact(2)
            .map(|unit| read([unit[0], unit[1]]))
            .collect();
        String::from_utf16_lossy(&units)
    };
    // `encd` names the encoding: 0x0100 is UTF-16 (big endian) in QuickTime, 0x0800_0100 UTF-8.
    let encoding = boxes_in(boxes).find(|(kind, _)| kind == b"encd");
    match (text, encoding) {
        ([0xfe, 0xff, rest @ ..], _) => wide(rest, u16::from_be_bytes),
        ([0xff, 0xfe, rest @ ..], _) => wide(rest, u16::from_le_bytes),
        (_, Some((_, [.., 0, 0, 1, 0]))) if text.contains(&0) => wide(text, u16::from_be_bytes),
        _ => match std::str::from_utf8(text) {
            Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
            Err(_) => text.iter().map(|byte| macintosh(*byte)).collect(),
        },
    }
}

fn macintosh(byte: u8) -> char {
    match byte.checked_sub(0x80) {
        None => char::from(byte),
        Some(high) => MACINTOSH
            .chars()
            .nth(usize::from(high))
            .unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

/// Runs of characters that look other than plain, as (first, one past the last, look), in ascending order.
fn styles(boxes: &[u8]) -> Vec<(usize, usize, Face)> {
    let Some((_, content)) = boxes_in(boxes).find(|(kind, _)| kind == b"styl") else {
        return Vec::new();
    };
    let mut runs: Vec<_> = content
        .get(2..)
        .unwrap_or_default()
        .chunks_exact(12)
        .map(|record| {
            let number = |at: usize| usize::from(u16::from_be_bytes([record[at], record[at + 1]]));
            let face = Face {
                bold: record[6] & 1 != 0,
                italic: record[6] & 2 != 0,
                underline: record[6] & 4 != 0,
            };
            (number(0), number(2), face)
        })
        .collect();
    runs.sort_by_key(|(start, ..)| *start);
    runs
}

/// The boxes in `data`, as types and contents. What is broken ends the walk.
fn boxes_in(mut data: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let (size, rest) = data.split_first_chunk::<4>()?;
        let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
        let kind = rest.get(..4)?;
        let content = data.get(8..size)?;
        data = &data[size..];
        Some((kind, content))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &[u8], boxes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        [&length[..], text, boxes].concat()
    }

    #[test]
    fn styles_count_characters() {
        // "é<b" where the second and third characters are bold, then italics and underline to the end and beyond.
        let mut styles = vec![0, 0, 0, 38, b's', b't', b'y', b'l', 0, 2];
        styles[3] = 8 + 2 + 24;
        for (start, end, face) in [(1, 3, 1), (3, 12, 6)] {
            styles.extend([0, start, 0, end, 0, 1, face, 18, 255, 255, 255, 255]);
        }
        let data = sample("é<b c\r\n\r\nd".as_bytes(), &styles);
        assert_eq!(
            cue_text(&data).as_deref(),
            Some("é<b>&lt;b</b> <i><u>c\nd</u></i>")
        );
        assert_eq!(plain_text(&data).as_deref(), Some("é<b c d"));
    }

    #[test]
    fn encodings_and_broken_samples() {
        assert_eq!(cue_text(&sample(b"", &[])).as_deref(), Some(""));
        let wide = [0xfe, 0xff, 0, b'h', 0x20, 0x19];
        assert_eq!(cue_text(&sample(&wide, &[])).as_deref(), Some("h’"));
        assert_eq!(cue_text(&sample(&[b'n', 0x8e], &[])).as_deref(), Some("né"));
        assert_eq!(MACINTOSH.chars().count(), 128);
        assert_eq!(cue_text(&[0, 9, b'a']), None);
        assert_eq!(cue_text(&[0]), None);
    }
}
