//! Where keys come from: the configuration itself, or a document by URL that the host keeps fresh.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use weir_module::{ConfigError, DocumentNeed};

use crate::config::{read_list, wrong};
use crate::cose::read_cose_keys;
use crate::keys::{Key, KeySet, read_jwks};
use crate::signature::{Algorithm, SigningKey, VerifyingKey};

/// One `[[keys]]` entry: exactly one kind of material.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct KeyConfig {
    /// The name by which formats choose it; the id when absent.
    pub name: Option<String>,
    /// The key id that tokens name.
    pub id: Option<String>,
    /// Algorithms that it may be used with.
    pub algorithms: Vec<String>,
    /// The issuer that it belongs to.
    pub issuer: Option<String>,
    /// A shared secret as text.
    pub secret: Option<String>,
    /// A shared secret in hexadecimal.
    pub secret_hex: Option<String>,
    /// A shared secret in base64 or base64url.
    pub secret_base64: Option<String>,
    /// Whether a secret below 16 bytes is taken.
    pub allow_short: bool,
    /// A key in PEM.
    pub pem: Option<String>,
    /// A raw Ed25519 public key in base64 or base64url.
    pub ed25519: Option<String>,
    /// A JWK Set, or one JWK, as JSON text.
    pub jwks: Option<String>,
    /// A COSE KeySet, or one COSE key, in base64 or base64url.
    pub cose_keys: Option<String>,
    /// The URL of a JWK Set or a COSE KeySet.
    pub jwks_url: Option<String>,
    /// How old the copy of a document by URL may be, in seconds.
    pub max_age: Option<u32>,
}

impl std::fmt::Debug for KeyConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyConfig")
            .field("name", &self.name)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The key sources of a configuration.
#[derive(Debug)]
pub(crate) struct KeyRing {
    sources: Vec<Source>,
}

#[derive(Debug)]
struct Source {
    name: String,
    keys: Vec<Arc<Key>>,
    /// Where more come from.
    remote: Option<Remote>,
}

#[derive(Debug)]
struct Remote {
    url: String,
    max_age: u32,
    loaded: bool,
    algorithms: Vec<Algorithm>,
    issuer: Option<String>,
}

impl KeyRing {
    pub(crate) fn new(configs: &[KeyConfig]) -> Result<Self, ConfigError> {
        let mut sources: Vec<Source> = Vec::new();
        for (at, config) in configs.iter().enumerate() {
            let key = format!("keys[{at}]");
            let name = config
                .name
                .clone()
                .or_else(|| config.id.clone())
                .unwrap_or_else(|| format!("key-{at}"));
            if sources.iter().any(|source| source.name == name) {
                return Err(wrong(
                    format!("{key}.name"),
                    format!("another key is named `{name}`: give this one a `name`"),
                ));
            }
            sources.push(config.source(&key, name)?);
        }
        Ok(Self { sources })
    }

    /// The sources of these names, or all.
    pub(crate) fn select(
        &self,
        key: &str,
        names: Option<&[String]>,
    ) -> Result<Vec<usize>, ConfigError> {
        let found = match names {
            None => (0..self.sources.len()).collect(),
            Some(names) => read_list(key, names, |wanted| {
                self.sources
                    .iter()
                    .position(|source| source.name == wanted)
                    .ok_or_else(|| format!("no key is named `{wanted}`"))
            })?,
        };
        if found.is_empty() {
            Err(wrong(
                key,
                "the format has no key: add one under `[[keys]]`",
            ))
        } else {
            Ok(found)
        }
    }

    /// The keys of some sources as they are now.
    pub(crate) fn key_set(&self, sources: &[usize]) -> KeySet {
        let chosen = || sources.iter().filter_map(|at| self.sources.get(*at));
        let keys = chosen()
            .flat_map(|source| source.keys.iter().cloned())
            .collect();
        let incomplete =
            chosen().any(|source| source.remote.as_ref().is_some_and(|remote| !remote.loaded));
        KeySet::new(keys, incomplete)
    }

