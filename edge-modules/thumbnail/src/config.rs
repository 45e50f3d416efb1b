//! The module's configuration: one TOML document, every key with a default (the README's table is checked against this file).

use std::collections::BTreeMap;

use serde::Deserialize;
use weir_module::ConfigError;

use crate::NAME;
use crate::decode::DecodeLimits;
use crate::options::query;
use crate::options::values::colour;
use crate::options::{Draft, Options};
use crate::pipeline::Settings;
use crate::signature::SigningKey;

/// The document as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Document {
    paths: Vec<String>,
    extensions: Vec<String>,
    storyboards: bool,
    client_hints: bool,
    spellings: Vec<Spelling>,
    pass_query: Vec<String>,
    always: bool,
    on_unsupported: OnUnsupported,
    largest_source: usize,
    largest_pixels: u64,
    largest_side: u32,
    memory: u64,
    sizes: Vec<u32>,
    jpeg_quality: u8,
    webp_quality: u8,
    webp_effort: u8,
    background: String,
    cache_control: String,
    presets: BTreeMap<String, String>,
    presets_only: bool,
    keys: Vec<KeyEntry>,
}

/// A spelling of options that is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spelling {
    /// `?w=&h=&fit=...`, Weir's own.
    Weir,
    /// `/cdn-cgi/image/width=80,quality=75/<path>`.
    Cloudflare,
    /// `?width=&height=&auto=webp...` of Fastly Image Optimizer.
    Fastly,
    /// `?w=&h=&fit=crop&auto=format...` of imgix.
    Imgix,
    /// `/insecure/rs:fill:300:200/q:80/plain/<path>@webp` of imgproxy.
    Imgproxy,
    /// `/unsafe/fit-in/300x200/filters:quality(80)/<path>` of thumbor.
    Thumbor,
}

/// What becomes of a response that is not a picture that can be decoded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnUnsupported {
    /// 422 with the reason.
    Refuse,
    /// It goes to the viewer as the origin sent it. Never SVG, in which scripts can hide.
    Pass,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    id: String,
    secret: String,
}

impl std::fmt::Debug for KeyEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyEntry")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Default for Document {
    fn default() -> Self {
        let settings = Settings::default();
        Self {
            paths: Vec::new(),
            extensions: ["jpg", "jpeg", "png", "webp", "gif", "avif"]
                .map(str::to_owned)
                .to_vec(),
            storyboards: true,
            client_hints: false,
            spellings: vec![Spelling::Weir],
            pass_query: vec!["v".to_owned(), "CMCD".to_owned()],
            always: false,
            on_unsupported: OnUnsupported::Refuse,
            largest_source: 20 << 20,
            largest_pixels: settings.decode.pixels,
            largest_side: settings.largest_side,
            memory: settings.decode.memory,
            sizes: Vec::new(),
            jpeg_quality: settings.jpeg_quality,
            webp_quality: settings.webp_quality,
            webp_effort: settings.webp_effort,
            background: "ffffff".to_owned(),
            cache_control: String::new(),
            presets: BTreeMap::new(),
            presets_only: false,
            keys: Vec::new(),
        }
    }
}

/// The checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Path prefixes that are looked at; empty means all.
    pub paths: Vec<String>,
    /// File extensions, in lower case, that are pictures.
    pub extensions: Vec<String>,
    /// Whether `<asset>/thumbnail.*` is cut out of `<asset>/storyboard.*`.
    pub storyboards: bool,
    /// Whether client hints fill in what a request leaves open.
    pub client_hints: bool,
    /// Spellings of options, in the order in which they are tried.
    pub spellings: Vec<Spelling>,
    /// Query names that are no options and go on to the origin.
    pub pass_query: Vec<String>,
    /// Whether pictures without options are re-encoded too.
    pub always: bool,
    /// What becomes of other responses.
    pub on_unsupported: OnUnsupported,
    /// The largest source in bytes.
    pub largest_source: usize,
    /// Limits and defaults of the pipeline.
    pub settings: Settings,
    /// The only sides that may be asked for; empty means any.
    pub sizes: Vec<u32>,
    /// `cache-control` where the origin sends none.
    pub cache_control: String,
    /// Named options.
    pub presets: BTreeMap<String, Draft>,
    /// Whether nothing but a preset's name is taken.
    pub presets_only: bool,
    /// Keys for signed options; with at least one every request must be signed.
    pub keys: Vec<SigningKey>,
}

impl Config {
    /// Reads and checks a document.
    ///
    /// # Errors
    /// The key that is wrong.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let document: Document = weir_module::config::parse(NAME, text)?;
        let wrong = |key: &str, message: String| Err(ConfigError::new(NAME, key, message));

