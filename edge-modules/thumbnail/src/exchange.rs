//! What happens between the origin's response and ours. No input or output here: every step says what it needs next.

use std::borrow::Cow;
use std::rc::Rc;

use weir_module::{
    Answer, Collected, Edits, Exchange, Forward, Host, Level, Problem, Reply, ResponseHead, Step,
};

use crate::accept::AcceptClass;
use crate::config::{Config, OnUnsupported};
use crate::error::PictureError;
use crate::format::{Sniffed, sniff};
use crate::kept::Kept;
use crate::options::FormatChoice;
use crate::pipeline::{self, Output};
use crate::request::{Asked, Subject};
use crate::storyboard::{Storyboard, Tile, sprite_target};
use crate::validator::{self, Tagger};

/// The largest storyboard index.
const LARGEST_INDEX: usize = 1 << 20;

/// Everything that the steps share.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) config: Rc<Config>,
    pub(crate) asked: Asked,
    pub(crate) accept: AcceptClass,
    pub(crate) tagger: Tagger,
    pub(crate) if_none_match: Option<String>,
    /// The viewer asked with HEAD, so the first response has no body.
    pub(crate) head_only: bool,
}

impl Job {
    /// The first step, for the response to the viewer's own request.
    pub(crate) fn start(self) -> Box<dyn Exchange> {
        match self.asked.subject {
            Subject::Frame => {
                Box::new(move |head: &ResponseHead, _: &mut dyn Host| self.index(head, Index::Json))
            }
            Subject::Picture | Subject::PictureOrFrame => {
                Box::new(move |head: &ResponseHead, host: &mut dyn Host| self.picture(head, host))
            }
        }
    }

    /// A response to the request for the picture itself.
    fn picture(self, head: &ResponseHead, _host: &mut dyn Host) -> Reply {
        if head.status == 404 && self.asked.subject == Subject::PictureOrFrame {
            return self.drop_then_forward(Index::Json.name(), |job| {
                Box::new(move |head: &ResponseHead, _: &mut dyn Host| job.index(head, Index::Json))
            });
        }
        if let Some(reply) = self.without_body(head) {
            return reply;
        }
        if self.head_only {
            // The result's length and type are known only when it has been made.
            let target = self.asked.target.clone();
            let job = Self {
                head_only: false,
                ..self
            };
            return Reply::Collect {
                limit: 0,
                then: Box::new(move |_, _| {
                    let exchange =
                        move |head: &ResponseHead, host: &mut dyn Host| job.picture(head, host);
                    Step::Forward(get(target), Box::new(exchange))
                }),
            };
        }
        let kept = Kept::of(head);
        Reply::Collect {
            limit: self.config.largest_source,
            then: Box::new(move |body, host| {
                Step::Answer(self.make(body, &kept, host, |source, job| {
                    pipeline::transform(
                        source,
                        &job.asked.options,
                        job.accept,
                        &job.config.settings,
                    )
                }))
            }),
        }
    }

    /// A response to the request for the storyboard's index.
    fn index(self, head: &ResponseHead, form: Index) -> Reply {
        if head.status == 404 && form == Index::Json {
            return self.drop_then_forward(Index::WebVtt.name(), |job| {
                Box::new(move |head: &ResponseHead, _: &mut dyn Host| {
                    job.index(head, Index::WebVtt)
                })
            });
        }
        if head.status != 200 {
            return Reply::Pass(Edits::none());
        }
        if self.head_only {
            let target = self.beside(form.name());
            let job = Self {
                head_only: false,
                ..self
            };
            return Reply::Collect {
                limit: 0,
                then: Box::new(move |_, _| {
                    let exchange =
                        move |head: &ResponseHead, _: &mut dyn Host| job.index(head, form);
                    Step::Forward(get(target), Box::new(exchange))
                }),
            };
        }
        Reply::Collect {
            limit: LARGEST_INDEX,
            then: Box::new(move |body, _| match self.pick(body, form) {
                Ok((target, tile)) => {
                    let exchange = move |head: &ResponseHead, host: &mut dyn Host| {
                        self.sprite(head, &tile, host)
                    };
                    Step::Forward(get(target), Box::new(exchange))
                }
                Err(answer) => Step::Answer(*answer),
            }),
        }
    }

    fn pick(&self, body: Collected, form: Index) -> Result<(String, Tile), Box<Answer>> {
        let body = match body {
            Collected::Whole(body) => body,
            Collected::TooLarge => {
                let error = PictureError::SourceTooLarge {
                    limit: LARGEST_INDEX,
                };
                return Err(Box::new(error.into_answer()));
            }
            Collected::Broken => return Err(Box::new(broken_off())),
        };
        let board = match form {
            Index::Json => Storyboard::from_json(&body),
            Index::WebVtt => Storyboard::from_vtt(&body),
        };
        board
            .and_then(|board| {
                let tile = board.at(self.asked.options.time_ms).clone();
                Ok((sprite_target(self.asked.folder(), &tile.sprite)?, tile))
            })
            .map_err(|error| Box::new(error.into_answer()))
    }

