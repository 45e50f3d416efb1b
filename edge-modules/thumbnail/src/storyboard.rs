//! The storyboard of an asset: which part of which sprite shows a time. Two forms are read: `storyboard.json` (the form of
//! Mux and imgix, with several sprites allowed) and `storyboard.vtt` (WebVTT cues whose payload is `sprite.jpg#xywh=x,y,w,h`,
//! Media Fragments 1.0 section 4.2.2).

use serde::Deserialize;

use crate::error::PictureError;

/// A part of a sprite, and when it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Milliseconds into the asset.
    pub start_ms: u64,
    /// The sprite, relative to the storyboard.
    pub sprite: String,
    /// Columns left of it.
    pub x: u32,
    /// Rows above it.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// The tiles of an asset, by time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storyboard {
    tiles: Vec<Tile>,
    duration_ms: u64,
}

/// More tiles than a day has seconds is no storyboard.
const MOST_TILES: usize = 100_000;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    url: Option<String>,
    tile_width: f64,
    tile_height: f64,
    #[serde(default)]
    duration: Option<f64>,
    tiles: Vec<TileEntry>,
}

#[derive(Deserialize)]
struct TileEntry {
    start: f64,
    x: f64,
    y: f64,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    width: Option<f64>,
    #[serde(default)]
    height: Option<f64>,
}

impl Storyboard {
    /// Reads `storyboard.json`: `{"url", "tile_width", "tile_height", "duration", "tiles": [{"start", "x", "y"}]}`, seconds and
    /// pixels. A tile may name its own `url`, `width` and `height`.
    ///
    /// # Errors
    /// What is missing or out of range.
    pub fn from_json(bytes: &[u8]) -> Result<Self, PictureError> {
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| unusable(error.to_string()))?;
        let mut tiles = Vec::new();
        for entry in document.tiles.into_iter().take(MOST_TILES) {
            let sprite = entry.url.or_else(|| document.url.clone());
            tiles.push(Tile {
                start_ms: milliseconds(entry.start)?,
                sprite: sprite.ok_or_else(|| unusable("a tile without a `url`"))?,
                x: pixels(entry.x)?,
                y: pixels(entry.y)?,
                width: pixels(entry.width.unwrap_or(document.tile_width))?,
                height: pixels(entry.height.unwrap_or(document.tile_height))?,
            });
        }
        let end = document.duration.map(milliseconds).transpose()?;
        Self::new(tiles, end)
    }

    /// Reads `storyboard.vtt`.
    ///
    /// # Errors
    /// Text without the WebVTT signature or without a usable cue.
    pub fn from_vtt(bytes: &[u8]) -> Result<Self, PictureError> {
        let text = std::str::from_utf8(bytes).map_err(|_| unusable("it is not UTF-8"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if !text.starts_with("WEBVTT") {
            return Err(unusable("it does not begin with WEBVTT"));
        }
        let mut tiles = Vec::new();
        let mut end = None;
        let mut lines = text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            let Some((start, after)) = line.split_once("-->") else {
                continue;
            };
            let Some(start_ms) = timestamp(start.trim()) else {
                continue;
            };
            end = after.split_whitespace().next().and_then(timestamp).or(end);
            let Some(payload) = lines.next() else { break };
            if let Some(tile) = fragment(payload, start_ms)
                && tiles.len() < MOST_TILES
            {
                tiles.push(tile);
            }
        }
        Self::new(tiles, end)
    }

    fn new(mut tiles: Vec<Tile>, end: Option<u64>) -> Result<Self, PictureError> {
        tiles.retain(|tile| tile.width > 0 && tile.height > 0);
        tiles.sort_by_key(|tile| tile.start_ms);
        let last = tiles
            .last()
            .ok_or_else(|| unusable("it has no tiles"))?
            .start_ms;
        Ok(Self {
            tiles,
            duration_ms: end.unwrap_or(last).max(last),
        })
    }

    /// The tile that is nearest to a time; the one in the middle of the asset without a time.
    pub fn at(&self, time_ms: Option<u64>) -> &Tile {
        let time = time_ms.unwrap_or(self.duration_ms / 2);
        let after = self.tiles.partition_point(|tile| tile.start_ms <= time);
        let later = self.tiles.get(after);
        let earlier = after
            .checked_sub(1)
            .and_then(|before| self.tiles.get(before));
        match (earlier, later) {
            (Some(earlier), Some(later)) if later.start_ms - time < time - earlier.start_ms => {
                later
            }
            (Some(earlier), _) => earlier,
            // `new` keeps no empty storyboard, so one of the two is there.
            (None, later) => later.unwrap_or(&self.tiles[0]),
        }
    }
}

/// Where a sprite is, seen from the storyboard's folder. Only places on the same host: a storyboard must not make the edge
/// fetch from elsewhere.
///
/// # Errors
/// An absolute address.
pub fn sprite_target(folder: &str, sprite: &str) -> Result<String, PictureError> {
    let path = sprite.split(['#', '?']).next().unwrap_or_default();
    let query = sprite
        .split('#')
        .next()
        .unwrap_or_default()
        .split_once('?')
        .map(|(_, query)| query);
    if path.is_empty() || path.starts_with("//") || path.contains(':') || path.contains('\\') {
        return Err(unusable("a sprite that is not beside it"));
    }
    if !sprite.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unusable("a sprite whose address is not percent-encoded"));
    }
    let joined = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{folder}{path}")
    };
    let mut segments: Vec<&str> = Vec::new();
    for segment in joined.split('/').skip(1) {
        match segment {
            "." => {}
            // `/.//host` must not come out as `//host`.
            "" if segments.is_empty() => {}
            ".." => {
                segments
                    .pop()
                    .ok_or_else(|| unusable("a sprite above the root"))?;
            }
            segment => segments.push(segment),
        }
    }
    let path = format!("/{}", segments.join("/"));
    Ok(match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    })
}

