//! `[[interstitials]]`: advertisements and bumpers as `EXT-X-DATERANGE` tags that the player carries out (RFC 8216bis
//! appendix D): before, after and within a programme, and at the breaks that SCTE-35 marks.

use serde::Deserialize;
use weir_module::ConfigError;

use crate::NAME;
use crate::playlist::attributes::is_quotable;
use crate::playlist::datetime;
use crate::select::expression::Expression;
use crate::select::scopes::is_viewer_name;
use crate::uri::carrier::encoded_query;
use crate::viewer::Viewer;

/// `[[interstitials]]`, and an item of a schedule document.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InterstitialConfig {
    /// The beginning of its `ID`.
    pub id: String,
    /// `pre`, `post`, `break` (at every SCTE-35 or CUE-OUT break), seconds from the beginning, or an RFC 3339 date.
    pub at: String,
    /// It is shown to viewers of whom this is true. Absent: to all.
    pub when: Option<String>,
    /// `X-ASSET-URI`: a playlist, absolute or relative to the playlist that it stands in. Either this or `asset-list`.
    pub asset_uri: Option<String>,
    /// `X-ASSET-LIST`: a service that decides, asked by the player. `{session}`, `{subject}`, `{tier}`, `{country}`, `{id}` and
    /// `{duration}` are filled in.
    pub asset_list: Option<String>,
    /// Seconds that it is expected to last.
    pub duration: Option<f64>,
    /// `X-RESUME-OFFSET`: seconds from the beginning of the break at which the programme goes on. Default 0, so that nothing of the
    /// programme is lost; for `break` absent, so that the break is replaced.
    pub resume_offset: Option<f64>,
    /// `X-PLAYOUT-LIMIT`: no longer than this many seconds. For `break` by default the length of the break.
    pub playout_limit: Option<f64>,
    /// `X-RESTRICT`: `skip`, `jump`.
    #[serde(default)]
    pub restrict: Vec<Restriction>,
    /// `CUE=ONCE`: not again in this session.
    #[serde(default)]
    pub once: bool,
}

/// What viewers may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restriction {
    /// Seek or play faster within it.
    Skip,
    /// Seek over it.
    Jump,
}

/// Where an interstitial stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum At {
    /// Before the programme.
    Pre,
    /// After it.
    Post,
    /// At every marked break.
    Break,
    /// Seconds from the beginning.
    Offset(f64),
    /// Milliseconds of Unix time.
    Date(i64),
}

/// A compiled interstitial.
#[derive(Debug, Clone)]
pub struct Interstitial {
    config: InterstitialConfig,
    when: Option<Expression>,
    /// Where it stands.
    pub at: At,
}

/// A schedule document.
#[derive(Debug, Deserialize)]
struct Schedule {
    interstitials: Vec<InterstitialConfig>,
}

/// Reads a schedule document, `{"interstitials": [ … ]}`.
///
/// # Errors
/// What is wrong with it.
pub fn read_schedule(body: &[u8]) -> Result<Vec<Interstitial>, String> {
    let schedule: Schedule = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    compile_all(&schedule.interstitials).map_err(|error| error.to_string())
}

/// Compiles a list; the identifiers in it are unique.
///
/// # Errors
/// The key that is wrong.
pub fn compile_all(configs: &[InterstitialConfig]) -> Result<Vec<Interstitial>, ConfigError> {
    for (index, config) in configs.iter().enumerate() {
        if configs[..index].iter().any(|other| other.id == config.id) {
            return Err(ConfigError::new(
                NAME,
                format!("interstitials[{index}].id"),
                "another interstitial has it",
            ));
        }
    }
    configs
        .iter()
        .enumerate()
        .map(|(index, config)| Interstitial::compile(index, config))
        .collect()
}

