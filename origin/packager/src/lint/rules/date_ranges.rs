//! Date ranges (RFC 8216bis 4.4.5.1).

use std::collections::BTreeMap;

use crate::lint::finding::Findings;
use crate::lint::playlist::{DateTime, Playlist, Tag};
use crate::lint::presentation::Presentation;
use crate::lint::rule::rules;

rules! {
    START: Must Packaging "rfc-4.4.5.1-start"
        "The first EXT-X-DATERANGE of an ID has START-DATE."
        "Clients do not know when the range begins."
        "Add START-DATE.";
    DATE: Must Packaging "rfc-4.4.5.1-date"
        "START-DATE and END-DATE are ISO 8601 dates and times."
        "Clients ignore a range whose dates they cannot read."
        "Write dates as 2026-01-31T12:00:00.000Z.";
    DATE_ACCURATE: Should Packaging "rfc-4.4.5.1-accurate"
        "Dates say the time zone and milliseconds."
        "Without a zone clients have to guess; without milliseconds ranges begin off the frame."
        "Add the zone and three decimals of a second.";
    END_BEFORE_START: Must Packaging "rfc-4.4.5.1-end"
        "END-DATE is not before START-DATE."
        "Such a range has no duration that a client could use."
        "Correct the dates.";
    NEGATIVE: Must Packaging "rfc-4.4.5.1-negative"
        "DURATION and PLANNED-DURATION are not negative."
        "Such a range has no duration that a client could use."
        "Correct the duration.";
    DURATION_DIFFERS: Must Packaging "rfc-4.4.5.1-duration"
        "END-DATE is START-DATE plus DURATION where all three are there."
        "Clients use one or the other and disagree."
        "Correct the values, or leave one out.";
    CUE: Must Packaging "rfc-4.4.5.1-cue"
        "CUE does not hold both PRE and POST."
        "A range cannot play before and after the presentation at once."
        "Keep one of the two.";
    NEXT_CLASS: Must Packaging "rfc-4.4.5.1-next-class"
        "EXT-X-DATERANGE with END-ON-NEXT=YES has a CLASS."
        "The next range of the same class is what ends it."
        "Add CLASS.";
    NEXT_END: Must Packaging "rfc-4.4.5.1-next-end"
        "EXT-X-DATERANGE with END-ON-NEXT=YES has neither DURATION nor END-DATE."
        "The end would be said twice."
        "Remove DURATION and END-DATE, or END-ON-NEXT.";
    OVERLAP: Must Packaging "rfc-4.4.5.1-overlap"
        "Ranges of a class that uses END-ON-NEXT do not overlap."
        "The next range of the class cannot both end one and lie inside another."
        "Shorten the range, or give it a class of its own.";
    PROGRAM_DATE: Must Packaging "rfc-4.4.5.1-program-date"
        "A playlist with EXT-X-DATERANGE has EXT-X-PROGRAM-DATE-TIME."
        "Without it no date can be placed on the timeline."
        "Add EXT-X-PROGRAM-DATE-TIME to a segment.";
    SAME: Must Packaging "rfc-4.4.5.1-same"
        "Attributes that appear in several EXT-X-DATERANGE tags of an ID have the same value."
        "A range may gain attributes but not change them."
        "Use a new ID, or keep the value.";
}

/// One tag with its dates.
struct Range<'a> {
    tag: &'a Tag,
    start: Option<DateTime>,
    /// Seconds; `None` when unknown.
    duration: Option<f64>,
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    for document in presentation.media() {
        check_playlist(&document.playlist, out);
    }
}

fn check_playlist(playlist: &Playlist, out: &mut Findings) {
    let url = playlist.url.as_str();
    let mut by_id: BTreeMap<&str, Vec<&Tag>> = BTreeMap::new();
    let mut ranges: Vec<Range<'_>> = Vec::new();
    for tag in playlist.tags_named("EXT-X-DATERANGE") {
        if by_id.is_empty() && !playlist.has("EXT-X-PROGRAM-DATE-TIME") {
            let message = "there is no EXT-X-PROGRAM-DATE-TIME";
            out.add(&PROGRAM_DATE, url, tag.number, tag.shown(), message);
        }
        let earlier = by_id
            .entry(tag.attributes.text("ID").unwrap_or_default())
            .or_default();
        check_tag(url, tag, earlier, out);
        earlier.push(tag);
        let start = tag.attributes.text("START-DATE").and_then(DateTime::parse);
        let end = tag.attributes.text("END-DATE").and_then(DateTime::parse);
        let duration = tag.attributes.float("DURATION").or_else(|| {
            let (start, end) = (start?, end?);
            Some(end.seconds_since(start))
        });
        ranges.push(Range {
            tag,
            start,
            duration,
        });
    }
    check_overlap(url, &ranges, out);
}

