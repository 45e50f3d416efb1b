//! Storyboards: small pictures on sheets, with an index that players read.

use std::fmt::Write;

use bytes::Bytes;
use serde_json::{Value, json};

/// Pictures across and down one sheet: 10 x 10 of 160 pixels stay below the 2000 pixels that small devices decode.
pub(super) const COLUMNS: u32 = 10;
pub(super) const ROWS: u32 = 10;
/// Width of one picture in pixels.
const TILE_WIDTH: u32 = 160;
/// A film gets at most so many pictures.
const MAX_TILES: f64 = 400.0;
/// Shortest time between two pictures in seconds.
const MIN_INTERVAL: f64 = 2.0;

/// Films longer than this in seconds are not decoded whole for their storyboard.
const LONG: f64 = 1800.0;

/// Which pictures a storyboard has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoryboardPlan {
    /// Seconds between two pictures.
    pub interval: f64,
    /// Width of one in pixels.
    pub tile_width: u32,
    /// Height of one in pixels.
    pub tile_height: u32,
    /// Seconds of film.
    pub duration: f64,
    /// Whether keyframes alone give every picture: then nothing else is decoded.
    pub keyframes_only: bool,
    /// Pictures for scrubbing that the same run makes, when they are wanted.
    pub scrubbing: Option<ScrubPlan>,
}

/// Which pictures for scrubbing a film has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScrubPlan {
    /// Whole seconds between two pictures; the storyboard's interval is a multiple of it.
    pub interval: u32,
    /// Width of one in pixels.
    pub width: u32,
    /// Height of one in pixels.
    pub height: u32,
}

/// A finished storyboard.
#[derive(Debug, Clone)]
pub struct Storyboard {
    /// Names and JPEG bytes of the sheets.
    pub sheets: Vec<(String, Vec<u8>)>,
    /// The index as WebVTT with media fragments (`sheet.jpg#xywh=x,y,w,h`).
    pub vtt: String,
    /// The same as JSON.
    pub json: Value,
    /// JPEG bytes of the pictures for scrubbing, in the order of their times.
    pub scrubbing: Vec<Bytes>,
}

