//! Asks for one resource after the other, then applies the rules.

mod schedule;

use std::collections::VecDeque;

use super::finding::Findings;
use super::media::{Init, SegmentFacts, SegmentReader};
use super::options::Options;
use super::playlist::Playlist;
use super::presentation::{Document, Presentation, Use};
use super::report::{Report, Unread};
use super::request::{Failure, Request, Response, Step};
use super::rules;
use crate::{ByteRange, Error};

/// Longest initialization section in bytes.
const MAX_INIT: u64 = 16 << 20;
/// Most segment deliveries that are kept.
const MAX_DELIVERIES: usize = 200;

/// Checks one presentation.
#[derive(Debug)]
pub struct Linter {
    options: Options,
    presentation: Presentation,
    /// Playlists to be read: address, use, line in the multivariant playlist.
    queue: VecDeque<(String, Option<Use>, Option<usize>)>,
    /// Place among the media: document, map, segment.
    place: (usize, usize, usize),
    waiting: Option<(Request, Job)>,
    unread: Vec<Unread>,
    segments: usize,
    report: Option<Box<Report>>,
    url: String,
}

/// What a request is for.
#[derive(Debug)]
enum Job {
    Playlist {
        place: Option<Use>,
        line: Option<usize>,
    },
    Init {
        document: usize,
    },
    Segment {
        document: usize,
        index: usize,
        reader: Box<SegmentReader>,
    },
}

impl Linter {
    /// A linter of the playlist at `url`: an absolute address, `file:` and any other scheme included.
    ///
    /// # Errors
    /// When `url` is no absolute address.
    pub fn new(url: &str, options: Options) -> Result<Self, Error> {
        let parsed = url::Url::parse(url)
            .ok()
            .filter(|parsed| !parsed.cannot_be_a_base());
        let Some(parsed) = parsed else {
            return Err(Error::InvalidOption {
                option: "url",
                reason: format!("`{url}` is no absolute address"),
            });
        };
        let url = String::from(parsed);
        Ok(Self {
            options,
            presentation: Presentation::default(),
            queue: VecDeque::from([(url.clone(), None, None)]),
            place: (0, 0, 0),
            waiting: None,
            unread: Vec::new(),
            segments: 0,
            report: None,
            url,
        })
    }

    /// What the linter wants next. Asks again for the same until `supply` or `fail` is called.
    pub fn step(&mut self) -> Step {
        if let Some(report) = &self.report {
            return Step::Done(report.clone());
        }
        if self.waiting.is_none() {
            self.waiting = self.advance();
        }
        if let Some((request, _)) = &self.waiting {
            return Step::Read(request.clone());
        }
        let report = Box::new(self.finish());
        self.report = Some(report.clone());
        Step::Done(report)
    }

    /// Brings what the last step asked for.
    pub fn supply(&mut self, response: Response) {
        let Some((request, job)) = self.waiting.take() else {
            return;
        };
        match job {
            Job::Playlist { place, .. } => self.take_playlist(&request.url, place, response),
            Job::Init { document } => {
                let body = whole_range(&request, &response);
                let init = body.map(|body| Init::read(&body));
                if let Some(document) = self.presentation.documents.get_mut(document) {
                    document.track.inits.push(init);
                }
            }
            Job::Segment {
                document,
                index,
                mut reader,
            } => {
                self.keep_delivery(document, index, &request, &response);
                let wanted = request.range.unwrap_or(ByteRange { start: 0, end: 0 });
                reader.supply(wanted, response.start, response.body, response.total);
                self.waiting = self.read_on(document, index, reader);
            }
        }
    }

    /// Says why the last step could not be done.
    pub fn fail(&mut self, failure: Failure) {
        let Some((request, job)) = self.waiting.take() else {
            return;
        };
        let (document, line) = match job {
            Job::Playlist { line, .. } => (0, line),
            Job::Init { document } => {
                let Some(found) = self.presentation.documents.get_mut(document) else {
                    return;
                };
                let map = found.media().maps.get(found.track.inits.len());
                let line = map.map(|map| map.line);
                found.track.inits.push(None);
                (document, line)
            }
            Job::Segment {
                document, index, ..
            } => {
                let Some(found) = self.presentation.documents.get_mut(document) else {
                    return;
                };
                let line = found
                    .media()
                    .segments
                    .get(index)
                    .map(|segment| segment.line);
                found.track.segments.push(SegmentFacts::default());
                (document, line)
            }
        };
        let reason = match failure {
            // What nothing names is no broken promise: the playlist that was asked for.
            Failure::Missing if !self.presentation.documents.is_empty() => {
                self.presentation
                    .missing
                    .push((document, line, request.url.clone()));
                return;
            }
            Failure::Missing => "there is no such resource".to_owned(),
            Failure::Unreachable(reason) => reason,
        };
        self.unread.push(Unread {
            url: request.url,
            reason,
        });
    }

    fn take_playlist(&mut self, url: &str, place: Option<Use>, response: Response) {
        if response.body.len() as u64 > self.options.max_playlist_bytes {
            self.unread.push(Unread {
                url: url.to_owned(),
                reason: format!(
                    "the playlist has {} bytes, more than the limit of {}",
                    response.body.len(),
                    self.options.max_playlist_bytes
                ),
            });
            return;
        }
        // Where it really is: what it names is relative to that.
        let actual = response
            .delivery
            .as_ref()
            .and_then(|delivery| delivery.redirected_to.clone())
            .unwrap_or_else(|| url.to_owned());
        let imported = self
            .presentation
            .multivariant()
            .map(|(root, _)| &root.playlist.variables);
        let playlist = Playlist::read(&actual, &response.body, imported);
        let index = self.presentation.documents.len();
        self.presentation.by_url.insert(url.to_owned(), index);
        self.presentation.documents.push(Document {
            playlist,
            delivery: response.delivery,
            uses: place.into_iter().collect(),
            track: Default::default(),
        });
        if index == 0 {
            self.queue_playlists();
        }
    }

    fn keep_delivery(
        &mut self,
        document: usize,
        index: usize,
        request: &Request,
        response: &Response,
    ) {
        let Some(delivery) = &response.delivery else {
            return;
        };
        let kept = &mut self.presentation.deliveries;
        let known = kept
            .iter()
            .any(|(other, _, _, same)| *other == document && same == delivery);
        if !known && kept.len() < MAX_DELIVERIES {
            let segments = &self.presentation.documents[document].media().segments;
            let line = segments.get(index).map_or(0, |segment| segment.line);
            kept.push((document, line, request.url.clone(), delivery.clone()));
        }
    }

    fn finish(&mut self) -> Report {
        let mut findings = Findings::default();
        for group in rules::GROUPS {
            (group.check)(&self.presentation, &mut findings);
        }
        let documents = &self.presentation.documents;
        Report {
            url: self.url.clone(),
            playlists: documents.len(),
            segments: self.segments,
            findings: findings.finish(|url| {
                documents
                    .iter()
                    .position(|document| document.url() == url)
                    .unwrap_or(usize::MAX)
            }),
            unread: std::mem::take(&mut self.unread),
        }
    }
}

/// The bytes that a request asked for, out of what came.
fn whole_range(request: &Request, response: &Response) -> Option<bytes::Bytes> {
    let body = &response.body;
    let Some(range) = request.range else {
        return Some(body.slice(..body.len().min(usize::try_from(MAX_INIT).ok()?)));
    };
    let from = usize::try_from(range.start.checked_sub(response.start)?).ok()?;
    let to = from
        .checked_add(usize::try_from(range.len()).ok()?)?
        .min(body.len());
    (from <= to).then(|| body.slice(from..to))
}
