//! `[clip]`: a part of a programme, by `?start=` and `?end=`: seconds from its beginning, or dates (start-over and catch-up).

use serde::Deserialize;
use weir_module::{ConfigError, Problem};

use crate::NAME;
use crate::playlist::datetime;
use crate::playlist::places::{Place, Places};
use crate::uri::policy::UriPolicy;
use crate::viewer::Viewer;

/// `[clip]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ClipConfig {
    /// The query parameter of the beginning. Absent: viewers cannot choose it.
    pub start_parameter: Option<String>,
    /// The query parameter of the end.
    pub end_parameter: Option<String>,
    /// A beginning for every viewer.
    pub start: Option<String>,
    /// An end for every viewer.
    pub end: Option<String>,
    /// Live: everything is shown this many seconds late.
    pub delay: f64,
}

/// A point of a programme.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Point {
    /// Seconds from the first segment of the playlist.
    Offset(f64),
    /// Milliseconds of Unix time, found by `EXT-X-PROGRAM-DATE-TIME`.
    Date(i64),
}

impl Point {
    /// Reads `90`, `90.5`, a Unix time in seconds (from 1980 on), or an RFC 3339 date.
    #[allow(clippy::cast_possible_truncation)]
    pub fn parse(text: &str) -> Option<Self> {
        const FIRST_DATE: f64 = 315_532_800.0;
        match text.trim().parse::<f64>() {
            Ok(seconds) if !(0.0..1e11).contains(&seconds) => None,
            // In range by the line above: under 1e14 milliseconds.
            Ok(seconds) if seconds >= FIRST_DATE => Some(Self::Date((seconds * 1000.0) as i64)),
            Ok(seconds) => Some(Self::Offset(seconds)),
            Err(_) => datetime::parse(text).map(Self::Date),
        }
    }
}

/// The part that one request asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clip {
    /// Where it begins.
    pub start: Option<Point>,
    /// Where it ends.
    pub end: Option<Point>,
    /// What is later than this is not shown yet, in milliseconds of Unix time.
    pub not_after: Option<i64>,
}

/// The compiled section.
#[derive(Debug, Clone, Default)]
pub struct ClipPolicy {
    config: ClipConfig,
}

impl ClipPolicy {
    /// Checks a configuration.
    ///
    /// # Errors
    /// The key that is wrong.
    pub fn compile(config: &ClipConfig) -> Result<Self, ConfigError> {
        for (key, text) in [("clip.start", &config.start), ("clip.end", &config.end)] {
            if text
                .as_deref()
                .is_some_and(|text| Point::parse(text).is_none())
            {
                return Err(ConfigError::new(
                    NAME,
                    key,
                    "write seconds, or a date as in 2026-11-20T08:00:00Z",
                ));
            }
        }
        if !(0.0..=86_400.0).contains(&config.delay) {
            return Err(ConfigError::new(
                NAME,
                "clip.delay",
                "a delay is 0 to 86400 seconds",
            ));
        }
        Ok(Self {
            config: config.clone(),
        })
    }

    /// True when no request can be for a part.
    pub fn is_empty(&self) -> bool {
        let config = &self.config;
        let texts = [&config.start, &config.end];
        self.parameters().next().is_none()
            && texts.into_iter().all(Option::is_none)
            && config.delay == 0.0
    }

    /// The clip of a request, its parameters carried into the playlists below. None when the whole programme is shown.
    ///
    /// # Errors
    /// A parameter that is no point in time, as the problem to answer.
    #[allow(clippy::cast_possible_truncation)]
    pub fn read(
        &self,
        viewer: &Viewer,
        now_ns: u64,
        uris: &mut UriPolicy,
    ) -> Result<Option<Clip>, Box<Problem>> {
        let config = &self.config;
        let mut point = |parameter: &Option<String>,
                         fixed: &Option<String>|
         -> Result<Option<Point>, Box<Problem>> {
            let asked = parameter
                .as_deref()
                .and_then(|name| Some((name, viewer.parameter(name)?)));
            let Some((name, text)) = asked else {
                return Ok(fixed.as_deref().and_then(Point::parse));
            };
            let found = Point::parse(&text).ok_or_else(|| {
                let detail = format!("`{name}` is neither a number of seconds nor a date");
                Box::new(
                    Problem::new(400, "bad-clip", "The part of the programme cannot be read")
                        .detail(detail),
                )
            })?;
            // Written anew, so that nothing of the viewer's text but a number or date goes on.
            let value = match found {
                Point::Offset(seconds) => seconds.to_string(),
                Point::Date(millis) => datetime::format(millis),
            };
            uris.append(
                &crate::uri::carrier::encoded_query(name.as_bytes()),
                value.as_bytes(),
                Places::of(Place::is_playlist),
            );
            Ok(Some(found))
        };
        let start = point(&config.start_parameter, &config.start)?;
        let end = point(&config.end_parameter, &config.end)?;
        let empty = match (start, end) {
            (Some(Point::Offset(start)), Some(Point::Offset(end))) => end <= start,
            (Some(Point::Date(start)), Some(Point::Date(end))) => end <= start,
            _ => false,
        };
        if empty {
            let problem = Problem::new(400, "bad-clip", "The part of the programme is empty");
            return Err(Box::new(problem.detail("the end is not after the start")));
        }
        let now = i64::try_from(now_ns / 1_000_000).unwrap_or(i64::MAX);
        // At most 86,400,000 by the check above.
        let not_after =
            (config.delay > 0.0).then(|| now.saturating_sub((config.delay * 1000.0) as i64));
        let clip = Clip {
            start,
            end,
            not_after,
        };
        Ok((clip != Clip::default()).then_some(clip))
    }

    /// The query parameters that are read here.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        [&self.config.start_parameter, &self.config.end_parameter]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points() {
        assert_eq!(Point::parse("90.5"), Some(Point::Offset(90.5)));
        assert_eq!(
            Point::parse("1732546579"),
            Some(Point::Date(1_732_546_579_000))
        );
        assert_eq!(
            Point::parse("2024-11-25T14:56:19Z"),
            Some(Point::Date(1_732_546_579_000))
        );
        for bad in ["", "-1", "NaN", "inf", "x", "1e99"] {
            assert_eq!(Point::parse(bad), None, "{bad}");
        }
    }
}
