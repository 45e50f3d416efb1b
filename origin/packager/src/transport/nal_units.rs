//! NAL units in byte stream format (ISO/IEC 14496-10 and ISO/IEC 23008-2, annex B), and what samples of MP4 take over of them.

/// Type of a NAL unit; 63 for HEVC units of another layer, which nothing here knows.
pub(super) fn kind(nal: &[u8], hevc: bool) -> u8 {
    match *nal {
        [first, ..] if !hevc => first & 31,
        [first, second, ..] if first & 1 == 0 && second >> 3 == 0 => first >> 1 & 63,
        _ => 63,
    }
}

/// True for units that samples do not hold: delimiters, ends of sequence and stream, filler data.
const fn is_left_out(kind: u8, hevc: bool) -> bool {
    if hevc {
        matches!(kind, 35..=38)
    } else {
        matches!(kind, 9..=12)
    }
}

/// True for parameter sets.
pub(super) const fn is_set(kind: u8, hevc: bool) -> bool {
    if hevc {
        matches!(kind, 32..=34)
    } else {
        matches!(kind, 7 | 8)
    }
}

/// True for slices.
pub(super) const fn is_slice(kind: u8, hevc: bool) -> bool {
    if hevc {
        kind < 32
    } else {
        matches!(kind, 1..=5)
    }
}

/// The NAL units of an access unit, without start codes and the zeros before them.
pub(super) fn units(unit: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = next_start(unit, 0).map(|start| start + 3);
    std::iter::from_fn(move || {
        let start = at?;
        let next = next_start(unit, start);
        at = next.map(|next| next + 3);
        let mut nal = &unit[start..next.unwrap_or(unit.len())];
        // No NAL unit ends with a zero.
        while let Some(shorter) = nal.strip_suffix(&[0]) {
            nal = shorter;
        }
        Some(nal)
    })
    .filter(|nal| !nal.is_empty())
}

/// Where the next start code (0, 0, 1) begins, from `from` on.
pub(super) fn next_start(data: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 2;
    while let Some(byte) = data.get(at) {
        match byte {
            1 if data[at - 1] == 0 && data[at - 2] == 0 => return Some(at - 2),
            // Neither this byte nor the two after it can end a start code that holds this one.
            2.. => at += 3,
            _ => at += 1,
        }
    }
    None
}

/// Appends an access unit as a sample of MP4 has it: a length of four bytes before each NAL unit. Parameter sets that the decoder
/// configuration holds (`is_known`) are left out. Returns how many bytes that makes.
pub(crate) fn convert(
    unit: &[u8],
    hevc: bool,
    is_known: impl Fn(&[u8]) -> bool,
    out: &mut Vec<u8>,
) -> usize {
    let before = out.len();
    for nal in units(unit) {
        let kind = kind(nal, hevc);
        if is_left_out(kind, hevc) || (is_set(kind, hevc) && is_known(nal)) {
            continue;
        }
        out.extend_from_slice(&u32::try_from(nal.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(nal);
    }
    out.len() - before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_between_start_codes() {
        let unit = [
            0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x67, 5, 0, 0, 1, 0x68, 6, 0, 0, 0, 0, 1, 0x65, 0, 0,
            3, 7,
        ];
        let found: Vec<&[u8]> = units(&unit).collect();
        assert_eq!(
            found,
            [&[9, 0xf0][..], &[0x67, 5], &[0x68, 6], &[0x65, 0, 0, 3, 7]]
        );
        let mut out = Vec::new();
        let len = convert(&unit, false, |set| set == [0x67, 5], &mut out);
        assert_eq!(out, [0, 0, 0, 2, 0x68, 6, 0, 0, 0, 5, 0x65, 0, 0, 3, 7]);
        assert_eq!(len, out.len());
        assert_eq!(units(&[]).count() + units(&[0, 0, 1]).count(), 0);
    }
}
