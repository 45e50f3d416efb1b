//! Bit rates as they are said and as they are (RFC 8216bis 4.4.6.2; Authoring Specification 1.26 to 1.30, 6.9 and 9.13).

use crate::lint::finding::Findings;
use crate::lint::playlist::{MediaPlaylist, RenditionType, Variant};
use crate::lint::presentation::{Document, Presentation};
use crate::lint::rule::rules;

rules! {
    PEAK: Must Packaging "rfc-4.4.6.2-bandwidth" ["rfc-4.4.6.2.1-bandwidth", "apple-9.13", "apple-6.9"]
        "BANDWIDTH is at least the largest sum of peak segment bit rates of any playable combination of renditions."
        "Clients choose a variant that the network cannot carry, and stall."
        "Write the measured peak: the largest bit rate of any contiguous set of segments that lasts 0.5 to 1.5 target durations, summed over the renditions that play together.";
    AVERAGE: Must Packaging "rfc-4.4.6.2-average"
        "AVERAGE-BANDWIDTH is at least the largest sum of average segment bit rates of any playable combination of renditions."
        "Clients expect less data than come."
        "Write all bits divided by the duration, summed over the renditions that play together.";
    AVERAGE_OFF: Must Packaging "apple-1.26"
        "The average bit rate of VOD content is within 10 % of AVERAGE-BANDWIDTH."
        "Clients choose variants by it; far from the truth it costs quality or makes them stall."
        "Write the measured average.";
    PEAK_OFF: Must Packaging "apple-1.27"
        "The peak bit rate of VOD content is within 10 % of BANDWIDTH."
        "Clients choose variants by it; far above the truth it costs quality."
        "Write the measured peak.";
    LIVE_AVERAGE: Must Packaging "apple-1.28"
        "The average bit rate of live content is below 110 % of AVERAGE-BANDWIDTH."
        "Clients expect less data than come, and stall."
        "Raise AVERAGE-BANDWIDTH, or limit the encoder.";
    LIVE_PEAK: Must Packaging "apple-1.29"
        "The peak bit rate of live content is below 125 % of BANDWIDTH."
        "Clients choose a variant that the network cannot carry, and stall."
        "Raise BANDWIDTH, or limit the encoder.";
    PEAKY: Should Content "apple-1.30"
        "The peak bit rate of VOD content is at most twice the average."
        "Clients have to choose by the peak, so that most of the time the network is used badly."
        "Limit the encoder's peaks (maxrate and bufsize).";
}

/// Most segments over which the peak is looked for, in all.
const MAX_WORK: usize = 20_000_000;

/// Bit rates in bit/s.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Rates {
    peak: f64,
    average: f64,
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    let Some((root, list)) = presentation.multivariant() else {
        return;
    };
    let vod = presentation.is_vod();
    for variant in list.variants.iter().chain(&list.i_frames) {
        if let Some(measured) = measure_variant(presentation, variant) {
            check_variant(root.url(), variant, measured, vod, out);
        }
    }
}

/// The rates of the variant's playlist and, for each group, of the largest rendition.
fn measure_variant(presentation: &Presentation, variant: &Variant) -> Option<Rates> {
    let own = presentation.at(variant.uri.as_deref()?)?;
    let mut sum = measure(own)?;
    for (kind, group) in presentation.renditions_of(variant) {
        if kind == RenditionType::ClosedCaptions {
            continue;
        }
        let mut largest = Rates::default();
        for rendition in group {
            let Some(document) = rendition
                .uri
                .as_deref()
                .and_then(|uri| presentation.at(uri))
            else {
                continue;
            };
            // What the variant's own playlist carries is counted already. Text is small and often lasts longer than the film.
            if document.url() == own.url() || kind == RenditionType::Subtitles {
                continue;
            }
            let rates = measure(document)?;
            largest.peak = largest.peak.max(rates.peak);
            largest.average = largest.average.max(rates.average);
        }
        if kind == RenditionType::Video && largest.peak > 0.0 {
            // Another view is played instead of the variant's own.
            sum.peak = sum.peak.max(largest.peak);
            sum.average = sum.average.max(largest.average);
        } else {
            sum.peak += largest.peak;
            sum.average += largest.average;
        }
    }
    Some(sum)
}

