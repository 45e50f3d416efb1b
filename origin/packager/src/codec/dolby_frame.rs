//! Frames of AC-3 and E-AC-3 (ETSI TS 102 366, 4.3 and annex E): what their headers say, for streams whose container does not.

use super::BitReader;

/// What the header of a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DolbyFrame {
    /// Length in bytes.
    pub(crate) len: usize,
    pub(crate) sample_rate: u32,
    /// Samples of sound of each channel.
    pub(crate) samples: u32,
    /// True for E-AC-3.
    pub(crate) enhanced: bool,
    /// True for a substream that another frame builds on, and which starts an access unit.
    pub(crate) independent: bool,
    rate_code: u32,
    version: u32,
    kind: u32,
    mode: u32,
    low_frequency: u32,
    /// `bit_rate_code` of AC-3.
    bit_rate_code: u32,
    /// Places of channels of a dependent substream (`chanmap`).
    places: u32,
}

const RATES: [u32; 3] = [48000, 44100, 32000];
/// Bit rates of AC-3 in kbit/s by half of `frmsizecod`.
const BIT_RATES: [u32; 19] = [
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
];

impl DolbyFrame {
    /// Reads the header at the start of `data`; `None` when there is none.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let mut r = BitReader::new(data);
        if r.bits(16)? != 0x0b77 {
            return None;
        }
        // The version stands at the same place in both.
        if data.get(5)? >> 3 <= 10 {
            Self::parse_ac3(r)
        } else {
            Self::parse_eac3(r)
        }
    }

    fn parse_ac3(mut r: BitReader<'_>) -> Option<Self> {
        r.skip(16)?;
        let rate_code = r.bits(2)?;
        let size_code = r.bits(6)?;
        let (version, kind, mode) = (r.bits(5)?, r.bits(3)?, r.bits(3)?);
        if mode & 1 == 1 && mode != 1 {
            r.skip(2)?;
        }
        if mode & 4 == 4 {
            r.skip(2)?;
        }
        if mode == 2 {
            r.skip(2)?;
        }
        let low_frequency = r.bits(1)?;
        let bit_rate = *BIT_RATES.get(size_code as usize / 2)?;
        let sample_rate = *RATES.get(rate_code as usize)?;
        // Words of 16 bits in the time of 1536 samples; at 44.1 kHz they do not come out even, and odd codes have one more.
        let words =
            bit_rate * 96_000 / sample_rate + if rate_code == 1 { size_code & 1 } else { 0 };
        Some(Self {
            len: words as usize * 2,
            sample_rate,
            samples: 1536,
            enhanced: false,
            independent: true,

            rate_code,
            version,
            kind,
            mode,
            low_frequency,
            bit_rate_code: size_code / 2,
            places: 0,
        })
    }

    fn parse_eac3(mut r: BitReader<'_>) -> Option<Self> {
        let stream_type = r.bits(2)?;
        r.skip(3)?;
        let len = (r.bits(11)? as usize + 1) * 2;
        let rate_code = r.bits(2)?;
        let (sample_rate, blocks) = if rate_code == 3 {
            (*RATES.get(r.bits(2)? as usize)? / 2, 6)
        } else {
            (RATES[rate_code as usize], [1, 2, 3, 6][r.bits(2)? as usize])
        };
        let (mode, low_frequency, version) = (r.bits(3)?, r.bits(1)?, r.bits(5)?);
        let mut places = 0;
        for _ in 0..if mode == 0 { 2 } else { 1 } {
            r.skip(5)?;
            if r.flag()? {
                r.skip(8)?;
            }
        }
        if stream_type == 1 && r.flag()? {
            places = r.bits(16)?;
        }
        Some(Self {
            len,
            sample_rate,
            samples: blocks * 256,
            enhanced: true,
            independent: stream_type != 1,

            rate_code,
            version,
            kind: 0,
            mode,
            low_frequency,
            bit_rate_code: 0,
            places,
        })
    }
}

/// The content of the `dac3` or `dec3` box (annex F) for a stream that starts with the access unit `unit`; the first frame of it.
pub(crate) fn config_of(unit: &[u8]) -> Option<(DolbyFrame, Vec<u8>)> {
    let first = DolbyFrame::parse(unit)?;
    if !first.enhanced {
        let word = first.rate_code << 22
            | first.version << 17
            | first.kind << 14
            | first.mode << 11
            | first.low_frequency << 10
            | first.bit_rate_code << 5;
        return Some((first, word.to_be_bytes()[1..].to_vec()));
    }
    let mut rest = unit;
    let (mut dependent, mut places, mut bytes) = (0_u32, 0_u32, 0_usize);
    while let Some(frame) = DolbyFrame::parse(rest) {
        // One programme is described: the first independent substream and what depends on it.
        if frame.independent && bytes > 0 {
            break;
        }
        if !frame.independent {
            dependent += 1;
            places |= frame.places;
        }
        bytes += frame.len;
        rest = rest.get(frame.len..).unwrap_or_default();
    }
    let rate = bytes as u64 * 8 * u64::from(first.sample_rate) / u64::from(first.samples) / 1000;
    let rate = u16::try_from(rate).unwrap_or(0).min(0x1fff);
    let mut out = (rate << 3).to_be_bytes().to_vec();
    // `chan_loc` (F.6.2.8) lists the places after the centre surround, in the order of `chanmap` (E.1.3.1.8): Lc/Rc first.
    let mut location = 0;
    for (bit, place) in [
        (10, 0),
        (9, 1),
        (8, 2),
        (7, 3),
        (6, 4),
        (5, 5),
        (4, 6),
        (3, 7),
        (1, 8),
    ] {
        location |= (places >> bit & 1) << place;
    }
    let head = first.rate_code << 14 | first.version << 9;
    let mut word = u64::from(head) << 8
        | u64::from(first.mode) << 9
        | u64::from(first.low_frequency) << 8
        | u64::from(dependent.min(15)) << 1;
    if dependent > 0 {
        word = (word & !1) << 8 | u64::from(location);
        out.extend_from_slice(&word.to_be_bytes()[4..]);
    } else {
        out.extend_from_slice(&word.to_be_bytes()[5..]);
    }
    Some((first, out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::dolby::DolbyAudio;

    #[test]
    fn headers_become_configuration_boxes() {
        // AC-3, 48 kHz, 448 kbit/s (code 15), 3/2 with low frequency.
        let frame = [0x0b, 0x77, 0, 0, 0x1e, 0x40, 0xe1, 0, 0, 0];
        let (found, config) = config_of(&frame).unwrap();
        assert_eq!((found.len, found.samples), (1792, 1536));
        let audio = DolbyAudio::parse_ac3(&config).unwrap();
        assert_eq!((audio.sample_rate, audio.channels), (48000, 6));
        // E-AC-3, 48 kHz, six blocks, 768 bytes, 3/2 with low frequency, version 16.
        let mut unit = vec![0x0b, 0x77, 0x01, 0x7f, 0x3f, 0x87, 0xff, 0xf0];
        unit.resize(768, 0);
        let (found, config) = config_of(&unit).unwrap();
        assert_eq!((found.len, found.samples, found.version), (768, 1536, 16));
        let audio = DolbyAudio::parse_eac3(&config).unwrap();
        assert_eq!((audio.sample_rate, audio.channels), (48000, 6));
        assert_eq!(u16::from_be_bytes([config[0], config[1]]) >> 3, 192);
    }
}
