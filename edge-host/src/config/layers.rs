//! File, environment and flags laid over each other before anything is typed.

use std::path::Path;

use toml::{Table, Value};

use super::Config;

/// What is wrong: the file, the key, the reason.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{file}: {}{message}", if key.is_empty() { String::new() } else { format!("key `{key}`: ") })]
pub struct ConfigError {
    file: String,
    key: String,
    message: String,
}

impl ConfigError {
    pub(crate) fn new(file: &Path, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: file.display().to_string(),
            key: key.into(),
            message: message.into(),
        }
    }
}

/// A value that a flag or an environment variable sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// Where it comes from, for errors: `WEIR_EDGE__LISTEN`, `--listen`.
    pub origin: String,
    /// The key, part by part.
    pub key: Vec<String>,
    /// The value as text: TOML when it is, else a string.
    pub value: String,
}

impl Override {
    /// A flag's value.
    pub fn flag(flag: &str, key: &[&str], value: impl Into<String>) -> Self {
        Self {
            origin: flag.to_owned(),
            key: key.iter().map(|&part| part.to_owned()).collect(),
            value: value.into(),
        }
    }

    /// `WEIR_EDGE__CACHE__MAX_BYTES=1GiB` sets `cache.max-bytes`.
    pub fn from_environment(variables: impl Iterator<Item = (String, String)>) -> Vec<Self> {
        let mut found: Vec<_> = variables
            .filter_map(|(name, value)| {
                let key = name
                    .strip_prefix("WEIR_EDGE__")?
                    .split("__")
                    .map(|part| part.to_ascii_lowercase().replace('_', "-"))
                    .collect();
                Some(Self {
                    origin: name,
                    key,
                    value,
                })
            })
            .collect();
        found.sort_by(|a, b| a.origin.cmp(&b.origin));
        found
    }

    fn typed(&self) -> Value {
        let document = format!("value = {}", self.value);
        match document.parse::<Table>() {
            Ok(mut table) if table.len() == 1 => table
                .remove("value")
                .unwrap_or_else(|| Value::String(self.value.clone())),
            _ => Value::String(self.value.clone()),
        }
    }

    fn apply(&self, table: &mut Table) -> Result<(), String> {
        let Some((last, parents)) = self.key.split_last() else {
            return Err("names no key".to_owned());
        };
        let mut at = table;
        for part in parents {
            let next = at
                .entry(part.clone())
                .or_insert_with(|| Value::Table(Table::new()));
            at = next
                .as_table_mut()
                .ok_or_else(|| format!("`{part}` is no table"))?;
        }
        at.insert(last.clone(), self.typed());
        Ok(())
    }
}

pub(super) fn parse(
    file: &Path,
    text: &str,
    overrides: &[Override],
) -> Result<Config, ConfigError> {
    let mut table: Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error
            .span()
            .map(|span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1);
        let place = line.map_or(String::new(), |line| format!(" (line {line})"));
        ConfigError::new(file, "", format!("not TOML: {}{place}", error.message()))
    })?;
    for layer in overrides {
        layer.apply(&mut table).map_err(|message| {
            ConfigError::new(Path::new(&layer.origin), layer.key.join("."), message)
        })?;
    }
    let table = Value::Table(table);
    serde_path_to_error::deserialize(table.clone()).map_err(|error| {
        let key = error.path().to_string();
        let from = overrides.iter().rfind(|layer| layer.key.join(".") == key);
        let file = from.map_or(file, |layer| Path::new(&layer.origin));
        let why = error.inner().message();
        let message = if may_be_secret(error.path()) {
            without_value(why)
        } else if let Some(value) = shown_value(&table, error.path()) {
            format!("{value}: {why}")
        } else {
            why.to_owned()
        };
        let key = if key == "." { String::new() } else { key };
        ConfigError::new(file, key, message)
    })
}

/// Headers, environment variables, the configuration of modules and what the state is reached with can hold secrets.
fn may_be_secret(path: &serde_path_to_error::Path) -> bool {
    use serde_path_to_error::Segment;
    path.iter().any(|segment| match segment {
        Segment::Map { key } => matches!(
            key.as_str(),
            "headers" | "environment" | "config" | "redis" | "serve"
        ),
        _ => false,
    })
}

/// What serde says of a value, without the value: of `invalid type: string "…", expected a sequence` the last part.
fn without_value(why: &str) -> String {
    if why.starts_with("unknown field") || why.starts_with("missing field") {
        return why.to_owned();
    }
    match why.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        // Names of keys stand in back quotes, values in these.
        None if why.contains('"') => "has a value that cannot be used".to_owned(),
        None => why.to_owned(),
    }
}

/// The value under a key as it was written, when it is a single one.
fn shown_value(table: &Value, path: &serde_path_to_error::Path) -> Option<String> {
    use serde_path_to_error::Segment;
    let mut at = table;
    for segment in path.iter() {
        at = match segment {
            Segment::Map { key } => at.get(key)?,
            Segment::Seq { index } => at.get(*index)?,
            Segment::Enum { .. } | Segment::Unknown => return None,
        };
    }
    (!at.is_table() && !at.is_array()).then(|| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "[origins.main]\nurls = [\"http://a\"]\n[[routes]]\nname = \"r\"\norigin = \"main\"\n";

    #[test]
    fn a_variable_wins_over_the_file_and_a_flag_over_both() {
        let environment = [
            ("WEIR_EDGE__LISTEN", "127.0.0.1:1"),
            ("WEIR_EDGE__CACHE__MAX_BYTES", "1MiB"),
            ("OTHER", "x"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut layers = Override::from_environment(environment.into_iter());
        layers.push(Override::flag("--listen", &["listen"], "127.0.0.1:2"));
        let config = parse(Path::new("f"), FILE, &layers).unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.cache.max_bytes.get(), 1 << 20);
    }

    #[test]
    fn a_bad_variable_is_named() {
        let layers = [Override {
            origin: "WEIR_EDGE__LISTEN".to_owned(),
            key: vec!["listen".to_owned()],
            value: "nowhere".to_owned(),
        }];
        let error = parse(Path::new("f"), FILE, &layers)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("WEIR_EDGE__LISTEN: key `listen`: \"nowhere\""),
            "{error}"
        );
    }
}
