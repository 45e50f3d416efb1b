//! The steering server: the manifests that tell players which pathway to use (RFC 8216bis section 7).

use serde::{Deserialize, Serialize};
use weir_module::Answer;

use crate::fingerprint::Fingerprint;
use crate::select::expression::Expression;
use crate::steering::config::{Mode, PathwayConfig, Steering};
use crate::uri::reference::UriReference;
use crate::viewer::Viewer;

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
    use weir_module::ConfigError;
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
        let steering = steering(
            &TWO.replace("path=", "mode='clones'\npath=")
                .replace(":8443", ""),
        )
        .unwrap();
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
            serde_json::json!({"BASE-ID": "a", "ID": "b", "URI-REPLACEMENT": {"HOST": "b.example"}})
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
    fn reads_health() {
        assert!(read_health(b"{").is_err());
        assert_eq!(read_health(br#"{"unhealthy":["b"]}"#).unwrap(), ["b"]);
    }
}
