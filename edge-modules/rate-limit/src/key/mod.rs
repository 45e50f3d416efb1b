//! Whom a quota counts: key expressions such as `"subject|client-ip"` and `"client-ip+route"`.

mod source;

use serde::{Deserialize, Deserializer, de};

use crate::key::source::Source;
use crate::request::Request;

/// A key expression: parts joined by `+`, alternatives of a part by `|` (the first that the request has counts).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyExpression {
    parts: Vec<Vec<Alternative>>,
}

/// A source with what stands before its value in a key, made once: `|sub=`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Alternative {
    source: Source,
    lead: Vec<u8>,
}

/// The most parts that one key may have: with the longest value of a source it keeps every key under the store's 512 bytes.
const MOST_PARTS: usize = 4;

impl KeyExpression {
    /// `subject|session|client-ip`: one viewer, as well as it can be told.
    pub(crate) fn viewer() -> Self {
        Self::first_of([Source::Subject, Source::Session, Source::ClientIp])
    }

    /// `subject`.
    pub(crate) fn subject() -> Self {
        Self::first_of([Source::Subject])
    }

    /// `session|device`.
    pub(crate) fn session_or_device() -> Self {
        Self::first_of([Source::Session, Source::Device])
    }

    /// `client-ip`.
    pub(crate) fn client_ip() -> Self {
        Self::first_of([Source::ClientIp])
    }

    fn first_of<const N: usize>(sources: [Source; N]) -> Self {
        Self {
            parts: vec![sources.into_iter().map(Alternative::new).collect()],
        }
    }

    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parts = text
            .split('+')
            .map(|part| {
                part.split('|')
                    .map(|source| Source::parse(source.trim()).map(Alternative::new))
                    .collect()
            })
            .collect::<Result<Vec<Vec<Alternative>>, String>>()?;
        if parts.len() > MOST_PARTS {
            return Err(format!(
                "a key has at most {MOST_PARTS} parts, `{text}` has {}",
                parts.len()
            ));
        }
        Ok(Self { parts })
    }

    /// The request headers that the expression reads.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &str> {
        self.parts
            .iter()
            .flatten()
            .flat_map(|alternative| alternative.source.headers())
    }

    /// Appends the key of a request. A part that the request lacks is `-`: all requests without it count as one.
    pub(crate) fn write(&self, out: &mut Vec<u8>, request: &Request<'_>) {
        for part in &self.parts {
            let found = part.iter().find_map(|alternative| {
                let value = alternative.source.value(request)?;
                Some((alternative, value))
            });
            match found {
                Some((alternative, value)) => {
                    out.extend_from_slice(&alternative.lead);
                    value.write(out);
                }
                None => out.extend_from_slice(b"|-"),
            }
        }
    }

    /// True when the request has everything that the key wants.
    pub(crate) fn is_complete(&self, request: &Request<'_>) -> bool {
        self.parts
            .iter()
            .all(|part| chosen(part, request).is_some())
    }

    /// True when the key of this request rests on the client's address.
    pub(crate) fn uses_address(&self, request: &Request<'_>) -> bool {
        self.parts.iter().any(|part| {
            matches!(
                chosen(part, request),
                Some(Source::ClientIp | Source::ClientNet | Source::Device)
            )
        })
    }
}

/// The source that tells one part of a request's key.
fn chosen<'p>(part: &'p [Alternative], request: &Request<'_>) -> Option<&'p Source> {
    part.iter()
        .map(|alternative| &alternative.source)
        .find(|source| source.value(request).is_some())
}

impl Alternative {
    fn new(source: Source) -> Self {
        let lead = format!("|{}=", source.tag()).into_bytes();
        Self { source, lead }
    }
}

impl<'de> Deserialize<'de> for KeyExpression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::with_request;
    use proptest::prelude::*;

    fn key(expression: &str, target: &str, headers: &[(&str, &str)]) -> String {
        let expression = KeyExpression::parse(expression).unwrap();
        let names: Vec<&str> = expression.headers().collect();
        with_request(target, &names, headers, |request| {
            let mut out = Vec::new();
            expression.write(&mut out, request);
            String::from_utf8(out).unwrap()
        })
    }

    #[test]
    fn the_first_alternative_that_is_there_counts() {
        let expression = "subject|client-ip";
        assert_eq!(
            key(
                expression,
                "/",
                &[("weir-subject", "ada"), ("weir-client-ip", "192.0.2.1")]
            ),
            "|sub=ada"
        );
        assert_eq!(
            key(expression, "/", &[("weir-client-ip", "192.0.2.1")]),
            "|ip=192.0.2.1/32"
        );
        assert_eq!(key(expression, "/", &[("weir-subject", "")]), "|-");
    }

    #[test]
    fn ipv6_clients_are_their_64() {
        let near = key("client-ip", "/", &[("weir-client-ip", "2001:db8:0:1::1")]);
        assert_eq!(near, "|ip=2001:db8:0:1::/64");
        assert_eq!(
            near,
            key(
                "client-ip",
                "/",
                &[("weir-client-ip", "2001:db8:0:1:ffff::2")]
            )
        );
        assert_eq!(
            key("client-net", "/", &[("weir-client-ip", "2001:db8:0:1::1")]),
            "|net=2001:db8::/48"
        );
        assert_eq!(
            key("client-net", "/", &[("weir-client-ip", "192.0.2.77")]),
            "|net=192.0.2.0/24"
        );
    }

    #[test]
    fn every_source_has_a_value() {
        let headers = [
            ("weir-session", "s1"),
            ("weir-country", "FI"),
            ("host", "cdn.example"),
            ("authorization", "Bearer abc"),
            ("cookie", "a=1; edge=two"),
            ("x-api-key", "k"),
            ("cmcd-session", "sid=\"6e2fb550-c457-11e9\",sf=h"),
        ];
        assert_eq!(
            key("session+country+host", "/", &headers),
            "|sid=s1|cc=FI|host=cdn.example"
        );
        assert_eq!(
            key(
                "header:X-Api-Key+cookie:edge+query:q+path",
                "/p?q=z",
                &headers
            ),
            "|h:x-api-key=k|c:edge=two|q:q=z|path=/p"
        );
        assert_eq!(
            key("cmcd-sid+everyone", "/", &headers),
            "|cmcd=6e2fb550-c457-11e9|all="
        );
        let token = key("token", "/", &headers);
        assert!(
            token.starts_with("|tok=#") && token.len() == 38 && !token.contains("abc"),
            "{token}"
        );
    }

    #[test]
    fn hostile_values_cannot_forge_another_key() {
        let forged = key("subject+session", "/", &[("weir-subject", "a|sid=b")]);
        assert!(forged.starts_with("|sub=#"), "{forged}");
        assert!(key("subject", "/", &[("weir-subject", &"x".repeat(5_000))]).len() < 64);
    }

    #[test]
    fn wrong_expressions_are_refused() {
        for text in [
            "",
            "subjekt",
            "subject|",
            "header:",
            "subject++session",
            "tier+tier+tier+tier+tier",
        ] {
            assert!(KeyExpression::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn keys_stay_inside_the_stores_bound(subject in ".{1,200}", agent in ".{0,200}", cookie in ".{0,300}") {
            let key = key(
                "subject+device+cookie:a+token",
                "/x?CMCD=%22&a=%zz",
                &[("weir-subject", &subject), ("user-agent", &agent), ("cookie", &cookie), ("weir-client-ip", "192.0.2.1")],
            );
            prop_assert!(key.len() <= 400);
            prop_assert_eq!(key.matches('|').count(), 4);
        }
    }
}
