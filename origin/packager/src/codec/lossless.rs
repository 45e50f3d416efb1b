//! Lossless codecs: FLAC (Encapsulation of FLAC in ISO BMFF) and ALAC (Apple Lossless `ALACSpecificConfig`).

use super::BitReader;

/// What a configuration box says about the sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LosslessConfig {
    pub(crate) sample_rate: u32,
    pub(crate) channels: u32,
}

impl LosslessConfig {
    /// Reads the content of a `dfLa` box after its version and flags; its first metadata block is STREAMINFO (RFC 9639, 8.2).
    pub(crate) fn parse_flac(data: &[u8]) -> Option<Self> {
        let (&[kind, ..], info) = data.split_first_chunk::<4>()?;
        if kind & 0x7f != 0 {
            return None;
        }
        let mut r = BitReader::new(info);
        r.skip(16 + 16 + 24 + 24)?;
        Some(Self {
            sample_rate: r.bits(20)?,
            channels: r.bits(3)? + 1,
        })
    }

    /// Reads the content of an `alac` box after its version and flags.
    pub(crate) fn parse_alac(data: &[u8]) -> Option<Self> {
        let channels = u32::from(*data.get(9)?);
        let rate = data.get(20..24)?;
        Some(Self {
            sample_rate: u32::from_be_bytes([rate[0], rate[1], rate[2], rate[3]]),
            channels,
        })
    }
}
