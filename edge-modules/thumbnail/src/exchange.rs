//! What happens between the origin's response and ours. No input or output here: every step says what it needs next.

mod conversion;
mod frame;
mod preview;

use std::borrow::Cow;
use std::rc::Rc;

use weir_module::{
    Answer, Collected, Edits, Exchange, Forward, Host, Level, Problem, Reply, ResponseHead, Step,
};

use crate::accept::AcceptClass;
use crate::config::{Config, OnUnsupported};
use crate::error::PictureError;
use crate::format::AVIF;
use crate::kept::Kept;
use crate::options::FormatChoice;
use crate::pipeline::{self, Output};
use crate::request::{Asked, Subject};
use crate::storyboard::Form;
use crate::validator::{self, Tagger};

/// Everything that the steps share.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) config: Rc<Config>,
    pub(crate) asked: Asked,
    pub(crate) accept: AcceptClass,
    /// The viewer names AVIF.
    pub(crate) avif: bool,
    pub(crate) tagger: Tagger,
    pub(crate) if_none_match: Option<String>,
    /// The viewer asked with HEAD, so the first response has no body.
    pub(crate) head_only: bool,
}

impl Job {
    /// The first step, for the response to the viewer's own request.
    pub(crate) fn start(self) -> Box<dyn Exchange> {
        match self.asked.subject {
            Subject::Frame | Subject::Preview => {
                Box::new(move |head: &ResponseHead, _: &mut dyn Host| self.index(head, Form::Json))
            }
            Subject::Index(form) => {
                Box::new(move |head: &ResponseHead, _: &mut dyn Host| self.own_form(head, form))
            }
            Subject::Picture | Subject::PictureOrFrame | Subject::PictureOrPreview => {
                Box::new(move |head: &ResponseHead, host: &mut dyn Host| self.picture(head, host))
            }
        }
    }

    /// A response to the request for the picture itself.
    fn picture(self, head: &ResponseHead, _host: &mut dyn Host) -> Reply {
        let or_else = matches!(
            self.asked.subject,
            Subject::PictureOrFrame | Subject::PictureOrPreview
        );
        if head.status == 404 && or_else {
            let target = self.beside(Form::Json.name());
            return self.drop_then_get(target, |job, head, _| job.index(head, Form::Json));
        }
        if let Some(reply) = self.without_body(head) {
            return reply;
        }
        if self.head_only {
            // The result's length and type are known only when it has been made.
            let target = self.asked.target.clone();
            return self.drop_then_get(target, Self::picture);
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
        self.unusable_body(head).map(Reply::Answer)
    }

    /// The answer to a body that need not be read.
    fn unusable_body(&self, head: &ResponseHead) -> Option<Answer> {
        if head
            .content_length()
            .is_some_and(|length| length > self.config.largest_source as u64)
        {
            let error = PictureError::SourceTooLarge {
                limit: self.config.largest_source,
            };
            return Some(error.into_answer());
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
            return Some(problem.into_answer());
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
        let source = match whole(body, self.config.largest_source) {
            Ok(source) => source,
            Err(answer) => return *answer,
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
            Err(PictureError::Unsupported(name)) if self.passes(name, kept) => {
                // The first bytes are gone from the stream, so the body goes out again as it came.
                host.log(Level::Info, &format!("passed {name} on unchanged"));
                let kind = match (name, &kept.content_type) {
                    (AVIF, _) => b"image/avif".to_vec(),
                    (_, Some(kind)) => kind.clone(),
                    (_, None) => b"application/octet-stream".to_vec(),
                };
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

    /// An AVIF file goes to a viewer that takes it: nothing here makes a better one.
    /// What a browser would run as a document goes nowhere, whatever its bytes look like.
    fn passes(&self, name: &str, kept: &Kept) -> bool {
        match name {
            AVIF if self.avif && self.asked.options.format == FormatChoice::Auto => true,
            "SVG" => false,
            _ => self.config.on_unsupported == OnUnsupported::Pass && !kept.is_document(),
        }
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
        vary.extend(self.asked.vary.iter().map(|name| (*name).to_owned()));
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

    /// Lets the response at hand go, whatever body it has, and asks for another file with GET.
    fn drop_then_get(
        self,
        target: String,
        next: impl FnOnce(Self, &ResponseHead, &mut dyn Host) -> Reply + 'static,
    ) -> Reply {
        let job = Self {
            head_only: false,
            ..self
        };
        let exchange = move |head: &ResponseHead, host: &mut dyn Host| next(job, head, host);
        Reply::Collect {
            limit: 0,
            then: Box::new(move |_, _| Step::Forward(get(target), Box::new(exchange))),
        }
    }
}

fn get(target: String) -> Forward {
    Forward {
        target,
        headers: vec![(Cow::Borrowed("accept"), b"image/*, */*;q=0.5".to_vec())],
    }
}

/// The whole body.
fn whole(body: Collected, limit: usize) -> Result<Vec<u8>, Box<Answer>> {
    match body {
        Collected::Whole(body) => Ok(body),
        Collected::TooLarge => {
            let error = PictureError::SourceTooLarge { limit };
            Err(Box::new(error.into_answer()))
        }
        Collected::Broken => Err(Box::new(broken_off())),
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
