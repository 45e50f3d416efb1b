//! Multi-CDN: which host a viewer fetches media from.

use serde::Deserialize;
use weir_module::ConfigError;

use crate::NAME;
use crate::fingerprint::Fingerprint;
use crate::playlist::places::{Place, Places};
use crate::uri::policy::HostSwitch;
use crate::uri::reference::{HostPattern, UriReference};
use crate::viewer::Viewer;

/// `[hosts]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct HostsConfig {
    /// Places that move; `media` and `playlist` stand for groups. Default `["media"]`.
    pub places: Option<Vec<String>>,
    /// Absolute URIs with these hosts move too.
    pub from: Vec<String>,
    /// What keeps a viewer on one host: `viewer` (session, subject or address) or `path`. Default `viewer`.
    pub sticky: Sticky,
    /// The hosts.
    pub cdn: Vec<CdnConfig>,
}

/// What a choice of host depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sticky {
    /// The viewer.
    #[default]
    Viewer,
    /// The playlist's directory: every viewer gets the same host, so the result can be shared.
    Path,
}

/// `[[hosts.cdn]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CdnConfig {
    /// `https://cdn.example/optional/prefix`.
    pub base: String,
    /// Share of viewers, relative to the others. Default 1.
    #[serde(default = "one")]
    pub weight: f64,
    /// Countries for which this host is meant; empty: all for which no other is.
    #[serde(default)]
    pub countries: Vec<String>,
}

fn one() -> f64 {
    1.0
}

/// The compiled choice.
#[derive(Debug, Clone)]
pub struct Hosts {
    places: Places,
    from: Vec<HostPattern>,
    sticky: Sticky,
    cdns: Vec<CdnConfig>,
}

impl Hosts {
    /// Checks a configuration. None when no host is named.
    ///
    /// # Errors
    /// The key that is wrong.
    pub fn compile(config: &HostsConfig) -> Result<Option<Self>, ConfigError> {
        let error = |key: String, message: &str| Err(ConfigError::new(NAME, key, message));
        for (index, cdn) in config.cdn.iter().enumerate() {
            let parts = UriReference::split(cdn.base.as_bytes());
            let whole = parts.scheme.is_some()
                && parts.host().is_some_and(|host| !host.is_empty())
                && parts.is_http();
            if !whole || parts.query.is_some() || parts.fragment.is_some() || !is_plain(&cdn.base) {
                return error(
                    format!("hosts.cdn[{index}].base"),
                    "write it as https://host or https://host/prefix",
                );
            }
            if !(cdn.weight.is_finite() && cdn.weight >= 0.0) {
                return error(
                    format!("hosts.cdn[{index}].weight"),
                    "a weight is a number from 0 up",
                );
            }
        }
        if config.cdn.is_empty() {
            return Ok(None);
        }
        let cdns = config.cdn.iter().map(|cdn| CdnConfig {
            base: cdn.base.trim_end_matches('/').into(),
            ..cdn.clone()
        });
        Ok(Some(Self {
            places: match &config.places {
                Some(names) => compile_places("hosts.places", names)?,
                None => Places::of(Place::is_media),
            },
            from: compile_hosts("hosts.from", &config.from)?,
            sticky: config.sticky,
            cdns: cdns.collect(),
        }))
    }

    /// The host for this viewer. None when every weight is zero.
    ///
    /// Weighted rendezvous hashing (Schindelhauer and Schomaker, 2005): when a host is added or leaves, only its own viewers move.
    pub fn choose(&self, viewer: &Viewer) -> Option<HostSwitch> {
        let named = self.cdns.iter().any(|cdn| !cdn.countries.is_empty());
        let country = if named {
            viewer.header("weir-country").unwrap_or_default()
        } else {
            ""
        };
        let meant = |cdn: &&CdnConfig| {
            cdn.countries
                .iter()
                .any(|name| name.eq_ignore_ascii_case(country))
        };
        let local = self.cdns.iter().filter(meant).any(|cdn| cdn.weight > 0.0);
        let directory = viewer
            .path
            .rsplit_once('/')
            .map_or("", |(directory, _)| directory);
        let key = match self.sticky {
            // Only a choice between several depends on who asks.
            Sticky::Viewer if self.cdns.len() > 1 => viewer.identity().unwrap_or(directory),
            _ => directory,
        };
        let score = |cdn: &CdnConfig| {
            let unit = Fingerprint::new()
                .field(key.as_bytes())
                .field(cdn.base.as_bytes())
                .unit();
            -cdn.weight / unit.ln()
        };
        self.cdns
            .iter()
            .filter(|cdn| {
                cdn.weight > 0.0
                    && if local {
                        meant(cdn)
                    } else {
                        cdn.countries.is_empty()
                    }
            })
            .max_by(|a, b| score(a).total_cmp(&score(b)))
            .map(|cdn| HostSwitch {
                base: cdn.base.clone().into(),
                places: self.places,
                from: self.from.clone(),
            })
    }
}

fn is_plain(uri: &str) -> bool {
    uri.bytes().all(|byte| {
        byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'{' | b'}' | b'<' | b'>')
    })
}

