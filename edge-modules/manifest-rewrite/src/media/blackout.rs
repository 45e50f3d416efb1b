//! `[[blackouts]]`: times at which some viewers may not see the programme. Its segments become gaps (`EXT-X-GAP`) whose URIs are
//! gone, and a slate plays over them as an interstitial. Both are the same at every reload, so no state is needed; replaced
//! segments would need discontinuity numbers that outlive the window.

mod stage;

use serde::Deserialize;
use weir_module::ConfigError;

use crate::NAME;
use crate::media::interstitial::{At, Placed};
use crate::playlist::attributes::is_quotable;
use crate::playlist::datetime;
use crate::select::expression::Expression;
use crate::select::scopes::is_viewer_name;
use crate::viewer::Viewer;

pub use stage::BlackoutStage;

/// `[[blackouts]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BlackoutConfig {
    /// Unique among the blackouts.
    pub id: String,
    /// RFC 3339 date of its beginning.
    pub start: String,
    /// RFC 3339 date of its end.
    pub end: String,
    /// It holds for viewers of whom this is true. Absent: for all.
    pub when: Option<String>,
    /// A playlist to show instead.
    pub slate: Option<String>,
}

/// A compiled blackout.
#[derive(Debug, Clone)]
pub struct Blackout {
    id: String,
    start: i64,
    end: i64,
    when: Option<Expression>,
    slate: Option<String>,
}

impl Blackout {
    /// Compiles the blackout at `index`.
    ///
    /// # Errors
    /// The key that is wrong.
    pub fn compile(index: usize, config: &BlackoutConfig) -> Result<Self, ConfigError> {
        let wrong = |key: &str, message: &str| {
            ConfigError::new(NAME, format!("blackouts[{index}].{key}"), message)
        };
        let date = |key: &str, text: &str| {
            datetime::parse(text)
                .ok_or_else(|| wrong(key, "write a date as in 2026-11-20T08:00:00Z"))
        };
        let (start, end) = (date("start", &config.start)?, date("end", &config.end)?);
        if end <= start {
            return Err(wrong("end", "it is after the start"));
        }
        if config.id.is_empty()
            || !is_quotable(&config.id)
            || config
                .slate
                .as_deref()
                .is_some_and(|text| !is_quotable(text))
        {
            return Err(wrong(
                "id",
                "it and the slate have no quote mark and no line end",
            ));
        }
        let when = config
            .when
            .as_deref()
            .map(|text| Expression::parse(text, &is_viewer_name))
            .transpose();
        let when = when.map_err(|error| wrong("when", &error.to_string()))?;
        Ok(Self {
            id: config.id.clone(),
            start,
            end,
            when,
            slate: config.slate.clone(),
        })
    }

    /// Every name that the condition uses.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.when.iter().flat_map(Expression::names)
    }

    /// True when it holds for the viewer, now or later.
    pub fn holds(&self, viewer: &Viewer) -> bool {
        if self.names().any(|name| !name.starts_with("query.")) {
            viewer.make_personal();
        }
        self.when
            .as_ref()
            .is_none_or(|when| when.evaluate(viewer) == Some(true))
    }

    /// The slate, by an absolute URI.
    #[allow(clippy::cast_precision_loss)]
    pub fn slate(&self, viewer: &Viewer) -> Option<Placed> {
        let seconds = (self.end - self.start) as f64 / 1000.0;
        let slate = viewer.absolute(self.slate.as_ref()?);
        Some(Placed::new(
            &self.id,
            At::Date(self.start),
            seconds,
            format!(",X-ASSET-URI=\"{slate}\",X-PLAYOUT-LIMIT={seconds},X-RESTRICT=\"SKIP,JUMP\""),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playlist::rewriter::Stage as _;

    const LIVE: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"i\"\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF:4,\na\n\
        #EXT-X-PART:DURATION=4,URI=\"b.0\"\n#EXTINF:4,\nb\n#EXTINF:4,\nc\n#EXTINF:4,\nd\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"e.0\"\n";

    fn run(start: &str, end: &str) -> String {
        run_over(LIVE, start, end)
    }

    fn run_over(playlist: &str, start: &str, end: &str) -> String {
        let text = format!(
            "id='b'\nstart='2026-01-01T00:00:{start}Z'\nend='2026-01-01T00:00:{end}Z'\nslate='s.m3u8'"
        );
        let blackout = Blackout::compile(0, &toml::from_str(&text).unwrap()).unwrap();
        let mut stage = BlackoutStage::new(&[&blackout]);
        let mut out = Vec::new();
        stage.lines(playlist.as_bytes(), &mut out).unwrap();
        stage.finish(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn segments_of_the_time_become_gaps() {
        let expected = LIVE
            .replace(
                "#EXT-X-PART:DURATION=4,URI=\"b.0\"\n#EXTINF:4,\nb\n",
                "#EXTINF:4,\n#EXT-X-GAP\nblackout\n",
            )
            .replace("#EXTINF:4,\nc\n", "#EXTINF:4,\n#EXT-X-GAP\nblackout\n");
        assert_eq!(run("06", "12"), expected);
        assert_eq!(run("20", "30"), LIVE);
        let text = run("12", "30");
        assert!(
            text.ends_with("c\n#EXTINF:4,\n#EXT-X-GAP\nblackout\n"),
            "{text}"
        );
    }

    #[test]
    fn what_is_in_front_of_the_first_date_has_one_too() {
        let date = "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:";
        let late = LIVE
            .replace(&format!("{date}00Z\n"), "")
            .replace("#EXTINF:4,\nc\n", &format!("{date}08Z\n#EXTINF:4,\nc\n"));
        let dark = |text: &str, start, end| run_over(text, start, end).matches("blackout").count();
        assert_eq!(dark(&late, "01", "03"), 1);
        assert_eq!(dark(&late, "05", "09"), 2);
        // Another clock runs in front of a discontinuity.
        let cut = late.replace(
            "#EXT-X-PART:DURATION=4",
            "#EXT-X-DISCONTINUITY\n#EXT-X-PART:DURATION=4",
        );
        assert_eq!(dark(&cut, "01", "03"), 0);
        assert_eq!(dark(&cut, "05", "07"), 1);
        let undated = late.replace(date, "#EXT-X-OTHER:");
        assert_eq!(run_over(&undated, "01", "03"), undated);
    }

    #[test]
    fn a_slate_plays_over_the_gap() {
        let config = "id='b'\nstart='2026-01-01T00:00:00Z'\nend='2026-01-01T00:00:30Z'\nslate='s.m3u8'\nwhen='country == \"DE\"'";
        let blackout = Blackout::compile(0, &toml::from_str(config).unwrap()).unwrap();
        assert!(!blackout.holds(&Viewer::from_query("")));
        let tag = blackout
            .slate(&Viewer::from_query(""))
            .unwrap()
            .tag(0, None, None);
        assert!(
            tag.contains(
                "DURATION=30,X-ASSET-URI=\"s.m3u8\",X-PLAYOUT-LIMIT=30,X-RESTRICT=\"SKIP,JUMP\""
            ),
            "{tag}"
        );
        let wrong = config.replace("00:30Z", "00:00Z");
        assert_eq!(
            Blackout::compile(2, &toml::from_str(&wrong).unwrap())
                .unwrap_err()
                .key(),
            "blackouts[2].end"
        );
    }
}