        for (index, path) in document.paths.iter().enumerate() {
            if !path.starts_with('/') {
                return wrong(
                    &format!("paths[{index}]"),
                    format!("`{path}` must begin with `/`"),
                );
            }
        }
        for (index, extension) in document.extensions.iter().enumerate() {
            if extension.is_empty()
                || !extension
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            {
                return wrong(
                    &format!("extensions[{index}]"),
                    "write it in lower case and without a dot".to_owned(),
                );
            }
        }
        if document.spellings.is_empty() {
            return wrong("spellings", "name at least one".to_owned());
        }
        for (key, quality) in [
            ("jpeg-quality", document.jpeg_quality),
            ("webp-quality", document.webp_quality),
        ] {
            if !(1..=100).contains(&quality) {
                return wrong(key, format!("{quality} is not between 1 and 100"));
            }
        }
        if document.webp_effort > 6 {
            return wrong(
                "webp-effort",
                format!("{} is not between 0 and 6", document.webp_effort),
            );
        }
        for (key, value) in [
            ("largest-source", document.largest_source as u64),
            ("largest-pixels", document.largest_pixels),
            ("memory", document.memory),
        ] {
            if value == 0 {
                return wrong(key, "must be above zero".to_owned());
            }
        }
        if !(1..=16_383).contains(&document.largest_side) {
            return wrong(
                "largest-side",
                format!("{} is not between 1 and 16383", document.largest_side),
            );
        }
        if let Some(size) = document
            .sizes
            .iter()
            .find(|size| **size == 0 || **size > document.largest_side)
        {
            return wrong(
                "sizes",
                format!("{size} is not between 1 and `largest-side`"),
            );
        }
        let Some([r, g, b, 255]) = colour(&document.background) else {
            return wrong(
                "background",
                "must be an opaque colour such as \"ffffff\"".to_owned(),
            );
        };
        let mut presets = BTreeMap::new();
        for (name, options) in document.presets {
            let key = format!("presets.{name}");
            let draft = query::read(&options)
                .map_err(|error| ConfigError::new(NAME, &key, error.to_string()))?;
            if let Err(error) = draft.clone().finish(document.largest_side) {
                return wrong(&key, error.to_string());
            }
            presets.insert(name, draft);
        }
        if document.presets_only && presets.is_empty() {
            return wrong(
                "presets-only",
                "there are no presets, so nothing could be asked for".to_owned(),
            );
        }
        let mut keys: Vec<SigningKey> = Vec::new();
        for (index, entry) in document.keys.into_iter().enumerate() {
            let at = format!("keys[{index}]");
            let known = keys.iter().any(|key| key.id() == entry.id);
            let key = SigningKey::new(&entry.id, &entry.secret)
                .map_err(|why| ConfigError::new(NAME, &at, why))?;
            if known {
                return wrong(&at, format!("the id `{}` stands twice", entry.id));
            }
            keys.push(key);
        }
        Ok(Self {
            paths: document.paths,
            extensions: document.extensions,
            storyboards: document.storyboards,
            client_hints: document.client_hints,
            spellings: document.spellings,
            pass_query: document.pass_query,
            always: document.always,
            on_unsupported: document.on_unsupported,
            largest_source: document.largest_source,
            settings: Settings {
                decode: DecodeLimits {
                    pixels: document.largest_pixels,
                    memory: document.memory,
                },
                largest_side: document.largest_side,
                jpeg_quality: document.jpeg_quality,
                webp_quality: document.webp_quality,
                webp_effort: document.webp_effort,
                background: [r, g, b],
            },
            sizes: document.sizes,
            cache_control: document.cache_control,
            presets,
            presets_only: document.presets_only,
            keys,
        })
    }

    /// True when the sides that were asked for are allowed ones.
    pub fn allows_sizes(&self, options: &Options) -> bool {
        let allowed = |side: Option<u32>| side.is_none_or(|side| self.sizes.contains(&side));
        // Without any side the whole picture would go out, which a list of sizes means to prevent.
        self.sizes.is_empty()
            || ((options.width.is_some() || options.height.is_some())
                && allowed(options.width)
                && allowed(options.height))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(text: &str) -> String {
        Config::parse(text).unwrap_err().key().to_owned()
    }

    #[test]
    fn an_empty_document_is_the_defaults() {
        let config = Config::parse("").unwrap();
        assert_eq!(config.settings, Settings::default());
        assert_eq!(config.spellings, [Spelling::Weir]);
    }

    #[test]
    fn errors_name_the_key() {
        for (text, key) in [
            ("paths = [\"images\"]", "paths[0]"),
            ("extensions = [\"jpg\", \".png\"]", "extensions[1]"),
            ("spellings = []", "spellings"),
            ("jpeg-quality = 0", "jpeg-quality"),
            ("webp-quality = 101", "webp-quality"),
            ("largest-source = 0", "largest-source"),
            ("largest-side = 20000", "largest-side"),
            ("sizes = [320, 0]", "sizes"),
            ("background = \"ffffff80\"", "background"),
            ("[presets]\nsmall = \"width=1\"", "presets.small"),
            ("[presets]\nsmall = \"fit=pad\"", "presets.small"),
            ("presets-only = true", "presets-only"),
            ("[[keys]]\nid = \"a\"\nsecret = \"short\"", "keys[0]"),
            ("on-unsupported = \"maybe\"", "on-unsupported"),
            ("unknown = 1", "unknown"),
        ] {
            assert!(key_of(text).contains(key), "{text}: {}", key_of(text));
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let text = "[[keys]]\nid = \"a\"\nsecret = \"0123456789abcdef0123456789abcdef\"";
        assert!(!format!("{:?}", Config::parse(text).unwrap()).contains("0123456789"));
    }

    #[test]
    fn only_listed_sizes_are_allowed() {
        let config = Config::parse("sizes = [160, 320]").unwrap();
        let allowed =
            |text: &str| config.allows_sizes(&query::read(text).unwrap().finish(8192).unwrap());
        assert!(allowed("w=320") && allowed("w=160&dpr=2") && allowed("w=160&h=320"));
        assert!(!allowed("w=321") && !allowed("w=320&h=180") && !allowed("q=80"));
    }
}
