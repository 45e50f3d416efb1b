//! Chapters (RFC 9559, 5.1.7): those of the default edition, without the ones inside others.

use super::ebml::{elements, text, unsigned};
use crate::chapters::{self, ChapterTitle, Mark};
use crate::language;

/// Nanoseconds of a microsecond.
const MICRO: u64 = 1000;

/// Reads the content of a `Chapters` element. Times count from the start of the file.
pub(super) fn parse(content: &[u8]) -> Vec<Mark> {
    let editions = || elements(content).filter(|(id, _)| *id == 0x45b9);
    let flag = |edition: &[u8], wanted: u32| {
        elements(edition).any(|(id, content)| id == wanted && unsigned(content) == 1)
    };
    let shown = || editions().filter(|(_, edition)| !flag(edition, 0x45bd));
    let edition = shown()
        .find(|(_, edition)| flag(edition, 0x45db))
        .or_else(|| shown().next());
    let mut marks = Vec::new();
    let atoms = edition
        .into_iter()
        .flat_map(|(_, edition)| elements(edition));
    for mark in atoms
        .filter(|(id, _)| *id == 0xb6)
        .filter_map(|(_, atom)| read_atom(atom))
    {
        chapters::add(&mut marks, mark);
    }
    marks
}

/// A chapter; `None` when it is hidden or switched off.
fn read_atom(content: &[u8]) -> Option<Mark> {
    let micros = |content: &[u8]| i64::try_from(unsigned(content) / MICRO).ok();
    let mut mark = Mark::default();
    for (id, content) in elements(content) {
        match id {
            0x91 => mark.start = micros(content)?,
            0x92 => mark.end = micros(content),
            0x98 if unsigned(content) == 1 => return None,
            0x4598 if unsigned(content) == 0 => return None,
            0x80 => mark.titles.extend(read_display(content)),
            _ => {}
        }
    }
    Some(mark)
}

fn read_display(content: &[u8]) -> Option<ChapterTitle> {
    let (mut title, mut old, mut new) = (None, Some("eng".to_owned()), None);
    for (id, content) in elements(content) {
        match id {
            0x85 => title = text(content),
            0x437c => old = text(content),
            0x437d => new = text(content),
            _ => {}
        }
    }
    Some(ChapterTitle {
        language: new.or(old).and_then(|tag| language::from_tag(&tag)),
        title: title?,
    })
}
