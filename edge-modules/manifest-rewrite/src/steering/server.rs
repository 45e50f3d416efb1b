//! `[steering]`: content steering (RFC 8216bis sections 4.4.6.6 and 7): pathways in multivariant playlists, and the steering
//! manifests that tell players which to use.

use serde::{Deserialize, Serialize};
use weir_module::{Answer, ConfigError};

use crate::NAME;
use crate::fingerprint::Fingerprint;
use crate::multivariant::session::is_quotable;
use crate::select::expression::Expression;
use crate::select::scopes::is_viewer_name;
use crate::uri::reference::UriReference;
use crate::viewer::Viewer;

/// `[steering]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SteeringConfig {
    /// The path at which steering manifests are answered.
    pub path: String,
    /// `SERVER-URI` in playlists. Default: `path`.
    pub server_uri: Option<String>,
    /// How pathways come into playlists. Default `listed`.
    #[serde(default)]
    pub mode: Mode,
    /// Seconds until a player asks again. Default 300.
    #[serde(default = "default_ttl")]
    pub ttl: u32,
    /// The pathways, the first one being where the playlist's own URIs lead.
    pub pathways: Vec<PathwayConfig>,
    /// A player on a pathway that reports less than this many bits a second is sent to the next. Default 0: off.
    #[serde(default)]
    pub min_throughput: u64,
    /// Viewers of whom this is true are told to stop asking (410).
    pub stop_when: Option<String>,
    /// Viewers of whom this is true are told to ask later (429 with `retry-after`: the TTL).
    pub busy_when: Option<String>,
    /// A JSON document `{"unhealthy": ["id", …]}` by URL: these pathways come last.
    pub health_url: Option<String>,
    /// Seconds for which a health document may be used before it is fetched again. Default 10.
    #[serde(default = "default_health_age")]
    pub health_max_age: u32,
    /// `access-control-allow-origin` of steering manifests. Default `*`.
    #[serde(default = "any_origin")]
    pub allow_origin: String,
}

fn default_ttl() -> u32 {
    300
}

fn default_health_age() -> u32 {
    10
}

fn any_origin() -> String {
    "*".to_owned()
}

/// How pathways come into playlists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Every variant and rendition stands once for each pathway.
    #[default]
    Listed,
    /// Only the first pathway stands there; steering manifests describe the others as `PATHWAY-CLONES`.
    Clones,
    /// The origin's playlists name the pathways; only the tag is put in when it is missing.
    Origin,
}

/// `[[steering.pathways]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PathwayConfig {
    /// `PATHWAY-ID`.
    pub id: String,
    /// `https://host` or `https://host/prefix` of its URIs. Absent: the host of the playlist.
    pub base: Option<String>,
    /// Share of viewers for whom it comes first. Default 1.
    #[serde(default = "default_weight")]
    pub weight: f64,
    /// Countries whose viewers get it first.
    #[serde(default)]
    pub countries: Vec<String>,
}

fn default_weight() -> f64 {
    1.0
}

/// The compiled section.
#[derive(Debug, Clone)]
pub struct Steering {
    config: SteeringConfig,
    stop_when: Option<Expression>,
    busy_when: Option<Expression>,
}

/// A steering manifest, version 1 (section 7.2).
#[derive(Debug, Serialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
struct SteeringManifest<'a> {
    version: u8,
    ttl: u32,
    pathway_priority: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pathway_clones: Vec<PathwayClone<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
struct PathwayClone<'a> {
    base_id: &'a str,
    id: &'a str,
    uri_replacement: UriReplacement,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
struct UriReplacement {
    host: String,
}

