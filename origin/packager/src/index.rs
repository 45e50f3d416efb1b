//! What a presentation consists of, made from the index of its inputs alone.

use bytes::Bytes;

use crate::captions::Stated;
use crate::cmaf::{init_segment, segment_index};
use crate::files::{self, Address};
use crate::input::Input;
use crate::plan::{KeptPlan, Plan, PlannedTrack};
use crate::presentation::{Presentation, TrackKind};
use crate::request::SegmentRequest;
use crate::text::{self, TextTrack};
use crate::{
    Error, Format, Layout, Note, Options, Output, OutputKind, Report, chapters, dash, hls, ts,
};
use crate::{protect, sidecar};

/// The plan of a presentation: every playlist, and every segment by name, without reading more of the media than it holds.
///
/// An index is what just-in-time packaging keeps for each asset. Make one with an [`Indexer`](crate::Indexer), or from the
/// sidecar that an earlier one wrote ([`Index::sidecar`]).
#[derive(Debug)]
pub struct Index {
    pub(crate) plan: Plan,
    presentation: Presentation,
    notes: Vec<Note>,
    options: Options,
    /// The boxes that the index was read from, for [`Index::sidecar`].
    sources: Vec<sidecar::Source>,
    texts: Vec<TextTrack>,
    captions: Stated,
}

/// A file of a presentation.
#[derive(Debug)]
pub enum Resource {
    /// It follows from the index.
    Ready(Output),
    /// It holds media data, which have to be read first.
    Segment(Box<SegmentRequest>),
}

impl Index {
    /// The index of `inputs`. `kept` is the plan of an earlier index of them, which is used when it was made with the same options.
    pub(crate) fn new(
        inputs: Vec<Input>,
        kept: Option<KeptPlan>,
        options: &Options,
    ) -> Result<Self, Error> {
        let mut presentation = Presentation::default();
        let (mut tracks, mut notes, mut sources) = (Vec::new(), Vec::new(), Vec::new());
        for (number, mut input) in inputs.into_iter().enumerate() {
            if let Some(refused) = input.refused.take() {
                return Err(refused);
            }
            let silent = silent_captions(number, &input.source);
            if number == 0 {
                presentation = input.presentation;
            } else {
                presentation.size += input.presentation.size;
                presentation.duration = presentation.duration.max(input.presentation.duration);
                presentation.tracks.extend(input.presentation.tracks);
                if presentation.chapters.is_empty() {
                    presentation.chapters = input.presentation.chapters;
                }
            }
            notes.extend(silent);
            tracks.extend(input.tracks);
            notes.extend(input.notes);
            sources.push(input.source);
        }
        if tracks.is_empty() {
            return Err(Error::Missing {
                input: 0,
                what: "video or audio track that can be packaged",
                length: presentation.size,
                advice: "transcode the film first",
            });
        }
        let embedded = sources
            .iter()
            .filter(|_| options.embedded_subtitles)
            .flat_map(|source: &sidecar::Source| &source.found.texts);
        let mut texts = text::renditions(&options.subtitles, embedded)?;
        let captions = Stated::new(&options.captions, tracks.iter().map(|track| &track.info));
        let salt = options.encryption.as_ref().map(|_| protect::salt(&sources));
        let plan = Plan::new(tracks, options, salt, kept)?;
        notes.extend(text::divide(
            &mut texts,
            &plan.stretches(),
            presentation.size,
        ));
        Ok(Self {
            plan,
            presentation,
            notes,
            options: options.clone(),
            sources,
            texts,
            captions,
        })
    }

    /// What the inputs hold.
    #[must_use]
    pub const fn presentation(&self) -> &Presentation {
        &self.presentation
    }

    /// Oddities found in the inputs.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Everything that is needed to make the same index again without the inputs, in a compact form. Read it with
    /// [`Index::from_sidecar`]: with options that divide the film into the same segments that takes no look at each sample.
    #[must_use]
    pub fn sidecar(&self) -> Bytes {
        let plan = KeptPlan::of(&self.plan, &self.options);
        sidecar::write(&self.sources, plan.as_ref())
    }

