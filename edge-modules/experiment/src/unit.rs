//! Who is assigned: the thing that keeps its variant.

use serde::{Deserialize, Deserializer, de};

use crate::request::Request;

/// One way to tell viewers apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unit {
    /// `weir-subject`, from the token.
    Subject,
    /// `weir-session`, from the token.
    Session,
    /// The client's address and `user-agent`.
    Device,
    /// A cookie.
    Cookie(String),
    /// A request header, in lower case.
    Header(String),
    /// A query parameter.
    Query(String),
}

impl Unit {
    fn parse(text: &str) -> Result<Self, String> {
        let named = |name: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            let sound = (1..=64).contains(&name.len()) && name.bytes().all(plain);
            sound.then(|| name.to_owned()).ok_or_else(|| {
                format!("`{name}` is not a name: 1 to 64 letters, digits, `-`, `_` and `.`")
            })
        };
        match text.split_once(':') {
            None if text == "subject" => Ok(Self::Subject),
            None if text == "session" => Ok(Self::Session),
            None if text == "device" => Ok(Self::Device),
            Some(("cookie", name)) => named(name).map(Self::Cookie),
            Some(("header", name)) => named(&name.to_ascii_lowercase()).map(Self::Header),
            Some(("query", name)) => named(name).map(Self::Query),
            _ => Err(format!(
                "`{text}` is not a unit: subject, session, device, cookie:<name>, header:<name> or query:<name>"
            )),
        }
    }

    /// The header that it reads besides those that are always read.
    pub(crate) fn header(&self) -> Option<&str> {
        match self {
            Self::Header(name) => Some(name),
            _ => None,
        }
    }

    /// The unit of a request, as it enters the hash.
    pub(crate) fn of<'r>(&self, request: &'r Request<'_>) -> Option<&'r str> {
        match self {
            Self::Subject => request.header("weir-subject"),
            Self::Session => request.header("weir-session"),
            Self::Device => request.device(),
            Self::Cookie(name) => request.cookie(name),
            Self::Header(name) => request.header(name),
            Self::Query(name) => request.parameter(name),
        }
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// What is taken unless the configuration says otherwise: the most lasting first.
pub(crate) fn usual() -> Vec<Unit> {
    vec![Unit::Subject, Unit::Session, Unit::Device]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_or_refused() {
        assert_eq!(Unit::parse("header:X-Id"), Ok(Unit::Header("x-id".into())));
        for text in [
            "",
            "subjects",
            "cookie",
            "cookie:",
            "cookie:a b",
            "header:x:y",
            "device:1",
        ] {
            assert!(Unit::parse(text).is_err(), "{text}");
        }
    }
}
