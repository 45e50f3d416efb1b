//! The module: which requests are ours, and how the origin is asked for them.

use std::rc::Rc;

use weir_module::{
    ConfigError, Edit, Edits, Exchange, Host, Module, Reply, RequestHead, ResponseHead, Verdict,
};

use crate::NAME;
use crate::accept::{self, AcceptClass};
use crate::config::Config;
use crate::exchange::Job;
use crate::hints::{self, Hints};
use crate::request::{self, Subject};
use crate::storyboard::Form;
use crate::validator::Tagger;

/// The module `thumbnail`.
#[derive(Debug)]
pub struct Thumbnail {
    config: Rc<Config>,
}

weir_module::export!(Thumbnail);

impl Module for Thumbnail {
    const NAME: &'static str = NAME;

    fn configure(text: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            config: Rc::new(Config::parse(text)?),
        })
    }

    fn headers(&self) -> Vec<String> {
        let hints = hints::HEADERS.iter().filter(|_| self.config.client_hints);
        let names = ["accept", "if-none-match"];
        names
            .iter()
            .chain(hints)
            .map(|name| (*name).to_owned())
            .collect()
    }

    fn decide(&mut self, head: &RequestHead<'_>, host: &mut dyn Host) -> Verdict {
        let head_only = head.method() == "HEAD";
        if !head_only && head.method() != "GET" {
            return Verdict::pass();
        }
        let hints = self.config.client_hints.then(|| Hints::read(head));
        let now_s = host.now_ns() / 1_000_000_000;
        let asked = match request::read(&self.config, head.target(), now_s, hints.as_ref()) {
            Ok(Some(asked)) => asked,
            Ok(None) => return Verdict::pass(),
            Err(error) => return Verdict::Answer(error.into_answer()),
        };
        // The door only says whose request it is; the handler, which has the response, does the work. Leaving the work out
        // keeps the door's file small.
        if cfg!(all(target_arch = "wasm32", feature = "door")) {
            return Verdict::Exchange(Edits::none(), Box::new(NotHere));
        }
        let accept = accept_class(head);
        let avif = names_avif(head);
        // The defaults shape the bytes as much as the options do.
        let tagger = Tagger::new(&format!(
            "{} {:?}",
            asked.variant(accept),
            self.config.settings
        ));
        let if_none_match = if_none_match(head);
        let ask_origin = if_none_match
            .as_deref()
            .and_then(|list| tagger.ask_origin(list));
        let target = match asked.subject {
            Subject::Frame | Subject::Preview => format!(
                "{}{}{}",
                asked.folder(),
                Form::Json.name(),
                asked.pass_query
            ),
            _ => asked.target.clone(),
        };
        let of_picture = matches!(asked.subject, Subject::Picture | Subject::PictureOrFrame);
        let conditional = ask_origin.filter(|_| of_picture);
        let edits = match asked.subject {
            // Most often the origin has it and answers as it likes.
            Subject::Index(_) => Ok(Edits::none()),
            _ => edits(&target, conditional.as_deref(), if_none_match.is_some()),
        };
        match edits {
            Ok(edits) => {
                let job = Job {
                    config: Rc::clone(&self.config),
                    asked,
                    accept,
                    avif,
                    tagger,
                    if_none_match,
                    head_only,
                };
                Verdict::Exchange(edits, job.start())
            }
            // The target and the tags come from a head that was itself within these lengths.
            Err(error) => Verdict::Answer(
                weir_module::Problem::new(
                    431,
                    "thumbnail-head-too-large",
                    "The request head is too large",
                )
                .detail(error.to_string())
                .into_answer(),
            ),
        }
    }
}

/// Several `Accept` fields are one list (RFC 9110 section 5.3).
fn accept_class(head: &RequestHead<'_>) -> AcceptClass {
    let named =
        |value: &[u8]| AcceptClass::read(std::str::from_utf8(value).ok()) == AcceptClass::WebP;
    if head.header_all("accept").any(named) {
        AcceptClass::WebP
    } else {
        AcceptClass::Basic
    }
}

fn names_avif(head: &RequestHead<'_>) -> bool {
    let mut values = head.header_all("accept");
    values
        .any(|value| std::str::from_utf8(value).is_ok_and(|text| accept::names(text, "image/avif")))
}

fn if_none_match(head: &RequestHead<'_>) -> Option<String> {
    let values: Vec<&str> = head
        .header_all("if-none-match")
        .filter_map(|value| std::str::from_utf8(value).ok())
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// The request as the origin gets it: whole, not compressed, and conditional on the origin's own tag.
fn edits(
    target: &str,
    ask_origin: Option<&str>,
    has_tags: bool,
) -> Result<Edits, weir_module::wire::WireError> {
    let mut edits = Edits::none();
    edits.push(Edit::SetTarget(target))?;
    for name in ["range", "if-range", "if-match", "if-unmodified-since"] {
        edits.push(Edit::RemoveRequest(name))?;
    }
    edits.push(Edit::SetRequest("accept-encoding", b"identity"))?;
    match ask_origin {
        Some(tags) => edits.push(Edit::SetRequest("if-none-match", tags.as_bytes()))?,
        None => edits.push(Edit::RemoveRequest("if-none-match"))?,
    }
    // A tag takes precedence over a date (RFC 9110 section 13.2.2), and a date says nothing about our options having changed.
    if has_tags {
        edits.push(Edit::RemoveRequest("if-modified-since"))?;
    }
    Ok(edits)
}

/// Stands where the door has no work to do.
struct NotHere;

impl Exchange for NotHere {
    fn respond(self: Box<Self>, _: &ResponseHead, _: &mut dyn Host) -> Reply {
        Reply::Pass(Edits::none())
    }
}
