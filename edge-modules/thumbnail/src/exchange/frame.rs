//! Frames out of a storyboard: first its index, then the sprite that shows the time.

use weir_module::{Answer, Collected, Edits, Host, Reply, ResponseHead, Step};

use super::{Job, get, whole};
use crate::kept::Kept;
use crate::pipeline;
use crate::request::Subject;
use crate::storyboard::{Form, Storyboard, Tile, sprite_target};

/// The largest storyboard index.
pub(super) const LARGEST_INDEX: usize = 1 << 20;

impl Job {
    /// A response to the request for the storyboard's index.
    pub(super) fn index(self, head: &ResponseHead, form: Form) -> Reply {
        if head.status == 404 && form == Form::Json {
            let target = self.beside(form.other().name());
            return self.drop_then_get(target, move |job, head, _| job.index(head, form.other()));
        }
        if head.status != 200 {
            return Reply::Pass(Edits::none());
        }
        if self.head_only {
            let target = self.beside(form.name());
            return self.drop_then_get(target, move |job, head, _| job.index(head, form));
        }
        Reply::Collect {
            limit: LARGEST_INDEX,
            then: Box::new(move |body, host| match self.board(body, form) {
                Ok(board) => match self.asked.subject {
                    Subject::Preview | Subject::PictureOrPreview => self.preview(&board, host),
                    _ => self.frame(&board),
                },
                Err(answer) => Step::Answer(*answer),
            }),
        }
    }

    /// Reads an index.
    pub(super) fn board(&self, body: Collected, form: Form) -> Result<Storyboard, Box<Answer>> {
        let body = whole(body, LARGEST_INDEX)?;
        Storyboard::read(form, &body).map_err(|error| Box::new(error.into_answer()))
    }

    fn frame(self, board: &Storyboard) -> Step {
        let tile = board.at(self.asked.options.time_ms).clone();
        match sprite_target(self.asked.folder(), &tile.sprite) {
            Ok(target) => {
                let exchange =
                    move |head: &ResponseHead, _: &mut dyn Host| self.sprite(head, &tile);
                Step::Forward(get(target), Box::new(exchange))
            }
            Err(error) => Step::Answer(error.into_answer()),
        }
    }

    /// A response to the request for a sprite.
    fn sprite(self, head: &ResponseHead, tile: &Tile) -> Reply {
        if let Some(reply) = self.without_body(head) {
            return reply;
        }
        let kept = Kept::of(head);
        let part = tile.part();
        Reply::Collect {
            limit: self.config.largest_source,
            then: Box::new(move |body, host| {
                Step::Answer(self.make(body, &kept, host, |source, job| {
                    pipeline::transform_part(
                        source,
                        part,
                        &job.asked.options,
                        job.accept,
                        &job.config.settings,
                    )
                }))
            }),
        }
    }
}
