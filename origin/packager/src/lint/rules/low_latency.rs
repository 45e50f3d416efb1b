//! Low-latency HLS (RFC 8216bis 4.4.3.7, 4.4.3.8, 4.4.4.9 and 4.4.5; Authoring Specification, chapter 14).

use crate::lint::finding::Findings;
use crate::lint::playlist::{Line, Playlist};
use crate::lint::presentation::{Document, Presentation};
use crate::lint::rule::rules;

rules! {
    PART_INF: Must Packaging "rfc-4.4.3.7-part-inf"
        "A playlist with EXT-X-PART has EXT-X-PART-INF."
        "Clients need the part target duration to plan their requests."
        "Add EXT-X-PART-INF with PART-TARGET.";
    SKIP_BOUNDARY: Must Packaging "rfc-4.4.3.8-skip-until"
        "CAN-SKIP-UNTIL is at least six target durations."
        "A nearer boundary leaves clients without segments that they may still need."
        "Raise CAN-SKIP-UNTIL to six target durations or more.";
    SKIP_DATE_RANGES: Must Packaging "rfc-4.4.3.8-skip-dateranges"
        "CAN-SKIP-DATERANGES comes with CAN-SKIP-UNTIL."
        "Without a boundary there are no delta updates."
        "Add CAN-SKIP-UNTIL, or remove CAN-SKIP-DATERANGES.";
    HOLD_BACK: Must Packaging "rfc-4.4.3.8-hold-back"
        "HOLD-BACK is at least three target durations."
        "Clients that play nearer to the end stall."
        "Raise HOLD-BACK to three target durations or more.";
    PART_HOLD_BACK_REQUIRED: Must Packaging "rfc-4.4.3.8-part-hold-back-required"
        "A playlist with EXT-X-PART-INF has PART-HOLD-BACK in EXT-X-SERVER-CONTROL."
        "Clients cannot choose where to play in low-latency mode."
        "Add PART-HOLD-BACK: three part target durations or more.";
    PART_HOLD_BACK: Must Packaging "rfc-4.4.3.8-part-hold-back"
        "PART-HOLD-BACK is at least two part target durations."
        "Clients that play nearer to the end stall."
        "Raise PART-HOLD-BACK to three part target durations.";
    PART_HOLD_BACK_APPLE: Must Packaging "apple-14.3"
        "PART-HOLD-BACK is at least three part target durations."
        "RFC 8216bis 4.4.3.8 recommends what Apple's players require."
        "Raise PART-HOLD-BACK to three part target durations.";
    DELTA_UPDATES: Should Packaging "apple-14.4"
        "Low-latency playlists that are longer than two minutes offer delta updates."
        "Every reload transfers the whole window otherwise, several times a second."
        "Add CAN-SKIP-UNTIL and answer _HLS_skip.";
    DELTA_DATE_RANGES: Should Packaging "apple-14.5"
        "Delta updates of playlists with EXT-X-DATERANGE may skip those too."
        "Old date ranges are transferred with every update otherwise."
        "Add CAN-SKIP-DATERANGES=YES.";
    PART_ORDER: Must Packaging "rfc-4.4.4.9-order"
        "Tags that apply to a segment come before its first EXT-X-PART."
        "They apply to the part too, and clients have loaded it by then."
        "Write EXT-X-DISCONTINUITY, EXT-X-KEY, EXT-X-MAP and EXT-X-PROGRAM-DATE-TIME before the parts.";
    PART_LONG: Must Packaging "rfc-4.4.4.9-longest"
        "A part is not longer than the part target duration."
        "Clients wait for it longer than they planned, and stall."
        "Cut shorter parts, or raise PART-TARGET.";
    PART_SHORT: Must Packaging "rfc-4.4.4.9-shortest"
        "A part has at least 85 % of the part target duration, unless it is independent, a gap, before a gap, or the last of its segment."
        "Short parts make more requests than clients planned."
        "Cut parts of even length, or lower PART-TARGET.";
    SKIP_SUPPORT: Must Packaging "rfc-4.4.5.2-support"
        "EXT-X-SKIP comes only from a server that says CAN-SKIP-UNTIL."
        "A client that asked for a whole playlist cannot use a delta update."
        "Add CAN-SKIP-UNTIL, or serve the whole playlist.";
    HINT_AFTER_END: Must Packaging "rfc-4.4.5.3-ended"
        "A playlist with EXT-X-ENDLIST has no EXT-X-PRELOAD-HINT."
        "Clients wait for what never comes."
        "Remove the hint.";
    REPORT_URI: Must Packaging "rfc-4.4.5.4-relative"
        "The URI of EXT-X-RENDITION-REPORT is relative to the playlist's."
        "Reports serve several hosts; an absolute address ties them to one."
        "Write a relative URI.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    for document in presentation.media() {
        check_control(document, out);
        check_parts(document, out);
        check_hints(&document.playlist, out);
    }
}

