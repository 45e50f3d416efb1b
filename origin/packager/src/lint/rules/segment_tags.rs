//! Media segment tags (RFC 8216bis 4.4.4).

use crate::lint::finding::Findings;
use crate::lint::playlist::{ByteRangeValue, Line, decimal_integer};
use crate::lint::presentation::{Document, Presentation};
use crate::lint::rule::rules;

rules! {
    INFO_REQUIRED: Must Packaging "rfc-4.4.4.1-required"
        "Every media segment has EXTINF."
        "Clients do not know how long the segment plays."
        "Add EXTINF with the duration before the URI.";
    INFO_FORM: Must Packaging "rfc-4.4.4.1-form"
        "EXTINF is a duration in seconds, a comma, and a title that may be missing."
        "A duration that cannot be read makes the timeline wrong from there on."
        "Write #EXTINF:6.006, with a plain decimal number and the comma.";
    INFO_INTEGER: Must Packaging "rfc-4.4.4.1-integer"
        "With EXT-X-VERSION below 3, durations are integers."
        "Clients of that version cannot read fractions."
        "Write EXT-X-VERSION:3 or higher.";
    INFO_ACCURATE: Should Packaging "rfc-4.4.4.1-accurate"
        "Durations are decimal numbers, so accurate that their sum shows no error."
        "Rounded durations add up to seconds of drift when seeking."
        "Write durations with three decimals or more.";
    INFO_UNUSED: Must Packaging "rfc-4.4.4.1-segment"
        "EXTINF is followed by the URI of its segment."
        "A duration without a segment belongs to nothing; the URI is lost."
        "Add the URI line, or remove the EXTINF.";
    RANGE_FORM: Must Packaging "rfc-4.4.4.2-form"
        "EXT-X-BYTERANGE is a length, and after @ the first byte."
        "Clients cannot load the segment."
        "Write #EXT-X-BYTERANGE:length@offset in bytes.";
    RANGE_BEFORE: Must Packaging "rfc-4.4.4.2-offset"
        "EXT-X-BYTERANGE without an offset follows a range of the same resource."
        "Clients must fail to parse the playlist."
        "Write the offset.";
    MAP_RANGE: Must Packaging "rfc-4.4.4.5-byterange"
        "BYTERANGE of EXT-X-MAP is a length, @ and an offset."
        "Clients cannot load the initialization section."
        "Write BYTERANGE=\"length@offset\".";
    MAP_IV: Must Packaging "rfc-4.4.4.5-iv"
        "An initialization section that is encrypted with AES-128 has an IV in its EXT-X-KEY."
        "It has no sequence number to take the IV from."
        "Add IV to the key, or leave the section clear.";
    MAP_NEEDED: Must Packaging "rfc-3.1.2-map" ["apple-8.20"]
        "Every fMP4 segment has EXT-X-MAP applied."
        "Nothing in the segment says how to decode it."
        "Add EXT-X-MAP before the first segment.";
    DATE_FORM: Must Packaging "rfc-4.4.4.6-form"
        "EXT-X-PROGRAM-DATE-TIME is an ISO 8601 date and time."
        "Clients cannot place the segment in time."
        "Write it as 2026-01-31T12:00:00.000Z.";
    DATE_ACCURATE: Should Packaging "rfc-4.4.4.6-accurate"
        "EXT-X-PROGRAM-DATE-TIME says the time zone and milliseconds."
        "Without a zone clients have to guess; without milliseconds renditions do not line up."
        "Add the zone and three decimals of a second.";
    DATE_DRIFT: Should Packaging "rfc-6.2.1-date"
        "Program dates agree with the durations of the segments between them."
        "Clients compute dates from the nearest tag; the same moment gets two dates."
        "Write dates and durations from the same clock, or mark a discontinuity.";
    BIT_RATE: Must Packaging "rfc-4.4.4.8-rate"
        "EXT-X-BITRATE is within 10 % of the bit rate of every segment that it applies to."
        "Clients choose a variant by it and stall when it is too low."
        "Write the bit rate of the segment in kbit/s, rounded.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    for document in presentation.media() {
        check_lines(document, out);
        check_segments(document, out);
        check_maps(document, out);
        check_dates(document, out);
    }
}

fn check_lines(document: &Document, out: &mut Findings) {
    let (url, playlist) = (document.url(), &document.playlist);
    let mut waiting: Option<(usize, String)> = None;
    for line in &playlist.lines {
        match line {
            Line::Uri { .. } => waiting = None,
            Line::Tag(tag) if tag.name == "EXTINF" => {
                if let Some((line, shown)) = waiting.replace((tag.number, tag.shown())) {
                    let message = "another EXTINF follows instead of a URI";
                    out.add(&INFO_UNUSED, url, line, shown, message);
                }
                let duration = tag.text().split_once(',').map(|(duration, _)| duration);
                let sound = duration
                    .and_then(|text| crate::lint::playlist::floating_point(text, false))
                    .is_some();
                if !sound {
                    let message = if duration.is_none() {
                        "there is no comma after the duration"
                    } else {
                        "the duration is no decimal number"
                    };
                    out.add(&INFO_FORM, url, tag.number, tag.shown(), message);
                }
            }
            Line::Tag(tag)
                if tag.name == "EXT-X-BYTERANGE" && ByteRangeValue::parse(tag.text()).is_none() =>
            {
                let message = "the byte range cannot be read";
                out.add(&RANGE_FORM, url, tag.number, tag.shown(), message);
            }
            Line::Tag(_) => {}
        }
    }
    if let Some((line, shown)) = waiting {
        let message = "the playlist ends without its URI";
        out.add(&INFO_UNUSED, url, line, shown, message);
    }
}

