//! How a frame of AV1 is divided into tiles (AV1 specification, 5.9.15).

use super::BitReader;
use super::av1_tools::non_symmetric;

/// How a frame is divided into tiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tiles {
    pub(super) count: u32,
    /// Bits of a tile's number.
    pub(super) number_bits: u32,
    /// Bytes of the size that stands before every tile but the last.
    pub(super) size_bytes: usize,
}

/// The smallest `k` with `unit << k` of at least `target` (`tile_log2`, 5.9.16).
fn log2_of(unit: u32, target: u32) -> u32 {
    (0..32)
        .find(|k| u64::from(unit) << k >= u64::from(target))
        .unwrap_or(32)
}

/// `tile_info` (5.9.15).
pub(super) fn read_tiles(
    large_superblocks: bool,
    width: u32,
    height: u32,
    r: &mut BitReader<'_>,
) -> Option<Tiles> {
    let shift = if large_superblocks { 5 } else { 4 };
    let blocks = |pixels: u32| (2 * pixels.div_ceil(8)).div_ceil(1 << shift);
    let (columns, rows) = (blocks(width), blocks(height));
    let side = shift + 2;
    let widest = 4096 >> side;
    let least_columns = log2_of(widest, columns);
    let least = least_columns.max(log2_of((4096 * 2304) >> (2 * side), rows * columns));
    let (column_count, row_count);
    if r.flag()? {
        let mut grow = |from: u32, to: u32| -> Option<u32> {
            let mut log2 = from;
            while log2 < to && r.flag()? {
                log2 += 1;
            }
            Some(log2)
        };
        let column_log2 = grow(least_columns, log2_of(1, columns.min(64)))?;
        let row_log2 = grow(least.saturating_sub(column_log2), log2_of(1, rows.min(64)))?;
        let parts = |count: u32, log2: u32| {
            let size = (count + (1 << log2) - 1) >> log2;
            count.div_ceil(size.max(1))
        };
        (column_count, row_count) = (parts(columns, column_log2), parts(rows, row_log2));
    } else {
        let mut largest = 1;
        let mut split = |count: u32, most: u32, largest: &mut u32| -> Option<u32> {
            let (mut start, mut parts) = (0, 0);
            while start < count {
                let size = non_symmetric((count - start).min(most), r)? + 1;
                *largest = (*largest).max(size);
                start += size;
                parts += 1;
            }
            Some(parts)
        };
        column_count = split(columns, widest, &mut largest)?;
        let area = if least > 0 {
            (rows * columns) >> (least + 1)
        } else {
            rows * columns
        };
        row_count = split(rows, (area / largest).max(1), &mut 1)?;
    }
    let number_bits = log2_of(1, column_count) + log2_of(1, row_count);
    let mut tiles = Tiles {
        count: column_count * row_count,
        number_bits,
        size_bytes: 0,
    };
    if number_bits > 0 {
        r.skip(number_bits as usize)?;
        tiles.size_bytes = r.bits(2)? as usize + 1;
    }
    Some(tiles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_and_free_division() {
        // 1920x1080 has 30 columns of 64 pixels: uniform, two columns, one row, sizes of four bytes.
        let data = [0b1100_0110];
        let tiles = read_tiles(false, 1920, 1080, &mut BitReader::new(&data));
        let wanted = Tiles {
            count: 2,
            number_bits: 1,
            size_bytes: 4,
        };
        assert_eq!(tiles, Some(wanted));
        // A picture of one superblock: free division has nothing to say about sizes.
        let data = [0];
        let tiles = read_tiles(false, 64, 64, &mut BitReader::new(&data));
        assert_eq!(tiles.map(|tiles| tiles.count), Some(1));
    }
}
