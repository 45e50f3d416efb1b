//! H.264 (ISO/IEC 14496-10) and its decoder configuration record (ISO/IEC 14496-15, 5.3.3.1).

use super::{BitReader, PictureFormat, SAMPLE_ASPECT, unescape};
use crate::presentation::ColourInfo;

/// What an `avcC` box says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AvcConfig {
    /// `profile_idc`, constraint flags and `level_idc`.
    pub(crate) profile: [u8; 3],
    /// Bytes of the length before every NAL unit: 1, 2 or 4.
    pub(crate) length_size: u8,
    /// Sequence parameter sets.
    pub(crate) sps: Vec<Vec<u8>>,
    /// Picture parameter sets.
    pub(crate) pps: Vec<Vec<u8>>,
}

impl AvcConfig {
    /// Reads the content of an `avcC` box; `None` when it is broken.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let (&[version, profile, constraints, level, length, count], mut rest) =
            data.split_first_chunk::<6>()?;
        if version != 1 {
            return None;
        }
        let mut take = |count: u8| -> Option<Vec<Vec<u8>>> {
            (0..count)
                .map(|_| {
                    let (length, after) = rest.split_first_chunk::<2>()?;
                    let (nal, after) =
                        after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
                    rest = after;
                    Some(nal.to_vec())
                })
                .collect()
        };
        let sps = take(count & 31)?;
        let (count, after) = rest.split_first()?;
        rest = after;
        let mut take = |count: u8| -> Option<Vec<Vec<u8>>> {
            (0..count)
                .map(|_| {
                    let (length, after) = rest.split_first_chunk::<2>()?;
                    let (nal, after) =
                        after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
                    rest = after;
                    Some(nal.to_vec())
                })
                .collect()
        };
        let pps = take(*count)?;
        Some(Self {
            profile: [profile, constraints, level],
            length_size: (length & 3) + 1,
            sps,
            pps,
        })
    }

    /// Codec string (RFC 6381, 3.3): sample entry, then profile, constraints and level in hexadecimal.
    pub(crate) fn codec_string(&self, entry: &str) -> String {
        let [profile, constraints, level] = self.profile;
        format!("{entry}.{profile:02x}{constraints:02x}{level:02x}")
    }

    /// The picture format that the first sequence parameter set describes.
    pub(crate) fn picture_format(&self) -> Option<PictureFormat> {
        parse_sps(self.sps.first()?)
    }
}

/// True when the access unit, given as NAL units, is an instantaneous decoding refresh picture.
pub(crate) fn is_sync_nal(header: u8) -> Option<bool> {
    match header & 31 {
        5 => Some(true),
        1..=4 => Some(false),
        _ => None,
    }
}

/// Reads a sequence parameter set (ISO/IEC 14496-10, 7.3.2.1.1), NAL header included.
fn parse_sps(nal: &[u8]) -> Option<PictureFormat> {
    let payload = unescape(nal.get(1..)?);
    let mut r = BitReader::new(&payload);
    let profile = r.bits(8)?;
    r.skip(16)?;
    r.ue()?;
    let mut chroma = 1;
    let mut separate = false;
    let mut bit_depth = 8;
    if [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135].contains(&profile) {
        chroma = r.ue()?;
        if chroma == 3 {
            separate = r.flag()?;
        }
        bit_depth = u8::try_from(r.ue()?).ok()?.checked_add(8)?;
        r.ue()?;
        r.flag()?;
        if r.flag()? {
            for list in 0..if chroma == 3 { 12 } else { 8 } {
                if r.flag()? {
                    skip_scaling_list(&mut r, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    r.ue()?;
    match r.ue()? {
        0 => {
            r.ue()?;
        }
        1 => {
            r.flag()?;
            r.se()?;
            r.se()?;
            for _ in 0..r.ue()?.min(255) {
                r.se()?;
            }
        }
        _ => {}
    }
    r.ue()?;
    r.flag()?;
    let width = r.ue()?.checked_add(1)?.checked_mul(16)?;
    let map_units = r.ue()?.checked_add(1)?;
    let frame_only = r.flag()?;
    let fields = if frame_only { 1 } else { 2 };
    let height = map_units.checked_mul(16 * fields)?;
    if !frame_only {
        r.flag()?;
    }
    r.flag()?;
    let (mut crop_width, mut crop_height) = (0, 0);
    if r.flag()? {
        let (left, right, top, bottom) = (r.ue()?, r.ue()?, r.ue()?, r.ue()?);
        let (unit_x, unit_y) = match (chroma, separate) {
            (1, _) => (2, 2),
            (2, _) => (2, 1),
            _ => (1, 1),
        };
        crop_width = left.checked_add(right)?.checked_mul(unit_x)?;
        crop_height = top.checked_add(bottom)?.checked_mul(unit_y * fields)?;
    }
    let mut format = PictureFormat {
        width: width.checked_sub(crop_width)?,
        height: height.checked_sub(crop_height)?,
        bit_depth,
        colour: ColourInfo::unspecified(),
        ..PictureFormat::default()
    };
    if r.flag()? {
        // A parameter set cut short inside its optional part still gives its picture size.
        let _ = read_vui_start(&mut r, &mut format);
    }
    Some(format)
}

/// Reads the head of the video usability information, which H.264 (E.1.1) and HEVC (E.2.1) share.
pub(crate) fn read_vui_start(r: &mut BitReader<'_>, format: &mut PictureFormat) -> Option<()> {
    if r.flag()? {
        let code = r.bits(8)?;
        let aspect = if code == 255 {
            (r.bits(16)?, r.bits(16)?)
        } else {
            SAMPLE_ASPECT.get(code as usize).copied().unwrap_or((0, 0))
        };
        format.pixel_aspect = Some(aspect).filter(|(x, y)| *x > 0 && *y > 0);
    }
    if r.flag()? {
        r.flag()?;
    }
    if r.flag()? {
        r.skip(3)?;
        let full_range = r.flag()?;
        if r.flag()? {
            format.colour = ColourInfo::new(r.byte(8)?, r.byte(8)?, r.byte(8)?, full_range);
        } else {
            format.colour.full_range = full_range;
        }
    }
    Some(())
}

pub(super) fn skip_scaling_list(r: &mut BitReader<'_>, size: u32) -> Option<()> {
    let (mut last, mut next) = (8, 8);
    for _ in 0..size {
        if next != 0 {
            next = r.se()?.checked_add(last)?.rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_real_parameter_set() {
        // x264, High profile level 3, 640x272, from the `bikes` clip.
        let sps = [
            0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x23, 0xb0, 0x11, 0x00, 0x00, 0x03,
            0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x0f, 0x16, 0x2d, 0x96,
        ];
        let format = parse_sps(&sps).unwrap();
        assert_eq!(
            (format.width, format.height, format.bit_depth),
            (640, 272, 8)
        );
        // A bit depth of 8 + 254: found by fuzzing.
        let deep = [
            1, 4, 0, 116, 35, 1, 0, 11, 1, 135, 255, 209, 0, 228, 32, 8, 0, 255, 255, 0,
        ];
        let _ = AvcConfig::parse(&deep).map(|config| config.picture_format());
        for end in 0..sps.len() {
            let _ = parse_sps(&sps[..end]);
        }
    }
}