    /// An index from what [`Index::sidecar`] wrote.
    ///
    /// # Errors
    /// When the sidecar is broken or of another version, or as packaging the inputs themselves would fail.
    pub fn from_sidecar(sidecar: Bytes, options: &Options) -> Result<Self, Error> {
        options.validate()?;
        let (inputs, kept) = sidecar::read(sidecar)?;
        Self::new(inputs, kept, options)
    }

    /// The file at `path`, relative to the root of the presentation; `None` when there is none.
    ///
    /// # Errors
    /// When the index turns out to be broken.
    pub fn open(&self, path: &str) -> Result<Option<Resource>, Error> {
        if let Some((folder, name)) = path.split_once('/')
            && let Some(track) = self.plan.tracks.iter().find(|track| track.name == folder)
        {
            if let Some(header) = headers(track)
                .into_iter()
                .find(|header| header.path == path && header.complete)
            {
                return Ok(Some(Resource::Ready(header)));
            }
            if track.layout == Layout::Segments
                && let Some(segment) = files::segment_number(track, name)
            {
                let request = SegmentRequest::new(track, segment)?;
                return Ok(Some(Resource::Segment(Box::new(request))));
            }
        }
        if let Some(output) = self.text_files().find(|output| output.path == path) {
            return Ok(Some(Resource::Ready(output)));
        }
        let (manifests, _) = self.manifests()?;
        Ok(manifests
            .into_iter()
            .find(|output| output.path == path)
            .map(Resource::Ready))
    }

    /// The segments of all subtitles, and the whole text beside them when MPEG-DASH wants it.
    pub(crate) fn text_files(&self) -> impl Iterator<Item = Output> + '_ {
        let file = |path: String, content: String| {
            Output::whole(
                path,
                files::TEXT_TYPE,
                OutputKind::Subtitle,
                Bytes::from(content),
            )
        };
        let segments = self.plan.slots();
        let epoch = match self.options.format {
            Format::Cmaf => 0,
            Format::MpegTs => ts::EPOCH,
        };
        self.texts.iter().flat_map(move |track| {
            let segments = (0..segments).map(move |number| {
                let path = format!("{}/{}", track.name, files::text_segment_name(number));
                let text = text::segment(&track.document.head, track.cues(number), epoch);
                file(path, text)
            });
            let whole = self
                .options
                .dash
                .then(|| file(files::text_whole_path(track), text::whole(&track.document)));
            segments.chain(whole)
        })
    }

    /// All playlists and manifests in publish order, and the report of a run.
    pub(crate) fn manifests(&self) -> Result<(Vec<Output>, Report), Error> {
        let mut report = Report {
            presentation: self.presentation.clone(),
            multivariant: files::MULTIVARIANT_PATH.to_owned(),
            notes: self.notes.clone(),
            ..Report::default()
        };
        let mut outputs = Vec::new();
        let mut push = |path: String, text: String, kind: OutputKind| -> Result<(), Error> {
            let content_type = match kind {
                OutputKind::DashManifest => files::DASH_TYPE,
                OutputKind::SessionData => files::JSON_TYPE,
                _ => files::HLS_TYPE,
            };
            let plain = Output::whole(path, content_type, kind, Bytes::from(text));
            if self.options.gzip {
                outputs.push(files::compress(&plain)?);
            }
            outputs.push(plain);
            Ok(())
        };
        for track in &self.plan.tracks {
            let path = files::playlist_path(track);
            report.playlists.push(path.clone());
            push(
                path,
                hls::media_playlist(&self.plan, track),
                OutputKind::MediaPlaylist,
            )?;
        }
        for text in &self.texts {
            let path = files::text_playlist_path(text);
            report.playlists.push(path.clone());
            push(
                path,
                hls::text_playlist(&self.plan),
                OutputKind::MediaPlaylist,
            )?;
        }
        let mut i_frames = Vec::new();
        if self.options.format == Format::MpegTs {
            let turned = self.plan.tracks.iter().map(|track| &track.track.info);
            for info in turned.filter(|info| info.video.as_ref().is_some_and(|v| v.rotation != 0)) {
                report.notes.push(Note {
                    input: info.input,
                    track: Some(info.id),
                    message: "MPEG-TS cannot say that pictures are to be turned; transcode the film, or use CMAF".to_owned(),
                });
            }
        }
        if self.options.i_frame_playlists {
            for track in self
                .plan
                .tracks
                .iter()
                .filter(|track| track.track.info.kind == TrackKind::Video)
            {
                let (text, bandwidth) = hls::i_frame_playlist(&self.plan, track)?;
                let path = files::i_frame_path(track);
                report.playlists.push(path.clone());
                push(path, text, OutputKind::MediaPlaylist)?;
                i_frames.push(bandwidth);
            }
        }
        if self.options.dash {
            push(
                files::DASH_PATH.to_owned(),
                dash::manifest(&self.plan, &self.texts, &self.captions),
                OutputKind::DashManifest,
            )?;
            report.dash = Some(files::DASH_PATH.to_owned());
        }
        let chapters = &self.presentation.chapters;
        let has_chapters = self.options.chapters && !chapters.is_empty();
        if has_chapters {
            push(
                files::CHAPTERS_PATH.to_owned(),
                chapters::document(chapters),
                OutputKind::SessionData,
            )?;
        }
        let (text, variants) = hls::multivariant_playlist(
            &self.plan,
            &hls::Beside {
                subtitles: &self.texts,
                captions: &self.captions,
                chapters: has_chapters,
            },
            &i_frames,
        );
        report.variants = variants;
        push(
            files::MULTIVARIANT_PATH.to_owned(),
            text,
            OutputKind::MultivariantPlaylist,
        )?;
        Ok((outputs, report))
    }

    /// Paths of all files of the presentation, in publish order.
    ///
    /// # Errors
    /// When the index turns out to be broken.
    pub fn paths(&self) -> Result<Vec<String>, Error> {
        let mut paths = Vec::new();
        for track in &self.plan.tracks {
            paths.extend(headers(track).into_iter().map(|header| header.path));
            if track.layout == Layout::Segments {
                let names =
                    (0..track.segments.len()).map(|number| Address::segment_path(track, number));
                paths.extend(names);
            }
        }
        paths.extend(self.text_files().map(|output| output.path));
        let (manifests, _) = self.manifests()?;
        paths.extend(manifests.into_iter().map(|output| output.path));
        Ok(paths)
    }
}

