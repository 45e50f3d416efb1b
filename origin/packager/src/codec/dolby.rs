//! Dolby: AC-3 and E-AC-3 (ETSI TS 102 366, annex F) and Dolby Vision (Dolby Vision Streams within the ISO BMFF).

use super::BitReader;

const RATES: [u32; 3] = [48000, 44100, 32000];
/// Channels by `acmod`.
const CHANNELS: [u32; 8] = [2, 1, 2, 3, 3, 4, 4, 5];

/// What a `dac3` or `dec3` box says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DolbyAudio {
    pub(crate) sample_rate: u32,
    pub(crate) channels: u32,
    /// Complexity index of joint object coding (Atmos), when it is used.
    pub(crate) objects: Option<u32>,
}

impl DolbyAudio {
    /// Reads the content of a `dac3` box; `None` when it is broken.
    pub(crate) fn parse_ac3(data: &[u8]) -> Option<Self> {
        let mut r = BitReader::new(data);
        let rate = r.bits(2)?;
        r.skip(8)?;
        let mode = r.bits(3)?;
        let low_frequency = r.bits(1)?;
        Some(Self {
            sample_rate: *RATES.get(rate as usize)?,
            channels: CHANNELS[mode as usize & 7] + low_frequency,
            objects: None,
        })
    }

    /// Reads the content of a `dec3` box; `None` when it is broken.
    pub(crate) fn parse_eac3(data: &[u8]) -> Option<Self> {
        let mut r = BitReader::new(data);
        r.skip(13)?;
        let substreams = r.bits(3)? + 1;
        let mut first = None;
        for _ in 0..substreams {
            let rate = r.bits(2)?;
            r.skip(10)?;
            let mode = r.bits(3)?;
            let mut channels = CHANNELS[mode as usize & 7] + r.bits(1)?;
            r.skip(3)?;
            if r.bits(4)? > 0 {
                // `chan_loc`, one bit for each place; Lc/Rc, Lrs/Rrs, Lsd/Rsd, Lw/Rw and Lvh/Rvh are pairs.
                let places = r.bits(9)?;
                for (bit, count) in [
                    (0, 2),
                    (1, 2),
                    (2, 1),
                    (3, 1),
                    (4, 2),
                    (5, 2),
                    (6, 2),
                    (7, 1),
                    (8, 1),
                ] {
                    channels += (places >> bit & 1) * count;
                }
            } else {
                r.skip(1)?;
            }
            first.get_or_insert((RATES.get(rate as usize).copied().unwrap_or(48000), channels));
        }
        let (sample_rate, channels) = first?;
        let extension = r.remaining() >= 16 && {
            r.skip(7)?;
            r.flag()?
        };
        Some(Self {
            sample_rate,
            channels,
            objects: if extension { r.bits(8) } else { None },
        })
    }
}

/// What a `dvcC`, `dvvC` or `dvwC` box says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DolbyVision {
    pub(crate) profile: u8,
    pub(crate) level: u8,
    /// How the base layer can be shown without Dolby Vision: 1 HDR10, 2 SDR, 4 HLG, 6 Blu-ray HDR10, 0 not at all.
    pub(crate) compatibility: u8,
}

impl DolbyVision {
    /// Reads the content of the box; `None` when it is broken.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let (&[_, _, high, low, compatibility], _) = data.split_first_chunk::<5>()?;
        Some(Self {
            profile: high >> 1,
            level: (high & 1) << 5 | low >> 3,
            compatibility: compatibility >> 4,
        })
    }

    /// Codec string such as `dvh1.08.07` for the sample entry `entry`.
    pub(crate) fn codec_string(&self, entry: &str) -> String {
        format!("{entry}.{:02}.{:02}", self.profile, self.level)
    }

    /// `SUPPLEMENTAL-CODECS` value (RFC 8216bis, 4.4.6.2) for a base layer that plays on its own.
    pub(crate) fn supplemental(&self, entry: &str) -> Option<String> {
        let brand = match self.compatibility {
            1 => "db1p",
            2 => "db2g",
            4 => "db4h",
            _ => return None,
        };
        let entry = match entry {
            "avc1" | "avc3" => "dva1",
            "av01" => "dav1",
            _ => "dvh1",
        };
        Some(format!("{}/{brand}", self.codec_string(entry)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ac3_channels_and_rate() {
        // fscod 0, bsid 8, bsmod 0, acmod 7, lfeon 1: 5.1 at 48 kHz.
        assert_eq!(
            DolbyAudio::parse_ac3(&[0x10, 0x3c, 0xe0]),
            Some(DolbyAudio {
                sample_rate: 48000,
                channels: 6,
                objects: None
            })
        );
    }

    #[test]
    fn joint_object_coding_is_found() {
        // data_rate 448, one substream: fscod 0, bsid 16, acmod 7, lfeon 1, no dependent substream; extension type A, index 16.
        let box_content = [0x0e, 0x00, 0x20, 0x0f, 0x00, 0x01, 0x10];
        assert_eq!(
            DolbyAudio::parse_eac3(&box_content),
            Some(DolbyAudio {
                sample_rate: 48000,
                channels: 6,
                objects: Some(16)
            })
        );
    }

    #[test]
    fn dolby_vision_with_an_hlg_base_layer() {
        let vision = DolbyVision::parse(&[1, 0, 0x10, 0x3d, 0x40]).unwrap();
        assert_eq!(
            vision.supplemental("hvc1").as_deref(),
            Some("dvh1.08.07/db4h")
        );
    }
}