fn check_segments(document: &Document, out: &mut Findings) {
    let (url, media) = (document.url(), document.media());
    let version = document
        .playlist
        .tag("EXT-X-VERSION")
        .and_then(|tag| decimal_integer(tag.text()))
        .unwrap_or(1);
    for segment in &media.segments {
        if segment.info_line.is_none() {
            let message = "the segment has no EXTINF";
            out.add(&INFO_REQUIRED, url, segment.line, &segment.uri, message);
        }
        if let Some((line, range)) = segment.range
            && segment.offset.is_none()
        {
            let message = "no range of the same resource comes before it";
            out.add(&RANGE_BEFORE, url, line, range.len.to_string(), message);
        }
    }
    let fractions = media
        .segments
        .iter()
        .find(|segment| segment.duration_text.contains('.'));
    if let Some(segment) = fractions
        && version < 3
        && document.playlist.has("EXT-X-VERSION")
    {
        let message = format!("a fraction with EXT-X-VERSION:{version}");
        out.add(
            &INFO_INTEGER,
            url,
            segment.info_line,
            &segment.duration_text,
            message,
        );
    }
    if fractions.is_none()
        && media.segments.len() > 1
        && let Some(segment) = media.segments.first()
    {
        let message = "all durations are integers";
        out.add(
            &INFO_ACCURATE,
            url,
            segment.info_line,
            &segment.duration_text,
            message,
        );
    }
    for (segment, facts) in media.segments.iter().zip(&document.track.segments) {
        let (Some((line, rate)), Some(bytes)) = (segment.bit_rate, facts.bytes) else {
            continue;
        };
        if segment.seconds() > 0.0 {
            #[expect(clippy::cast_precision_loss, reason = "compared with 10 % to spare")]
            let (real, said) = (bytes as f64 * 8.0 / segment.seconds() / 1000.0, rate as f64);
            // The tag has whole kbit/s.
            if said + 1.0 < real * 0.9 || said - 1.0 > real * 1.1 {
                let message = format!("the segment in line {} has {real:.0} kbit/s", segment.line);
                out.add(&BIT_RATE, url, line, rate.to_string(), message);
            }
        }
    }
}

fn check_maps(document: &Document, out: &mut Findings) {
    let (url, media) = (document.url(), document.media());
    for tag in document.playlist.tags_named("EXT-X-MAP") {
        let Some(text) = tag.attributes.text("BYTERANGE") else {
            continue;
        };
        if ByteRangeValue::parse(text).is_none_or(|range| range.offset.is_none()) {
            let message = "BYTERANGE is not length@offset";
            out.add(&MAP_RANGE, url, tag.number, text, message);
        }
    }
    for map in &media.maps {
        let keys = map.keys.iter().filter_map(|key| media.keys.get(*key));
        for key in keys {
            if key.method == "AES-128" && !key.has_iv {
                let message = "the key that applies to EXT-X-MAP has no IV";
                out.add(&MAP_IV, url, key.line, "METHOD=AES-128", message);
            }
        }
    }
    for (segment, facts) in media.segments.iter().zip(&document.track.segments) {
        let holds_init = facts
            .problems
            .iter()
            .any(|(kind, _)| *kind == crate::lint::media::MediaProblem::HoldsInit);
        if segment.map.is_none() && facts.format == crate::lint::media::Format::Mp4 && !holds_init {
            let message = "no EXT-X-MAP applies to the fMP4 segment";
            out.add(&MAP_NEEDED, url, segment.line, &segment.uri, message);
        }
    }
    if document.track.segments.is_empty() {
        let bare = media.segments.iter().find(|segment| {
            let path = segment.uri.split(['?', '#']).next().unwrap_or_default();
            segment.map.is_none() && (path.ends_with(".m4s") || path.ends_with(".cmfv"))
        });
        if let Some(segment) = bare {
            let message = "no EXT-X-MAP applies to the segment, which is fMP4 by its name";
            out.add(&MAP_NEEDED, url, segment.line, &segment.uri, message);
        }
    }
}

fn check_dates(document: &Document, out: &mut Findings) {
    let (url, media) = (document.url(), document.media());
    for tag in document.playlist.tags_named("EXT-X-PROGRAM-DATE-TIME") {
        match crate::lint::playlist::DateTime::parse(tag.text()) {
            None => {
                let message = "the date cannot be read";
                out.add(&DATE_FORM, url, tag.number, tag.shown(), message);
            }
            Some(date) if !date.zoned || date.fraction_digits < 3 => {
                let message = if date.zoned {
                    "milliseconds are missing"
                } else {
                    "the time zone is missing"
                };
                out.add(&DATE_ACCURATE, url, tag.number, tag.shown(), message);
            }
            Some(_) => {}
        }
    }
    let mut before = None;
    let mut elapsed = 0.0;
    for segment in &media.segments {
        if segment.discontinuity {
            before = None;
        }
        if let Some(date) = segment.date {
            if let Some(earlier) = before {
                let drift = date.seconds_since(earlier) - elapsed;
                if drift.abs() > 0.5 {
                    let message = format!("the date is {drift:+.3} s from what the durations say");
                    out.add(&DATE_DRIFT, url, segment.line, &segment.uri, message);
                }
            }
            before = Some(date);
            elapsed = 0.0;
        }
        elapsed += segment.seconds();
    }
}
