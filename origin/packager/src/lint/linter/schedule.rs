//! What is read next: the playlists that a multivariant playlist names, then for each of them its initialization sections and segments.

use super::{Job, Linter, MAX_INIT};
use crate::ByteRange;
use crate::lint::media::{Format, Init, SegmentFacts, SegmentReader, Want};
use crate::lint::playlist::{Kind, MediaPlaylist, RenditionType};
use crate::lint::presentation::{Use, resolve};
use crate::lint::report::Unread;
use crate::lint::request::Request;

impl Linter {
    /// Queues the playlists that the multivariant playlist names.
    pub(super) fn queue_playlists(&mut self) {
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
    pub(super) fn advance(&mut self) -> Option<(Request, Job)> {
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
    pub(super) fn read_on(
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
}

/// True when the keys encrypt segments as a whole.
fn encrypts_whole(media: &MediaPlaylist, keys: &[usize]) -> bool {
    keys.iter()
        .filter_map(|key| media.keys.get(*key))
        .any(|key| !key.method.starts_with("SAMPLE-AES"))
}