fn check_tag(url: &str, tag: &Tag, earlier: &[&Tag], out: &mut Findings) {
    let list = &tag.attributes;
    let mut add = |rule, message: String| out.add(rule, url, tag.number, tag.shown(), message);
    if earlier.is_empty() && !list.has("START-DATE") {
        add(&START, "START-DATE is missing".to_owned());
    }
    let mut dates = [None, None];
    for (slot, name) in dates.iter_mut().zip(["START-DATE", "END-DATE"]) {
        let Some(text) = list.text(name) else {
            continue;
        };
        *slot = DateTime::parse(text);
        match slot {
            None => add(&DATE, format!("{name} cannot be read")),
            Some(date) if !date.zoned || date.fraction_digits < 3 => {
                add(
                    &DATE_ACCURATE,
                    format!("{name} lacks the zone or milliseconds"),
                );
            }
            Some(_) => {}
        }
    }
    for name in ["DURATION", "PLANNED-DURATION"] {
        if list.float(name).is_some_and(|value| value < 0.0) {
            add(&NEGATIVE, format!("{name} is negative"));
        }
    }
    if let [Some(start), Some(end)] = dates {
        let seconds = end.seconds_since(start);
        if seconds < 0.0 {
            add(
                &END_BEFORE_START,
                format!("END-DATE is {:.3} s too early", -seconds),
            );
        } else if let Some(duration) = list.float("DURATION")
            && (seconds - duration).abs() > 1e-3
        {
            add(
                &DURATION_DIFFERS,
                format!("the dates are {seconds:.3} s apart, DURATION is {duration}"),
            );
        }
    }
    if let Some(cue) = list.text("CUE") {
        let has = |word: &str| cue.split(',').any(|part| part.trim() == word);
        if has("PRE") && has("POST") {
            add(&CUE, "CUE holds PRE and POST".to_owned());
        }
    }
    if list.yes("END-ON-NEXT") {
        if !list.has("CLASS") {
            add(&NEXT_CLASS, "END-ON-NEXT without CLASS".to_owned());
        }
        if list.has("DURATION") || list.has("END-DATE") {
            add(&NEXT_END, "END-ON-NEXT beside an end".to_owned());
        }
    }
    for before in earlier {
        let changed = list.list.iter().find(|attribute| {
            before
                .attributes
                .text(&attribute.name)
                .is_some_and(|value| value != attribute.value)
        });
        if let Some(changed) = changed {
            add(
                &SAME,
                format!("{} differs from line {}", changed.name, before.number),
            );
            break;
        }
    }
}

fn check_overlap(url: &str, ranges: &[Range<'_>], out: &mut Findings) {
    let class = |range: &Range<'_>| range.tag.attributes.text("CLASS").map(str::to_owned);
    let classes: Vec<String> = ranges
        .iter()
        .filter(|range| range.tag.attributes.yes("END-ON-NEXT"))
        .filter_map(class)
        .collect();
    for name in classes {
        let mut members: Vec<_> = ranges
            .iter()
            .filter(|range| class(range).as_ref() == Some(&name))
            .filter_map(|range| Some((range.start?, range)))
            .collect();
        members.sort_by_key(|(start, _)| start.micros);
        for pair in members.windows(2) {
            let ((start, range), (next, other)) = (pair[0], pair[1]);
            if let Some(duration) = range.duration
                && duration > next.seconds_since(start) + 1e-3
                && range.tag.attributes.text("ID") != other.tag.attributes.text("ID")
            {
                let message = format!("it overlaps the range in line {}", other.tag.number);
                out.add(&OVERLAP, url, range.tag.number, range.tag.shown(), message);
            }
        }
    }
}
