//! Names of stored objects.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest key that every supported store accepts, in bytes.
const MAX_KEY_BYTES: usize = 1024;
/// The longest name of one path segment that local file systems accept, in bytes.
const MAX_SEGMENT_BYTES: usize = 255;
/// The first segment that the file store keeps for itself.
const RESERVED_SEGMENT: &str = ".weir";

/// A validated object name: segments of `A-Z a-z 0-9 . _ - + = @ ~` and space-free, joined by `/`.
///
/// Neither `.` nor `..` nor an empty segment can occur, so a key can be joined to a folder without
/// leaving it, and it needs no escaping in a URL.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey(String);

/// Why a text is no [`ObjectKey`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// The key is empty or longer than 1024 bytes.
    #[error("an object key has 1 to {MAX_KEY_BYTES} bytes, this one has {0}")]
    Length(usize),
    /// A segment is empty, `.`, `..`, reserved, or longer than 255 bytes.
    #[error("an object key has no empty, '.', '..', reserved or overlong segment")]
    Segment,
    /// A character outside the allowed set.
    #[error("character {0:?} is not allowed in an object key")]
    Character(char),
}

impl ObjectKey {
    /// Checks `key`.
    ///
    /// # Errors
    /// [`InvalidKey`] names the broken rule, not the key: keys stay out of logs.
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidKey> {
        let key = key.into();
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            return Err(InvalidKey::Length(key.len()));
        }
        if let Some(bad) = key.chars().find(|c| !is_allowed(*c)) {
            return Err(InvalidKey::Character(bad));
        }
        let bad_segment =
            |segment: &str| matches!(segment, "" | "." | "..") || segment.len() > MAX_SEGMENT_BYTES;
        if key.split('/').any(bad_segment) || key.split('/').next() == Some(RESERVED_SEGMENT) {
            return Err(InvalidKey::Segment);
        }
        Ok(Self(key))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This key followed by `/` and `path`.
    ///
    /// # Errors
    /// As [`ObjectKey::new`].
    pub fn join(&self, path: &str) -> Result<Self, InvalidKey> {
        Self::new(format!("{}/{path}", self.0))
    }

    /// The last segment.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '=' | '@' | '~')
}

impl TryFrom<String> for ObjectKey {
    type Error = InvalidKey;

    fn try_from(key: String) -> Result<Self, InvalidKey> {
        Self::new(key)
    }
}

impl From<ObjectKey> for String {
    fn from(key: ObjectKey) -> Self {
        key.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectKey({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_keys_pass() {
        for key in [
            "a",
            "assets/0abc/v1/video/seg-00001.m4s",
            "a/.hidden",
            "a/b..c",
            "x+y=z@1~",
        ] {
            assert_eq!(
                ObjectKey::new(key).map(|k| k.to_string()),
                Ok(key.to_owned())
            );
        }
    }

    #[test]
    fn keys_that_could_leave_the_folder_are_refused() {
        for key in [
            "",
            "/a",
            "a/",
            "a//b",
            "..",
            "a/../b",
            "./a",
            "a/.",
            ".weir/tmp/x",
        ] {
            assert!(ObjectKey::new(key).is_err(), "{key:?}");
        }
        for key in ["a\\b", "a b", "a\0b", "a%2e", "ä", "a:b", "a?b", "a#b"] {
            assert!(
                matches!(ObjectKey::new(key), Err(InvalidKey::Character(_))),
                "{key:?}"
            );
        }
    }

    #[test]
    fn lengths_are_bounded() {
        assert!(ObjectKey::new("a".repeat(255)).is_ok());
        assert_eq!(ObjectKey::new("a".repeat(256)), Err(InvalidKey::Segment));
        assert_eq!(
            ObjectKey::new("a/".repeat(512) + "b"),
            Err(InvalidKey::Length(1025))
        );
    }
}
