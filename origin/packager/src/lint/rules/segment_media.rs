//! Media segments by themselves (RFC 8216bis section 3).

use crate::lint::finding::Findings;
use crate::lint::media::{Format, Init, MediaProblem};
use crate::lint::presentation::{Document, Presentation, Role};
use crate::lint::rule::{Rule, rules};

rules! {
    FORMAT: Must Packaging "rfc-3.1-format"
        "A media segment is fragmented MPEG-4, an MPEG-2 transport stream, packed audio, WebVTT or IMSC."
        "Clients cannot play anything else."
        "Check that the address leads to the segment, and package it in one of these formats.";
    TRANSPORT: Must Packaging "rfc-3.1.1-packets"
        "A transport stream is packets of 188 bytes that start with 0x47."
        "A decoder loses synchronisation where a packet is broken."
        "Cut segments at packet boundaries.";
    PROGRAMS: Must Packaging "rfc-3.1.1-program"
        "A transport stream segment has one program."
        "What clients do with several is not defined."
        "Remux the stream with one program.";
    TABLES: Must Packaging "rfc-3.1.1-tables"
        "A transport stream segment holds a PAT and a PMT, or has EXT-X-MAP."
        "Clients cannot tell what its packets are."
        "Repeat PAT and PMT in every segment.";
    TABLES_FIRST: Should Packaging "rfc-3.1.1-tables-first"
        "The first two packets of a transport stream segment are a PAT and a PMT."
        "Clients have to skip what comes before."
        "Write PAT and PMT first.";
    INIT_READABLE: Must Packaging "rfc-3.1.2-init"
        "The initialization section of fMP4 segments holds a movie box after a file type box."
        "No segment can be decoded without it."
        "Write ftyp and moov, and let EXT-X-MAP lead to them.";
    BRAND: Must Packaging "rfc-3.1.2-brand"
        "The file type box names iso6 or a later brand as compatible."
        "Older brands do not allow what HLS needs of movie fragments."
        "Add iso6 to the compatible brands.";
    EXTENDS: Must Packaging "rfc-3.1.2-mvex"
        "A movie extends box follows the last track box."
        "Without it there are no fragments to expect."
        "Write mvex after the trak boxes.";
    DURATION_ZERO: Must Packaging "rfc-3.1.2-duration"
        "The movie header of an initialization section has duration 0."
        "The section holds no media, so that it lasts no time."
        "Write 0 into mvhd.";
    NO_SAMPLES: Must Packaging "rfc-3.1.2-samples"
        "The sample tables of an initialization section are empty."
        "Samples are in the segments."
        "Write sample tables without entries.";
    EXTERNAL_DATA: Must Packaging "rfc-3.1.2-external"
        "fMP4 segments do not refer to data in other files."
        "Clients do not load them."
        "Write a data reference that points into the file itself.";
    TRACKS_MATCH: Must Packaging "rfc-3.1.2-tracks"
        "The initialization section has a track for every track fragment."
        "Clients cannot decode a fragment of an unknown track."
        "Let EXT-X-MAP lead to the section that was made with the segments.";
    MALFORMED: Must Packaging "rfc-3.1.2-boxes"
        "The boxes of an fMP4 segment can be read."
        "Playback stops at the segment."
        "Package again; the file may have been damaged.";
    FRAGMENT: Must Packaging "rfc-3.1.2-fragment"
        "An fMP4 segment holds a movie fragment."
        "There is nothing to decode."
        "Check that the range or file is the segment.";
    TRUNCATED: Must Packaging "rfc-3.1.2-whole"
        "A segment is whole: only in I-frame playlists may it end after its first sample."
        "Samples are missing, and playback stops at the segment."
        "Correct the byte range, or write the file again.";
    DECODE_TIME: Must Packaging "rfc-3.1.2-tfdt"
        "Every track fragment has a tfdt box."
        "Clients cannot place it in time after a seek."
        "Write tfdt into every traf.";
    ADDRESSING: Must Packaging "rfc-3.1.2-addressing"
        "Movie fragments address their data relative to themselves."
        "Absolute offsets are wrong once the segment is a file of its own."
        "Write tfhd with default-base-is-moof and without base-data-offset.";
    I_FRAME_START: Must Packaging "apple-6.10"
        "An I-frame segment of fMP4 includes the moof box of its I-frame."
        "The media data cannot be decoded without it."
        "Start the byte range at the moof box.";
    RANGE_WITHOUT_INIT: Must Packaging "rfc-4.4.3.6-range"
        "The byte range of an I-frame does not include its initialization section."
        "Clients load it by EXT-X-MAP; a second one in the range resets the decoder."
        "Start the range after the initialization section.";
    TIMESTAMP: Must Packaging "rfc-3.1.3-timestamp"
        "A packed audio segment starts with an ID3 tag that holds the timestamp of its first sample."
        "Clients cannot line it up with the video."
        "Write a PRIV frame of com.apple.streaming.transportStreamTimestamp.";
    CUES: Must Packaging "rfc-3.1.4-cues"
        "The cue timings of a WebVTT segment can be read and end after they start."
        "The cue is not shown."
        "Correct the cue.";
    TIMESTAMP_MAP: Must Packaging "apple-5.3" ["rfc-3.1.4-timestamp-map"]
        "WebVTT segments have an X-TIMESTAMP-MAP header."
        "Without it clients assume that the media start at timestamp 0, and show subtitles at the wrong time where they do not."
        "Write X-TIMESTAMP-MAP=MPEGTS:…,LOCAL:00:00:00.000 after the line WEBVTT.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    for document in presentation.media() {
        check_inits(document, out);
        check_segments(document, presentation.role(document), out);
    }
}

