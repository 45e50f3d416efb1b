//! Which video is offered (Authoring Specification, chapter 1).

use super::video::{h264, hevc};
use crate::lint::finding::Findings;
use crate::lint::playlist::{Variant, is_video};
use crate::lint::presentation::Presentation;
use crate::lint::rule::rules;

rules! {
    H264_COMPATIBLE: Should Content "apple-1.3a"
        "Some H.264 variants are at most High Profile, Level 4.1."
        "Older devices have nothing that they can play."
        "Add a variant of level 4.1 or lower.";
    HEVC_COMPATIBLE: Should Content "apple-1.6a"
        "Some HEVC variants are at most Main 10 Profile, Level 4.0, Main Tier."
        "Older devices have nothing that they can play."
        "Add a variant of level 4.0 or lower.";
    SOME_H264: Should Content "apple-1.12"
        "Some video is H.264."
        "Older devices have nothing that they can play."
        "Add H.264 variants.";
    HDR_FRAME_RATE: Should Content "apple-1.20"
        "HDR content is offered with 30 frames per second or fewer."
        "Some devices decode HDR only so."
        "Add HDR variants with 30 frames per second or fewer.";
    SDR: Must Content "apple-1.24"
        "There are SDR variants."
        "Displays without HDR have nothing to show."
        "Add SDR variants.";
    DEFAULT: Should Content "apple-1.32"
        "The first variant listed is the one of about 2000 kbit/s."
        "Players start with it: more makes them wait, less looks bad."
        "Order the variants so that the one nearest to 2000 kbit/s comes first.";
    ASPECT: Should Content "apple-1.33"
        "All variants have the same aspect ratio."
        "The picture jumps when the player switches."
        "Scale all variants from the same picture.";
    UHD: Should Content "apple-1.34"
        "Some variants of UHD resolution have at most 15 Mbit/s."
        "Devices that could show UHD cannot load it."
        "Add a UHD variant of 15 Mbit/s or less.";
}

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    let Some((root, list)) = presentation.multivariant() else {
        return;
    };
    let video: Vec<&Variant> = list.variants.iter().filter(|v| v.has_video()).collect();
    if !video.is_empty() {
        check_offer(root.url(), &video, out);
    }
}

/// Rules about what is offered as a whole.
fn check_offer(url: &str, video: &[&Variant], out: &mut Findings) {
    let line = video.first().map(|variant| variant.line);
    let mut add = |rule, value: String, message: &str| out.add(rule, url, line, value, message);
    let codecs: Vec<&str> = video
        .iter()
        .flat_map(|variant| variant.codecs())
        .filter(|codec| is_video(codec))
        .collect();
    let avc: Vec<_> = codecs
        .iter()
        .filter_map(|codec| codec.starts_with("avc").then(|| h264(codec)).flatten())
        .collect();
    if avc.is_empty() && !codecs.is_empty() {
        add(&SOME_H264, codecs.join(","), "no variant is H.264");
    } else if !avc.is_empty()
        && avc
            .iter()
            .all(|(profile, level)| *profile > 100 || *level > 41)
    {
        add(
            &H264_COMPATIBLE,
            codecs.join(","),
            "all are above High Profile, Level 4.1",
        );
    }
    let hevc: Vec<_> = codecs
        .iter()
        .filter_map(|codec| {
            (codec.starts_with("hvc1") || codec.starts_with("hev1"))
                .then(|| hevc(codec))
                .flatten()
        })
        .collect();
    let simple =
        |(profile, tier, level): &(u32, char, u32)| *profile <= 2 && *tier == 'L' && *level <= 120;
    if !hevc.is_empty() && !hevc.iter().any(simple) {
        add(
            &HEVC_COMPATIBLE,
            codecs.join(","),
            "all are above Main 10, Level 4.0, Main Tier",
        );
    }
    let hdr: Vec<_> = video.iter().filter(|v| v.video_range() != "SDR").collect();
    if hdr.len() == video.len() {
        add(&SDR, String::new(), "all variants are HDR");
    }
    if !hdr.is_empty()
        && hdr
            .iter()
            .all(|v| v.frame_rate().is_some_and(|rate| rate > 30.01))
    {
        add(
            &HDR_FRAME_RATE,
            String::new(),
            "all HDR variants have more than 30 frames per second",
        );
    }
    let stereo = |variant: &&&Variant| variant.attributes.has("REQ-VIDEO-LAYOUT");
    let ratios: Vec<f64> = video
        .iter()
        .filter(|variant| !stereo(variant))
        .filter_map(|variant| variant.resolution())
        .filter(|(_, height)| *height > 0)
        .map(|(width, height)| {
            #[expect(clippy::cast_precision_loss, reason = "pixels are few")]
            let ratio = width as f64 / height as f64;
            ratio
        })
        .collect();
    // Encoders round to even numbers of pixels.
    if let Some(first) = ratios.first()
        && ratios
            .iter()
            .any(|ratio| (ratio / first - 1.0).abs() > 0.02)
    {
        add(
            &ASPECT,
            String::new(),
            "the aspect ratios of the variants differ",
        );
    }
    let uhd: Vec<_> = video
        .iter()
        .filter(|v| v.resolution().is_some_and(|(_, height)| height >= 2160))
        .collect();
    let rate = |variant: &Variant| variant.average_bandwidth().or(variant.bandwidth());
    if !uhd.is_empty()
        && uhd
            .iter()
            .all(|v| rate(v).is_some_and(|rate| rate > 15_000_000))
    {
        add(
            &UHD,
            String::new(),
            "all UHD variants have more than 15 Mbit/s",
        );
    }
    // The nearest to 2000 kbit/s of those that there are.
    let distance = |variant: &Variant| rate(variant).map(|rate| rate.abs_diff(2_000_000));
    let nearest = video.iter().filter_map(|v| distance(v)).min();
    if let (Some(first), Some(nearest)) = (video.first().and_then(|v| distance(v)), nearest)
        && first > nearest
    {
        let value = video.first().and_then(|v| rate(v)).unwrap_or(0).to_string();
        add(
            &DEFAULT,
            value,
            "another variant is nearer to 2000 kbit/s than the first",
        );
    }
}
