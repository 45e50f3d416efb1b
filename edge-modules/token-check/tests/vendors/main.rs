//! The formats that CDNs made for themselves: published vectors where there are any, and every way round them that we know.
#![allow(clippy::unwrap_used)] // Test helpers: a failure here is a failed test.

mod bunny;
mod cloudflare_stream;
mod cloudfront;
mod edge_auth;
mod hmac_template;
mod media_cdn;
mod secure_link;
mod uri_signing;

use std::collections::BTreeMap;

use token_check::mint::{
    BunnyClaims, EdgeAuthClaims, Encoding, JwtClaims, MediaCdnClaims, MediaCdnScope, Minter,
};
use token_check::{Algorithm, SigningKey, TokenCheck};
use weir_module::testing::{TestHost, decide};
use weir_module::{Edit, Edits, Module, Verdict};

struct Edge {
    module: TokenCheck,
    now: i64,
    headers: Vec<(String, String)>,
}

impl Edge {
    fn new(config: &str, now: i64) -> Self {
        let config = format!("client-address = \"weir-client-ip\"\n{config}");
        let module = TokenCheck::configure(&config).unwrap_or_else(|error| panic!("{error}"));
        let headers = [
            (":scheme", "https"),
            (":authority", "cdn.example"),
            ("weir-client-ip", "192.0.2.7"),
            ("weir-country", "DE"),
        ];
        let headers = headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        Self {
            module,
            now,
            headers,
        }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn edits(&mut self, target: &str) -> Option<Edits> {
        let mut host: TestHost = TestHost {
            now_ns: self.now.unsigned_abs() * 1_000_000_000,
            ..TestHost::default()
        };
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        match decide(&mut self.module, &mut host, "GET", target, &headers) {
            Verdict::Pass(edits) => Some(edits),
            _ => None,
        }
    }

    /// The request headers that are set, by name; none when it is refused.
    fn request(&mut self, target: &str) -> Option<BTreeMap<String, String>> {
        let edits = self.edits(target)?;
        let set = edits.iter().filter_map(|edit| match edit {
            Edit::SetRequest(name, value) => Some((name, value)),
            _ => None,
        });
        Some(set.map(text).collect())
    }

    /// The response headers that are set or added, by name; none when it is refused.
    fn response(&mut self, target: &str) -> Option<BTreeMap<String, String>> {
        let edits = self.edits(target)?;
        let set = edits.iter().filter_map(|edit| match edit {
            Edit::SetResponse(name, value) | Edit::AppendResponse(name, value) => {
                Some((name, value))
            }
            _ => None,
        });
        Some(set.map(text).collect())
    }

    /// The target that goes on, or the reason of the refusal.
    fn get(&mut self, target: &str) -> Result<String, String> {
        let now_ns = self.now.unsigned_abs() * 1_000_000_000;
        let mut host: TestHost = TestHost {
            now_ns,
            ..TestHost::default()
        };
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        match decide(&mut self.module, &mut host, "GET", target, &headers) {
            Verdict::Pass(edits) => {
                let changed = edits.iter().find_map(|edit| match edit {
                    Edit::SetTarget(target) => Some(target.to_owned()),
                    _ => None,
                });
                Ok(changed.unwrap_or_else(|| target.to_owned()))
            }
            Verdict::Answer(answer) => {
                let (_, reason) = answer
                    .headers
                    .iter()
                    .find(|(name, _)| name == "weir-reason")
                    .unwrap();
                Err(String::from_utf8(reason.clone()).unwrap())
            }
            Verdict::Exchange(..) => unreachable!(),
        }
    }
}

fn text((name, value): (&str, &[u8])) -> (String, String) {
    (name.to_owned(), String::from_utf8(value.to_vec()).unwrap())
}

fn no<T>(reason: &str) -> Result<T, String> {
    Err(reason.to_owned())
}