fn check_inits(document: &Document, out: &mut Findings) {
    let url = document.url();
    let maps = document.media().maps.iter().zip(&document.track.inits);
    for (map, init) in maps {
        // What cannot be read is reported as such, and a transport stream may have a map too.
        let Some(init) = init else {
            continue;
        };
        let transport = document
            .track
            .segments
            .iter()
            .any(|facts| facts.format == Format::Transport);
        if transport {
            continue;
        }
        let mut add = |rule, message: &str| out.add(rule, url, map.line, &map.uri, message);
        if let Some(reason) = &init.broken {
            add(&INIT_READABLE, reason);
        }
        check_init(init, &mut add);
    }
}

fn check_init(init: &Init, add: &mut impl FnMut(&'static Rule, &str)) {
    match (&init.brands, &init.movie) {
        (None, _) => add(&INIT_READABLE, "there is no `ftyp` box"),
        (_, None) if init.broken.is_none() => add(&INIT_READABLE, "there is no `moov` box"),
        (Some(brands), _) => {
            let late = |brand: &String| {
                // iso6 to iso9, isoa to isoc, and CMAF and DASH brands, which build on them.
                let number = brand
                    .strip_prefix("iso")
                    .and_then(|rest| rest.chars().next());
                number.is_some_and(|digit| {
                    ('6'..='9').contains(&digit) || ('a'..='c').contains(&digit)
                }) || brand.starts_with("cmf")
                    || matches!(brand.as_str(), "msdh" | "msix")
            };
            if !brands.iter().any(late) {
                let message = format!("its compatible brands are {}", brands.join(", "));
                add(&BRAND, &message);
            }
        }
    }
    if init.has_duration {
        add(&DURATION_ZERO, "`mvhd` has a duration");
    }
    if init.has_samples {
        add(&NO_SAMPLES, "a sample table has entries");
    }
    if init.movie.is_none() {
        return;
    }
    if !init.extends_last {
        add(&EXTENDS, "there is no `mvex` box after the last `trak`");
    }
    if let Some(track) = init.tracks.iter().find(|track| track.external_data) {
        let message = format!("track {} has its data in another file", track.id);
        add(&EXTERNAL_DATA, &message);
    }
}

fn check_segments(document: &Document, role: Role, out: &mut Findings) {
    let url = document.url();
    let segments = document
        .media()
        .segments
        .iter()
        .zip(&document.track.segments);
    for (index, (segment, facts)) in segments.enumerate() {
        let mut add = |rule, message: &str| out.add(rule, url, segment.line, &segment.uri, message);
        for (kind, message) in &facts.problems {
            match kind {
                MediaProblem::Malformed => add(&MALFORMED, message),
                MediaProblem::Truncated => add(&TRUNCATED, message),
                MediaProblem::NoFragment => add(&FRAGMENT, message),
                MediaProblem::NoDecodeTime => add(&DECODE_TIME, message),
                MediaProblem::AbsoluteOffsets => add(&ADDRESSING, message),
                MediaProblem::NotAtFragment => add(&I_FRAME_START, message),
                MediaProblem::HoldsInit if role == Role::IFrames && segment.range.is_some() => {
                    add(&RANGE_WITHOUT_INIT, message);
                }
                MediaProblem::HoldsInit => {}
                MediaProblem::NoTimestamp => add(&TIMESTAMP, message),
                MediaProblem::NoSampleEncryption => add(&super::protection::SAMPLE_DATA, message),
            }
        }
        match facts.format {
            Format::Unknown => add(&FORMAT, "the segment is of no known format"),
            Format::Mp4 => {
                if let Some(init) = document.init_of(index) {
                    let unknown = facts
                        .spans
                        .iter()
                        .find(|span| init.track(span.track).is_none());
                    let none = facts.fragments > 0
                        && facts.spans.is_empty()
                        && facts.problems.is_empty()
                        && init.movie.is_some();
                    if unknown.is_some() || none {
                        add(
                            &TRACKS_MATCH,
                            "no track of the initialization section is in the segment",
                        );
                    }
                }
            }
            _ => {}
        }
        if let Some(stream) = &facts.transport {
            if let Some(at) = stream.lost_at {
                add(&TRANSPORT, &format!("no packet starts at byte {at}"));
            }
            if stream.programs > 1 {
                add(
                    &PROGRAMS,
                    &format!("the stream has {} programs", stream.programs),
                );
            }
            // The range of an I-frame holds no initialization section: it is at the start of the resource (RFC 8216bis 4.4.3.6).
            let elsewhere = segment.map.is_some()
                || (document.media().i_frames_only && segment.range.is_some());
            if (stream.programs == 0 || !stream.has_map) && !elsewhere {
                add(&TABLES, "there is no PAT or no PMT");
            } else if !stream.tables_first && !elsewhere {
                add(&TABLES_FIRST, "other packets come before PAT and PMT");
            }
        }
        if let Some(text) = &facts.text {
            if let Some((line, cue)) = &text.bad_cue {
                add(&CUES, &format!("line {line} of the segment: `{cue}`"));
            }
            match &text.bad_map {
                Some(reason) => add(&TIMESTAMP_MAP, reason),
                None if !text.mapped => add(&TIMESTAMP_MAP, "there is no X-TIMESTAMP-MAP"),
                None => {}
            }
        }
    }
}