    /// The key of one source that signs, by the source's name.
    pub(crate) fn signing(&self, key: &str, wanted: &str) -> Result<Arc<Key>, ConfigError> {
        let source = self.sources.iter().find(|source| source.name == wanted);
        let source = source.ok_or_else(|| wrong(key, format!("no key is named `{wanted}`")))?;
        let signs = source.keys.iter().find(|known| known.signer().is_some());
        signs.cloned().ok_or_else(|| {
            let message = format!("`{wanted}` has no private half to sign with: give `pem` with the private key, or a secret");
            wrong(key, message)
        })
    }

    /// The documents that the sources need.
    pub(crate) fn documents(&self) -> Vec<DocumentNeed> {
        let need = |source: &Source| {
            let remote = source.remote.as_ref()?;
            Some(DocumentNeed {
                name: document(&source.name),
                url: remote.url.clone(),
                max_age: remote.max_age,
            })
        };
        self.sources.iter().filter_map(need).collect()
    }

    /// The document names among some sources.
    pub(crate) fn remote_documents(&self, sources: &[usize]) -> Vec<String> {
        let remote = |at: &usize| {
            self.sources
                .get(*at)
                .filter(|source| source.remote.is_some())
        };
        sources
            .iter()
            .filter_map(remote)
            .map(|source| document(&source.name))
            .collect()
    }

    /// Takes a fetched key set. A set that cannot be used changes nothing.
    pub(crate) fn load(&mut self, name: &str, body: &[u8]) -> Result<(), String> {
        let found = self
            .sources
            .iter_mut()
            .find(|source| document(&source.name) == name);
        let source = found.ok_or_else(|| format!("no key source waits for `{name}`"))?;
        let remote = source
            .remote
            .as_mut()
            .ok_or_else(|| format!("`{name}` is not fetched by URL"))?;
        // A published document never brings in a shared secret.
        let json = body.trim_ascii_start().first() == Some(&b'{');
        let keys = match json {
            true => read_jwks(body, false).map_err(|error| error.to_string())?,
            false => read_cose_keys(body, false)?,
        };
        let bound: Vec<Arc<Key>> = keys
            .into_iter()
            .filter_map(|key| bind(key, &remote.algorithms, remote.issuer.as_deref()))
            .map(Arc::new)
            .collect();
        if bound.is_empty() {
            return Err("no key of the set serves the algorithms that are configured".to_owned());
        }
        source.keys = bound;
        remote.loaded = true;
        Ok(())
    }
}

fn document(name: &str) -> String {
    format!("keys:{name}")
}

/// Narrows a key to some algorithms (all when empty) and to an issuer.
fn bind(key: Key, algorithms: &[Algorithm], issuer: Option<&str>) -> Option<Key> {
    let kept: Vec<Algorithm> = key
        .algorithms()
        .iter()
        .copied()
        .filter(|known| algorithms.is_empty() || algorithms.contains(known))
        .collect();
    if kept.is_empty() {
        return None;
    }
    let mut narrowed = Key::new(key.material().clone(), &kept).ok()?;
    if let Some(id) = key.id() {
        narrowed = narrowed.with_id(id);
    }
    if let Some(signer) = key.signer() {
        narrowed = narrowed.with_signer(signer);
    }
    Some(match issuer {
        Some(issuer) => narrowed.with_issuer(issuer),
        None => narrowed,
    })
}

