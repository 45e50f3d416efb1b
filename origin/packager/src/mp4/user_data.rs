//! User data of tracks and movies (`udta`): names, roles, chapters. They are full of private formats; what cannot be read is not a
//! reason to refuse the film.

use crate::chapters::{self, ChapterTitle, Mark};
use crate::isobmff::Mp4Box;

/// Most roles of a track.
const MOST_ROLES: usize = 16;

/// A track's title: the `name` box of QuickTime.
pub(super) fn name(udta: &Mp4Box) -> Option<String> {
    for child in udta.children() {
        let child = child.ok()?;
        if child.kind == b"name" {
            let text = String::from_utf8_lossy(&child.payload);
            let text = text.trim_matches(char::from(0)).trim();
            if !text.is_empty() && !text.chars().any(char::is_control) {
                return Some(text.to_owned());
            }
        }
    }
    None
}

/// The values of `kind` boxes, such as `caption` or `forced-subtitle` of the role scheme of MPEG-DASH.
pub(super) fn roles(udta: &Mp4Box) -> Vec<String> {
    let boxes = udta.children().map_while(Result::ok);
    boxes
        .filter(|child| child.kind == b"kind")
        .take(MOST_ROLES)
        .filter_map(|child| {
            let mut strings = child.payload.get(4..)?.split(|byte| *byte == 0);
            let (_, value) = (strings.next()?, strings.next()?);
            Some(String::from_utf8_lossy(value).into_owned())
        })
        .collect()
}

/// The chapters of a `chpl` box, an invention of Nero's: the number of chapters, and for each its start in units of 100 ns and its
/// title after its length.
pub(super) fn chapters(udta: &Mp4Box) -> Vec<Mark> {
    let mut marks = Vec::new();
    if let Ok(Some(chpl)) = udta.children().find(b"chpl") {
        let _ = read_chapters(&chpl, &mut marks);
    }
    marks
}

fn read_chapters(chpl: &Mp4Box, marks: &mut Vec<Mark>) -> Result<(), crate::Error> {
    let (version, _, mut fields) = chpl.full()?;
    // Version 1 has four bytes more.
    fields.skip(if version == 1 { 4 } else { 0 })?;
    for _ in 0..fields.u8()? {
        let start = fields.u64()? / 10;
        let len = usize::from(fields.u8()?);
        let title = String::from_utf8_lossy(fields.bytes(len)?);
        let title = title.trim_matches(char::from(0)).trim().to_owned();
        let titles = [title].into_iter().filter(|title| !title.is_empty());
        chapters::add(
            marks,
            Mark {
                start: i64::try_from(start).unwrap_or(i64::MAX),
                end: None,
                titles: titles
                    .map(|title| ChapterTitle {
                        language: None,
                        title,
                    })
                    .collect(),
            },
        );
    }
    Ok(())
}
