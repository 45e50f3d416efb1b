//! An animated preview: tiles over the whole asset, one sprite after the other, then the frames together.

use std::collections::VecDeque;

use weir_module::{Answer, Collected, Edits, Host, Level, Problem, Reply, ResponseHead, Step};

use super::{Job, get, whole};
use crate::accept::AcceptClass;
use crate::animation::{Frame, assemble};
use crate::error::PictureError;
use crate::format::OutputFormat;
use crate::kept::Kept;
use crate::options::{FormatChoice, Options};
use crate::pipeline::Sheet;
use crate::storyboard::{Storyboard, Tile, sprite_target};
use crate::validator;

/// Frames where the request does not say, and how many of them a second.
const FRAMES: u8 = 10;
const FPS: u8 = 2;

/// The most pixels of all frames together: encoding them takes the time.
const MOST_PIXELS: u64 = 4_000_000;

/// What is still to be fetched, and what has been made.
struct Film {
    job: Job,
    /// Sprites to come, each with its tiles.
    sheets: VecDeque<(String, Vec<Tile>)>,
    frames: Vec<Frame>,
    pixels: u64,
    /// Of the first sprite.
    kept: Option<Kept>,
}

impl Job {
    /// Begins a preview.
    pub(super) fn preview(self, board: &Storyboard, host: &mut dyn Host) -> Step {
        let options = &self.asked.options;
        let tiles = board.spread(options.time_ms, options.frames.unwrap_or(FRAMES).into());
        let mut sheets: VecDeque<(String, Vec<Tile>)> = VecDeque::new();
        for tile in tiles {
            let target = match sprite_target(self.asked.folder(), &tile.sprite) {
                Ok(target) => target,
                Err(error) => return Step::Answer(error.into_answer()),
            };
            match sheets.back_mut().filter(|(known, _)| *known == target) {
                Some((_, tiles)) => tiles.push(tile.clone()),
                None => sheets.push_back((target, vec![tile.clone()])),
            }
        }
        let film = Film {
            job: self,
            sheets,
            frames: Vec::new(),
            pixels: 0,
            kept: None,
        };
        film.next(host)
    }
}

impl Film {
    fn next(mut self, host: &mut dyn Host) -> Step {
        let Some((target, tiles)) = self.sheets.pop_front() else {
            return Step::Answer(self.finish(host));
        };
        let exchange = move |head: &ResponseHead, _: &mut dyn Host| self.sheet(head, tiles);
        Step::Forward(get(target), Box::new(exchange))
    }

    /// A response to the request for a sprite.
    fn sheet(mut self, head: &ResponseHead, tiles: Vec<Tile>) -> Reply {
        if head.status != 200 {
            return Reply::Pass(Edits::none());
        }
        if let Some(answer) = self.job.unusable_body(head) {
            return Reply::Answer(answer);
        }
        self.kept.get_or_insert_with(|| Kept::of(head));
        Reply::Collect {
            limit: self.job.config.largest_source,
            then: Box::new(move |body, host| match self.add(body, &tiles) {
                Ok(()) => self.next(host),
                Err(answer) => Step::Answer(*answer),
            }),
        }
    }

    fn add(&mut self, body: Collected, tiles: &[Tile]) -> Result<(), Box<Answer>> {
        let source = whole(body, self.job.config.largest_source)?;
        let settings = &self.job.config.settings;
        let options = Options {
            format: FormatChoice::Fixed(OutputFormat::WebP),
            ..self.job.asked.options.clone()
        };
        let refuse = |error: PictureError| Box::new(error.into_answer());
        let sheet = Sheet::open(&source, settings).map_err(refuse)?;
        drop(source);
        for tile in tiles {
            let size = sheet.size_of(tile.part(), &options, settings);
            let (width, height) = size.map_err(refuse)?;
            self.pixels += u64::from(width) * u64::from(height);
            if self.pixels > MOST_PIXELS {
                return Err(Box::new(too_large()));
            }
            let made = sheet.part(tile.part(), &options, AcceptClass::WebP, settings);
            let made = made.map_err(refuse)?;
            self.frames.push(Frame {
                file: made.bytes,
                width: made.width,
                height: made.height,
            });
        }
        Ok(())
    }

    fn finish(self, host: &mut dyn Host) -> Answer {
        let Self {
            job, frames, kept, ..
        } = self;
        let fps = job.asked.options.fps.unwrap_or(FPS);
        let made = match assemble(&frames, 1000 / u32::from(fps.max(1))) {
            Ok(made) => made,
            Err(error) => {
                host.log(Level::Info, &format!("refused a preview: {}", error.code()));
                return error.into_answer();
            }
        };
        let kept = kept.unwrap_or_default();
        // Of several sprites no single tag stands for all.
        let tag = job.tagger.from_bytes(&made);
        let known = |asked: &str| validator::matches(asked, &tag);
        if job.if_none_match.as_deref().is_some_and(known) {
            return job.headers(Answer::new(304), &kept, Some(&tag));
        }
        let answer = Answer::new(200).with_body("image/webp", made);
        job.headers(answer, &kept, Some(&tag))
            .header("x-content-type-options", "nosniff")
    }
}

fn too_large() -> Answer {
    Problem::new(
        422,
        "picture-result-too-large",
        "The preview cannot be made",
    )
    .detail(format!(
        "its frames would have more than {MOST_PIXELS} pixels together; ask for fewer or smaller ones"
    ))
    .into_answer()
}
