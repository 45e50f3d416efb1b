//! Everything that was read, as the rules look at it.

use std::collections::BTreeMap;

use super::media::{Description, Init, InitTrack, Track};
use super::playlist::{
    Kind, MediaPlaylist, Multivariant, Playlist, Rendition, RenditionType, Variant,
};
use super::request::Delivery;
use crate::TrackKind;

/// A presentation: the playlist that was asked for comes first.
#[derive(Debug, Default)]
pub(super) struct Presentation {
    pub(super) documents: Vec<Document>,
    /// Index of a document by its address.
    pub(super) by_url: BTreeMap<String, usize>,
    /// Resources that are not there: who names them, on which line, their address.
    pub(super) missing: Vec<(usize, Option<usize>, String)>,
    /// How segments were delivered: the playlist, the line, the address, the rest. Only the first of every kind.
    pub(super) deliveries: Vec<(usize, usize, String, Delivery)>,
}

/// A playlist and what it leads to.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) playlist: Playlist,
    pub(super) delivery: Option<Delivery>,
    /// How the multivariant playlist names it.
    pub(super) uses: Vec<Use>,
    pub(super) track: Track,
}

/// How a multivariant playlist names a media playlist: an index into its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// `EXT-X-STREAM-INF`
    Variant(usize),
    /// `EXT-X-I-FRAME-STREAM-INF`
    IFrames(usize),
    /// `EXT-X-MEDIA`
    Rendition(usize),
}

/// What a media playlist carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Pictures, with or without sound.
    Video,
    /// Sound alone.
    Audio,
    /// Timed text.
    Subtitles,
    /// Single pictures.
    IFrames,
}

impl Presentation {
    /// The multivariant playlist, if there is one.
    pub(super) fn multivariant(&self) -> Option<(&Document, &Multivariant)> {
        self.documents
            .first()
            .filter(|root| root.playlist.kind == Kind::Multivariant)
            .map(|root| (root, &root.playlist.multivariant))
    }

    /// The media playlists.
    pub(super) fn media(&self) -> impl Iterator<Item = &Document> {
        self.documents
            .iter()
            .filter(|document| document.playlist.kind == Kind::Media)
    }

    /// The media playlists of one role.
    pub(super) fn of_role(&self, role: Role) -> impl Iterator<Item = &Document> {
        self.media()
            .filter(move |document| self.role(document) == role)
    }

    /// What a media playlist carries.
    pub(super) fn role(&self, document: &Document) -> Role {
        if document.media().i_frames_only {
            return Role::IFrames;
        }
        let root = self.multivariant().map(|(_, root)| root);
        for place in &document.uses {
            match (place, root) {
                (Use::IFrames(_), _) => return Role::IFrames,
                (Use::Rendition(index), Some(root)) => {
                    match root
                        .renditions
                        .get(*index)
                        .and_then(|rendition| rendition.kind)
                    {
                        Some(RenditionType::Subtitles) => return Role::Subtitles,
                        // A variant that shares it may carry pictures too.
                        Some(RenditionType::Audio)
                            if !document.uses.iter().any(|other| self.shows_video(*other)) =>
                        {
                            return Role::Audio;
                        }
                        _ => {}
                    }
                }
                (Use::Variant(_), Some(_)) if !self.shows_video(*place) => {
                    let said = document.uses.iter().any(|other| self.names_codecs(*other));
                    if said || document.is_audio_alone() {
                        return Role::Audio;
                    }
                }
                _ => {}
            }
        }
        if document.is_audio_alone() {
            Role::Audio
        } else if document.is_text_alone() {
            Role::Subtitles
        } else {
            Role::Video
        }
    }

    fn variant(&self, place: Use) -> Option<&Variant> {
        let (_, root) = self.multivariant()?;
        match place {
            Use::Variant(index) => root.variants.get(index),
            Use::IFrames(index) => root.i_frames.get(index),
            Use::Rendition(_) => None,
        }
    }

    fn shows_video(&self, place: Use) -> bool {
        self.variant(place).is_some_and(Variant::has_video)
    }

    fn names_codecs(&self, place: Use) -> bool {
        self.variant(place)
            .is_some_and(|variant| variant.attributes.has("CODECS"))
    }

    /// The media playlist at a URI of the multivariant playlist.
    pub(super) fn at(&self, uri: &str) -> Option<&Document> {
        let url = resolve(&self.documents.first()?.playlist.url, uri)?;
        self.documents.get(*self.by_url.get(&url)?)
    }

    /// The renditions that play with a variant: those of every group that it names.
    pub(super) fn renditions_of<'a>(
        &'a self,
        variant: &'a Variant,
    ) -> impl Iterator<Item = (RenditionType, Vec<&'a Rendition>)> {
        let root = self.multivariant().map(|(_, root)| root);
        RenditionType::ALL.into_iter().filter_map(move |kind| {
            let id = variant.attributes.text(kind.as_str())?;
            let group: Vec<_> = root?.group(kind, id).collect();
            (!group.is_empty()).then_some((kind, group))
        })
    }

    /// True when every media playlist is complete: nothing is added any more.
    pub(super) fn is_vod(&self) -> bool {
        self.media().count() > 0 && self.media().all(|document| document.media().is_complete())
    }
}

impl Document {
    /// What the playlist says as a media playlist.
    pub(super) fn media(&self) -> &MediaPlaylist {
        &self.playlist.media
    }

    /// Its address.
    pub(super) fn url(&self) -> &str {
        &self.playlist.url
    }

    /// The initialization sections that could be read.
    pub(super) fn inits(&self) -> impl Iterator<Item = &Init> {
        self.track.inits.iter().flatten()
    }

    /// All tracks of its initialization sections.
    pub(super) fn tracks(&self) -> impl Iterator<Item = &InitTrack> {
        self.inits().flat_map(|init| init.tracks.iter())
    }

    /// Everything that samples may be by its initialization sections.
    pub(super) fn descriptions(&self) -> impl Iterator<Item = &Description> {
        self.tracks().flat_map(|track| track.descriptions.iter())
    }

    /// The initialization section of a segment.
    pub(super) fn init_of(&self, segment: usize) -> Option<&Init> {
        let map = self.media().segments.get(segment)?.map?;
        self.track.inits.get(map)?.as_ref()
    }

    fn is_audio_alone(&self) -> bool {
        let kinds: Vec<_> = self.tracks().map(|track| track.kind).collect();
        if !kinds.is_empty() {
            return kinds.iter().all(|kind| *kind == Some(TrackKind::Audio));
        }
        let facts = &self.track.segments;
        facts
            .iter()
            .any(|facts| facts.format == super::media::Format::PackedAudio)
            || facts
                .iter()
                .filter_map(|facts| facts.transport.as_ref())
                .next()
                .is_some_and(|stream| stream.video().is_none() && stream.audio_streams() > 0)
    }

    fn is_text_alone(&self) -> bool {
        let kinds: Vec<_> = self.tracks().map(|track| track.kind).collect();
        (!kinds.is_empty() && kinds.iter().all(|kind| *kind == Some(TrackKind::Subtitle)))
            || self
                .track
                .segments
                .iter()
                .any(|facts| facts.format == super::media::Format::WebVtt)
    }
}

/// The absolute address of a URI in the document at `base`, without a fragment.
pub(super) fn resolve(base: &str, uri: &str) -> Option<String> {
    let mut url = url::Url::parse(base).ok()?.join(uri).ok()?;
    url.set_fragment(None);
    Some(url.into())
}
