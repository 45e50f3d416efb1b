//! Path patterns of configurations: `*` stands for any run of characters, all else for itself.

use serde::{Deserialize, Deserializer, de};

/// A pattern, as text in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern(Vec<String>);

impl PathPattern {
    /// Reads a pattern: it begins with `/` or `*` and is at most 1024 bytes long.
    ///
    /// # Errors
    /// What is wrong.
    pub fn new(text: &str) -> Result<Self, String> {
        if !text.starts_with(['/', '*']) || text.len() > 1024 {
            return Err(format!(
                "`{text}` is not a path pattern: it begins with `/` or `*`, and has at most 1024 bytes"
            ));
        }
        Ok(Self(text.split('*').map(str::to_owned).collect()))
    }

    /// True when the pattern covers the whole path. Each piece is looked for once, so that the time is bounded by the lengths.
    pub fn covers(&self, path: &str) -> bool {
        let Some((first, pieces)) = self.0.split_first() else {
            return false;
        };
        let Some((last, middle)) = pieces.split_last() else {
            return path == first;
        };
        let Some(mut rest) = path.strip_prefix(first.as_str()) else {
            return false;
        };
        for piece in middle {
            match rest.find(piece.as_str()) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }
}

impl<'de> Deserialize<'de> for PathPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns() {
        for (pattern, path, covered) in [
            ("/vod/*", "/vod/a/b", true),
            ("/vod/*", "/vod", false),
            ("*.m3u8", "/a/b.m3u8", true),
            ("*.m3u8", "/a/b.m3u8x", false),
            ("/a/*/c*d", "/a/b/b/cxd", true),
            ("/a", "/a", true),
            ("/a", "/ab", false),
            ("/ab*ba", "/aba", false),
            ("*", "", true),
        ] {
            assert_eq!(
                PathPattern::new(pattern).unwrap().covers(path),
                covered,
                "{pattern} {path}"
            );
        }
        assert!(PathPattern::new("").is_err() && PathPattern::new("vod/*").is_err());
    }

    /// The plain definition, exponential.
    fn slow(pattern: &[u8], path: &[u8]) -> bool {
        match pattern.split_first() {
            None => path.is_empty(),
            Some((b'*', rest)) => (0..=path.len()).any(|at| slow(rest, &path[at..])),
            Some((byte, rest)) => path.first() == Some(byte) && slow(rest, &path[1..]),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "/[ab*]{0,8}", path in "/[ab]{0,10}") {
            prop_assert_eq!(PathPattern::new(&pattern).unwrap().covers(&path), slow(pattern.as_bytes(), path.as_bytes()));
        }
    }
}
