//! Asks for one resource after the other, then applies the rules.

use std::collections::VecDeque;

use super::finding::Findings;
use super::media::{Format, Init, SegmentFacts, SegmentReader, Want};
use super::options::Options;
use super::playlist::{Kind, Playlist, RenditionType};
use super::presentation::{Document, Presentation, Use, resolve};
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

    /// Queues the playlists that the multivariant playlist names.
    fn queue_playlists(&mut self) {
        let Some((root, list)) = self.presentation.multivariant() else {
            return;
        };
        let mut named: Vec<(Use, usize, String)> = Vec::new();
        for (index, variant) in list.variants.iter().enumerate() {
            named.extend(
                variant
                    .uri
                    .clone()
                    .map(|uri| (Use::Variant(index), variant.line, uri)),
            );
        }
        for (index, rendition) in list.renditions.iter().enumerate() {
            if rendition.kind != Some(RenditionType::ClosedCaptions) {
                named.extend(
                    rendition
                        .uri
                        .clone()
                        .map(|uri| (Use::Rendition(index), rendition.line, uri)),
                );
            }
        }
        for (index, variant) in list.i_frames.iter().enumerate() {
            named.extend(
                variant
                    .uri
                    .clone()
                    .map(|uri| (Use::IFrames(index), variant.line, uri)),
            );
        }
        let base = root.url().to_owned();
        for (place, line, uri) in named {
            match resolve(&base, &uri) {
                Some(url) => self.queue.push_back((url, Some(place), Some(line))),
                None => self.unread.push(Unread {
                    url: uri,
                    reason: format!("line {line} of {base} names no address that can be read"),
                }),
            }
        }
    }

    /// The next request, or `None` when all is read.
    fn advance(&mut self) -> Option<(Request, Job)> {
        while let Some((url, place, line)) = self.queue.pop_front() {
            if let Some(index) = self.presentation.by_url.get(&url) {
                if let Some(document) = self.presentation.documents.get_mut(*index) {
                    document.uses.extend(place);
                }
                continue;
            }
            if self.presentation.documents.len() >= self.options.max_playlists {
                let reason = format!("more than {} playlists", self.options.max_playlists);
                self.unread.push(Unread { url, reason });
                continue;
            }
            if let Err(reason) = self.may_read(&url) {
                self.unread.push(Unread { url, reason });
                continue;
            }
            let request = Request { url, range: None };
            return Some((request, Job::Playlist { place, line }));
        }
        if self.options.media {
            self.advance_media()
        } else {
            None
        }
    }

    /// A playlist from the network must not make its reader open files, nor one in a store leave it.
    fn may_read(&self, url: &str) -> Result<(), String> {
        let scheme = |url: &str| {
            url.split(':')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase()
        };
        let (from, to) = (scheme(&self.url), scheme(url));
        let web = |scheme: &str| scheme == "http" || scheme == "https";
        if from == to || (web(&to) && (web(&from) || from == "file")) {
            Ok(())
        } else {
            Err(format!("a `{from}:` presentation may not lead to `{to}:`"))
        }
    }

    fn advance_media(&mut self) -> Option<(Request, Job)> {
        loop {
            let (document, map, segment) = self.place;
            let found = self.presentation.documents.get(document)?;
            let media = found.media();
            if found.playlist.kind == Kind::Multivariant {
                self.place = (document + 1, 0, 0);
            } else if let Some(next) = media.maps.get(map) {
                self.place.1 += 1;
                let encrypted = encrypts_whole(media, &next.keys);
                let (uri, range) = (next.uri.clone(), next.range);
                let (len, offset) = range.unwrap_or((MAX_INIT, 0));
                let range = ByteRange {
                    start: offset,
                    end: offset.saturating_add(len.min(MAX_INIT)),
                };
                if range.is_empty() {
                    // A section of no bytes holds nothing, and says so.
                    let empty = Init::read(&bytes::Bytes::new());
                    let inits = &mut self.presentation.documents[document].track.inits;
                    inits.push(Some(empty));
                    continue;
                }
                let range = Some(range);
                let url = resolve(found.url(), &uri)
                    .filter(|url| !encrypted && self.may_read(url).is_ok());
                match url {
                    Some(url) => return Some((Request { url, range }, Job::Init { document })),
                    None => self.presentation.documents[document].track.inits.push(None),
                }
            } else if let Some(next) = media.segments.get(segment) {
                self.place.2 += 1;
                let range = match (next.range, next.offset) {
                    (Some((_, range)), Some(offset)) => Some((offset, range.len)),
                    _ => None,
                };
                let reader = SegmentReader::new(
                    range,
                    media.i_frames_only,
                    encrypts_whole(media, &next.keys),
                );
                // A range that cannot be worked out is a finding of its own.
                let readable = !next.gap && next.range.is_some() == range.is_some();
                if !readable {
                    self.presentation.documents[document]
                        .track
                        .segments
                        .push(SegmentFacts::default());
                } else if let Some(next) = self.read_on(document, segment, Box::new(reader)) {
                    return Some(next);
                }
            } else {
                self.place = (document + 1, 0, 0);
            }
        }
    }

    /// Lets a reader go on; a request when it needs more.
    fn read_on(
        &mut self,
        document: usize,
        index: usize,
        mut reader: Box<SegmentReader>,
    ) -> Option<(Request, Job)> {
        let found = self.presentation.documents.get(document)?;
        let init = found.init_of(index);
        let uri = found.media().segments.get(index)?.uri.as_str();
        let url = resolve(found.url(), uri).filter(|url| self.may_read(url).is_ok());
        let want = match &url {
            Some(_) => reader.next(init),
            None => Want::Done(Box::default()),
        };
        match (want, url) {
            (Want::Bytes(range), Some(url)) => Some((
                Request {
                    url,
                    range: Some(range),
                },
                Job::Segment {
                    document,
                    index,
                    reader,
                },
            )),
            (Want::Done(facts), url) => {
                if url.is_none() {
                    let unread = Unread {
                        url: uri.to_owned(),
                        reason: "a segment address that may not be read".to_owned(),
                    };
                    if !self.unread.contains(&unread) {
                        self.unread.push(unread);
                    }
                }
                self.segments += usize::from(facts.format != Format::Unread);
                self.presentation.documents[document]
                    .track
                    .segments
                    .push(*facts);
                None
            }
            (Want::Bytes(_), None) => None,
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

/// True when the keys encrypt segments as a whole.
fn encrypts_whole(media: &super::playlist::MediaPlaylist, keys: &[usize]) -> bool {
    keys.iter()
        .filter_map(|key| media.keys.get(*key))
        .any(|key| !key.method.starts_with("SAMPLE-AES"))
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
