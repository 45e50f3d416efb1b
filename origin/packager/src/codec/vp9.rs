//! VP9 and its configuration box (VP Codec ISO Media File Format Binding, version 1.0).

use crate::presentation::ColourInfo;

/// What a `vpcC` box says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VpConfig {
    profile: u8,
    level: u8,
    pub(crate) bit_depth: u8,
    chroma: u8,
    pub(crate) colour: ColourInfo,
}

impl VpConfig {
    /// Reads the content of a `vpcC` box after its version and flags; `None` when it is broken.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let (&[profile, level, depth, primaries, transfer, matrix], _) =
            data.split_first_chunk::<6>()?;
        Some(Self {
            profile,
            level,
            bit_depth: depth >> 4,
            chroma: (depth >> 1) & 7,
            colour: ColourInfo::new(primaries, transfer, matrix, depth & 1 == 1),
        })
    }

    /// Codec string (same document): the long form when chroma or colour differ from the defaults.
    pub(crate) fn codec_string(&self) -> String {
        let known = |value: u8| if value == 2 { 1 } else { value };
        let colour = &self.colour;
        let short = format!(
            "vp09.{:02}.{:02}.{:02}",
            self.profile, self.level, self.bit_depth
        );
        let tail = format!(
            ".{:02}.{:02}.{:02}.{:02}.{:02}",
            self.chroma,
            known(colour.primaries),
            known(colour.transfer),
            known(colour.matrix),
            u8::from(colour.full_range)
        );
        if [".00.01.01.01.00", ".01.01.01.01.00"].contains(&tail.as_str()) {
            short
        } else {
            short + &tail
        }
    }
}