impl Interstitial {
    fn compile(index: usize, config: &InterstitialConfig) -> Result<Self, ConfigError> {
        let wrong = |key: &str, message: &str| {
            ConfigError::new(NAME, format!("interstitials[{index}].{key}"), message)
        };
        if config.asset_uri.is_some() == config.asset_list.is_some() {
            return Err(wrong(
                "asset-uri",
                "it has either `asset-uri` or `asset-list`",
            ));
        }
        for (key, text) in [
            ("id", Some(&config.id)),
            ("asset-uri", config.asset_uri.as_ref()),
            ("asset-list", config.asset_list.as_ref()),
        ] {
            if text.is_some_and(|text| text.is_empty() || !is_quotable(text)) {
                return Err(wrong(
                    key,
                    "it is not empty and has no quote mark and no line end",
                ));
            }
        }
        for (key, seconds) in [
            ("duration", config.duration),
            ("resume-offset", config.resume_offset),
            ("playout-limit", config.playout_limit),
        ] {
            let least = if key == "resume-offset" {
                f64::MIN
            } else {
                0.0
            };
            if seconds.is_some_and(|seconds| !seconds.is_finite() || seconds < least) {
                return Err(wrong(key, "it is a number of seconds"));
            }
        }
        let at = match config.at.as_str() {
            "pre" => At::Pre,
            "post" => At::Post,
            "break" => At::Break,
            text => match (text.parse::<f64>(), datetime::parse(text)) {
                (Ok(seconds), _) if seconds.is_finite() && seconds >= 0.0 => At::Offset(seconds),
                (_, Some(date)) => At::Date(date),
                _ => {
                    return Err(wrong(
                        "at",
                        "write pre, post, break, seconds, or a date as in 2026-11-20T08:00:00Z",
                    ));
                }
            },
        };
        let when = config
            .when
            .as_deref()
            .map(|text| Expression::parse(text, &is_viewer_name))
            .transpose();
        let when = when.map_err(|error| wrong("when", &error.to_string()))?;
        Ok(Self {
            config: config.clone(),
            when,
            at,
        })
    }

    /// Every name that the condition uses.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.when.iter().flat_map(Expression::names)
    }

    /// The tag for this viewer, without date and length. None when it is not for the viewer.
    pub fn for_viewer(&self, viewer: &Viewer) -> Option<Placed> {
        let names_viewer = self.names().any(|name| !name.starts_with("query."));
        if names_viewer {
            viewer.make_personal();
        }
        if self
            .when
            .as_ref()
            .is_some_and(|when| when.evaluate(viewer) != Some(true))
        {
            return None;
        }
        let config = &self.config;
        let mut attributes = String::new();
        match (&config.asset_uri, &config.asset_list) {
            // An absolute URI by appendix D.2; players take a relative one for a URI of their page.
            (Some(uri), _) => {
                attributes.push_str(&format!(",X-ASSET-URI=\"{}\"", viewer.absolute(uri)))
            }
            (None, Some(template)) => attributes.push_str(&format!(
                ",X-ASSET-LIST=\"{}\"",
                fill(template, viewer, &config.id)
            )),
            (None, None) => {}
        }
        let resume = config
            .resume_offset
            .or((self.at != At::Break).then_some(0.0));
        for (name, value) in [
            ("X-RESUME-OFFSET", resume),
            ("X-PLAYOUT-LIMIT", config.playout_limit),
        ] {
            if let Some(value) = value {
                attributes.push_str(&format!(",{name}={value}"));
            }
        }
        let restrictions: Vec<&str> = config
            .restrict
            .iter()
            .map(|restriction| match restriction {
                Restriction::Skip => "SKIP",
                Restriction::Jump => "JUMP",
            })
            .collect();
        if !restrictions.is_empty() {
            attributes.push_str(&format!(",X-RESTRICT=\"{}\"", restrictions.join(",")));
        }
        let cue: Vec<&str> = [
            (self.at == At::Pre, "PRE"),
            (self.at == At::Post, "POST"),
            (config.once, "ONCE"),
        ]
        .into_iter()
        .filter_map(|(holds, name)| holds.then_some(name))
        .collect();
        if !cue.is_empty() {
            attributes.push_str(&format!(",CUE=\"{}\"", cue.join(",")));
        }
        Some(Placed {
            id: config.id.clone(),
            at: self.at,
            duration: config.duration,
            has_limit: config.playout_limit.is_some(),
            attributes,
        })
    }
}

/// An interstitial for one viewer, to be given its date.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    id: String,
    /// Where it stands.
    pub at: At,
    /// Seconds.
    pub duration: Option<f64>,
    has_limit: bool,
    attributes: String,
}

impl Placed {
    /// An interstitial with attributes of the caller's own, each with a comma in front.
    pub fn new(id: &str, at: At, duration: f64, attributes: String) -> Self {
        Self {
            id: id.to_owned(),
            at,
            duration: Some(duration),
            has_limit: true,
            attributes,
        }
    }

