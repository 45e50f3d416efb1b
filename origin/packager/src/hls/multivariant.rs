//! The multivariant playlist (RFC 8216bis 4.4.6).

use std::fmt::Write;

use super::attributes::Attributes;
use super::bandwidth::Bandwidth;
use super::captions::{self, CaptionGroup};
use super::keys::write_session_keys;
use super::media::{INDEPENDENT, VERSION};
use crate::captions::Stated;
use crate::files::{CHAPTERS_PATH, i_frame_path, playlist_path, text_playlist_path};
use crate::plan::{Plan, PlannedTrack};
use crate::presentation::{TrackKind, VideoRange};
use crate::report::Variant;
use crate::text::TextTrack;

/// Group of the subtitle renditions.
const SUBTITLES: &str = "subtitles";
/// WebVTT in `CODECS` (Apple HLS Authoring Specification 5.10).
const WEBVTT: &str = "wvtt";

/// What subtitles for viewers who do not hear are (Apple HLS Authoring Specification 4.5).
const CAPTIONS: &str =
    "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound";

/// Audio renditions of one codec.
struct AudioGroup<'a> {
    id: String,
    codec: &'a str,
    tracks: Vec<&'a PlannedTrack>,
    /// Largest bit rates in the group.
    bandwidth: Bandwidth,
}

/// What a presentation has beside pictures and sound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside<'a> {
    pub(crate) subtitles: &'a [TextTrack],
    pub(crate) captions: &'a Stated,
    /// True when there is a document of chapters.
    pub(crate) chapters: bool,
}

/// What all variants of a presentation share.
#[derive(Clone, Copy)]
struct Shared {
    /// True when every video track is of standard dynamic range, which need not be said.
    all_sdr: bool,
    /// Group of the subtitle renditions.
    subtitles: Option<&'static str>,
    /// What is said about closed captions.
    captions: CaptionGroup,
}

impl Shared {
    /// `CODECS` of a variant with these media: the kind of its subtitles is named after them.
    fn codecs<'a>(self, media: impl Iterator<Item = &'a str>) -> String {
        let text = self.subtitles.map(|_| WEBVTT);
        media.chain(text).collect::<Vec<_>>().join(",")
    }
}

/// The multivariant playlist of a presentation. `i_frames` holds the bit rates of the I-frame playlist of each video track, in the
/// order of the plan; it is empty when there are none.
pub(crate) fn multivariant_playlist(
    plan: &Plan,
    beside: &Beside<'_>,
    i_frames: &[Bandwidth],
) -> (String, Vec<Variant>) {
    let Beside {
        subtitles,
        captions,
        chapters,
    } = *beside;
    let videos: Vec<_> = of_kind(plan, TrackKind::Video).collect();
    let groups = audio_groups(plan);
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:{}\n",
        captions::version(captions).max(VERSION)
    );
    if plan.is_independent() {
        text.push_str(INDEPENDENT);
    }
    if chapters {
        let list = Attributes::default()
            .quoted("DATA-ID", "com.apple.hls.chapters")
            .quoted("URI", CHAPTERS_PATH)
            .finish();
        let _ = writeln!(text, "#EXT-X-SESSION-DATA:{list}");
    }
    write_session_keys(&mut text, plan);
    let grouped = !videos.is_empty() || groups.iter().any(|group| group.tracks.len() > 1);
    if grouped {
        for group in &groups {
            write_group(&mut text, group);
        }
    }
    write_subtitles(&mut text, subtitles);
    captions::write(&mut text, captions);
    let shared = Shared {
        all_sdr: videos.iter().all(|video| range(video) == VideoRange::Sdr),
        subtitles: (!subtitles.is_empty()).then_some(SUBTITLES),
        captions: CaptionGroup::of(captions),
    };
    let mut variants = Vec::new();
    for video in &videos {
        let own = Bandwidth::of_track(video, plan.target_duration);
        let choices: Vec<Option<&AudioGroup<'_>>> = if groups.is_empty() {
            vec![None]
        } else {
            groups.iter().map(Some).collect()
        };
        for group in choices {
            let bandwidth = group.map_or(own, |group| own.plus(group.bandwidth));
            variants.push(write_variant(&mut text, video, group, bandwidth, shared));
        }
    }
    if videos.is_empty() {
        for group in &groups {
            variants.push(write_audio_variant(&mut text, group, grouped, shared));
        }
    }
    for (video, bandwidth) in videos.iter().zip(i_frames) {
        write_i_frames(&mut text, video, *bandwidth, shared);
    }
    (text, variants)
}

