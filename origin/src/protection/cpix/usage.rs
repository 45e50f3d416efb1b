//! `ContentKeyUsageRule`: which key is for which tracks and which period.

use weir_packager::{ContentKey, KeyTracks};

use super::read::key_id;
use super::xml::Element;

/// What the rules of one key say.
#[derive(Default)]
struct Usage {
    video: bool,
    audio: bool,
    periods: Vec<usize>,
}

/// Gives keys their tracks and puts them into the order of their periods. A key without rules is for all tracks.
pub(super) fn apply(root: &Element, keys: Vec<ContentKey>) -> Result<Vec<ContentKey>, String> {
    let periods: Vec<&str> = root
        .first("ContentKeyPeriodList")
        .into_iter()
        .flat_map(|list| list.all("ContentKeyPeriod"))
        .filter_map(|period| period.attribute("id"))
        .collect();
    let mut usages: Vec<Usage> = keys.iter().map(|_| Usage::default()).collect();
    let rules = root
        .first("ContentKeyUsageRuleList")
        .into_iter()
        .flat_map(|list| list.all("ContentKeyUsageRule"));
    for rule in rules {
        let id = key_id(rule)?;
        let position = keys
            .iter()
            .position(|key| key.id == id)
            .ok_or_else(|| format!("ContentKeyUsageRule {id}: there is no such key"))?;
        read_rule(rule, &periods, &mut usages[position])
            .map_err(|reason| format!("ContentKeyUsageRule {id}: {reason}"))?;
    }
    let mut ordered: Vec<(usize, ContentKey)> = keys
        .into_iter()
        .zip(&usages)
        .map(|(mut key, usage)| {
            key.tracks = match (usage.video, usage.audio) {
                (true, false) => KeyTracks::Video,
                (false, true) => KeyTracks::Audio,
                _ => KeyTracks::All,
            };
            (usage.periods.iter().copied().min().unwrap_or(0), key)
        })
        .collect();
    // Stable: keys of one period stay in the document's order.
    ordered.sort_by_key(|(period, _)| *period);
    refuse_two_at_once(&ordered)?;
    Ok(ordered.into_iter().map(|(_, key)| key).collect())
}

fn read_rule(rule: &Element, periods: &[&str], usage: &mut Usage) -> Result<(), String> {
    let (mut video, mut audio) = (false, false);
    for filter in &rule.children {
        match filter.name.as_str() {
            "VideoFilter" => {
                if ["minPixels", "maxPixels", "minFps", "maxFps", "hdr", "wcg"]
                    .iter()
                    .any(|name| filter.attribute(name).is_some())
                {
                    return Err(
                        "keys by picture size are not supported; use one key for video".to_owned(),
                    );
                }
                video = true;
            }
            "AudioFilter" => {
                if filter.attribute("minChannels").is_some()
                    || filter.attribute("maxChannels").is_some()
                {
                    return Err(
                        "keys by channels are not supported; use one key for audio".to_owned()
                    );
                }
                audio = true;
            }
            "KeyPeriodFilter" => {
                let id = filter.attribute("periodId").unwrap_or_default();
                let index = periods
                    .iter()
                    .position(|one| *one == id)
                    .ok_or_else(|| format!("there is no period `{}`", id.escape_debug()))?;
                usage.periods.push(index);
            }
            other => {
                return Err(format!("`{}` is not supported", other.escape_debug()));
            }
        }
    }
    if !video && !audio {
        // Without filters the intended type is all there is. Other words than these two say nothing certain.
        let intended = rule.attribute("intendedTrackType").unwrap_or("ALL");
        video = !intended.eq_ignore_ascii_case("AUDIO");
        audio = !intended.eq_ignore_ascii_case("VIDEO");
    }
    usage.video |= video;
    usage.audio |= audio;
    Ok(())
}

/// Two keys for the same tracks at the same time: which one would it be?
fn refuse_two_at_once(keys: &[(usize, ContentKey)]) -> Result<(), String> {
    for (index, (period, key)) in keys.iter().enumerate() {
        let clash = keys[..index].iter().find(|(other_period, other)| {
            let same = key.tracks == other.tracks
                || key.tracks == KeyTracks::All
                || other.tracks == KeyTracks::All;
            period == other_period && same
        });
        if let Some((_, other)) = clash {
            return Err(format!(
                "keys {} and {} are for the same tracks at the same time; tell them apart by usage rules or key periods",
                other.id, key.id
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_packager::{Key, KeyId};

    fn applied(rules: &str, count: u8) -> Result<Vec<(u8, KeyTracks)>, String> {
        let root = Element::parse(&format!(
            "<CPIX><ContentKeyPeriodList><ContentKeyPeriod id=\"p1\"/><ContentKeyPeriod id=\"p2\"/></ContentKeyPeriodList>\
             <ContentKeyUsageRuleList>{rules}</ContentKeyUsageRuleList></CPIX>"
        ))?;
        let keys = (0..count)
            .map(|id| ContentKey {
                id: KeyId([id; 16]),
                key: Key([id; 16]),
                ..ContentKey::default()
            })
            .collect();
        Ok(apply(&root, keys)?
            .into_iter()
            .map(|key| (key.id.0[0], key.tracks))
            .collect())
    }

    fn rule(id: u8, attributes: &str, filters: &str) -> String {
        format!(
            "<ContentKeyUsageRule kid=\"{}\" {attributes}>{filters}</ContentKeyUsageRule>",
            KeyId([id; 16])
        )
    }

    #[test]
    fn tracks_and_periods_are_told() {
        assert_eq!(applied("", 1), Ok(vec![(0, KeyTracks::All)]));
        let both = rule(0, "intendedTrackType=\"VIDEO\"", "")
            + &rule(1, "intendedTrackType=\"AUDIO\"", "");
        assert_eq!(
            applied(&both, 2),
            Ok(vec![(0, KeyTracks::Video), (1, KeyTracks::Audio)])
        );
        let turns = rule(0, "", "<KeyPeriodFilter periodId=\"p2\"/>")
            + &rule(1, "", "<KeyPeriodFilter periodId=\"p1\"/>");
        assert_eq!(
            applied(&turns, 2),
            Ok(vec![(1, KeyTracks::All), (0, KeyTracks::All)])
        );
        let shared = rule(0, "", "<VideoFilter/>") + &rule(0, "", "<AudioFilter/>");
        assert_eq!(applied(&shared, 1), Ok(vec![(0, KeyTracks::All)]));
    }

    #[test]
    fn what_would_be_left_out_is_refused() {
        for (rules, words) in [
            (
                rule(0, "", "<VideoFilter maxPixels=\"1\"/>"),
                "picture size",
            ),
            (rule(0, "", "<AudioFilter minChannels=\"3\"/>"), "channels"),
            (
                rule(0, "", "<BitrateFilter maxBitrate=\"1\"/>"),
                "BitrateFilter",
            ),
            (rule(0, "", "<KeyPeriodFilter periodId=\"p3\"/>"), "p3"),
            (rule(9, "", ""), "no such key"),
            (String::new(), "same tracks"),
        ] {
            let error = applied(&rules, 2).expect_err(words);
            assert!(error.contains(words), "{error}");
        }
    }
}