/// Notes on tracks that have room for closed captions, of which none were found in use.
fn silent_captions(number: usize, source: &sidecar::Source) -> Vec<Note> {
    let found = source.found.captions.iter();
    found
        .filter(|(_, channels)| channels.is_none())
        .map(|(track, _)| Note {
            input: number,
            track: Some(*track),
            message: "there is room for closed captions, but nothing was said on them where they were listened to; declare them if there are any"
                .to_owned(),
        })
        .collect()
}

/// What stands before the segments of a track: the initialization segment, twice where players must take note of the end of a clear
/// lead, and in a single file the segment index. Transport streams have nothing there.
pub(crate) fn headers(track: &PlannedTrack) -> Vec<Output> {
    if track.stream.is_some() {
        return Vec::new();
    }
    let init = init_segment(&track.track, track.protection.as_deref());
    let whole = |name: &str| {
        Output::whole(
            format!("{}/{name}", track.name),
            files::mp4_type(track.track.info.kind),
            OutputKind::Init,
            init.clone(),
        )
    };
    let first = match track.layout {
        Layout::Segments => whole(files::INIT_NAME),
        Layout::SingleFile => {
            let mut file = whole(files::SINGLE_NAME);
            file.kind = OutputKind::MediaSegment;
            file.complete = track.segments.is_empty();
            let filler = protect::free_box(track.header_filler());
            file.body.extend((!filler.is_empty()).then_some(filler));
            file.body.push(segment_index(track));
            file
        }
    };
    let again = Address::encrypted_init(track).map(|address| whole(&address.name));
    std::iter::once(first).chain(again).collect()
}