fn of_kind(plan: &Plan, kind: TrackKind) -> impl Iterator<Item = &PlannedTrack> {
    plan.tracks
        .iter()
        .filter(move |track| track.track.info.kind == kind)
}

fn range(video: &PlannedTrack) -> VideoRange {
    video
        .track
        .info
        .video
        .as_ref()
        .map_or(VideoRange::Sdr, |video| video.colour.range)
}

/// Audio tracks by codec, since all renditions of a group are named by one CODECS attribute.
fn audio_groups(plan: &Plan) -> Vec<AudioGroup<'_>> {
    let mut groups: Vec<AudioGroup<'_>> = Vec::new();
    for track in of_kind(plan, TrackKind::Audio) {
        let codec = track.track.info.codec.as_str();
        let bandwidth = Bandwidth::of_track(track, plan.target_duration);
        match groups.iter_mut().find(|group| group.codec == codec) {
            Some(group) => {
                group.tracks.push(track);
                group.bandwidth = group.bandwidth.max(bandwidth);
            }
            None => groups.push(AudioGroup {
                id: format!("audio-{}", codec.to_ascii_lowercase()),
                codec,
                tracks: vec![track],
                bandwidth,
            }),
        }
    }
    groups
}

fn write_group(text: &mut String, group: &AudioGroup<'_>) {
    let mut names: Vec<String> = Vec::new();
    let mut languages: Vec<&str> = Vec::new();
    for (index, track) in group.tracks.iter().enumerate() {
        let info = &track.track.info;
        // "und" where the source does not say: the Authoring Specification (8.10) wants the attribute always.
        let language = info.language.as_deref().unwrap_or("und");
        let wanted = info.name.clone().unwrap_or_else(|| {
            if language == "und" {
                "Audio".to_owned()
            } else {
                language.to_owned()
            }
        });
        let name = unique(&wanted, &names);
        let first_of_language = !languages.contains(&language);
        let list = Attributes::default()
            .plain("TYPE", "AUDIO")
            .quoted("GROUP-ID", &group.id)
            .quoted("NAME", &name)
            .quoted("LANGUAGE", language)
            .plain("DEFAULT", yes_or_no(index == 0))
            // Only one rendition of a language may be chosen without the viewer's asking.
            .plain("AUTOSELECT", yes_or_no(first_of_language))
            .maybe_quoted(
                "CHANNELS",
                info.audio.as_ref().map(|audio| audio.channels.as_str()),
            )
            .quoted("URI", &playlist_path(track))
            .finish();
        let _ = writeln!(text, "#EXT-X-MEDIA:{list}");
        names.push(name);
        languages.push(language);
    }
}

fn write_subtitles(text: &mut String, subtitles: &[TextTrack]) {
    let mut names: Vec<String> = Vec::new();
    for track in subtitles {
        let about = &track.about;
        let wanted = if about.name.is_empty() {
            about.language.clone()
        } else {
            about.name.clone()
        };
        let name = unique(&wanted, &names);
        let list = Attributes::default()
            .plain("TYPE", "SUBTITLES")
            .quoted("GROUP-ID", SUBTITLES)
            .quoted("NAME", &name)
            .quoted("LANGUAGE", &about.language)
            .plain("DEFAULT", yes_or_no(about.default))
            // RFC 8216bis 4.4.6.1: what is the default may be chosen without asking; and so must a forced rendition be.
            .plain("AUTOSELECT", "YES")
            .plain("FORCED", yes_or_no(about.forced))
            .maybe_quoted(
                "CHARACTERISTICS",
                about.hearing_impaired.then_some(CAPTIONS),
            )
            .quoted("URI", &text_playlist_path(track))
            .finish();
        let _ = writeln!(text, "#EXT-X-MEDIA:{list}");
        names.push(name);
    }
}

