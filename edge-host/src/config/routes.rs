//! Routes: which requests go through which modules to which origin.

use serde::{Deserialize, Deserializer};

use super::RouteCache;

/// `[[routes]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RouteConfig {
    /// The name in logs and metrics.
    pub name: String,
    /// Hosts: `media.example.com`, `*.example.com`. Default: any.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Paths. Default: any.
    #[serde(default)]
    pub paths: Vec<PathPattern>,
    /// Modules that run for every request, before the cache; the first is the outermost.
    #[serde(default)]
    pub viewer: Vec<String>,
    /// Modules that run on a miss, between the cache and the origin.
    #[serde(default)]
    pub origin_modules: Vec<String>,
    /// The origin's name.
    pub origin: String,
    /// What the cache does here.
    #[serde(default)]
    pub cache: RouteCache,
}

pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// A path with `*` (any characters but `/`) and `**` (any characters). Without either, a pattern that ends in `/` stands for
/// everything under it, any other for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathPattern {
    /// Everything that begins so.
    Prefix(String),
    /// This path alone.
    Exact(String),
    /// A glob.
    Glob(String),
}

impl PathPattern {
    fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err(format!(
                "`{text}` is no path pattern: it must begin with `/`"
            ));
        }
        Ok(if text.contains('*') {
            Self::Glob(text.to_owned())
        } else if text.ends_with('/') {
            Self::Prefix(text.to_owned())
        } else {
            Self::Exact(text.to_owned())
        })
    }

    /// True when `path` (without query) is meant.
    pub fn matches(&self, path: &str) -> bool {
        match self {
            Self::Prefix(prefix) => path.starts_with(prefix.as_str()),
            Self::Exact(exact) => path == exact,
            Self::Glob(glob) => glob_matches(glob.as_bytes(), path.as_bytes()),
        }
    }
}

impl<'de> Deserialize<'de> for PathPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Backtracks to the last star only, twice at most: linear for `**`, and `*` never crosses a `/`.
fn glob_matches(mut pattern: &[u8], mut path: &[u8]) -> bool {
    // Where to go on when a literal does not match: the pattern after the star and the path from which the star takes one more.
    let mut single: Option<(&[u8], &[u8])> = None;
    let mut double: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some(rest) = pattern.strip_prefix(b"**") {
            (pattern, single, double) = (rest, None, Some((rest, path)));
        } else if let Some(rest) = pattern.strip_prefix(b"*") {
            (pattern, single) = (rest, Some((rest, path)));
        } else {
            match (pattern.split_first(), path.split_first()) {
                (None, None) => return true,
                (Some((want, pattern_rest)), Some((got, path_rest))) if want == got => {
                    (pattern, path) = (pattern_rest, path_rest);
                    continue;
                }
                _ => {}
            }
            if let Some((after, from)) = single
                && let Some((&taken, rest)) = from.split_first()
                && taken != b'/'
            {
                (pattern, path, single) = (after, rest, Some((after, rest)));
            } else if let Some((after, from)) = double
                && let Some((_, rest)) = from.split_first()
            {
                (pattern, path, single, double) = (after, rest, None, Some((after, rest)));
            } else {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_what_they_say() {
        for (pattern, path, want) in [
            ("/a/", "/a/b", true),
            ("/a/", "/a", false),
            ("/a", "/a", true),
            ("/a", "/a/", false),
            ("/a/*.m3u8", "/a/x.m3u8", true),
            ("/a/*.m3u8", "/a/b/x.m3u8", false),
            ("/a/**.m3u8", "/a/b/x.m3u8", true),
            ("/**/thumb-*.jpg", "/x/y/thumb-1.jpg", true),
            ("/**/thumb-*.jpg", "/x/thumb-1/y.jpg", false),
            ("/**/thumb-*.jpg", "/thumb-1/a/thumb-2.jpg", true),
            ("/**", "/", true),
            ("/*/b", "//b", true),
            ("/a*b*c", "/abbc", true),
            ("/a*b*c", "/ab/c", false),
        ] {
            let parsed = PathPattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches(path), want, "{pattern} {path}");
        }
        assert!(PathPattern::parse("a/").is_err());
    }

    #[test]
    fn a_hostile_pattern_stays_cheap() {
        let pattern = PathPattern::parse(&format!("/{}", "**a".repeat(50))).unwrap();
        assert!(!pattern.matches(&format!("/{}b", "a".repeat(5_000))));
    }
}
