//! Which tiles make a preview.

use super::{Storyboard, Tile};

impl Storyboard {
    /// At most `count` tiles, evenly spread from the one nearest to `from_ms` (from the first without a time) to the last.
    pub fn spread(&self, from_ms: Option<u64>, count: usize) -> Vec<&Tile> {
        let first = from_ms.map_or(0, |time| {
            let nearest = self.at(Some(time)).start_ms;
            self.tiles.partition_point(|tile| tile.start_ms < nearest)
        });
        let tiles = &self.tiles[first.min(self.tiles.len() - 1)..];
        if tiles.len() <= count {
            return tiles.iter().collect();
        }
        let steps = count.saturating_sub(1).max(1);
        (0..count)
            .map(|number| &tiles[number * (tiles.len() - 1) / steps])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(count: u32, from_ms: Option<u64>, wanted: usize) -> Vec<u64> {
        let tiles: Vec<String> = (0..count)
            .map(|number| format!(r#"{{"start":{number},"x":0,"y":0}}"#))
            .collect();
        let text = format!(
            r#"{{"url":"a","tile_width":1,"tile_height":1,"tiles":[{}]}}"#,
            tiles.join(",")
        );
        let board = Storyboard::from_json(text.as_bytes()).unwrap();
        let tiles = board.spread(from_ms, wanted);
        tiles.iter().map(|tile| tile.start_ms / 1000).collect()
    }

    #[test]
    fn tiles_lie_evenly_and_never_twice() {
        assert_eq!(starts(3, None, 10), [0, 1, 2]);
        assert_eq!(starts(10, None, 4), [0, 3, 6, 9]);
        assert_eq!(starts(100, Some(50_200), 3), [50, 74, 99]);
        assert_eq!(starts(5, Some(9_000_000), 3), [4]);
        assert_eq!(starts(5, None, 1), [0]);
        for (count, wanted) in [(7, 5), (50, 49), (1000, 30)] {
            let mut all = starts(count, None, wanted);
            let length = all.len();
            all.dedup();
            assert_eq!((length, all.len()), (wanted, wanted));
        }
    }
}
