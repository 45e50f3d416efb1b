//! From high to standard dynamic range.

/// Linear light, BT.709 primaries, Hable's curve, and back to code values: what follows may ask for any 8-bit pixels.
const CURVE: &str = "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p";

/// How HDR brightness is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HdrTransfer {
    /// Perceptual quantizer (SMPTE ST 2084), as in HDR10.
    Pq,
    /// Hybrid log-gamma (ARIB STD-B67).
    Hlg,
}

impl HdrTransfer {
    /// By ffmpeg's name of the transfer characteristics; `None` for all that is not HDR.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "smpte2084" => Some(Self::Pq),
            "arib-std-b67" => Some(Self::Hlg),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Pq => "smpte2084",
            Self::Hlg => "arib-std-b67",
        }
    }

    /// The filters that bring pictures down. Both transfers are defined for BT.2020 alone (BT.2100, table 2), so that is said of the pictures too:
    /// many films name the transfer and leave out the rest, and zscale converts from nothing that it is not told.
    pub(super) fn tone_map(self) -> String {
        format!(
            "setparams=color_primaries=bt2020:color_trc={}:colorspace=bt2020nc,{CURVE}",
            self.name()
        )
    }
}
