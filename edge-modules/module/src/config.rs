//! A module's configuration: one TOML document in one environment variable.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is wrong with a configuration: which key, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {}{message}", if key.is_empty() { String::new() } else { format!("key `{key}`: ") })]
pub struct ConfigError {
    variable: String,
    key: String,
    message: String,
}

impl ConfigError {
    /// An error about one key (`keys[0].alg`), in the document of module `name`.
    pub fn new(name: &str, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            variable: variable(name),
            key: key.into(),
            message: message.into(),
        }
    }

    /// The key, empty when the document as a whole is wrong.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// The environment variable of a module: `token-check` reads `TOKEN_CHECK`.
pub fn variable(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

/// Reads a document into a type that refuses unknown fields.
///
/// The key that is wrong is found by its place in the text, not by a deserializer that keeps track of its path: that would
/// make the code of every type twice, 100 KiB of a large module.
///
/// # Errors
/// The key that is wrong, with the reason and the line.
pub fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, ConfigError> {
    let wrong = |key: String, why: &str, error: &toml::de::Error| {
        ConfigError::new(name, key, format!("{why}{}", one_line(error, text)))
    };
    let document = toml::de::DeTable::parse(text)
        .map_err(|error| wrong(String::new(), "not TOML: ", &error))?;
    toml::from_str(text).map_err(|error| {
        let key = error
            .span()
            .and_then(|span| key_at(&document, &span))
            .unwrap_or_default();
        wrong(key, "", &error)
    })
}

/// The path of the smallest part of a document that holds a place: `keys[0].alg`.
fn key_at(document: &Spanned<DeTable<'_>>, place: &Range<usize>) -> Option<String> {
    let mut best = None;
    search_table(document.get_ref(), "", place, &mut best);
    best.map(|(_, path)| path)
}

type Best = Option<(usize, String)>;

fn search_table(table: &DeTable<'_>, path: &str, place: &Range<usize>, best: &mut Best) {
    for (key, value) in table {
        let path = if path.is_empty() {
            key.get_ref().to_string()
        } else {
            format!("{path}.{}", key.get_ref())
        };
        consider(&key.span(), &path, place, best);
        search(value, &path, place, best);
    }
}

fn search(value: &Spanned<DeValue<'_>>, path: &str, place: &Range<usize>, best: &mut Best) {
    consider(&value.span(), path, place, best);
    match value.get_ref() {
        DeValue::Table(table) => search_table(table, path, place, best),
        DeValue::Array(array) => {
            for (index, item) in array.iter().enumerate() {
                search(item, &format!("{path}[{index}]"), place, best);
            }
        }
        _ => {}
    }
}

fn consider(span: &Range<usize>, path: &str, place: &Range<usize>, best: &mut Best) {
    let holds = span.start <= place.start && place.end <= span.end;
    if holds && best.as_ref().is_none_or(|(size, _)| span.len() <= *size) {
        *best = Some((span.len(), path.to_owned()));
    }
}

/// The message with its line, never the line's text: it may hold a key.
fn one_line(error: &toml::de::Error, text: &str) -> String {
    let message = error.message();
    match error.span() {
        Some(span) => {
            let line = text.get(..span.start).unwrap_or(text).matches('\n').count() + 1;
            format!("{message} (line {line})")
        }
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(default)]
        list: Vec<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[allow(dead_code)]
        size: u32,
    }

    #[test]
    fn names_the_key_and_the_line() {
        let error = parse::<Outer>(
            "token-check",
            "[[list]]\nsize = 1\n[[list]]\nsize = \"x\"\n",
        )
        .unwrap_err();
        assert_eq!(error.key(), "list[1].size");
        let text = error.to_string();
        assert!(
            text.starts_with("TOKEN_CHECK: key `list[1].size`: invalid type"),
            "{text}"
        );
        assert!(text.ends_with("(line 4)"), "{text}");
    }

    #[test]
    fn refuses_unknown_keys_and_broken_text() {
        let unknown = parse::<Outer>("a", "other = 1").unwrap_err().to_string();
        assert!(unknown.contains("unknown field `other`"), "{unknown}");
        let broken = parse::<Outer>("a", "list = [").unwrap_err().to_string();
        assert!(broken.starts_with("A: not TOML: "), "{broken}");
        assert_eq!(parse::<Outer>("a", "").unwrap().list.len(), 0);
    }

    #[test]
    fn finds_the_key_in_every_form_of_writing() {
        for (text, key) in [
            ("list = [{ size = 1 }, { size = 'x' }]", "list[1].size"),
            ("[[list]]\nsize = 1\nother = 2", "list[0].other"),
            ("[[list]]\nsize = [1,\n 2]", "list[0].size"),
            ("list = 3", "list"),
            ("other = 1", "other"),
        ] {
            assert_eq!(parse::<Outer>("a", text).unwrap_err().key(), key, "{text}");
        }
        // What is missing is named in the message; the key is the table that should hold it.
        let missing = parse::<Outer>("a", "[[list]]\n").unwrap_err();
        assert!(
            missing.to_string().contains("missing field `size`")
                && missing.key().starts_with("list"),
            "{missing}"
        );
    }
}
