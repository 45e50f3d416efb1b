//! What a picture is, by the NAL units of its sample (ISO/IEC 14496-10, table 7-1; ISO/IEC 23008-2, table 7-1).

use super::Picture;
use super::description::Description;

/// The kind of the first picture in a sample.
pub(super) fn first_picture(data: &[u8], description: &Description, length: u8) -> Option<Picture> {
    let hevc = !description.entry.starts_with("avc") && !description.entry.starts_with("dva");
    let mut rest = data;
    loop {
        let (size, after) = rest.split_at_checked(usize::from(length))?;
        let size = size
            .iter()
            .fold(0_usize, |size, byte| size << 8 | usize::from(*byte));
        let header = *after.first()?;
        let found = if hevc {
            match header >> 1 & 63 {
                19 | 20 => Some(Picture::Idr),
                16..=18 | 21 => Some(Picture::OpenGop),
                0..=15 => Some(Picture::Dependent),
                _ => None,
            }
        } else {
            match header & 31 {
                5 => Some(Picture::Idr),
                1..=4 => Some(Picture::Dependent),
                _ => None,
            }
        };
        if found.is_some() {
            return found;
        }
        rest = after.get(size.max(1)..)?;
    }
}
