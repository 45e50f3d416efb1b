//! Where to cut when nobody says: the window with the most detail. Detail is the luma gradient, which faces, text and foreground
//! have more of than sky, walls and blurred background, weighted up where colour is strong. Pure counting: the same picture
//! always gives the same cut.

use crate::raster::{Channels, Raster, luma};

/// Cuts a window of `width` x `height` out of a raster that has one side in common with it, or is larger in both.
pub(crate) fn cut(raster: Raster, width: u32, height: u32) -> Raster {
    let (width, height) = (width.min(raster.width()), height.min(raster.height()));
    let (columns, rows) = detail(&raster);
    let left = best_start(&columns, width as usize);
    let top = best_start(&rows, height as usize);
    raster.cropped(left, top, width, height)
}

/// Detail summed by column and by row.
fn detail(raster: &Raster) -> (Vec<u64>, Vec<u64>) {
    let samples = raster.channels().count();
    let mut columns = vec![0u64; raster.width() as usize];
    let mut rows = vec![0u64; raster.height() as usize];
    let mut above: Vec<u8> = Vec::new();
    let mut line: Vec<u8> = Vec::new();
    for (row, sum) in raster.rows().zip(&mut rows) {
        line.clear();
        line.extend(
            row.chunks_exact(samples)
                .map(|pixel| brightness(raster.channels(), pixel)),
        );
        for (x, pixel) in row.chunks_exact(samples).enumerate() {
            let here = line[x];
            let beside = line.get(x + 1).map_or(0, |next| here.abs_diff(*next));
            let over = above.get(x).map_or(0, |up| here.abs_diff(*up));
            let edge = u64::from(beside) + u64::from(over);
            // Small differences are noise; squares let clear edges outweigh grass.
            let weight = 4 + u64::from(saturation(raster.channels(), pixel)) / 64;
            let value = edge.saturating_sub(6).pow(2) * weight;
            columns[x] += value;
            *sum += value;
        }
        std::mem::swap(&mut above, &mut line);
    }
    (columns, rows)
}

fn brightness(channels: Channels, pixel: &[u8]) -> u8 {
    match (channels, pixel) {
        (Channels::Gray, [value]) => *value,
        (Channels::Rgb, [r, g, b]) => luma(*r, *g, *b),
        // What cannot be seen is no detail.
        (Channels::Rgba, [r, g, b, a]) => {
            (u16::from(luma(*r, *g, *b)) * u16::from(*a) / 255).to_le_bytes()[0]
        }
        _ => 0,
    }
}

fn saturation(channels: Channels, pixel: &[u8]) -> u8 {
    match (channels, pixel) {
        (Channels::Rgb | Channels::Rgba, [r, g, b, ..]) => r.max(g).max(b) - r.min(g).min(b),
        _ => 0,
    }
}

/// The start of the window with the largest sum; of equal ones the one nearest to the middle.
fn best_start(values: &[u64], window: usize) -> u32 {
    let slack = values.len() - window.min(values.len());
    let mut sum: u64 = values.iter().take(window).sum();
    let mut best = (sum, 0);
    let off_middle = |start: usize| (2 * start).abs_diff(slack);
    for start in 1..=slack {
        sum = sum + values[start + window - 1] - values[start - 1];
        if sum > best.0 || (sum == best.0 && off_middle(start) < off_middle(best.1)) {
            best = (sum, start);
        }
    }
    u32::try_from(best.1).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_goes_where_the_detail_is() {
        let mut raster = Raster::filled(100, 20, Channels::Rgb, [90, 90, 90, 255]);
        let stride = raster.stride();
        for y in 5..15 {
            for x in 70..80 {
                let at = y * stride + x * 3;
                raster.data_mut()[at..at + 3].fill(if (x + y) % 2 == 0 { 255 } else { 0 });
            }
        }
        let window = cut(raster.clone(), 20, 20);
        let busy = |raster: &Raster| raster.data().iter().filter(|sample| **sample != 90).count();
        assert_eq!(busy(&window), busy(&raster));
    }

    #[test]
    fn a_flat_picture_is_cut_in_the_middle() {
        assert_eq!(best_start(&[0; 10], 4), 3);
        assert_eq!(best_start(&[5; 10], 10), 0);
        assert_eq!(best_start(&[1, 0, 0, 9, 9], 2), 3);
    }
}
