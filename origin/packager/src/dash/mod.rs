//! MPEG-DASH (ISO/IEC 23009-1) over the same CMAF segments.

mod captions;
mod protection;

use std::fmt::Write;

use crate::captions::Stated;
use crate::files::{Address, TEXT_TYPE, mp4_type, text_whole_path};
use crate::hls::Bandwidth;
use crate::plan::{Plan, PlannedTrack};
use crate::presentation::TrackKind;
use crate::text::TextTrack;
use crate::{Layout, Subtitle, cmaf};

/// The media presentation description of a static presentation.
pub(crate) fn manifest(plan: &Plan, subtitles: &[TextTrack], captions: &Stated) -> String {
    let single = plan
        .tracks
        .iter()
        .any(|track| track.layout == Layout::SingleFile);
    let profile = if single {
        "urn:mpeg:dash:profile:isoff-on-demand:2011"
    } else {
        "urn:mpeg:dash:profile:isoff-live:2011"
    };
    let is_encrypted = plan.tracks.iter().any(|track| track.protection.is_some());
    let encryption = if is_encrypted {
        " xmlns:cenc=\"urn:mpeg:cenc:2013\""
    } else {
        ""
    };
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        text,
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"{encryption} profiles=\"{profile}\" type=\"static\" \
         mediaPresentationDuration=\"{}\" minBufferTime=\"{}\">\n  <Period id=\"0\" start=\"PT0S\">",
        duration(plan.end()),
        duration(
            i64::try_from(plan.target_duration)
                .unwrap_or(10)
                .saturating_mul(1_000_000)
        ),
    );
    let sets = adaptation_sets(plan);
    for (number, group) in sets.iter().enumerate() {
        write_set(&mut text, number, group, captions, plan.target_duration);
    }
    for (number, track) in subtitles.iter().enumerate() {
        write_subtitles(&mut text, sets.len() + number, track);
    }
    text.push_str("  </Period>\n</MPD>\n");
    text
}

/// Tracks that a player may switch between: the same kind and language, and the same codec family.
fn adaptation_sets(plan: &Plan) -> Vec<Vec<&PlannedTrack>> {
    let mut sets: Vec<Vec<&PlannedTrack>> = Vec::new();
    for track in &plan.tracks {
        let key = |track: &PlannedTrack| {
            let info = &track.track.info;
            let family = info.codec.split('.').next().unwrap_or_default().to_owned();
            let channels = info.audio.as_ref().map(|audio| audio.channels.clone());
            // Sound tracks of one file are different sounds, whatever they share.
            let own = (info.kind == TrackKind::Audio).then_some((info.input, info.id));
            (info.kind, info.language.clone(), family, channels, own)
        };
        match sets
            .iter_mut()
            .find(|set| set.first().is_some_and(|first| key(first) == key(track)))
        {
            Some(set) => set.push(track),
            None => sets.push(vec![track]),
        }
    }
    sets
}

fn write_set(
    text: &mut String,
    number: usize,
    set: &[&PlannedTrack],
    captions: &Stated,
    target: u64,
) {
    let Some(first) = set.first() else { return };
    let info = &first.track.info;
    let language = info
        .language
        .as_deref()
        .map(|tag| format!(" lang=\"{}\"", escape(tag)))
        .unwrap_or_default();
    let _ = writeln!(
        text,
        "    <AdaptationSet id=\"{number}\" contentType=\"{}\" mimeType=\"{}\"{language} segmentAlignment=\"true\" startWithSAP=\"{}\">",
        info.kind.as_str(),
        mp4_type(info.kind),
        // Access points of type 3 lead open groups of pictures (ISO/IEC 14496-12, annex I).
        if set.iter().all(|track| track.is_independent()) {
            1
        } else {
            3
        },
    );
    if let Some(found) = &first.protection {
        protection::write(text, found);
    }
    if let Some(name) = &info.name {
        let _ = writeln!(text, "      <Label>{}</Label>", escape(name));
    }
    if info.kind == TrackKind::Video {
        captions::write(text, captions);
    }
    for track in set {
        write_representation(text, track, target);
    }
    text.push_str("    </AdaptationSet>\n");
}

/// Subtitles are one WebVTT file: DASH players do not read segmented WebVTT that is not in MP4.
fn write_subtitles(text: &mut String, number: usize, track: &TextTrack) {
    let about = &track.about;
    let role = match about {
        Subtitle { forced: true, .. } => "forced-subtitle",
        Subtitle {
            hearing_impaired: true,
            ..
        } => "caption",
        _ => "subtitle",
    };
    let name = if about.name.is_empty() {
        &about.language
    } else {
        &about.name
    };
    let _ = writeln!(
        text,
        "    <AdaptationSet id=\"{number}\" contentType=\"text\" mimeType=\"{TEXT_TYPE}\" lang=\"{}\">\n      \
         <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"{role}\"/>\n      <Label>{}</Label>\n      \
         <Representation id=\"{}\" bandwidth=\"1000\">\n        <BaseURL>{}</BaseURL>\n      </Representation>\n    </AdaptationSet>",
        escape(&about.language),
        escape(name),
        track.name,
        text_whole_path(track),
    );
}

