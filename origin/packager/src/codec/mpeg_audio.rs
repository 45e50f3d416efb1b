//! Frames of MPEG audio (ISO/IEC 11172-3, 2.4.2.3; ISO/IEC 13818-3) and of AAC in ADTS (ISO/IEC 13818-7, 6.2).

/// What the header of a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AudioFrame {
    /// Length of the header in bytes.
    pub(crate) header: usize,
    /// Length in bytes, header included.
    pub(crate) len: usize,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u32,
    /// Samples of sound of each channel.
    pub(crate) samples: u32,
    /// Layer of MPEG audio; 0 for AAC.
    pub(crate) layer: u8,
    /// Of AAC: audio object type, index of the rate, `channel_configuration`.
    specific: [u8; 3],
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

const AAC_RATES: [u32; 13] = [
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
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
            header: 4,
            len: len as usize,
            sample_rate,
            channels: if d >> 6 == 3 { 1 } else { 2 },
            samples,
            layer,
            specific: [0; 3],
        })
    }

    /// Reads an ADTS header; `None` when there is none, or the frame holds several blocks.
    pub(crate) fn parse_adts(data: &[u8]) -> Option<Self> {
        let &[0xff, b, c, d, e, f, g, ..] = data else {
            return None;
        };
        if b & 0xf6 != 0xf0 || g & 3 != 0 {
            return None;
        }
        let header = if b & 1 == 1 { 7 } else { 9 };
        let index = c >> 2 & 15;
        let configuration = (c & 1) << 2 | d >> 6;
        let len = usize::from(d & 3) << 11 | usize::from(e) << 3 | usize::from(f >> 5);
        (len > header).then_some(Self {
            header,
            len,
            sample_rate: *AAC_RATES.get(usize::from(index))?,
            channels: if configuration == 7 {
                8
            } else {
                u32::from(configuration)
            },
            samples: 1024,
            layer: 0,
            specific: [(c >> 6) + 1, index, configuration],
        })
    }

    /// The `AudioSpecificConfig` of an AAC stream with such frames.
    pub(crate) fn specific_config(&self) -> Vec<u8> {
        let [kind, index, channels] = self.specific;
        vec![kind << 3 | index >> 1, index << 7 | channels << 3]
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
        // AAC-LC, 44.1 kHz, stereo, 100 bytes.
        let adts = [0xff, 0xf1, 0x50, 0x80, 0x0c, 0x9f, 0xfc];
        let frame = AudioFrame::parse_adts(&adts).unwrap();
        assert_eq!((frame.header, frame.len, frame.channels), (7, 100, 2));
        assert_eq!(frame.specific_config(), [0x12, 0x10]);
        assert_eq!(AudioFrame::parse_mpeg(&adts), None);
    }
}
