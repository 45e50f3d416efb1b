//! What a rewritten media playlist means to a player: every segment that is left has the number, the bytes, the keys, the map and
//! the date that it had.
#![allow(clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use support::odd;
use support::request::ask;
use support::timeline::{Segment, Timeline};

const CLIP: &str = "[clip]\nstart-parameter = 'start'\nend-parameter = 'end'\n";
const LATE: &str = "[clip]\ndelay = 5\n";
const DELTA: &str = "delta-updates = true\n";
const DARK: &str =
    "[[blackouts]]\nid = 'x'\nstart = '2026-01-01T00:00:06Z'\nend = '2026-01-01T00:00:14Z'\n";
const MARK: &str = "[watermark]\nkey = '00000000000000000000000000000000000000000000000000000000000000ff'\na = 'wm-a/'\nb = 'wm-b/'\n";
const BREAKS: &str = "[[interstitials]]\nid = 'pre'\nat = 'pre'\nasset-uri = 'ad.m3u8'\n[[interstitials]]\nid = 'mid'\nat = '7'\nasset-list = 'l?{duration}'\n\
    [[interstitials]]\nid = 'break'\nat = 'break'\nasset-uri = 'https://ads.test/a.m3u8'\n";

/// The result, or the status that stands for it.
fn run(config: &str, query: &str, playlist: &str) -> Result<String, u16> {
    let target = format!("/v/index.m3u8?{query}");
    match ask(config, &target, "query:t=X", playlist, 97) {
        (200, text) => Ok(text),
        (status, _) => Err(status),
    }
}

/// The same playlist without what a policy puts in on purpose.
fn plain(text: &str) -> String {
    text.replace("?t=X", "").replace("wm-b/", "wm-a/")
}

fn same(before: &[Segment], after: &[Segment], playlist: &str, out: &str) -> TestCaseResult {
    for (before, after) in before.iter().zip(after) {
        prop_assert_eq!(before, after, "{}\nbecame\n{}", playlist, out);
    }
    Ok(())
}