impl StoryboardPlan {
    /// A plan for a film of this length and shape; `keyframe_spacing` is the mean time between its keyframes, when known.
    #[must_use]
    pub fn new(duration: f64, width: u32, height: u32, keyframe_spacing: Option<f64>) -> Self {
        let interval = (duration / MAX_TILES).ceil().max(MIN_INTERVAL);
        let shape = f64::from(height.max(1)) / f64::from(width.max(1));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few hundred at most"
        )]
        let tile_height = ((f64::from(TILE_WIDTH) * shape / 2.0)
            .round()
            .clamp(8.0, 400.0) as u32)
            * 2;
        let keyframes_only =
            keyframe_spacing.map_or(duration > LONG, |spacing| spacing <= interval);
        Self {
            interval,
            tile_width: TILE_WIDTH,
            tile_height,
            duration,
            keyframes_only,
            scrubbing: None,
        }
    }

    /// The plan with pictures for scrubbing: one a second, which the Authoring Specification (6.2) asks for, where every picture is
    /// decoded anyway and the film is not long; else one for each picture of the storyboard.
    #[must_use]
    pub fn with_scrubbing(mut self, dense: bool) -> Self {
        let dense = dense && !self.keyframes_only && self.duration <= LONG;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole seconds between pictures, of which a film has hundreds"
        )]
        let interval = if dense { 1 } else { self.interval as u32 };
        self.scrubbing = Some(ScrubPlan {
            interval: interval.max(1),
            width: self.tile_width * 2,
            height: self.tile_height * 2,
        });
        self
    }

    /// Number of pictures for scrubbing.
    #[must_use]
    pub fn scrub_pictures(&self) -> u32 {
        let interval = self.scrubbing.map_or(1, |plan| plan.interval);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most the seconds of half an hour"
        )]
        let pictures = (self.duration / f64::from(interval)).ceil().max(1.0) as u32;
        pictures
    }

    /// Number of pictures.
    #[must_use]
    pub fn tiles(&self) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most MAX_TILES and one"
        )]
        let tiles = (self.duration / self.interval).ceil().max(1.0) as u32;
        tiles
    }

    /// Pictures across and down one sheet.
    #[must_use]
    pub fn layout() -> (u32, u32) {
        (COLUMNS, ROWS)
    }

    /// Number of sheets.
    #[must_use]
    pub fn sheets(&self) -> u32 {
        self.tiles().div_ceil(COLUMNS * ROWS)
    }

    /// The file name of a picture for scrubbing.
    #[must_use]
    pub(super) fn scrub_name(picture: u32) -> String {
        format!("scrub-{picture}.jpg")
    }

    /// The file name of a sheet.
    #[must_use]
    pub fn sheet_name(sheet: u32) -> String {
        format!("storyboard-{sheet}.jpg")
    }

    /// Sheet, and the place of the picture on it in pixels.
    fn place(&self, tile: u32) -> (u32, u32, u32) {
        let on_sheet = tile % (COLUMNS * ROWS);
        (
            tile / (COLUMNS * ROWS),
            on_sheet % COLUMNS * self.tile_width,
            on_sheet / COLUMNS * self.tile_height,
        )
    }

    fn start(&self, tile: u32) -> f64 {
        f64::from(tile) * self.interval
    }

    /// The index as WebVTT.
    #[must_use]
    pub fn vtt(&self) -> String {
        let mut text = String::from("WEBVTT\n");
        for tile in 0..self.tiles() {
            let end = self.start(tile + 1).min(self.duration);
            let (sheet, x, y) = self.place(tile);
            let (from, to, name) = (
                timestamp(self.start(tile)),
                timestamp(end),
                Self::sheet_name(sheet),
            );
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "\n{from} --> {to}\n{name}#xywh={x},{y},{},{}\n",
                self.tile_width, self.tile_height
            );
        }
        text
    }

    /// The index as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let tiles = (0..self.tiles()).map(|tile| {
            let (sheet, x, y) = self.place(tile);
            json!({ "start": self.start(tile), "sheet": Self::sheet_name(sheet), "x": x, "y": y })
        });
        let tiles: Vec<Value> = tiles.collect();
        json!({ "tile_width": self.tile_width, "tile_height": self.tile_height, "interval": self.interval, "duration": self.duration, "tiles": tiles })
    }
}

/// `hh:mm:ss.mmm` (WebVTT, 4.1).
fn timestamp(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a film's length in milliseconds"
    )]
    let milliseconds = (seconds * 1000.0).round() as u64;
    let (whole, rest) = (milliseconds / 1000, milliseconds % 1000);
    format!(
        "{:02}:{:02}:{:02}.{rest:03}",
        whole / 3600,
        whole / 60 % 60,
        whole % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_have_places_and_times() {
        let plan = StoryboardPlan::new(30.5, 1920, 1080, Some(10.0));
        assert_eq!(
            (plan.interval, plan.tiles(), plan.sheets(), plan.tile_height),
            (2.0, 16, 1, 90)
        );
        let vtt = plan.vtt();
        assert!(
            vtt.starts_with(
                "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nstoryboard-0.jpg#xywh=0,0,160,90\n"
            ),
            "{vtt}"
        );
        assert!(
            vtt.ends_with("\n00:00:30.000 --> 00:00:30.500\nstoryboard-0.jpg#xywh=800,90,160,90\n"),
            "{vtt}"
        );
        assert_eq!(plan.json()["tiles"][11]["y"], 90);
    }

    #[test]
    fn long_films_keep_to_a_few_sheets() {
        let plan = StoryboardPlan::new(3.0 * 3600.0, 1080, 1920, Some(10.0));
        assert_eq!(
            (plan.interval, plan.tiles(), plan.sheets(), plan.tile_height),
            (27.0, 400, 4, 284)
        );
        assert!(
            plan.keyframes_only,
            "keyframes come more often than pictures"
        );
        assert!(!StoryboardPlan::new(30.5, 1920, 1080, Some(10.0)).keyframes_only);
        assert_eq!(plan.place(399), (3, 9 * 160, 9 * 284));
        assert_eq!(timestamp(3661.0015), "01:01:01.002");
    }
}
