//! Frames of MPEG audio (ISO/IEC 11172-3, 2.4.2.3; ISO/IEC 13818-3).

/// What the header of a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AudioFrame {
    /// Length in bytes, header included.
    pub(crate) len: usize,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u32,
    /// Samples of sound of each channel.
    pub(crate) samples: u32,
    pub(crate) layer: u8,
}

/// Bit rates in kbit/s: MPEG-1 layers I, II, III; MPEG-2 layer I; MPEG-2 layers II and III.
const BIT_RATES: [[u32; 15]; 5] = [
    [
        0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
    ],
    [
        0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
    ],
    [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ],
    [
        0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
    ],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

impl AudioFrame {
    /// Reads a header of MPEG audio; `None` when there is none, or its length is left open.
    pub(crate) fn parse_mpeg(data: &[u8]) -> Option<Self> {
        let &[0xff, b, c, d, ..] = data else {
            return None;
        };
        let (version, layer) = (b >> 3 & 3, 4 - (b >> 1 & 3));
        if b & 0xe0 != 0xe0 || version == 1 || layer == 4 {
            return None;
        }
        let first = version == 3;
        let table = match (first, layer) {
            (true, layer) => usize::from(layer) - 1,
            (false, 1) => 3,
            (false, _) => 4,
        };
        let bit_rate = *BIT_RATES[table].get(usize::from(c >> 4))? * 1000;
        let rate = *[44100, 48000, 32000].get(usize::from(c >> 2 & 3))?;
        // MPEG-2 halves the rates, and MPEG-2.5 quarters them.
        let sample_rate = match version {
            3 => rate,
            2 => rate / 2,
            _ => rate / 4,
        };
        let padding = u32::from(c >> 1 & 1);
        let (samples, len) = match (layer, first) {
            (1, _) => (384, (12 * bit_rate / sample_rate + padding) * 4),
            (3, false) => (576, 72 * bit_rate / sample_rate + padding),
            _ => (1152, 144 * bit_rate / sample_rate + padding),
        };
        (bit_rate > 0).then_some(Self {
            len: len as usize,
            sample_rate,
            channels: if d >> 6 == 3 { 1 } else { 2 },
            samples,
            layer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_both_kinds() {
        // MPEG-1 layer III, 128 kbit/s, 44.1 kHz, joint stereo.
        let frame = AudioFrame::parse_mpeg(&[0xff, 0xfb, 0x90, 0x64]).unwrap();
        assert_eq!((frame.len, frame.samples, frame.layer), (417, 1152, 3));
        assert_eq!(AudioFrame::parse_mpeg(&[0xff, 0xf1, 0x50, 0x80]), None);
    }
}