impl Steering {
    /// Checks a configuration.
    ///
    /// # Errors
    /// The key that is wrong.
    pub fn compile(config: SteeringConfig) -> Result<Self, ConfigError> {
        let wrong =
            |key: &str, message: &str| ConfigError::new(NAME, format!("steering.{key}"), message);
        if !config.path.starts_with('/') || config.path.contains(['?', '#', '*']) {
            return Err(wrong("path", "it is a path, as in /steering"));
        }
        if config
            .server_uri
            .as_deref()
            .is_some_and(|uri| uri.is_empty() || !is_quotable(uri))
        {
            return Err(wrong("server-uri", "it is a URI without quote marks"));
        }
        if config.ttl == 0 {
            return Err(wrong("ttl", "a player waits at least one second"));
        }
        if config.pathways.is_empty() {
            return Err(wrong("pathways", "name at least one"));
        }
        for (index, pathway) in config.pathways.iter().enumerate() {
            let key = |name: &str| format!("pathways[{index}].{name}");
            let known =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            if pathway.id.is_empty() || !pathway.id.bytes().all(known) {
                return Err(wrong(
                    &key("id"),
                    "it holds letters, digits, `.`, `-` and `_`",
                ));
            }
            if config.pathways[..index]
                .iter()
                .any(|other| other.id == pathway.id)
            {
                return Err(wrong(&key("id"), "another pathway has it"));
            }
            if let Some(base) = &pathway.base {
                let parts = UriReference::split(base.as_bytes());
                let host = parts.host().is_some_and(|host| !host.is_empty());
                let prefix = !parts.path.is_empty() && parts.path != b"/";
                let whole = parts.scheme.is_some()
                    && parts.is_http()
                    && host
                    && parts.query.is_none()
                    && is_quotable(base);
                if !whole || (prefix && config.mode == Mode::Clones) {
                    return Err(wrong(
                        &key("base"),
                        "write https://host, or https://host/prefix when the mode is not clones",
                    ));
                }
            } else if index > 0 && config.mode != Mode::Origin {
                return Err(wrong(
                    &key("base"),
                    "only the first pathway may be the playlist's own host",
                ));
            }
            if !(pathway.weight.is_finite() && pathway.weight >= 0.0) {
                return Err(wrong(&key("weight"), "a weight is a number from 0 up"));
            }
        }
        let expression = |key: &str, text: &Option<String>| {
            let parsed = text
                .as_deref()
                .map(|text| Expression::parse(text, &is_viewer_name))
                .transpose();
            parsed.map_err(|error| wrong(key, &error.to_string()))
        };
        Ok(Self {
            stop_when: expression("stop-when", &config.stop_when)?,
            busy_when: expression("busy-when", &config.busy_when)?,
            config,
        })
    }

    /// The configuration.
    pub fn config(&self) -> &SteeringConfig {
        &self.config
    }