    /// The tag at a date, in milliseconds. `occurrence` tells the tags of one interstitial apart, `length` is that of a break.
    pub fn tag(&self, date: i64, occurrence: Option<i64>, length: Option<f64>) -> String {
        let occurrence = occurrence
            .map(|number| format!("-{number}"))
            .unwrap_or_default();
        let start = datetime::format(date);
        let duration = self.duration.or(length);
        let shown = duration
            .map(|seconds| format!(",DURATION={seconds}"))
            .unwrap_or_default();
        let limit = length
            .filter(|_| !self.has_limit)
            .map(|seconds| format!(",X-PLAYOUT-LIMIT={seconds}"))
            .unwrap_or_default();
        let attributes = match duration {
            Some(seconds) => self.attributes.replace("{duration}", &seconds.to_string()),
            None => self.attributes.replace("{duration}", ""),
        };
        format!(
            "#EXT-X-DATERANGE:ID=\"{}{occurrence}\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"{start}\"{shown}{attributes}{limit}",
            self.id
        )
    }
}

/// Fills a template in; what is filled in is made safe for a URI.
fn fill(template: &str, viewer: &Viewer, id: &str) -> String {
    let fields = [
        ("{session}", "weir-session"),
        ("{subject}", "weir-subject"),
        ("{tier}", "weir-tier"),
        ("{country}", "weir-country"),
    ];
    let mut text = template.to_owned();
    for (mark, header) in fields {
        if text.contains(mark) {
            let value = component(viewer.header(header).unwrap_or_default());
            text = text.replace(mark, &value);
        }
    }
    text.replace("{id}", &component(id))
}

fn component(text: &str) -> String {
    let encoded = encoded_query(text.as_bytes());
    String::from_utf8_lossy(&encoded)
        .replace('=', "%3D")
        .replace('?', "%3F")
        .replace('{', "%7B")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Interstitial, ConfigError> {
        Interstitial::compile(0, &toml::from_str(text).unwrap())
    }

    #[test]
    fn writes_what_a_player_reads() {
        let item = one("id='ad'\nat='pre'\nasset-uri='https://ads.example/a.m3u8'\nduration=15\nrestrict=['skip','jump']\nonce=true").unwrap();
        let placed = item.for_viewer(&Viewer::from_query("")).unwrap();
        assert_eq!(
            placed.tag(0, None, None),
            "#EXT-X-DATERANGE:ID=\"ad\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"1970-01-01T00:00:00.000Z\",DURATION=15,\
             X-ASSET-URI=\"https://ads.example/a.m3u8\",X-RESUME-OFFSET=0,X-RESTRICT=\"SKIP,JUMP\",CUE=\"PRE,ONCE\""
        );
        let item = one("id='b'\nat='break'\nasset-list='https://ads.example/d?c={country}&l={duration}&i={id}'").unwrap();
        let placed = item.for_viewer(&Viewer::from_query("")).unwrap();
        assert_eq!(
            placed.tag(1000, Some(1000), Some(30.5)),
            "#EXT-X-DATERANGE:ID=\"b-1000\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"1970-01-01T00:00:01.000Z\",DURATION=30.5,\
             X-ASSET-LIST=\"https://ads.example/d?c=&l=30.5&i=b\",X-PLAYOUT-LIMIT=30.5"
        );
    }

    #[test]
    fn nothing_of_a_viewer_breaks_a_tag() {
        assert_eq!(component("a\"b&c={d}\n"), "a%22b%26c%3D%7Bd%7D%0A");
    }

    #[test]
    fn names_the_wrong_key() {
        for (text, key) in [
            ("id='a'\nat='pre'", "interstitials[0].asset-uri"),
            ("id='a'\nat='noon'\nasset-uri='x'", "interstitials[0].at"),
            ("id='a\"'\nat='pre'\nasset-uri='x'", "interstitials[0].id"),
            (
                "id='a'\nat='pre'\nasset-uri='x'\nduration=-1",
                "interstitials[0].duration",
            ),
            (
                "id='a'\nat='pre'\nasset-uri='x'\nwhen='height > 1'",
                "interstitials[0].when",
            ),
        ] {
            assert_eq!(one(text).unwrap_err().key(), key);
        }
        assert!(
            read_schedule(
                b"{\"interstitials\":[{\"id\":\"a\",\"at\":\"pre\",\"asset-uri\":\"x\"}]}"
            )
            .is_ok()
        );
        assert!(read_schedule(b"{\"interstitials\":[{\"id\":\"a\"}]}").is_err());
    }
}
