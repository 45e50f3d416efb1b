//! What the first frame of VP9 says about all pictures (VP9 Bitstream & Decoding Process Specification 0.6, 6.2), for containers
//! that do not.

use super::BitReader;
use super::vp9_frame::read_sync;

/// What a key frame says about the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vp9Format {
    pub(crate) profile: u8,
    pub(crate) bit_depth: u8,
    /// `chromaSubsampling` of `vpcC`.
    pub(crate) chroma: u8,
    pub(crate) full_range: bool,
    /// `color_space` (7.2.2).
    space: u32,
}

/// Most samples of a picture and per second of each level (VP9 levels, as `vpcC` numbers them).
const LEVELS: [(u8, u64, u64); 14] = [
    (10, 36_864, 829_440),
    (11, 73_728, 2_764_800),
    (20, 122_880, 4_608_000),
    (21, 245_760, 9_216_000),
    (30, 552_960, 20_736_000),
    (31, 983_040, 36_864_000),
    (40, 2_228_224, 83_558_400),
    (41, 2_228_224, 160_432_128),
    (50, 8_912_896, 311_951_360),
    (51, 8_912_896, 588_251_136),
    (52, 8_912_896, 1_176_502_272),
    (60, 35_651_584, 1_176_502_272),
    (61, 35_651_584, 2_353_004_544),
    (62, 35_651_584, 4_706_009_088),
];

impl Vp9Format {
    /// Reads the header of a key frame (6.2).
    pub(crate) fn parse(frame: &[u8]) -> Option<Self> {
        let mut r = BitReader::new(frame);
        if r.bits(2)? != 2 {
            return None;
        }
        let profile = r.byte(1)? | r.byte(1)? << 1;
        if profile == 3 {
            r.flag()?;
        }
        // Neither an earlier picture shown again, nor one that refers to others.
        if r.flag()? || r.flag()? {
            return None;
        }
        r.skip(2)?;
        read_sync(&mut r)?;
        let bit_depth = match profile >= 2 {
            true if r.flag()? => 12,
            true => 10,
            false => 8,
        };
        let space = r.bits(3)?;
        let (mut full_range, mut chroma) = (true, 3);
        if space != 7 {
            full_range = r.flag()?;
            chroma = 1;
            if profile & 1 == 1 {
                chroma = match (r.flag()?, r.flag()?) {
                    (true, true) => 1,
                    (true, false) => 2,
                    _ => 3,
                };
            }
        }
        Some(Self {
            profile,
            bit_depth,
            chroma,
            full_range,
            space,
        })
    }

    /// Matrix coefficients (ISO/IEC 23091-2) that the colour space means.
    pub(crate) const fn matrix(&self) -> u64 {
        match self.space {
            1 => 5,
            2 => 1,
            3 => 6,
            4 => 7,
            5 => 9,
            7 => 0,
            _ => 2,
        }
    }

    /// The least level for pictures of this size, each shown for `frame` nanoseconds (a thirtieth of a second if nobody knows).
    pub(crate) fn least_level(&self, width: u64, height: u64, frame: Option<u64>) -> u8 {
        let samples = width.saturating_mul(height);
        let nanos = u128::from(frame.unwrap_or(33_333_333).max(1));
        let rate = u128::from(samples) * 1_000_000_000 / nanos;
        LEVELS
            .iter()
            .find(|(_, most, per_second)| samples <= *most && rate <= u128::from(*per_second))
            .map_or(62, |(level, ..)| *level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_frame_says_what_it_holds() {
        // Profile 0, key frame, shown; sync code; BT.709, studio range.
        let found = Vp9Format::parse(&[0x82, 0x49, 0x83, 0x42, 0x40]).unwrap();
        assert_eq!((found.profile, found.bit_depth, found.chroma), (0, 8, 1));
        assert_eq!((found.matrix(), found.full_range), (1, false));
        assert_eq!(found.least_level(1280, 720, Some(40_000_000)), 31);
        assert_eq!(Vp9Format::parse(&[0x86, 0x49, 0x83, 0x42, 0x40]), None);
    }
}