    /// The query parameters that the expressions use.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.stop_when, &self.busy_when]
            .into_iter()
            .flatten()
            .flat_map(Expression::names)
    }

    /// `SERVER-URI`.
    pub fn server_uri(&self) -> &str {
        self.config
            .server_uri
            .as_deref()
            .unwrap_or(&self.config.path)
    }

    /// The answer to a player that asks where to go.
    pub fn answer(&self, viewer: &Viewer, unhealthy: &[String]) -> Answer {
        let holds = |when: &Option<Expression>| {
            when.as_ref()
                .is_some_and(|when| when.evaluate(viewer) == Some(true))
        };
        let common = |answer: Answer| {
            answer
                .header("cache-control", "private, no-store")
                .header("access-control-allow-origin", &self.config.allow_origin)
        };
        if holds(&self.stop_when) {
            return common(Answer::new(410));
        }
        if holds(&self.busy_when) {
            return common(Answer::new(429)).header("retry-after", self.config.ttl.to_string());
        }
        let manifest = SteeringManifest {
            version: 1,
            ttl: self.config.ttl,
            pathway_priority: self.priority(viewer, unhealthy),
            pathway_clones: self.clones(),
        };
        // Numbers and strings always serialise.
        let body = serde_json::to_vec(&manifest).unwrap_or_default();
        common(Answer::new(200)).with_body("application/json", body)
    }

    /// The pathways, best first: healthy before unhealthy, not the one that is too slow, those of the viewer's country, then by
    /// weighted rendezvous so that a viewer keeps its place.
    pub fn priority(&self, viewer: &Viewer, unhealthy: &[String]) -> Vec<&str> {
        let parameter = |hls: &str, dash: &str| {
            let text = viewer.parameter(hls).or_else(|| viewer.parameter(dash))?;
            Some(text.trim_matches('"').to_owned())
        };
        let current = parameter("_HLS_pathway", "_DASH_pathway");
        let throughput = parameter("_HLS_throughput", "_DASH_throughput")
            .and_then(|text| text.parse::<u64>().ok());
        let slow = throughput.is_some_and(|bits| bits < self.config.min_throughput);
        let country = viewer.header("weir-country").unwrap_or_default().to_owned();
        let key = viewer.identity().unwrap_or_default().to_owned();
        let rank = |pathway: &PathwayConfig| {
            let unit = Fingerprint::new()
                .field(key.as_bytes())
                .field(pathway.id.as_bytes())
                .unit();
            let far = !pathway.countries.is_empty()
                && !pathway
                    .countries
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(&country));
            let near = !pathway.countries.is_empty() && !far;
            (
                unhealthy.contains(&pathway.id),
                slow && current.as_deref() == Some(pathway.id.as_str()),
                !near,
                far,
                // A higher score is better, a lower rank is.
                pathway.weight / unit.ln(),
            )
        };
        let mut ranked: Vec<_> = self
            .config
            .pathways
            .iter()
            .map(|pathway| (rank(pathway), pathway.id.as_str()))
            .collect();
        ranked.sort_by(|(a, _), (b, _)| {
            (a.0, a.1, a.2, a.3)
                .cmp(&(b.0, b.1, b.2, b.3))
                .then(a.4.total_cmp(&b.4))
        });
        ranked.into_iter().map(|(_, id)| id).collect()
    }

    fn clones(&self) -> Vec<PathwayClone<'_>> {
        let Some((first, others)) = self
            .config
            .pathways
            .split_first()
            .filter(|_| self.config.mode == Mode::Clones)
        else {
            return Vec::new();
        };
        others
            .iter()
            .filter_map(|pathway| {
                let authority =
                    UriReference::split(pathway.base.as_deref()?.as_bytes()).authority?;
                let host = String::from_utf8_lossy(authority).into_owned();
                Some(PathwayClone {
                    base_id: &first.id,
                    id: &pathway.id,
                    uri_replacement: UriReplacement { host },
                })
            })
            .collect()
    }
}

/// A health document.
#[derive(Debug, Deserialize)]
struct Health {
    unhealthy: Vec<String>,
}

