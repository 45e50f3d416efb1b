//! Pixels in memory: eight bits a sample, interleaved, rows from the top without padding.

/// What the samples of a pixel mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    /// One sample, luma.
    Gray,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue and straight (not premultiplied) alpha.
    Rgba,
    /// Cyan, magenta, yellow, black; 0 is no ink.
    Cmyk,
}

impl Channels {
    /// Samples in a pixel.
    pub fn count(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
            Self::Rgba | Self::Cmyk => 4,
        }
    }
}

/// A picture in memory. `data` always holds `width * height * channels` bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    width: u32,
    height: u32,
    channels: Channels,
    data: Vec<u8>,
}

impl Raster {
    /// Takes a buffer; none when its length does not fit the size, or when a side is zero.
    pub fn new(width: u32, height: u32, channels: Channels, data: Vec<u8>) -> Option<Self> {
        let length = (width as usize)
            .checked_mul(height as usize)?
            .checked_mul(channels.count())?;
        (length > 0 && length == data.len()).then_some(Self {
            width,
            height,
            channels,
            data,
        })
    }

    /// A picture of one colour. Sides of zero count as one.
    pub fn filled(width: u32, height: u32, channels: Channels, colour: [u8; 4]) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let pixel = colour.get(..channels.count()).unwrap_or_default();
        Self {
            width,
            height,
            channels,
            data: pixel.repeat(width as usize * height as usize),
        }
    }

    /// Columns, at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows, at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The meaning of the samples.
    pub fn channels(&self) -> Channels {
        self.channels
    }

    /// The samples.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The samples, to change in place.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// The samples, to keep.
    pub fn into_data(self) -> Vec<u8> {
        self.data
    }

    /// Bytes in a row.
    pub fn stride(&self) -> usize {
        self.width as usize * self.channels.count()
    }

    /// The rows from the top.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.data.chunks_exact(self.stride())
    }

    /// True when some pixel is not wholly opaque.
    pub fn is_translucent(&self) -> bool {
        self.channels == Channels::Rgba && self.data.chunks_exact(4).any(|pixel| pixel[3] != 255)
    }

    /// A part of the picture; the rectangle is cut to the picture first and is never empty.
    pub fn cropped(&self, left: u32, top: u32, width: u32, height: u32) -> Self {
        let left = left.min(self.width - 1);
        let top = top.min(self.height - 1);
        let width = width.clamp(1, self.width - left);
        let height = height.clamp(1, self.height - top);
        let samples = self.channels.count();
        let (start, length) = (left as usize * samples, width as usize * samples);
        let mut data = Vec::with_capacity(length * height as usize);
        for row in self.rows().skip(top as usize).take(height as usize) {
            data.extend_from_slice(&row[start..start + length]);
        }
        Self {
            width,
            height,
            channels: self.channels,
            data,
        }
    }

    /// The same picture in another channel layout. Alpha is dropped, not blended: flatten first where it matters.
    /// CMYK is read as plain ink without a profile (see `colour` for the profiled way).
    pub fn into_channels(self, channels: Channels) -> Self {
        if self.channels == channels {
            return self;
        }
        let mut data =
            Vec::with_capacity(self.width as usize * self.height as usize * channels.count());
        let samples = self.channels.count();
        for pixel in self.data.chunks_exact(samples) {
            let [r, g, b, a] = match *pixel {
                [luma] => [luma, luma, luma, 255],
                [r, g, b] => [r, g, b, 255],
                [c, m, y, k] if self.channels == Channels::Cmyk => {
                    let ink = |value: u8| multiply(255 - value, 255 - k);
                    [ink(c), ink(m), ink(y), 255]
                }
                [r, g, b, a] => [r, g, b, a],
                _ => [0; 4],
            };
            match channels {
                Channels::Gray => data.push(luma(r, g, b)),
                Channels::Rgb => data.extend_from_slice(&[r, g, b]),
                Channels::Rgba => data.extend_from_slice(&[r, g, b, a]),
                Channels::Cmyk => {
                    let k = 255 - r.max(g).max(b);
                    let ink = |value: u8| ratio(255 - value - k, 255 - k);
                    data.extend_from_slice(&[ink(r), ink(g), ink(b), k]);
                }
            }
        }
        Self {
            channels,
            data,
            ..self
        }
    }

    /// Blends over an opaque colour. Pictures without alpha come back as they are.
    pub fn flattened(self, background: [u8; 3]) -> Self {
        if self.channels != Channels::Rgba {
            return self;
        }
        let mut data = Vec::with_capacity(self.data.len() / 4 * 3);
        for pixel in self.data.chunks_exact(4) {
            let alpha = pixel[3];
            for (sample, below) in pixel.iter().zip(background) {
                let value = u32::from(*sample) * u32::from(alpha)
                    + u32::from(below) * u32::from(255 - alpha);
                data.push(divide_by_255(value));
            }
        }
        Self {
            channels: Channels::Rgb,
            data,
            ..self
        }
    }

    /// Lays `self` onto a canvas of the same channels at a place that fits.
    pub fn placed_on(self, mut canvas: Raster, left: u32, top: u32) -> Raster {
        if self.channels != canvas.channels {
            let channels = canvas.channels;
            return self.into_channels(channels).placed_on(canvas, left, top);
        }
        let samples = canvas.channels.count();
        let stride = canvas.stride();
        let length = self.stride();
        let start = left as usize * samples;
        for (row, target) in self
            .rows()
            .zip(canvas.data.chunks_exact_mut(stride).skip(top as usize))
        {
            if let Some(place) = target.get_mut(start..start + length) {
                place.copy_from_slice(row);
            }
        }
        canvas
    }
}

