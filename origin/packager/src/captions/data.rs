//! Caption data in samples (ATSC A/53, part 4, 6.2.3): where they stand in each codec, and the triplets that they consist of.

use crate::codec::{av1_units, unescape};

/// One construct of `cc_data`: its type and two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Triplet {
    /// 0 and 1: field 1 and 2 of CEA-608; 2 and 3: data and start of a packet of CEA-708.
    pub(crate) kind: u8,
    pub(crate) bytes: [u8; 2],
}

/// Which bitstream a sample is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaptionData {
    /// H.264; bytes of the length before every NAL unit.
    Avc(usize),
    /// HEVC, likewise.
    Hevc(usize),
    Av1,
}

/// Most messages of one sample that are looked at.
const MOST: usize = 64;

/// What was seen of a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// There are caption data, if only without a triplet that is valid.
    pub(crate) captions: bool,
    /// The first slice or frame was reached, before which they stand.
    pub(crate) picture: bool,
}

/// The caption data in a sample of which at least the start is there.
pub(crate) fn in_sample(syntax: CaptionData, sample: &[u8], out: &mut Vec<Triplet>) -> Seen {
    match syntax {
        CaptionData::Avc(length_size) => {
            in_nal_units(sample, length_size, out, |header| match header & 31 {
                6 => Unit::Messages(1),
                1..=5 => Unit::Picture,
                _ => Unit::Other,
            })
        }
        CaptionData::Hevc(length_size) => {
            in_nal_units(sample, length_size, out, |header| match header >> 1 & 63 {
                39 => Unit::Messages(2),
                0..=31 => Unit::Picture,
                _ => Unit::Other,
            })
        }
        CaptionData::Av1 => in_open_units(sample, out),
    }
}

/// What a NAL unit is.
enum Unit {
    /// Supplemental information, after a header of so many bytes.
    Messages(usize),
    Picture,
    Other,
}

fn in_nal_units(
    mut data: &[u8],
    length_size: usize,
    out: &mut Vec<Triplet>,
    unit: impl Fn(u8) -> Unit,
) -> Seen {
    let mut seen = Seen::default();
    while let Some((length, rest)) = data.split_at_checked(length_size) {
        let length = length
            .iter()
            .fold(0_usize, |value, byte| value << 8 | usize::from(*byte));
        let nal = &rest[..length.min(rest.len())];
        match nal.first().map(|header| unit(*header)) {
            Some(Unit::Messages(header)) => {
                seen.captions |= in_messages(&unescape(nal.get(header..).unwrap_or_default()), out);
            }
            Some(Unit::Picture) => {
                seen.picture = true;
                break;
            }
            Some(Unit::Other) | None => {}
        }
        match rest.get(length..) {
            Some(after) => data = after,
            None => break,
        }
    }
    seen
}

/// Supplemental enhancement information (H.264, 7.3.2.3): messages, of which those of type 4 are registered user data.
fn in_messages(mut data: &[u8], out: &mut Vec<Triplet>) -> bool {
    let mut found = false;
    for _ in 0..MOST {
        let (Some(kind), Some(len)) = (number(&mut data), number(&mut data)) else {
            break;
        };
        let Some((payload, after)) = data.split_at_checked(len) else {
            break;
        };
        if kind == 4 {
            found |= in_registered(payload, out);
        }
        data = after;
    }
    found
}

/// A number of any size: bytes of 255 and one that is less.
fn number(data: &mut &[u8]) -> Option<usize> {
    let mut value = 0_usize;
    loop {
        let (&byte, after) = data.split_first()?;
        *data = after;
        value += usize::from(byte);
        if byte < 255 {
            return Some(value);
        }
    }
}

/// Open bitstream units of AV1: metadata of type 4 are registered user data (AV1 specification, 5.8.1 and 5.8.2).
fn in_open_units(sample: &[u8], out: &mut Vec<Triplet>) -> Seen {
    let mut seen = Seen::default();
    for (kind, payload) in av1_units::units(sample) {
        match kind {
            // Frame header, tile group, frame.
            3 | 4 | 6 => {
                seen.picture = true;
                break;
            }
            5 if payload.first() == Some(&4) => seen.captions |= in_registered(&payload[1..], out),
            _ => {}
        }
    }
    seen
}

/// User data registered by ITU-T T.35: the United States, ATSC, captions.
fn in_registered(data: &[u8], out: &mut Vec<Triplet>) -> bool {
    let Some(data) = data.strip_prefix(b"\xb5\x00\x31GA94\x03") else {
        return false;
    };
    let Some((&[flags, _], rest)) = data.split_first_chunk::<2>() else {
        return false;
    };
    if flags & 0x40 == 0 {
        return false;
    }
    let valid = rest
        .chunks_exact(3)
        .take(usize::from(flags & 31))
        .filter(|construct| construct[0] & 4 != 0);
    out.extend(valid.map(|construct| Triplet {
        kind: construct[0] & 3,
        bytes: [construct[1], construct[2]],
    }));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    include!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/support/caption_message.rs"
    ));

    #[test]
    fn triplets_of_all_three_codecs() {
        let messages = message(&[[0xfc, 0x94, 0x20], [0xf9, 0x80, 0x80], [0xff, 2, 3]]);
        let wanted = [
            Triplet {
                kind: 0,
                bytes: [0x94, 0x20],
            },
            Triplet {
                kind: 3,
                bytes: [2, 3],
            },
        ];
        let length = |data: &[u8]| u8::try_from(data.len()).unwrap();
        // An access unit delimiter, the messages, a slice, and messages that belong to what comes after it.
        let nal = [&[6][..], &messages].concat();
        let sample = [
            &[2, 9, 0x10, length(&nal)][..],
            &nal,
            &[2, 0x65, 0, length(&nal)],
            &nal,
        ]
        .concat();
        let mut found = Vec::new();
        assert!(in_sample(CaptionData::Avc(1), &sample, &mut found).captions);
        assert_eq!(found, wanted);
        let nal = [&[39 << 1, 1][..], &messages].concat();
        let sample = [&[0, length(&nal)][..], &nal].concat();
        found.clear();
        assert!(in_sample(CaptionData::Hevc(2), &sample, &mut found).captions);
        assert_eq!(found, wanted);
        let metadata = [&[4][..], &messages[2..]].concat();
        let sample = [&[5 << 3 | 2, length(&metadata)][..], &metadata, &[6 << 3]].concat();
        found.clear();
        assert!(in_sample(CaptionData::Av1, &sample, &mut found).captions);
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_is_cut_off_or_other_user_data_is_none() {
        let nal = [&[6][..], &message(&[[0xfc, 0x94, 0x20]])].concat();
        let sample = [&[u8::try_from(nal.len()).unwrap()][..], &nal].concat();
        let mut found = Vec::new();
        for len in 0..sample.len() {
            in_sample(CaptionData::Avc(1), &sample[..len], &mut found);
        }
        found.clear();
        let other = [0x0c, 6, 4, 9, 0xb5, 0, 0x31, b'D', b'T', b'G', b'1', 0, 0];
        assert!(!in_sample(CaptionData::Avc(1), &other, &mut found).captions);
        assert!(found.is_empty());
    }
}