/// The pathways that a health document names.
///
/// # Errors
/// Why it cannot be read.
pub fn read_health(body: &[u8]) -> Result<Vec<String>, String> {
    serde_json::from_slice::<Health>(body)
        .map(|health| health.unhealthy)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_module::{AnswerBody, HeadBuffer, HeaderNames, RequestHead};

    const TWO: &str = "path='/steer'\nmin-throughput=1000000\nstop-when='tier == \"none\"'\nbusy-when='tier == \"busy\"'\n\
        [[pathways]]\nid='a'\nweight=3\n[[pathways]]\nid='b'\nbase='https://b.example:8443'\n\
        [[pathways]]\nid='fr'\nbase='https://fr.example'\ncountries=['FR']\n";

    fn steering(text: &str) -> Result<Steering, ConfigError> {
        Steering::compile(toml::from_str(text).unwrap())
    }

    fn viewer(query: &str, headers: &[(&str, &str)]) -> Viewer {
        let names = HeaderNames::new(crate::viewer::HEADERS.iter().copied());
        let mut buffer = HeadBuffer::default();
        buffer.start("GET", &format!("/steer?{query}")).unwrap();
        for (name, value) in headers {
            buffer.named(&names, name, value.as_bytes()).unwrap();
        }
        Viewer::new(&RequestHead::decode(&names, buffer.as_bytes()).unwrap())
    }

    #[test]
    fn ranks_by_health_speed_country_and_weight() {
        let steering = steering(TWO).unwrap();
        let first = |query: &str, headers: &[(&str, &str)], unhealthy: &[String]| {
            steering.priority(&viewer(query, headers), unhealthy)[0].to_owned()
        };
        assert_eq!(first("", &[("weir-country", "fr")], &[]), "fr");
        assert_ne!(first("", &[("weir-country", "fr")], &["fr".into()]), "fr");
        let share = (0..1000)
            .filter(|n| first("", &[("weir-session", &n.to_string())], &[]) == "a")
            .count();
        assert!((700..800).contains(&share), "{share}");
        let slow = |pathway: &str| format!("_HLS_pathway=%22{pathway}%22&_HLS_throughput=900000");
        let session = [("weir-session", "1")];
        let here = first("", &session, &[]);
        assert_ne!(first(&slow(&here), &session, &[]), here);
        assert_eq!(
            first(&slow(&here).replace("900000", "5000000"), &session, &[]),
            here
        );
        assert_eq!(
            steering
                .priority(&viewer("", &[]), &["a".into(), "b".into(), "fr".into()])
                .len(),
            3
        );
    }

    #[test]
    fn answers_as_the_protocol_says() {
        let steering = steering(&TWO.replace("path=", "mode='clones'\npath=")).unwrap();
        let answer = steering.answer(&viewer("", &[]), &[]);
        let AnswerBody::Bytes(body) = &answer.body else {
            panic!()
        };
        let json: serde_json::Value = serde_json::from_slice(body).unwrap();
        assert_eq!(
            (json["VERSION"].as_u64(), json["TTL"].as_u64()),
            (Some(1), Some(300))
        );
        assert_eq!(json["PATHWAY-PRIORITY"].as_array().map(Vec::len), Some(3));
        assert_eq!(
            json["PATHWAY-CLONES"][0],
            serde_json::json!({"BASE-ID": "a", "ID": "b", "URI-REPLACEMENT": {"HOST": "b.example:8443"}})
        );
        assert_eq!(
            steering
                .answer(&viewer("", &[("weir-tier", "none")]), &[])
                .status,
            410
        );
        let busy = steering.answer(&viewer("", &[("weir-tier", "busy")]), &[]);
        assert!(
            busy.status == 429
                && busy
                    .headers
                    .iter()
                    .any(|(name, value)| name == "retry-after" && value == b"300")
        );
    }

    #[test]
    fn names_the_wrong_key() {
        for (text, key) in [
            ("path='x'\npathways=[]", "steering.path"),
            ("path='/x'\npathways=[]", "steering.pathways"),
            (
                "path='/x'\n[[pathways]]\nid='a b'",
                "steering.pathways[0].id",
            ),
            (
                "path='/x'\n[[pathways]]\nid='a'\n[[pathways]]\nid='a'\nbase='https://x'",
                "steering.pathways[1].id",
            ),
            (
                "path='/x'\n[[pathways]]\nid='a'\n[[pathways]]\nid='b'",
                "steering.pathways[1].base",
            ),
            ("path='/x'\nttl=0\n[[pathways]]\nid='a'", "steering.ttl"),
            (
                "path='/x'\nstop-when='height > 1'\n[[pathways]]\nid='a'",
                "steering.stop-when",
            ),
        ] {
            assert_eq!(steering(text).unwrap_err().key(), key, "{text}");
        }
        assert!(read_health(b"{").is_err());
        assert_eq!(read_health(br#"{"unhealthy":["b"]}"#).unwrap(), ["b"]);
    }
}