    /// A response to the request for a sprite.
    fn sprite(self, head: &ResponseHead, tile: &Tile, _host: &mut dyn Host) -> Reply {
        if let Some(reply) = self.without_body(head) {
            return reply;
        }
        let kept = Kept::of(head);
        let part = (tile.x, tile.y, tile.width, tile.height);
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

    /// Answers that need no body: what is not a picture, what has not changed, what is too large.
    fn without_body(&self, head: &ResponseHead) -> Option<Reply> {
        let kept = Kept::of(head);
        match head.status {
            200 => {}
            // The origin's tag was asked for, so this is about our variant of it.
            304 => return Some(Reply::Answer(self.not_modified(&kept))),
            _ => return Some(Reply::Pass(Edits::none())),
        }
        if let (Some(asked), Some(tag)) = (&self.if_none_match, self.tag(&kept))
            && validator::matches(asked, &tag)
        {
            return Some(Reply::Answer(self.not_modified(&kept)));
        }
        if head
            .content_length()
            .is_some_and(|length| length > self.config.largest_source as u64)
        {
            let error = PictureError::SourceTooLarge {
                limit: self.config.largest_source,
            };
            return Some(Reply::Answer(error.into_answer()));
        }
        if head
            .header_str("content-encoding")
            .is_some_and(|coding| !coding.eq_ignore_ascii_case("identity"))
        {
            let problem = Problem::new(
                502,
                "picture-encoded",
                "The origin sent a picture with a content coding",
            )
            .detail("it was asked not to; pictures are compressed already");
            return Some(Reply::Answer(problem.into_answer()));
        }
        None
    }

    fn make(
        &self,
        body: Collected,
        kept: &Kept,
        host: &mut dyn Host,
        transform: impl FnOnce(&[u8], &Self) -> Result<Output, PictureError>,
    ) -> Answer {
        let source = match body {
            Collected::Whole(source) => source,
            Collected::TooLarge => {
                return PictureError::SourceTooLarge {
                    limit: self.config.largest_source,
                }
                .into_answer();
            }
            Collected::Broken => return broken_off(),
        };
        let tag = self
            .tag(kept)
            .unwrap_or_else(|| self.tagger.from_bytes(&source));
        if self
            .if_none_match
            .as_deref()
            .is_some_and(|asked| validator::matches(asked, &tag))
        {
            return self.headers(Answer::new(304), kept, Some(&tag));
        }
        match transform(&source, self) {
            Ok(output) => {
                let answer = Answer::new(200).with_body(output.format.media_type(), output.bytes);
                self.headers(answer, kept, Some(&tag))
                    .header("x-content-type-options", "nosniff")
            }
            Err(PictureError::Unsupported(name)) if self.passes(&source) => {
                // The first bytes are gone from the stream, so the body goes out again as it came.
                host.log(Level::Info, &format!("passed {name} on unchanged"));
                let kind = kept
                    .content_type
                    .clone()
                    .unwrap_or_else(|| b"application/octet-stream".to_vec());
                let mut answer = Answer::new(200).header("content-type", kind);
                answer.body = weir_module::AnswerBody::Bytes(source);
                self.headers(answer, kept, None)
                    .header("x-content-type-options", "nosniff")
            }
            Err(error) => {
                host.log(Level::Info, &format!("refused a picture: {}", error.code()));
                error.into_answer()
            }
        }
    }

    fn passes(&self, source: &[u8]) -> bool {
        self.config.on_unsupported == OnUnsupported::Pass && sniff(source) != Sniffed::Other("SVG")
    }

    fn not_modified(&self, kept: &Kept) -> Answer {
        self.headers(Answer::new(304), kept, self.tag(kept).as_deref())
    }

    fn tag(&self, kept: &Kept) -> Option<String> {
        self.tagger.from_source_tag(kept.etag.as_deref()?)
    }

    fn headers(&self, mut answer: Answer, kept: &Kept, tag: Option<&str>) -> Answer {
        for (name, value) in &kept.headers {
            answer.headers.push((Cow::Borrowed(*name), value.clone()));
        }
        let cacheable = kept
            .headers
            .iter()
            .any(|(name, _)| matches!(*name, "cache-control" | "expires"));
        if !cacheable && !self.config.cache_control.is_empty() {
            answer = answer.header("cache-control", &self.config.cache_control);
        }
        let mut vary = kept.vary.clone();
        if self.asked.options.format == FormatChoice::Auto {
            vary.push("Accept".to_owned());
        }
        if !vary.is_empty() {
            answer = answer.header("vary", vary.join(", "));
        }
        match tag {
            Some(tag) => answer.header("etag", tag),
            None => answer,
        }
    }

    fn beside(&self, name: &str) -> String {
        format!("{}{name}{}", self.asked.folder(), self.asked.pass_query)
    }

    /// Lets the response at hand go and asks for a file beside the picture.
    fn drop_then_forward(
        self,
        name: &str,
        next: impl FnOnce(Self) -> Box<dyn Exchange> + 'static,
    ) -> Reply {
        let target = self.beside(name);
        let job = Self {
            head_only: false,
            ..self
        };
        Reply::Collect {
            limit: 0,
            then: Box::new(move |_, _| Step::Forward(get(target), next(job))),
        }
    }
}

/// The two forms of a storyboard's index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Index {
    Json,
    WebVtt,
}

impl Index {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "storyboard.json",
            Self::WebVtt => "storyboard.vtt",
        }
    }
}

fn get(target: String) -> Forward {
    Forward {
        target,
        headers: vec![(Cow::Borrowed("accept"), b"image/*, */*;q=0.5".to_vec())],
    }
}

fn broken_off() -> Answer {
    Problem::new(
        502,
        "origin-broke-off",
        "The origin broke off in the middle of the picture",
    )
    .into_answer()
}