fn check_variant(url: &str, variant: &Variant, measured: Rates, vod: bool, out: &mut Findings) {
    let said = |value: Option<u64>| {
        #[expect(
            clippy::cast_precision_loss,
            reason = "compared with percents to spare"
        )]
        value.map(|value| value as f64)
    };
    // Durations are written with few decimals, so that what is measured is off by as much.
    let above = |measured: f64, said: f64| measured > said * 1.001 + 1.0;
    let far = |measured: f64, said: f64| (measured - said).abs() > said * 0.1;
    let peak = said(variant.bandwidth());
    let average = said(variant.average_bandwidth());
    let line = variant.line;
    if let Some(peak) = peak {
        let value = format!("BANDWIDTH={peak}");
        let message = format!("the measured peak is {:.0} bit/s", measured.peak);
        if vod && above(measured.peak, peak) {
            out.add(&PEAK, url, line, &value, &message);
        }
        if vod && far(measured.peak, peak) {
            out.add(&PEAK_OFF, url, line, &value, &message);
        } else if !vod && measured.peak >= peak * 1.25 {
            out.add(&LIVE_PEAK, url, line, &value, &message);
        }
    }
    if let Some(average) = average {
        let value = format!("AVERAGE-BANDWIDTH={average}");
        let message = format!("the measured average is {:.0} bit/s", measured.average);
        if vod && above(measured.average, average) {
            out.add(&AVERAGE, url, line, &value, &message);
        }
        if vod && far(measured.average, average) {
            out.add(&AVERAGE_OFF, url, line, &value, &message);
        } else if !vod && measured.average >= average * 1.1 {
            out.add(&LIVE_AVERAGE, url, line, &value, &message);
        }
    }
    if vod && measured.peak > measured.average * 2.0 + 1.0 {
        let message = format!(
            "the peak of {:.0} bit/s is more than twice the average of {:.0}",
            measured.peak, measured.average
        );
        out.add(&PEAKY, url, line, "", message);
    }
}

/// The rates of a playlist; `None` when a segment's length is not known.
fn measure(document: &Document) -> Option<Rates> {
    let media = document.media();
    let bytes: Vec<u64> = media
        .segments
        .iter()
        .enumerate()
        .map(|(index, segment)| {
            let read = document
                .track
                .segments
                .get(index)
                .and_then(|facts| facts.bytes);
            match segment.range {
                Some((_, range)) => Some(range.len),
                None if segment.gap => Some(0),
                None => read,
            }
        })
        .collect::<Option<_>>()?;
    // Without segments there is no rate; and without media only ranges tell lengths.
    (!bytes.is_empty()).then(|| rates(media, &bytes))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "compared with percents to spare"
)]
fn rates(media: &MediaPlaylist, bytes: &[u64]) -> Rates {
    let segments: Vec<(f64, f64)> = media
        .segments
        .iter()
        .zip(bytes)
        .map(|(segment, bytes)| (segment.seconds(), *bytes as f64 * 8.0))
        .collect();
    let target = media.target_duration.unwrap_or(0) as f64;
    let (least, most) = (target * 0.5, target * 1.5);
    // A set of many very short segments is looked at only so far that hostile playlists cannot keep a linter busy.
    let longest = (MAX_WORK / segments.len().max(1)).max(16);
    let mut peak: f64 = 0.0;
    for start in 0..segments.len() {
        let (mut duration, mut bits) = (0.0, 0.0);
        for (seconds, more) in segments[start..].iter().take(longest) {
            duration += seconds;
            bits += more;
            if duration > most + 1e-6 {
                break;
            }
            if duration >= least - 1e-6 && duration > 0.0 {
                peak = peak.max(bits / duration);
            }
        }
    }
    let rate = |bits: f64, seconds: f64| if seconds > 0.0 { bits / seconds } else { 0.0 };
    if peak == 0.0 {
        // No set lasts half a target duration, or each segment more than one and a half.
        peak = segments
            .iter()
            .map(|(seconds, bits)| rate(*bits, *seconds))
            .fold(0.0, f64::max);
    }
    let seconds = segments.iter().map(|(seconds, _)| seconds).sum();
    let bits = segments.iter().map(|(_, bits)| bits).sum();
    Rates {
        peak,
        average: rate(bits, seconds),
    }
}
