//! The storyboard of an asset: which part of which sprite shows a time. Two forms are read: `storyboard.json` (the form of
//! Mux and imgix, with several sprites allowed) and `storyboard.vtt` (WebVTT cues whose payload is `sprite.jpg#xywh=x,y,w,h`,
//! Media Fragments 1.0 section 4.2.2).

mod spread;
mod writing;

use std::rc::Rc;

use serde::Deserialize;

use crate::error::PictureError;

/// The two forms of a storyboard's index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `storyboard.json`.
    Json,
    /// `storyboard.vtt`.
    WebVtt,
}

impl Form {
    /// The file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "storyboard.json",
            Self::WebVtt => "storyboard.vtt",
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::WebVtt => "text/vtt; charset=utf-8",
        }
    }

    /// The form of a file of this name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Json, Self::WebVtt]
            .into_iter()
            .find(|form| form.name() == name)
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Json => Self::WebVtt,
            Self::WebVtt => Self::Json,
        }
    }
}

/// A part of a sprite, and when it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Milliseconds into the asset.
    pub start_ms: u64,
    /// The sprite, relative to the storyboard.
    pub sprite: Rc<str>,
    /// Columns left of it.
    pub x: u32,
    /// Rows above it.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Tile {
    /// Left, top, width, height.
    pub fn part(&self) -> (u32, u32, u32, u32) {
        (self.x, self.y, self.width, self.height)
    }
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
    /// Reads a storyboard in one of its forms.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(form: Form, bytes: &[u8]) -> Result<Self, PictureError> {
        match form {
            Form::Json => Self::from_json(bytes),
            Form::WebVtt => Self::from_vtt(bytes),
        }
    }

    /// Reads `storyboard.json`: `{"url", "tile_width", "tile_height", "duration", "tiles": [{"start", "x", "y"}]}`, seconds and
    /// pixels. A tile may name its own `url`, `width` and `height`.
    ///
    /// # Errors
    /// What is missing or out of range.
    pub fn from_json(bytes: &[u8]) -> Result<Self, PictureError> {
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| unusable(error.to_string()))?;
        // One text for all tiles: a long address must not be multiplied by their number.
        let shared: Option<Rc<str>> = document.url.map(Rc::from);
        let mut tiles = Vec::new();
        for entry in document.tiles.into_iter().take(MOST_TILES) {
            let sprite = entry.url.map(Rc::from).or_else(|| shared.clone());
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
        sprite: sprite.into(),
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
mod tests;