impl KeyConfig {
    fn source(&self, key: &str, name: String) -> Result<Source, ConfigError> {
        let given = [
            ("secret", self.secret.is_some()),
            ("secret-hex", self.secret_hex.is_some()),
            ("secret-base64", self.secret_base64.is_some()),
            ("pem", self.pem.is_some()),
            ("ed25519", self.ed25519.is_some()),
            ("jwks", self.jwks.is_some()),
            ("cose-keys", self.cose_keys.is_some()),
            ("jwks-url", self.jwks_url.is_some()),
        ];
        let mut kinds = given
            .iter()
            .filter(|(_, given)| *given)
            .map(|(kind, _)| *kind);
        let (Some(kind), None) = (kinds.next(), kinds.next()) else {
            let all: Vec<&str> = given.iter().map(|(kind, _)| *kind).collect();
            return Err(wrong(
                key,
                format!("give exactly one of {}", all.join(", ")),
            ));
        };
        let at = |field: &str| format!("{key}.{field}");
        let algorithms = read_list(&at("algorithms"), &self.algorithms, |name| {
            Algorithm::from_name(name).ok_or_else(|| format!("`{name}` is not a known algorithm"))
        })?;
        if self.max_age.is_some() && kind != "jwks-url" {
            return Err(wrong(at("max-age"), "only a key set by URL has an age"));
        }
        if let Some(url) = &self.jwks_url {
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(wrong(at("jwks-url"), "give an http or https URL"));
            }
            let remote = Remote {
                url: url.clone(),
                max_age: self.max_age.unwrap_or(300).max(10),
                loaded: false,
                algorithms,
                issuer: self.issuer.clone(),
            };
            return Ok(Source {
                name,
                keys: Vec::new(),
                remote: Some(remote),
            });
        }
        let keys = match (&self.jwks, &self.cose_keys) {
            (Some(text), _) => read_jwks(text.as_bytes(), true)
                .map_err(|error| wrong(at("jwks"), error.to_string()))?,
            (None, Some(text)) => {
                let bytes =
                    decode_base64(text).ok_or_else(|| wrong(at("cose-keys"), "not base64"))?;
                read_cose_keys(&bytes, true).map_err(|error| wrong(at("cose-keys"), error))?
            }
            (None, None) => vec![self.single(&at(kind), &at("algorithms"), &algorithms)?],
        };
        let bound: Vec<Arc<Key>> = keys
            .into_iter()
            .filter_map(|key| bind(key, &algorithms, self.issuer.as_deref()))
            .map(Arc::new)
            .collect();
        if bound.is_empty() {
            return Err(wrong(at("algorithms"), "the key serves none of these"));
        }
        Ok(Source {
            name,
            keys: bound,
            remote: None,
        })
    }

    fn single(
        &self,
        at: &str,
        algorithms_at: &str,
        algorithms: &[Algorithm],
    ) -> Result<Key, ConfigError> {
        let material = self.material().map_err(|message| wrong(at, message))?;
        // Unless told otherwise a key is for the one algorithm that its kind is known for.
        let usual = [material.algorithms()[0]];
        let algorithms = if algorithms.is_empty() {
            &usual
        } else {
            algorithms
        };
        let key = Key::new(material, algorithms).map_err(|algorithm| {
            wrong(
                algorithms_at,
                format!("this kind of key cannot serve {algorithm}"),
            )
        })?;
        // Only a private key reads as one; a public key checks and signs nothing.
        let private = self
            .pem
            .as_deref()
            .and_then(|pem| SigningKey::from_pem(pem).ok());
        let key = match private {
            Some(private) => key.with_signer(Arc::new(private)),
            None => key,
        };
        Ok(match &self.id {
            Some(id) => key.with_id(id),
            None => key,
        })
    }

    fn material(&self) -> Result<VerifyingKey, String> {
        let secret = |bytes: &[u8]| match bytes {
            [] => Err("an empty secret protects nothing".to_owned()),
            _ if self.allow_short => Ok(VerifyingKey::Secret(bytes.into())),
            _ => VerifyingKey::secret(bytes)
                .map_err(|error| format!("{error}; `allow-short = true` takes it nevertheless")),
        };
        if let Some(text) = &self.secret {
            secret(text.as_bytes())
        } else if let Some(text) = &self.secret_hex {
            secret(&hex::decode(text).map_err(|_| "not hexadecimal")?)
        } else if let Some(text) = &self.secret_base64 {
            secret(&decode_base64(text).ok_or("not base64")?)
        } else if let Some(text) = &self.ed25519 {
            VerifyingKey::ed25519(&decode_base64(text).ok_or("not base64")?)
                .map_err(|error| error.to_string())
        } else {
            VerifyingKey::from_pem(self.pem.as_deref().unwrap_or_default())
                .map_err(|error| error.to_string())
        }
    }
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')))
        .ok()
}
