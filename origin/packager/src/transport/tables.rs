//! Program specific information (ISO/IEC 13818-1, 2.4.4): the first programme and its streams.

use crate::ts::checksum;

/// A section as its packets come in.
#[derive(Clone, Debug, Default)]
pub(super) struct Section {
    data: Vec<u8>,
}

impl Section {
    /// Takes a packet; the content of the section once it is complete: after its header, before its checksum.
    pub(super) fn packet(&mut self, starts: bool, payload: &[u8]) -> Option<(u8, Vec<u8>)> {
        if starts {
            let skip = 1 + usize::from(*payload.first()?);
            self.data = payload.get(skip..)?.to_vec();
        } else if self.data.is_empty() {
            return None;
        } else {
            self.data.extend_from_slice(payload);
        }
        let &[table, high, low, ..] = self.data.as_slice() else {
            return None;
        };
        let len = 3 + (usize::from(high & 15) << 8 | usize::from(low));
        let section = self.data.get(..len)?;
        let content = section.get(8..len.checked_sub(4)?)?.to_vec();
        let sound = checksum(section) == 0;
        self.data.clear();
        sound.then_some((table, content))
    }
}

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Avc,
    Hevc,
    Adts,
    /// MPEG audio of any layer.
    Mpeg,
    /// AC-3 or E-AC-3.
    Dolby,
    /// Pictures or sound that cannot be read; the name.
    Other(bool, &'static str),
}

/// A stream of the programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) pid: u16,
    pub(super) coding: Coding,
    /// ISO 639 code of three letters.
    pub(super) language: Option<String>,
}

/// Packet identifier of the map of the first programme, from the association table.
pub(super) fn map_pid(content: &[u8]) -> Option<u16> {
    content
        .chunks_exact(4)
        .find(|entry| entry[..2] != [0, 0])
        .map(|entry| u16::from(entry[2] & 31) << 8 | u16::from(entry[3]))
}

/// The streams of a programme, and the types of those that carry neither pictures nor sound.
pub(super) fn streams(content: &[u8]) -> Option<(Vec<Stream>, Vec<u8>)> {
    let twelve = |bytes: &[u8]| usize::from(bytes[0] & 15) << 8 | usize::from(bytes[1]);
    let mut rest = content.get(4 + twelve(content.get(2..4)?)..)?;
    let (mut found, mut others) = (Vec::new(), Vec::new());
    while let Some((head, after)) = rest.split_first_chunk::<5>() {
        let descriptors = after.get(..twelve(&head[3..]))?;
        rest = &after[descriptors.len()..];
        let pid = u16::from(head[1] & 31) << 8 | u16::from(head[2]);
        match coding(head[0], descriptors) {
            Some(coding) => found.push(Stream {
                pid,
                coding,
                language: descriptor(descriptors, 0x0a)
                    .and_then(|data| data.get(..3))
                    .map(|code| String::from_utf8_lossy(code).to_ascii_lowercase()),
            }),
            None => others.push(head[0]),
        }
    }
    Some((found, others))
}

fn coding(kind: u8, descriptors: &[u8]) -> Option<Coding> {
    let registered =
        |name: &[u8]| descriptor(descriptors, 5).is_some_and(|data| data.starts_with(name));
    Some(match kind {
        0x1b => Coding::Avc,
        0x24 => Coding::Hevc,
        0x0f => Coding::Adts,
        0x03 | 0x04 => Coding::Mpeg,
        0x81 | 0x87 => Coding::Dolby,
        0x01 | 0x02 => Coding::Other(true, "MPEG-2 video"),
        0x10 => Coding::Other(true, "MPEG-4 part 2"),
        0x33 => Coding::Other(true, "VVC"),
        0xea => Coding::Other(true, "VC-1"),
        0x11 => Coding::Other(false, "AAC in LATM"),
        0x82 | 0x85 | 0x8a => Coding::Other(false, "DTS"),
        0x83 => Coding::Other(false, "TrueHD"),
        0x80 => Coding::Other(false, "PCM"),
        0xdb | 0xe7 => Coding::Other(true, "encrypted (SAMPLE-AES)"),
        0xcf | 0xc1 | 0xc2 => Coding::Other(false, "encrypted (SAMPLE-AES)"),
        // Private data: descriptors tell (ETSI EN 300 468, 6.1).
        0x06 if descriptor(descriptors, 0x6a).is_some()
            || descriptor(descriptors, 0x7a).is_some()
            || registered(b"AC-3")
            || registered(b"EAC3") =>
        {
            Coding::Dolby
        }
        0x06 if registered(b"HEVC") => Coding::Hevc,
        0x06 if registered(b"Opus") => Coding::Other(false, "Opus in MPEG-TS"),
        0x06 if registered(b"AV01") => Coding::Other(true, "AV1 in MPEG-TS"),
        0x06 if descriptor(descriptors, 0x7b).is_some() => Coding::Other(false, "DTS"),
        _ => return None,
    })
}

/// The content of the first descriptor with this tag.
fn descriptor(mut rest: &[u8], tag: u8) -> Option<&[u8]> {
    while let [found, len, after @ ..] = rest {
        let data = after.get(..usize::from(*len))?;
        if *found == tag {
            return Some(data);
        }
        rest = &after[data.len()..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programme_of_pictures_and_sound() {
        let map = [
            0xe1, 0, 0xf0, 0, 0x1b, 0xe1, 0, 0xf0, 0, 0x06, 0xe1, 1, 0xf0, 9, 0x0a, 4, b'd', b'e',
            b'u', 0, 0x6a, 1, 0, 0x15, 0xe1, 2, 0xf0, 0,
        ];
        let (found, others) = streams(&map).unwrap();
        assert_eq!((found[0].pid, found[0].coding), (0x100, Coding::Avc));
        assert_eq!((found[1].pid, found[1].coding), (0x101, Coding::Dolby));
        assert_eq!(found[1].language.as_deref(), Some("deu"));
        assert_eq!(others, [0x15]);
        assert_eq!(map_pid(&[0, 0, 0xe0, 16, 0, 1, 0xf0, 0]), Some(0x1000));
        let mut section = Section::default();
        let mut table = vec![0, 0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xf0, 0];
        let check = checksum(&table[1..]).to_be_bytes();
        assert_eq!(section.packet(true, &table), None);
        let (kind, content) = section
            .packet(false, &[&check[..], &[0xff]].concat())
            .unwrap();
        assert_eq!((kind, content.as_slice()), (0, &[0, 1, 0xf0, 0][..]));
        table.extend_from_slice(&[1, 2, 3, 4]);
        assert_eq!(section.packet(true, &table), None, "damaged");
    }
}
