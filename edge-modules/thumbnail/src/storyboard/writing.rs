//! A storyboard in the form that the origin does not have.

use std::fmt::Write as _;

use serde_json::json;

use super::{Form, Storyboard, unusable};
use crate::error::PictureError;

/// The largest result. A short index over a long address grows when it is written out.
const LARGEST: usize = 8 << 20;

impl Storyboard {
    /// Writes it out.
    ///
    /// # Errors
    /// An address that the form cannot hold; a result that would be out of all proportion.
    pub fn write(&self, form: Form) -> Result<String, PictureError> {
        // Before the addresses are read: one may stand for all tiles. Numbers and marks take less than 160 bytes a tile.
        let addresses: usize = self.tiles.iter().map(|tile| tile.sprite.len() + 160).sum();
        if addresses > LARGEST {
            return Err(unusable("it is too large to be converted"));
        }
        let plain = |sprite: &str| {
            sprite
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'#')
        };
        if !self.tiles.iter().all(|tile| plain(&tile.sprite)) {
            return Err(unusable("a sprite whose address is not percent-encoded"));
        }
        Ok(match form {
            Form::Json => self.to_json(),
            Form::WebVtt => self.to_vtt(),
        })
    }

    fn to_json(&self) -> String {
        let first = &self.tiles[0];
        let tiles: Vec<serde_json::Value> = self
            .tiles
            .iter()
            .map(|tile| {
                let mut entry = json!({"start": seconds(tile.start_ms), "x": tile.x, "y": tile.y});
                // What is the same for all stands once.
                if tile.sprite != first.sprite {
                    entry["url"] = json!(&*tile.sprite);
                }
                if (tile.width, tile.height) != (first.width, first.height) {
                    entry["width"] = json!(tile.width);
                    entry["height"] = json!(tile.height);
                }
                entry
            })
            .collect();
        json!({
            "url": &*first.sprite,
            "tile_width": first.width,
            "tile_height": first.height,
            "duration": seconds(self.duration_ms),
            "tiles": tiles,
        })
        .to_string()
    }

    fn to_vtt(&self) -> String {
        let mut out = String::from("WEBVTT\n");
        let next = self.tiles.iter().skip(1).map(|tile| tile.start_ms);
        for (tile, next) in self.tiles.iter().zip(next.chain([self.duration_ms])) {
            // A cue takes time (WebVTT section 4.3), even where two tiles share a moment.
            let end = next.max(tile.start_ms + 1);
            // Writing to a string cannot fail.
            let _ = write!(
                out,
                "\n{} --> {}\n{}#xywh={},{},{},{}\n",
                clock(tile.start_ms),
                clock(end),
                tile.sprite,
                tile.x,
                tile.y,
                tile.width,
                tile.height
            );
        }
        out
    }
}

#[allow(clippy::cast_precision_loss)] // Under a year of milliseconds.
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

/// `hh:mm:ss.ttt`.
fn clock(ms: u64) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{:03}", ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"url":"sb.jpg","tile_width":160,"tile_height":90,"duration":30.5,
        "tiles":[{"start":0,"x":0,"y":0},{"start":3700.25,"x":160,"y":0,"url":"sb-2.jpg","width":80}]}"#;

    #[test]
    fn one_form_gives_the_other() {
        let board = Storyboard::from_json(JSON.as_bytes()).unwrap();
        let vtt = board.write(Form::WebVtt).unwrap();
        assert_eq!(
            vtt,
            "WEBVTT\n\n00:00:00.000 --> 01:01:40.250\nsb.jpg#xywh=0,0,160,90\n\n\
             01:01:40.250 --> 01:01:40.251\nsb-2.jpg#xywh=160,0,80,90\n"
        );
        let again = Storyboard::from_vtt(vtt.as_bytes()).unwrap();
        assert_eq!(again.tiles, board.tiles);
        let json = board.write(Form::Json).unwrap();
        assert_eq!(Storyboard::from_json(json.as_bytes()).unwrap(), board);
    }

    #[test]
    fn nothing_can_be_slipped_in_and_nothing_grows_without_bound() {
        for url in ["a b.jpg", "a\\n\\n00:00 --> 00:01", "a#b"] {
            let text = JSON.replace("sb-2.jpg", url);
            let board = Storyboard::from_json(text.as_bytes()).unwrap();
            assert!(board.write(Form::WebVtt).is_err(), "{url}");
        }
        let tiles = r#"{"start":0,"x":0,"y":0},"#.repeat(20_000);
        let bomb = format!(
            r#"{{"url":"{}","tile_width":1,"tile_height":1,"tiles":[{}]}}"#,
            "u".repeat(500_000),
            tiles.trim_end_matches(',')
        );
        let board = Storyboard::from_json(bomb.as_bytes()).unwrap();
        assert!(board.write(Form::WebVtt).is_err());
    }
}
