//! Which rungs a source gets, and at what size.

use super::{Profile, Rung, SourceVideo};

/// A source this much larger than the best rung below it gets a rung of its own size.
const WORTH_A_RUNG: f64 = 1.15;

/// One rendition to make.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rendition {
    pub(super) rung: Rung,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The renditions for a source: never larger than it, its shape kept, sides even.
pub(super) fn renditions(profile: &Profile, source: &SourceVideo) -> Vec<Rendition> {
    let short = source.width.min(source.height);
    let mut chosen: Vec<Rendition> = profile
        .rungs
        .iter()
        .filter(|rung| rung.height <= short)
        .map(|rung| scaled(rung.clone(), source, rung.height))
        .collect();
    let best = chosen.first().map_or(0, |rendition| rendition.rung.height);
    let above = profile.rungs.iter().rev().find(|rung| rung.height > short);
    if let Some(above) = above
        && f64::from(short) >= f64::from(best) * WORTH_A_RUNG
    {
        let mut rung = above.clone();
        // Bits go with the area, a little less than in proportion.
        rung.bitrate = rate_for(above.bitrate, f64::from(short) / f64::from(above.height));
        rung.name = format!("{short}p");
        rung.height = short;
        chosen.insert(0, scaled(rung, source, short));
    }
    chosen
}

fn scaled(rung: Rung, source: &SourceVideo, short: u32) -> Rendition {
    let factor = f64::from(short) / f64::from(source.width.min(source.height));
    let (width, height) = (
        even(f64::from(source.width) * factor),
        even(f64::from(source.height) * factor),
    );
    Rendition {
        rung,
        width,
        height,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides are at most 65536"
)]
fn even(side: f64) -> u32 {
    // 4:2:0 chroma needs even sides.
    ((side / 2.0).round() as u32 * 2).max(2)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "below the u32 that it starts from"
)]
fn rate_for(bitrate: u32, scale: f64) -> u32 {
    (f64::from(bitrate) * scale.powf(1.6)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcode::Profiles;

    fn sizes(width: u32, height: u32) -> Vec<(u32, u32)> {
        let profiles = Profiles::load(std::path::Path::new("")).expect("valid");
        let source = SourceVideo {
            width,
            height,
            hdr: None,
            is_interlaced: false,
        };
        renditions(profiles.get("standard").expect("shipped"), &source)
            .iter()
            .map(|one| (one.width, one.height))
            .collect()
    }

    #[test]
    fn nothing_is_enlarged_and_shapes_are_kept() {
        assert_eq!(
            sizes(3840, 2160),
            [(1920, 1080), (1280, 720), (854, 480), (640, 360)]
        );
        assert_eq!(
            sizes(1080, 1920),
            [(1080, 1920), (720, 1280), (480, 854), (360, 640)],
            "upright films by their shorter side"
        );
        assert_eq!(sizes(1280, 720), [(1280, 720), (854, 480), (640, 360)]);
        assert_eq!(sizes(1024, 576), [(1024, 576), (854, 480), (640, 360)]);
        assert_eq!(
            sizes(320, 240),
            [(320, 240)],
            "a small film gets one rung of its own size"
        );
        assert_eq!(
            sizes(2048, 858),
            [(2048, 858), (1718, 720), (1146, 480), (860, 360)]
        );
        assert_eq!(
            sizes(854, 481),
            [(852, 480), (640, 360)],
            "a line more is not worth a rung"
        );
    }
}
