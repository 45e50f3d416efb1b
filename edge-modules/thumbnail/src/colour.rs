//! Into sRGB, by the embedded ICC profile, after resizing: the result is small and profiles cost per pixel.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use crate::raster::{Channels, Raster};

/// The largest profile that is read: press profiles have up to 2 MiB, more is an attack.
const LARGEST_PROFILE: usize = 4 << 20;

/// Converts to sRGB. A profile that cannot be read, or that is of another kind than the pixels, counts as none: browsers do the
/// same, and the picture is better shown with plain colours than not at all. CMYK always comes out as RGB.
pub(crate) fn to_srgb(raster: Raster, profile: Option<&[u8]>) -> Raster {
    let raster = match profile.filter(|bytes| bytes.len() <= LARGEST_PROFILE) {
        Some(bytes) => match convert(&raster, bytes) {
            Some(converted) => converted,
            None => raster,
        },
        None => raster,
    };
    if raster.channels() == Channels::Cmyk {
        raster.into_channels(Channels::Rgb)
    } else {
        raster
    }
}

fn convert(raster: &Raster, bytes: &[u8]) -> Option<Raster> {
    let profile = ColorProfile::new_from_slice(bytes).ok()?;
    let (space, from, to, channels) = match raster.channels() {
        Channels::Gray => (
            DataColorSpace::Gray,
            Layout::Gray,
            Layout::Rgb,
            Channels::Rgb,
        ),
        Channels::Rgb => (DataColorSpace::Rgb, Layout::Rgb, Layout::Rgb, Channels::Rgb),
        Channels::Rgba => (
            DataColorSpace::Rgb,
            Layout::Rgba,
            Layout::Rgba,
            Channels::Rgba,
        ),
        // The library has no name for four inks: it reads the layout by its count.
        Channels::Cmyk => (
            DataColorSpace::Cmyk,
            Layout::Rgba,
            Layout::Rgb,
            Channels::Rgb,
        ),
    };
    if profile.color_space != space {
        return None;
    }
    let srgb = ColorProfile::new_srgb();
    let transform = profile
        .create_transform_8bit(from, &srgb, to, TransformOptions::default())
        .ok()?;
    if space == DataColorSpace::Rgb && changes_nothing(&profile, &srgb) {
        return None;
    }
    let mut data = vec![0; raster.width() as usize * raster.height() as usize * channels.count()];
    let out_stride = raster.width() as usize * channels.count();
    for (source, target) in raster.rows().zip(data.chunks_exact_mut(out_stride)) {
        transform.transform(source, target).ok()?;
    }
    Raster::new(raster.width(), raster.height(), channels, data)
}

/// True for the many copies of sRGB itself: converting would only add rounding.
fn changes_nothing(profile: &ColorProfile, srgb: &ColorProfile) -> bool {
    const PROBES: [[u8; 3]; 8] = [
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 255],
        [128, 128, 128],
        [40, 90, 200],
        [200, 90, 40],
        [90, 200, 40],
        [20, 20, 20],
    ];
    let options = TransformOptions::default();
    let Ok(transform) = profile.create_transform_8bit(Layout::Rgb, srgb, Layout::Rgb, options)
    else {
        return false;
    };
    let source = PROBES.concat();
    let mut target = vec![0; source.len()];
    transform.transform(&source, &mut target).is_ok()
        && source
            .iter()
            .zip(&target)
            .all(|(before, after)| before.abs_diff(*after) <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Raster {
        Raster::new(2, 1, Channels::Rgb, vec![250, 20, 20, 10, 200, 30]).unwrap()
    }

    #[test]
    fn srgb_is_left_alone() {
        let profile = ColorProfile::new_srgb().encode().unwrap();
        assert_eq!(to_srgb(sample(), Some(&profile)), sample());
    }

    #[test]
    fn display_p3_becomes_more_saturated_in_srgb() {
        let profile = ColorProfile::new_display_p3().encode().unwrap();
        let converted = to_srgb(sample(), Some(&profile));
        assert!(
            converted.data()[0] == 255 && converted.data()[4] > 200,
            "{:?}",
            converted.data()
        );
    }

    #[test]
    fn a_profile_that_cannot_be_read_counts_as_none() {
        assert_eq!(to_srgb(sample(), Some(b"not a profile")), sample());
        let gray = ColorProfile::new_gray_with_gamma(2.2).encode().unwrap();
        assert_eq!(to_srgb(sample(), Some(&gray)), sample());
    }

    #[test]
    fn any_cut_profile_is_survived() {
        let profile = ColorProfile::new_display_p3().encode().unwrap();
        for end in 0..profile.len() {
            let _ = to_srgb(sample(), Some(&profile[..end]));
        }
        for at in 0..profile.len() {
            let mut bent = profile.clone();
            bent[at] ^= 0xff;
            let _ = to_srgb(sample(), Some(&bent));
        }
    }

    #[test]
    fn inks_without_a_profile_become_rgb() {
        let inks = Raster::new(1, 1, Channels::Cmyk, vec![0, 255, 255, 0]).unwrap();
        assert_eq!(to_srgb(inks, None).data(), [255, 0, 0]);
    }
}