/// `hh:mm:ss.ttt` or `mm:ss.ttt` (WebVTT section 4.3), in milliseconds.
fn timestamp(text: &str) -> Option<u64> {
    crate::options::values::Span::from_text(text)
        .filter(|_| text.contains(':'))
        .map(|span| span.0)
}

fn fragment(payload: &str, start_ms: u64) -> Option<Tile> {
    let (sprite, fragment) = payload.split_once('#')?;
    let numbers = fragment.strip_prefix("xywh=")?;
    let numbers = numbers.strip_prefix("pixel:").unwrap_or(numbers);
    let mut parts = numbers.split(',').map(crate::options::values::integer);
    let tile = Tile {
        start_ms,
        sprite: sprite.to_owned(),
        x: parts.next()??,
        y: parts.next()??,
        width: parts.next()??,
        height: parts.next()??,
    };
    parts.next().is_none().then_some(tile)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // The range is checked, the fraction is meant to go.
fn milliseconds(seconds: f64) -> Result<u64, PictureError> {
    if (0.0..=31_536_000.0).contains(&seconds) {
        Ok((seconds * 1000.0).round() as u64)
    } else {
        Err(unusable(format!("a time of {seconds} seconds")))
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // The range is checked, the fraction is meant to go.
fn pixels(value: f64) -> Result<u32, PictureError> {
    if (0.0..=65_535.0).contains(&value) {
        Ok(value.round() as u32)
    } else {
        Err(unusable(format!("a length of {value} pixels")))
    }
}

fn unusable(reason: impl Into<String>) -> PictureError {
    PictureError::Storyboard(reason.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"url":"sb.jpg","tile_width":160,"tile_height":90,"duration":30.5,
        "tiles":[{"start":0,"x":0,"y":0},{"start":10.0,"x":160,"y":0},{"start":20,"x":0,"y":90,"url":"sb-1.jpg"}]}"#;
    const VTT: &str = "\u{feff}WEBVTT\r\n\r\n1\r\n00:00.000 --> 00:10.000\r\nsb.jpg#xywh=0,0,160,90\r\n\r\n00:00:10.000 --> 00:00:20.000 align:start\r\nsb.jpg#xywh=pixel:160,0,160,90\r\n\r\n00:20.000 --> 00:30.500\r\nsb-1.jpg#xywh=0,90,160,90\r\n";

    #[test]
    fn both_forms_say_the_same() {
        let json = Storyboard::from_json(JSON.as_bytes()).unwrap();
        assert_eq!(json, Storyboard::from_vtt(VTT.as_bytes()).unwrap());
        assert_eq!(json.duration_ms, 30_500);
    }

    #[test]
    fn the_nearest_tile_is_taken() {
        let board = Storyboard::from_json(JSON.as_bytes()).unwrap();
        for (time, start) in [
            (0, 0),
            (4999, 0),
            (5000, 0),
            (5001, 10_000),
            (14_999, 10_000),
            (19_000, 20_000),
            (9_999_999, 20_000),
        ] {
            assert_eq!(board.at(Some(time)).start_ms, start, "{time}");
        }
        assert_eq!(board.at(None).start_ms, 20_000);
    }

    #[test]
    fn broken_storyboards_say_why() {
        for bad in [
            "",
            "{}",
            r#"{"tile_width":1,"tile_height":1,"tiles":[]}"#,
            r#"{"tile_width":1,"tile_height":1,"tiles":[{"start":0,"x":0,"y":0}]}"#,
            r#"{"url":"a","tile_width":-1,"tile_height":1,"tiles":[{"start":0,"x":0,"y":0}]}"#,
            r#"{"url":"a","tile_width":1,"tile_height":1,"tiles":[{"start":1e300,"x":0,"y":0}]}"#,
        ] {
            assert!(
                matches!(
                    Storyboard::from_json(bad.as_bytes()),
                    Err(PictureError::Storyboard(_))
                ),
                "{bad}"
            );
        }
        assert!(Storyboard::from_vtt(b"WEBVTT\n\n").is_err());
        assert!(Storyboard::from_vtt(b"00:00 --> 00:01\na#xywh=0,0,1,1").is_err());
    }

    #[test]
    fn sprites_stay_on_the_host() {
        for (sprite, target) in [
            ("sb.jpg", "/vod/x/sb.jpg"),
            ("./t/sb.jpg?v=1", "/vod/x/t/sb.jpg?v=1"),
            ("../sb.jpg", "/vod/sb.jpg"),
            ("/sprites/sb.jpg", "/sprites/sb.jpg"),
            ("/.//elsewhere/sb.jpg", "/elsewhere/sb.jpg"),
        ] {
            assert_eq!(sprite_target("/vod/x/", sprite).unwrap(), target);
        }
        for bad in [
            "http://evil/x.jpg",
            "//evil/x.jpg",
            "../../../x.jpg",
            "",
            "#x",
            "a b.jpg",
            "a\r\nb",
            "\\\\evil\\x",
        ] {
            assert!(sprite_target("/vod/x/", bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(WEBVTT\n\n)?[-0-9:.> \nx#ywh=,]{0,80}") {
            let _ = Storyboard::from_vtt(text.as_bytes());
            let _ = Storyboard::from_json(text.as_bytes());
        }
    }
}