/// BT.601 luma, the weights of JFIF.
pub(crate) fn luma(r: u8, g: u8, b: u8) -> u8 {
    // The weights add up to 65536, so the sum stays below 256 << 16.
    ((19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b) + 32_768) >> 16)
        .to_le_bytes()[0]
}

fn multiply(a: u8, b: u8) -> u8 {
    divide_by_255(u32::from(a) * u32::from(b))
}

fn ratio(part: u8, whole: u8) -> u8 {
    if whole == 0 {
        0
    } else {
        (u32::from(part) * 255 / u32::from(whole)).to_le_bytes()[0]
    }
}

/// `value / 255`, rounded, for values up to 255 * 255.
pub(crate) fn divide_by_255(value: u32) -> u8 {
    ((value + 128 + ((value + 128) >> 8)) >> 8).to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_must_fit_its_size() {
        assert!(Raster::new(2, 2, Channels::Rgb, vec![0; 12]).is_some());
        assert!(Raster::new(2, 2, Channels::Rgb, vec![0; 11]).is_none());
        assert!(Raster::new(0, 2, Channels::Rgb, Vec::new()).is_none());
        assert!(Raster::new(u32::MAX, u32::MAX, Channels::Rgba, Vec::new()).is_none());
    }

    #[test]
    fn division_by_255_is_rounded() {
        for value in 0..=255 * 255u32 {
            assert_eq!(
                u32::from(divide_by_255(value)),
                (value * 2 + 255) / 510,
                "{value}"
            );
        }
    }

    #[test]
    fn flattening_blends_over_the_background() {
        let raster = Raster::new(
            3,
            1,
            Channels::Rgba,
            vec![255, 0, 0, 0, 255, 0, 0, 128, 255, 0, 0, 255],
        )
        .unwrap();
        assert!(raster.is_translucent());
        assert_eq!(
            raster.flattened([0, 0, 255]).data(),
            [0, 0, 255, 128, 0, 127, 255, 0, 0]
        );
    }

    #[test]
    fn a_crop_is_cut_to_the_picture() {
        let raster = Raster::new(3, 2, Channels::Gray, vec![1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(raster.cropped(1, 0, 2, 2).data(), [2, 3, 5, 6]);
        assert_eq!(raster.cropped(2, 1, 9, 9).data(), [6]);
        assert_eq!(raster.cropped(9, 9, 0, 0).data(), [6]);
    }

    #[test]
    fn a_picture_is_laid_on_a_canvas() {
        let raster = Raster::new(1, 1, Channels::Gray, vec![200]).unwrap();
        let canvas = Raster::filled(3, 2, Channels::Rgb, [1, 2, 3, 255]);
        let placed = raster.placed_on(canvas, 1, 1);
        assert_eq!(placed.data()[9..], [1, 2, 3, 200, 200, 200, 1, 2, 3]);
        assert_eq!(placed.data()[..3], [1, 2, 3]);
    }

    #[test]
    fn inks_become_light() {
        let inks = Raster::new(
            4,
            1,
            Channels::Cmyk,
            vec![0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 255, 255, 0],
        )
        .unwrap();
        let light = inks.into_channels(Channels::Rgb);
        assert_eq!(
            light.data(),
            [255, 255, 255, 0, 0, 0, 0, 255, 255, 255, 0, 0]
        );
    }
}
