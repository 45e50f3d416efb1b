//! Names of assets.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::random;

/// Crockford's base32 digits in lower case: no `i`, `l`, `o`, `u` to be misread.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Digits of the time, then digits of chance.
const TIME_DIGITS: usize = 10;
const RANDOM_DIGITS: usize = 12;
const LENGTH: usize = TIME_DIGITS + RANDOM_DIGITS;

/// An asset's name: 22 characters, the newest sorting first.
///
/// The first ten count *down* in milliseconds. Object stores list in ascending order only, so this is what makes
/// "the latest assets" one request. Sixty random bits follow.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "zyk4v8b0c51q7d2m9h6r0t")]
pub struct AssetId(String);

/// A text that is no [`AssetId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an asset id has {LENGTH} characters of 0-9 and a-z without i, l, o, u")]
pub struct InvalidAssetId;

impl AssetId {
    /// A new name, before all older ones.
    #[must_use]
    pub fn new() -> Self {
        let milliseconds = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0);
        let mut bytes = [0; 8];
        random::fill(&mut bytes);
        Self::from_parts(milliseconds, u64::from_le_bytes(bytes))
    }

    fn from_parts(milliseconds: u64, random: u64) -> Self {
        let latest = (1_u64 << (5 * TIME_DIGITS)) - 1;
        let mut text = String::with_capacity(LENGTH);
        push_digits(&mut text, latest - (milliseconds & latest), TIME_DIGITS);
        push_digits(&mut text, random, RANDOM_DIGITS);
        Self(text)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn push_digits(text: &mut String, value: u64, count: usize) {
    for position in (0..count).rev() {
        let digit = usize::try_from((value >> (5 * position)) & 31).expect("five bits fit");
        text.push(char::from(DIGITS[digit]));
    }
}

impl Default for AssetId {
    fn default() -> Self {
        Self::new()
    }
}

impl FromStr for AssetId {
    type Err = InvalidAssetId;

    fn from_str(text: &str) -> Result<Self, InvalidAssetId> {
        if text.len() == LENGTH && text.bytes().all(|byte| DIGITS.contains(&byte)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidAssetId)
        }
    }
}

impl TryFrom<String> for AssetId {
    type Error = InvalidAssetId;

    fn try_from(text: String) -> Result<Self, InvalidAssetId> {
        text.parse()
    }
}

impl From<AssetId> for String {
    fn from(id: AssetId) -> Self {
        id.0
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_ids_sort_first_and_parse_back() {
        let older = AssetId::from_parts(1_790_000_000_000, 0);
        let newer = AssetId::from_parts(1_790_000_000_001, u64::MAX);
        assert!(newer < older);
        assert_eq!(newer.as_str().parse(), Ok(newer.clone()));
        assert_eq!(newer.as_str().len(), LENGTH);
        assert_ne!(AssetId::new(), AssetId::new());
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "short",
            "../../../../etc/passwd",
            "ZYK4V8B0C51Q7D2M9H6R0T",
            "zyk4v8b0c51q7d2m9h6r0u",
        ] {
            assert_eq!(text.parse::<AssetId>(), Err(InvalidAssetId), "{text}");
        }
    }
}