fn check_control(document: &Document, out: &mut Findings) {
    let (url, playlist, media) = (document.url(), &document.playlist, document.media());
    #[expect(clippy::cast_precision_loss, reason = "a target duration is small")]
    let target = media.target_duration.map(|target| target as f64);
    let part_inf = playlist.tag("EXT-X-PART-INF");
    let part_target = part_inf.and_then(|tag| tag.attributes.float("PART-TARGET"));
    let control = playlist.tag("EXT-X-SERVER-CONTROL");
    let part_hold_back = control.and_then(|tag| tag.attributes.float("PART-HOLD-BACK"));
    if let (Some(tag), None) = (part_inf, part_hold_back) {
        let message = "there is no PART-HOLD-BACK";
        out.add(
            &PART_HOLD_BACK_REQUIRED,
            url,
            tag.number,
            tag.shown(),
            message,
        );
    }
    let skips = control.is_some_and(|tag| tag.attributes.has("CAN-SKIP-UNTIL"));
    if part_inf.is_some() && !media.ended {
        if !skips && media.duration() > 120.0 {
            let message = format!("{:.0} s and no CAN-SKIP-UNTIL", media.duration());
            out.add(
                &DELTA_UPDATES,
                url,
                control.map(|tag| tag.number),
                "",
                message,
            );
        }
        if let Some(tag) = control
            && skips
            && playlist.has("EXT-X-DATERANGE")
            && !tag.attributes.yes("CAN-SKIP-DATERANGES")
        {
            let message = "date ranges are not skipped";
            out.add(&DELTA_DATE_RANGES, url, tag.number, tag.shown(), message);
        }
    }
    let Some(tag) = control else {
        return;
    };
    let least = [
        ("CAN-SKIP-UNTIL", target, 6.0, &SKIP_BOUNDARY),
        ("HOLD-BACK", target, 3.0, &HOLD_BACK),
    ];
    for (name, unit, times, rule) in least {
        if let (Some(value), Some(unit)) = (tag.attributes.float(name), unit)
            && value + 1e-6 < unit * times
        {
            let message = format!("{name} is {value}, less than {times} times {unit}");
            out.add(rule, url, tag.number, tag.shown(), message);
        }
    }
    if let (Some(value), Some(unit)) = (part_hold_back, part_target) {
        let message = format!("PART-HOLD-BACK is {value} and PART-TARGET {unit}");
        if value + 1e-6 < unit * 2.0 {
            out.add(&PART_HOLD_BACK, url, tag.number, tag.shown(), message);
        } else if value + 1e-6 < unit * 3.0 {
            out.add(&PART_HOLD_BACK_APPLE, url, tag.number, tag.shown(), message);
        }
    }
    if tag.attributes.has("CAN-SKIP-DATERANGES") && !tag.attributes.has("CAN-SKIP-UNTIL") {
        let message = "CAN-SKIP-DATERANGES stands without CAN-SKIP-UNTIL";
        out.add(&SKIP_DATE_RANGES, url, tag.number, tag.shown(), message);
    }
}

fn check_parts(document: &Document, out: &mut Findings) {
    let (url, playlist, media) = (document.url(), &document.playlist, document.media());
    if let Some(part) = media.parts.first()
        && !playlist.has("EXT-X-PART-INF")
    {
        let message = "there are parts but no EXT-X-PART-INF";
        out.add(&PART_INF, url, part.line, "", message);
    }
    let target = playlist
        .tag("EXT-X-PART-INF")
        .and_then(|tag| tag.attributes.float("PART-TARGET"));
    if let Some(target) = target {
        for (index, part) in media.parts.iter().enumerate() {
            let Some(duration) = part.duration else {
                continue;
            };
            let before_gap = media.parts.get(index + 1).is_some_and(|next| next.gap);
            // The last part of a live playlist may be the last of its segment, which is not known yet.
            let free = part.independent
                || part.gap
                || before_gap
                || part.last
                || index + 1 == media.parts.len();
            let value = duration.to_string();
            if duration > target + 1e-6 {
                let message = format!("{duration} s is more than PART-TARGET {target}");
                out.add(&PART_LONG, url, part.line, value, message);
            } else if duration + 1e-6 < target * 0.85 && !free {
                let message = format!("{duration} s is less than 85 % of PART-TARGET {target}");
                out.add(&PART_SHORT, url, part.line, value, message);
            }
        }
    }
    let mut parts = false;
    for line in &playlist.lines {
        match line {
            Line::Uri { .. } => parts = false,
            Line::Tag(tag) => match tag.name.as_str() {
                "EXT-X-PART" => parts = true,
                // EXTINF ends the parts of a segment; what follows belongs to the next one.
                "EXTINF" => parts = false,
                "EXT-X-DISCONTINUITY" | "EXT-X-KEY" | "EXT-X-MAP" | "EXT-X-PROGRAM-DATE-TIME"
                    if parts =>
                {
                    let message = format!("{} comes after a part of its segment", tag.name);
                    out.add(&PART_ORDER, url, tag.number, tag.shown(), message);
                }
                _ => {}
            },
        }
    }
}

fn check_hints(playlist: &Playlist, out: &mut Findings) {
    let url = playlist.url.as_str();
    if let Some(tag) = playlist.tag("EXT-X-SKIP") {
        let supported = playlist
            .tag("EXT-X-SERVER-CONTROL")
            .is_some_and(|control| control.attributes.has("CAN-SKIP-UNTIL"));
        if !supported {
            let message = "there is no CAN-SKIP-UNTIL";
            out.add(&SKIP_SUPPORT, url, tag.number, tag.shown(), message);
        }
    }
    if playlist.media.ended {
        for tag in playlist.tags_named("EXT-X-PRELOAD-HINT") {
            let message = "the playlist has ended";
            out.add(&HINT_AFTER_END, url, tag.number, tag.shown(), message);
        }
    }
    for tag in playlist.tags_named("EXT-X-RENDITION-REPORT") {
        if let Some(uri) = tag.attributes.text("URI")
            && url::Url::parse(uri).is_ok()
        {
            out.add(&REPORT_URI, url, tag.number, uri, "the URI is absolute");
        }
    }
}
