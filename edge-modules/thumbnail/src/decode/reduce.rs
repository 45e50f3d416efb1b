//! Box reduction while rows arrive, so that a large picture is never whole in memory. The order of rows and of pixels does not
//! matter, which is what lets interlaced pictures through as well.

use crate::decode::Least;
use crate::raster::{Channels, Raster};

/// The largest factor: sums of premultiplied samples (255 * 255 * 128 * 128) stay within 32 bits.
const LARGEST_FACTOR: u32 = 128;

/// The factor by which both sides can shrink and leave at least twice the size that is needed, so that the final resampling
/// filter still decides how the result looks (the gap of 2 is the one that libvips keeps).
pub(super) fn factor(width: u32, height: u32, least: Least) -> u32 {
    let across = width / least.width.max(1);
    let down = height / least.height.max(1);
    (across.min(down) / 2).clamp(1, LARGEST_FACTOR)
}

/// Sums of `factor` x `factor` blocks.
pub(super) struct Reducer {
    factor: u32,
    width: u32,
    height: u32,
    source: (u32, u32),
    channels: Channels,
    sums: Vec<u32>,
}

impl Reducer {
    /// Bytes that a reducer takes.
    pub(super) fn memory(width: u32, height: u32, channels: Channels, factor: u32) -> u64 {
        let pixels = u64::from(width.div_ceil(factor)) * u64::from(height.div_ceil(factor));
        let samples = channels.count() as u64;
        pixels * samples * 5
    }

    pub(super) fn new(width: u32, height: u32, channels: Channels, factor: u32) -> Self {
        let (out_width, out_height) = (width.div_ceil(factor), height.div_ceil(factor));
        let length = out_width as usize * out_height as usize * channels.count();
        Self {
            factor,
            width: out_width,
            height: out_height,
            source: (width, height),
            channels,
            sums: vec![0; length],
        }
    }

    /// Adds the pixels of a row that lie at columns `start`, `start + step`, ... of row `y`.
    pub(super) fn add(&mut self, y: u32, start: u32, step: u32, row: &[u8]) {
        let samples = self.channels.count();
        let stride = self.width as usize * samples;
        let first = (y / self.factor) as usize * stride;
        let Some(sums) = self.sums.get_mut(first..first + stride) else {
            return;
        };
        let mut x = start;
        for pixel in row.chunks_exact(samples) {
            let place = (x / self.factor) as usize * samples;
            let Some(sums) = sums.get_mut(place..place + samples) else {
                return;
            };
            if self.channels == Channels::Rgba {
                let alpha = u32::from(pixel[3]);
                for (sum, sample) in sums.iter_mut().zip(&pixel[..3]) {
                    *sum += u32::from(*sample) * alpha;
                }
                sums[3] += alpha;
            } else {
                for (sum, sample) in sums.iter_mut().zip(pixel) {
                    *sum += u32::from(*sample);
                }
            }
            x += step;
        }
    }

    /// The means. Blocks at the right and bottom border may hold fewer pixels.
    pub(super) fn finish(self) -> Option<Raster> {
        let samples = self.channels.count();
        let stride = self.width as usize * samples;
        let mut data = Vec::with_capacity(self.sums.len());
        for (y, row) in self.sums.chunks_exact(stride).enumerate() {
            let rows = self.block(y, self.source.1);
            for (x, sums) in row.chunks_exact(samples).enumerate() {
                let count = rows * self.block(x, self.source.0);
                if self.channels == Channels::Rgba {
                    let alpha = sums[3];
                    data.extend(sums[..3].iter().map(|sum| mean(*sum, alpha)));
                    data.push(mean(alpha, count));
                } else {
                    data.extend(sums.iter().map(|sum| mean(*sum, count)));
                }
            }
        }
        Raster::new(self.width, self.height, self.channels, data)
    }

    /// How many source lines fall into block `index`.
    fn block(&self, index: usize, length: u32) -> u32 {
        let start = u32::try_from(index)
            .unwrap_or(u32::MAX)
            .saturating_mul(self.factor);
        self.factor.min(length.saturating_sub(start))
    }
}

/// A rounded mean of bytes; 0 of nothing.
fn mean(sum: u32, count: u32) -> u8 {
    (sum + count / 2)
        .checked_div(count)
        .and_then(|mean| u8::try_from(mean).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_twice_the_size() {
        let least = Least {
            width: 320,
            height: 180,
        };
        assert_eq!(factor(6000, 4000, least), 9);
        assert_eq!(factor(1280, 720, least), 2);
        assert_eq!(factor(1279, 720, least), 1);
        assert_eq!(factor(10, 10, least), 1);
        assert_eq!(
            factor(
                100_000,
                100_000,
                Least {
                    width: 1,
                    height: 1
                }
            ),
            128
        );
    }

    #[test]
    fn means_at_the_border_count_what_is_there() {
        let mut reducer = Reducer::new(3, 3, Channels::Gray, 2);
        for (y, row) in [[10, 20, 30], [30, 40, 50], [7, 9, 255]].iter().enumerate() {
            reducer.add(u32::try_from(y).unwrap(), 0, 1, row);
        }
        assert_eq!(reducer.finish().unwrap().data(), [25, 40, 8, 255]);
    }

    #[test]
    fn transparent_pixels_lend_no_colour() {
        let mut reducer = Reducer::new(2, 1, Channels::Rgba, 2);
        reducer.add(0, 0, 1, &[200, 100, 50, 255, 0, 255, 0, 0]);
        assert_eq!(reducer.finish().unwrap().data(), [200, 100, 50, 128]);
    }

    #[test]
    fn interlaced_order_gives_the_same() {
        let rows: Vec<Vec<u8>> = (0..8u8)
            .map(|y| (0..8u8).map(|x| x * 20 + y * 3).collect())
            .collect();
        let mut plain = Reducer::new(8, 8, Channels::Gray, 4);
        let mut woven = Reducer::new(8, 8, Channels::Gray, 4);
        for (y, row) in (0u32..).zip(&rows) {
            plain.add(y, 0, 1, row);
        }
        for start in [1u32, 0] {
            for (y, row) in (0u32..8).zip(&rows).rev() {
                let part: Vec<u8> = row
                    .iter()
                    .skip(start as usize)
                    .step_by(2)
                    .copied()
                    .collect();
                woven.add(y, start, 2, &part);
            }
        }
        assert_eq!(plain.finish(), woven.finish());
    }
}