/// Reads a list of host patterns.
///
/// # Errors
/// The pattern that is none, by its key.
pub fn compile_hosts(key: &str, patterns: &[String]) -> Result<Vec<HostPattern>, ConfigError> {
    patterns
        .iter()
        .enumerate()
        .map(|(index, text)| {
            HostPattern::parse(text).ok_or_else(|| {
                ConfigError::new(
                    NAME,
                    format!("{key}[{index}]"),
                    "write a host, *.host or * (no scheme, no port, no path)",
                )
            })
        })
        .collect()
}

/// Reads a list of places; `media`, `playlist` and `all` stand for groups.
///
/// # Errors
/// The name that is none, by its key.
pub fn compile_places(key: &str, names: &[String]) -> Result<Places, ConfigError> {
    names
        .iter()
        .enumerate()
        .try_fold(Places::default(), |places, (index, name)| {
            let wanted = |place: Place| match name.as_str() {
                "all" => true,
                "media" => place.is_media(),
                "playlist" => place.is_playlist(),
                _ => Place::from_name(name) == Some(place),
            };
            let more = Place::ALL.into_iter().filter(|place| wanted(*place));
            let grown = more.fold(places, Places::with);
            if grown == places && !Place::ALL.into_iter().any(wanted) {
                let known: Vec<_> = Place::ALL.into_iter().map(Place::name).collect();
                return Err(ConfigError::new(
                    NAME,
                    format!("{key}[{index}]"),
                    format!(
                        "`{name}` is no place; known: all, media, playlist, {}",
                        known.join(", ")
                    ),
                ));
            }
            Ok(grown)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(text: &str) -> Result<Option<Hosts>, ConfigError> {
        Hosts::compile(&toml::from_str(text).unwrap())
    }

    fn viewer(session: u32, country: &str) -> Viewer {
        let session = session.to_string();
        let names = weir_module::HeaderNames::new(crate::viewer::HEADERS.iter().copied());
        let mut buffer = weir_module::HeadBuffer::default();
        buffer.start("GET", "/v/a.m3u8").unwrap();
        buffer
            .named(&names, "weir-session", session.as_bytes())
            .unwrap();
        buffer
            .named(&names, "weir-country", country.as_bytes())
            .unwrap();
        Viewer::new(&weir_module::RequestHead::decode(&names, buffer.as_bytes()).unwrap())
    }

    const TWO: &str =
        "[[cdn]]\nbase='https://a.example/'\nweight=3\n[[cdn]]\nbase='https://b.example/p'\n";

    #[test]
    fn shares_follow_the_weights_and_sessions_stick() {
        let hosts = hosts(TWO).unwrap().unwrap();
        let at_a = |n| hosts.choose(&viewer(n, "")).unwrap().base == b"https://a.example";
        let share = (0..4000).filter(|n| at_a(*n)).count();
        assert!((2850..3150).contains(&share), "{share}");
        assert_eq!(at_a(7), at_a(7));
        assert!(viewer(1, "").identity().is_some());
    }

    #[test]
    fn a_third_host_takes_only_its_own_share() {
        let (two, three) = (
            hosts(TWO).unwrap().unwrap(),
            hosts(&format!("{TWO}[[cdn]]\nbase='https://c.example'\n"))
                .unwrap()
                .unwrap(),
        );
        for n in 0..500 {
            let (before, after) = (
                two.choose(&viewer(n, "")).unwrap(),
                three.choose(&viewer(n, "")).unwrap(),
            );
            assert!(before.base == after.base || after.base == b"https://c.example");
        }
    }

    #[test]
    fn countries_come_first() {
        let hosts = hosts(&format!("{TWO}countries=['DE','at']\n"))
            .unwrap()
            .unwrap();
        for n in 0..50 {
            assert_eq!(
                hosts.choose(&viewer(n, "AT")).unwrap().base,
                b"https://b.example/p"
            );
            assert_eq!(
                hosts.choose(&viewer(n, "FR")).unwrap().base,
                b"https://a.example"
            );
        }
    }

    #[test]
    fn a_choice_by_path_is_shared() {
        let hosts = hosts(&format!("sticky='path'\n{TWO}")).unwrap().unwrap();
        let viewer = viewer(1, "DE");
        assert!(hosts.choose(&viewer).is_some() && !viewer.is_personal());
    }

    #[test]
    fn names_the_wrong_key() {
        assert_eq!(
            hosts("[[cdn]]\nbase='cdn.example'").unwrap_err().key(),
            "hosts.cdn[0].base"
        );
        assert_eq!(
            hosts("[[cdn]]\nbase='https://a'\nweight=-1")
                .unwrap_err()
                .key(),
            "hosts.cdn[0].weight"
        );
        assert_eq!(
            hosts("places=['nowhere']\n[[cdn]]\nbase='https://a'")
                .unwrap_err()
                .key(),
            "hosts.places[0]"
        );
        assert_eq!(
            hosts("from=['https://x']\n[[cdn]]\nbase='https://a'")
                .unwrap_err()
                .key(),
            "hosts.from[0]"
        );
        assert!(hosts("").unwrap().is_none());
    }
}