/// `wanted`, with a number where it is taken.
pub(super) fn unique(wanted: &str, taken: &[String]) -> String {
    (1..)
        .map(|number| {
            if number == 1 {
                wanted.to_owned()
            } else {
                format!("{wanted} {number}")
            }
        })
        .find(|name| !taken.contains(name))
        .unwrap_or_default()
}

pub(super) const fn yes_or_no(value: bool) -> &'static str {
    if value { "YES" } else { "NO" }
}

fn write_variant(
    text: &mut String,
    video: &PlannedTrack,
    group: Option<&AudioGroup<'_>>,
    bandwidth: Bandwidth,
    shared: Shared,
) -> Variant {
    let info = &video.track.info;
    let group_codec = group.map(|group| group.codec);
    let codecs = shared.codecs(std::iter::once(info.codec.as_str()).chain(group_codec));
    let mut list = Attributes::default()
        .plain("BANDWIDTH", bandwidth.peak)
        .plain("AVERAGE-BANDWIDTH", bandwidth.average)
        .quoted("CODECS", &codecs)
        .maybe_quoted("SUPPLEMENTAL-CODECS", info.supplemental_codec.as_deref());
    let mut variant = Variant {
        playlist: playlist_path(video),
        bandwidth: bandwidth.peak,
        average_bandwidth: bandwidth.average,
        codecs,
        ..Variant::default()
    };
    if let Some(picture) = &info.video {
        list = list
            .plain(
                "RESOLUTION",
                format_args!("{}x{}", picture.display_width, picture.display_height),
            )
            .plain("FRAME-RATE", format_args!("{:.3}", picture.frame_rate));
        variant.resolution = Some((picture.display_width, picture.display_height));
        variant.frame_rate = Some(picture.frame_rate);
    }
    if !shared.all_sdr {
        list = list.plain("VIDEO-RANGE", range_name(range(video)));
    }
    list = list.maybe_quoted("AUDIO", group.map(|group| group.id.as_str()));
    list = shared
        .captions
        .name(list)
        .maybe_quoted("SUBTITLES", shared.subtitles);
    let _ = writeln!(
        text,
        "#EXT-X-STREAM-INF:{}\n{}",
        list.finish(),
        variant.playlist
    );
    variant
}

fn write_audio_variant(
    text: &mut String,
    group: &AudioGroup<'_>,
    grouped: bool,
    shared: Shared,
) -> Variant {
    let playlist = group
        .tracks
        .first()
        .map(|track| playlist_path(track))
        .unwrap_or_default();
    let codecs = shared.codecs(std::iter::once(group.codec));
    let list = Attributes::default()
        .plain("BANDWIDTH", group.bandwidth.peak)
        .plain("AVERAGE-BANDWIDTH", group.bandwidth.average)
        .quoted("CODECS", &codecs)
        .maybe_quoted("AUDIO", grouped.then_some(group.id.as_str()))
        .maybe_quoted("SUBTITLES", shared.subtitles);
    let _ = writeln!(text, "#EXT-X-STREAM-INF:{}\n{playlist}", list.finish());
    Variant {
        playlist,
        bandwidth: group.bandwidth.peak,
        average_bandwidth: group.bandwidth.average,
        codecs,
        ..Variant::default()
    }
}

fn write_i_frames(text: &mut String, video: &PlannedTrack, bandwidth: Bandwidth, shared: Shared) {
    let info = &video.track.info;
    let mut list = Attributes::default()
        .plain("BANDWIDTH", bandwidth.peak)
        .plain("AVERAGE-BANDWIDTH", bandwidth.average)
        .quoted("CODECS", &info.codec)
        .maybe_quoted("SUPPLEMENTAL-CODECS", info.supplemental_codec.as_deref());
    if let Some(picture) = &info.video {
        list = list.plain(
            "RESOLUTION",
            format_args!("{}x{}", picture.display_width, picture.display_height),
        );
    }
    if !shared.all_sdr {
        list = list.plain("VIDEO-RANGE", range_name(range(video)));
    }
    let _ = writeln!(
        text,
        "#EXT-X-I-FRAME-STREAM-INF:{}",
        list.quoted("URI", &i_frame_path(video)).finish()
    );
}

const fn range_name(range: VideoRange) -> &'static str {
    match range {
        VideoRange::Sdr => "SDR",
        VideoRange::Hlg => "HLG",
        VideoRange::Pq => "PQ",
    }
}
