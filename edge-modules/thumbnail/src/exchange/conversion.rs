//! The index of a storyboard in the form that the origin does not have.

use weir_module::{Answer, Edits, Level, Reply, ResponseHead, Step};

use super::Job;
use super::frame::LARGEST_INDEX;
use crate::kept::Kept;
use crate::storyboard::Form;
use crate::validator;

impl Job {
    /// A response to the request for the index itself: what the origin has goes out as it is.
    pub(super) fn own_form(self, head: &ResponseHead, form: Form) -> Reply {
        if head.status != 404 {
            return Reply::Pass(Edits::none());
        }
        let target = self.beside(form.other().name());
        self.drop_then_get(target, move |job, head, _| job.converted(head, form))
    }

    /// A response to the request for the other form.
    fn converted(self, head: &ResponseHead, wanted: Form) -> Reply {
        if head.status != 200 {
            return Reply::Pass(Edits::none());
        }
        let kept = Kept::of(head);
        Reply::Collect {
            limit: LARGEST_INDEX,
            then: Box::new(move |body, host| {
                let written = self.board(body, wanted.other()).and_then(|board| {
                    board
                        .write(wanted)
                        .map_err(|error| Box::new(error.into_answer()))
                });
                Step::Answer(match written {
                    Ok(text) => self.index_answer(&text, wanted, &kept),
                    Err(answer) => {
                        host.log(Level::Info, "refused to convert a storyboard");
                        *answer
                    }
                })
            }),
        }
    }

    fn index_answer(&self, text: &str, form: Form, kept: &Kept) -> Answer {
        let tag = self.tagger.from_bytes(text.as_bytes());
        let known = |asked: &str| validator::matches(asked, &tag);
        if self.if_none_match.as_deref().is_some_and(known) {
            return self.headers(Answer::new(304), kept, Some(&tag));
        }
        let answer = Answer::new(200).with_body(form.media_type(), text.as_bytes().to_vec());
        self.headers(answer, kept, Some(&tag))
            .header("x-content-type-options", "nosniff")
    }
}