/// Nothing about the whole playlist is lost, and no variable is used before it is known.
fn same_globals(before: &Timeline, after: &Timeline, but: &[&str], out: &str) -> TestCaseResult {
    for (name, value) in before
        .globals
        .iter()
        .filter(|(name, _)| !but.contains(&name.as_str()))
    {
        prop_assert_eq!(Some(value), after.globals.get(name), "{}\n{}", name, out);
    }
    prop_assert!(
        after.undefined.is_empty() || !before.undefined.is_empty(),
        "{:?}\n{}",
        after.undefined,
        out
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_token_changes_uris_alone(playlist in odd::playlist(), marked in any::<bool>()) {
        let trick_play = playlist.contains("I-FRAMES-ONLY");
        let out = run(if marked && !trick_play { MARK } else { "" }, "", &playlist).unwrap();
        prop_assert_eq!(plain(&out).lines().count(), playlist.lines().count());
        let (before, after) = (Timeline::read(&playlist), Timeline::read(&plain(&out)));
        prop_assert_eq!(before.segments.len(), after.segments.len());
        same(&before.segments, &after.segments, &playlist, &out)?;
        same_globals(&before, &after, &[], &out)?;
        prop_assert_eq!(&before.open_parts, &after.open_parts, "{}", out);
        // In the files that the viewer really gets, no range may be left without a beginning that had one.
        let real = Timeline::read(&out);
        for (before, after) in before.segments.iter().zip(&real.segments) {
            prop_assert_eq!(before.range, after.range, "{}", out);
            for (before, after) in before.parts.iter().zip(&after.parts) {
                prop_assert_eq!(before.range, after.range, "{}\nbecame\n{}", playlist, out);
            }
        }
        for (before, after) in before.open_parts.iter().zip(&real.open_parts) {
            prop_assert_eq!(before.range, after.range, "{}", out);
        }
    }

    #[test]
    fn a_clip_plays_as_it_did(playlist in odd::playlist(), start in 0..30u32, length in 1..30u32, ends in any::<bool>()) {
        let end = if ends { format!("&end={}", start + length) } else { String::new() };
        let Ok(out) = run(CLIP, &format!("start={start}{end}"), &playlist) else {
            return Ok(());
        };
        clipped(&playlist, &out, &[])?;
        let (before, after) = (Timeline::read(&playlist), Timeline::read(&plain(&out)));
        let mut from = 0.0;
        for segment in &before.segments {
            let to = from + segment.seconds;
            let inside = from > f64::from(start) + 0.01 && (!ends || to < f64::from(start + length) - 0.01);
            let there = after.segments.iter().any(|kept| kept.number == segment.number);
            prop_assert!(there || !inside, "{}\n{}", segment.number, out);
            from = to;
        }
    }

    #[test]
    fn a_late_view_is_a_beginning(playlist in odd::playlist()) {
        let out = run(LATE, "", &playlist).unwrap();
        let late = ["#EXT-X-SERVER-CONTROL", "#EXT-X-PART-INF", "#EXT-X-ENDLIST", "#EXT-X-PLAYLIST-TYPE"];
        let (before, after) = (Timeline::read(&playlist), Timeline::read(&plain(&out)));
        same_globals(&before, &after, &late, &out)?;
        let whole = before.segments.len() == after.segments.len();
        prop_assert!(whole || !out.contains("#EXT-X-ENDLIST"), "{}", out);
        prop_assert!(whole || !out.contains("TYPE:VOD"), "{}", out);
        for (before, after) in before.segments.iter().zip(&after.segments) {
            let bare = Segment { parts: Vec::new(), ..before.clone() };
            prop_assert_eq!(&bare, &Segment { parts: Vec::new(), ..after.clone() }, "{}", out);
        }
    }

    #[test]
    fn a_delta_gives_back_the_full_playlist(playlist in odd::playlist()) {
        let full = run(DELTA, "", &playlist).unwrap();
        let delta = run(DELTA, "_HLS_skip=YES", &playlist).unwrap();
        let full = Timeline::read(&full);
        let merged = Timeline::after(&delta, Some(&full));
        prop_assert_eq!(full.segments.len(), merged.segments.len());
        same(&full.segments, &merged.segments, &playlist, &delta)?;
        same_globals(&full, &merged, &[], &delta)?;
        prop_assert_eq!(&full.open_parts, &merged.open_parts, "{}", delta);
        prop_assert_eq!(&full.open_others, &merged.open_others, "{}", delta);
        prop_assert_eq!(&full.date_ranges, &merged.date_ranges, "{}", delta);
        prop_assert!(!full.globals.contains_key("#EXT-X-ENDLIST") || !delta.contains("#EXT-X-SKIP"), "{}", delta);
    }

    #[test]
    fn a_blackout_leaves_the_rest_alone(playlist in odd::playlist()) {
        let out = run(DARK, "", &playlist).unwrap();
        let (before, after) = (Timeline::read(&playlist), Timeline::read(&plain(&out)));
        prop_assert_eq!(before.segments.len(), after.segments.len());
        same_globals(&before, &after, &[], &out)?;
        let (from, to) = (1_767_225_606_000, 1_767_225_614_000);
        for (before, after) in before.segments.iter().zip(&after.segments) {
            let dark = after.uri == "blackout";
            #[allow(clippy::cast_possible_truncation)]
            let inside = before.date.is_some_and(|date| date + 2 < to && date + (before.seconds * 1000.0) as i64 - 2 > from);
            prop_assert!(dark || !inside, "{}\nbecame\n{}", playlist, out);
            if dark {
                prop_assert!(after.gap && after.parts.is_empty() && after.range.is_none());
            } else {
                prop_assert_eq!(before, after, "{}\nbecame\n{}", playlist, out);
            }
            prop_assert_eq!((&before.keys, &before.map, before.date), (&after.keys, &after.map, after.date));
        }
        for (index, part) in after.open_parts.iter().enumerate() {
            prop_assert_eq!(Some(part), before.open_parts.get(index), "{}", out);
        }
    }

    #[test]
    fn interstitials_change_no_segment(playlist in odd::playlist()) {
        let out = run(BREAKS, "", &playlist).unwrap();
        let (before, after) = (Timeline::read(&playlist), Timeline::read(&plain(&out)));
        let dated = before.segments.iter().any(|segment| segment.date.is_some());
        same_globals(&before, &after, &[], &out)?;
        for (before, after) in before.segments.iter().zip(&after.segments) {
            // A programme without dates gets one.
            let after = if dated { after.clone() } else { Segment { date: None, ..after.clone() } };
            prop_assert_eq!(before, &after, "{}\nbecame\n{}", playlist, out);
        }
    }

    #[test]
    fn everything_at_once(playlist in odd::playlist(), start in 0..20u32) {
        let config = format!("{DELTA}{CLIP}{BREAKS}");
        let Ok(full) = run(&config, &format!("start={start}"), &playlist) else {
            return Ok(());
        };
        clipped(&playlist, &full, &["#EXT-X-SERVER-CONTROL"])?;
        let delta = run(&config, &format!("start={start}&_HLS_skip=YES"), &playlist).unwrap();
        let full = Timeline::read(&full);
        same(&full.segments, &Timeline::after(&delta, Some(&full)).segments, &playlist, &delta)?;
    }
}

/// The segments of a clip are a run of the programme's, each as it was.
fn clipped(playlist: &str, out: &str, but: &[&str]) -> TestCaseResult {
    let (before, after) = (Timeline::read(playlist), Timeline::read(&plain(out)));
    let first = after.segments[0].number;
    let run: Vec<&Segment> = before
        .segments
        .iter()
        .filter(|segment| segment.number >= first)
        .take(after.segments.len())
        .collect();
    prop_assert_eq!(run.len(), after.segments.len(), "{}", out);
    let dated = before.segments.iter().any(|segment| segment.date.is_some());
    for (before, after) in run.into_iter().zip(&after.segments) {
        let after = if dated {
            after.clone()
        } else {
            Segment {
                date: None,
                ..after.clone()
            }
        };
        prop_assert_eq!(before, &after, "{}\nbecame\n{}", playlist, out);
    }
    same_globals(&before, &after, but, out)
}