fn write_representation(text: &mut String, track: &PlannedTrack, target: u64) {
    let info = &track.track.info;
    let _ = write!(
        text,
        "      <Representation id=\"{}\" bandwidth=\"{}\" codecs=\"{}\"",
        track.name,
        Bandwidth::of_track(track, target).peak,
        escape(&info.codec)
    );
    if let Some(video) = &info.video {
        let _ = write!(
            text,
            " width=\"{}\" height=\"{}\" frameRate=\"{}\"",
            video.display_width,
            video.display_height,
            frame_rate(video.frame_rate)
        );
    }
    if let Some(audio) = &info.audio {
        let _ = writeln!(
            text,
            " audioSamplingRate=\"{}\">\n        <AudioChannelConfiguration \
             schemeIdUri=\"urn:mpeg:dash:23003:3:audio_channel_configuration:2011\" value=\"{}\"/>",
            audio.sample_rate, audio.channel_count
        );
    } else {
        text.push_str(">\n");
    }
    match track.layout {
        Layout::SingleFile => write_base(text, track),
        Layout::Segments => write_timeline(text, track),
    }
    text.push_str("      </Representation>\n");
}

fn write_base(text: &mut String, track: &PlannedTrack) {
    let index_end = track.init_len + cmaf::segment_index_len(track.segments.len()) as u64 - 1;
    let _ = writeln!(
        text,
        "        <BaseURL>{}/{}</BaseURL>\n        <SegmentBase timescale=\"{}\" indexRange=\"{}-{index_end}\" indexRangeExact=\"true\">\n          \
         <Initialization range=\"0-{}\"/>\n        </SegmentBase>",
        track.name,
        Address::init(track).name,
        track.track.timeline.timescale,
        track.init_len,
        track.init_len - 1,
    );
}

fn write_timeline(text: &mut String, track: &PlannedTrack) {
    let timeline = &track.track.timeline;
    let _ = writeln!(
        text,
        "        <SegmentTemplate timescale=\"{}\" initialization=\"{}/{}\" media=\"{}/$Number%05d$.m4s\" startNumber=\"1\">\n          \
         <SegmentTimeline>",
        timeline.timescale,
        track.name,
        Address::init(track).name,
        track.name,
    );
    let mut segments = track.segments.iter().peekable();
    let mut next = None;
    while let Some(segment) = segments.next() {
        let length = segment.end - segment.start;
        let mut repeat = 0;
        while segments
            .next_if(|following| following.end - following.start == length)
            .is_some()
        {
            repeat += 1;
        }
        let start = if next == Some(segment.start) {
            String::new()
        } else {
            format!(" t=\"{}\"", segment.start)
        };
        let again = if repeat > 0 {
            format!(" r=\"{repeat}\"")
        } else {
            String::new()
        };
        let _ = writeln!(text, "            <S{start} d=\"{length}\"{again}/>");
        next = Some(segment.start + length * (repeat + 1));
    }
    text.push_str("          </SegmentTimeline>\n        </SegmentTemplate>\n");
}

/// `frameRate`: a whole number, or a fraction over 1001 or 1000.
fn frame_rate(rate: f64) -> String {
    for denominator in [1.0, 1001.0] {
        let numerator = rate * denominator;
        if (numerator - numerator.round()).abs() < 0.01 * denominator.sqrt() && numerator >= 1.0 {
            return if denominator > 1.0 {
                format!("{:.0}/1001", numerator.round())
            } else {
                format!("{:.0}", numerator.round())
            };
        }
    }
    format!("{:.0}/1000", (rate * 1000.0).round())
}

/// A duration of `xs:duration`.
fn duration(micros: i64) -> String {
    format!("PT{}S", crate::hls::decimal(micros.max(0)))
}

pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_rates_are_exact_fractions() {
        assert_eq!(frame_rate(25.0), "25");
        assert_eq!(frame_rate(30000.0 / 1001.0), "30000/1001");
        assert_eq!(frame_rate(12.5), "12500/1000");
    }

    #[test]
    fn text_cannot_break_out_of_the_document() {
        assert_eq!(escape("a<b & \"c\"\n"), "a&lt;b &amp; &quot;c&quot; ");
    }
}
