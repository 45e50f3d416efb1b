//! Sources of settings laid over one another.

use toml::{Table, Value};

use super::{Config, ConfigError};

/// What the names of our environment variables start with: `WEIR_ORIGIN__STORAGE__KIND` is `storage.kind`.
pub const ENVIRONMENT_PREFIX: &str = "WEIR_ORIGIN__";

/// Settings read so far; always a valid [`Config`].
#[derive(Debug, Default)]
pub struct Layers {
    table: Table,
}

impl Layers {
    /// Adds a TOML document; `source_name` names it in errors.
    ///
    /// # Errors
    /// When the text is no TOML, or a key or value is not known.
    pub fn add_toml(&mut self, source_name: &str, text: &str) -> Result<(), ConfigError> {
        let document: Table =
            text.parse()
                .map_err(|error: toml::de::Error| ConfigError::Syntax {
                    source_name: source_name.to_owned(),
                    message: error.to_string().trim().to_owned(),
                })?;
        let mut table = self.table.clone();
        merge(&mut table, document);
        check(source_name, &table)?;
        self.table = table;
        Ok(())
    }

    /// Adds every variable with our prefix, in the order of their names.
    ///
    /// # Errors
    /// As [`Layers::add_value`].
    pub fn add_environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        let mut ours: Vec<_> = variables
            .into_iter()
            .filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX))
            .collect();
        ours.sort();
        for (name, value) in ours {
            let key = name[ENVIRONMENT_PREFIX.len()..]
                .to_lowercase()
                .replace("__", ".")
                .replace('_', "-");
            self.add_value(&format!("environment variable {name}"), &key, &value)?;
        }
        Ok(())
    }

    /// Adds one value as it stands in a variable or after a flag.
    ///
    /// The text is read as a TOML value where the key wants a number, a truth value or a list, and as a plain text
    /// where it wants text: so a password may look like a number.
    ///
    /// # Errors
    /// When the key is unknown or takes the text in neither form.
    pub fn add_value(
        &mut self,
        source_name: &str,
        key: &str,
        text: &str,
    ) -> Result<(), ConfigError> {
        let with = |value: Value| {
            let mut table = self.table.clone();
            insert(&mut table, key, value);
            check(source_name, &table).map(|()| table)
        };
        let as_text = with(Value::String(text.to_owned()));
        let parsed = format!("value = {text}")
            .parse::<Table>()
            .ok()
            .and_then(|mut table| table.remove("value"));
        self.table = match (as_text, parsed) {
            (Ok(table), _) => table,
            (Err(_), Some(value)) if !matches!(value, Value::String(_)) => with(value)?,
            (Err(error), _) => return Err(error),
        };
        Ok(())
    }

    /// The configuration, checked as a whole.
    ///
    /// # Errors
    /// When values contradict each other or lie outside their bounds.
    pub fn finish(self) -> Result<Config, ConfigError> {
        let config = read(&self.table).map_err(|(key, message)| ConfigError::Key {
            source_name: "configuration".to_owned(),
            key,
            value: None,
            message,
        })?;
        config.validate()?;
        Ok(config)
    }
}

fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn insert(table: &mut Table, key: &str, value: Value) {
    let nested = key.rsplit('.').fold(value, |value, part| {
        Value::Table(Table::from_iter([(part.to_owned(), value)]))
    });
    if let Value::Table(over) = nested {
        merge(table, over);
    }
}

fn read(table: &Table) -> Result<Config, (String, String)> {
    serde_path_to_error::deserialize(Value::Table(table.clone())).map_err(|error| {
        let path = error.path().to_string();
        let message = error.into_inner().to_string().trim().to_owned();
        // The path of an unknown key ends at its table; the message names the key itself.
        let unknown = message
            .strip_prefix("unknown field `")
            .and_then(|rest| rest.split('`').next());
        let key = match unknown {
            Some(field) if path.rsplit('.').next() != Some(field) => format!("{path}.{field}")
                .trim_start_matches(['.', '?'])
                .to_owned(),
            _ => path,
        };
        (key, message)
    })
}

fn check(source_name: &str, table: &Table) -> Result<(), ConfigError> {
    read(table).map(drop).map_err(|(key, message)| {
        let value = lookup(table, &key)
            .filter(|_| !is_secret(&key))
            .map(ToString::to_string);
        ConfigError::Key {
            source_name: source_name.to_owned(),
            key,
            value,
            message,
        }
    })
}

fn lookup<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    let mut parts = key.split('.');
    let mut value = table.get(parts.next()?)?;
    for part in parts {
        value = value.as_table()?.get(part)?;
    }
    Some(value)
}

/// Whether the value of a key must not be repeated in an error; a misspelt secret is one too.
fn is_secret(key: &str) -> bool {
    let name = key.rsplit('.').next().unwrap_or(key);
    ["secret", "key", "token", "password"]
        .iter()
        .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::StorageKind;

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| (format!("{ENVIRONMENT_PREFIX}{name}"), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_environment_wins_over_the_file_and_flags_over_both() {
        let mut layers = Layers::default();
        layers
            .add_toml(
                "a.toml",
                "[server]\nlisten = \"127.0.0.1:1\"\nmax-connections = 7\n",
            )
            .expect("valid");
        layers
            .add_environment(variables(&[
                ("SERVER__LISTEN", "127.0.0.1:2"),
                ("STORAGE__KIND", "s3"),
                ("STORAGE__S3__BUCKET", "b"),
            ]))
            .expect("valid");
        layers
            .add_value("--listen", "server.listen", "127.0.0.1:3")
            .expect("valid");
        let config = layers.finish().expect("valid");
        assert_eq!(config.server.listen.port(), 3);
        assert_eq!(config.server.max_connections, 7);
        assert_eq!(config.storage.kind, StorageKind::S3);
    }

    #[test]
    fn text_numbers_lists_and_truth_values_are_read_by_the_type_of_the_key() {
        let mut layers = Layers::default();
        let pairs = [
            ("STORAGE__S3__ACCESS_KEY_ID", "12345"),
            ("STORAGE__S3__PATH_STYLE", "true"),
            ("LIMITS__API_PER_MINUTE", "17"),
            ("MEDIA__CORS_ORIGINS", r#"["https://a.example"]"#),
            ("PACKAGING__SEGMENT_SECONDS", "4.5"),
        ];
        layers.add_environment(variables(&pairs)).expect("valid");
        let config = layers.finish().expect("valid");
        assert_eq!(config.storage.s3.access_key_id, "12345");
        assert_eq!(config.storage.s3.path_style, Some(true));
        assert_eq!(config.limits.api_per_minute, 17);
        assert_eq!(config.media.cors_origins, ["https://a.example"]);
    }

    #[test]
    fn errors_name_source_key_and_value() {
        let error = Layers::default()
            .add_toml("origin.toml", "[storage]\nkimd = \"s3\"\n")
            .expect_err("unknown key")
            .to_string();
        assert!(
            error.contains("origin.toml")
                && error.contains("`storage.kimd`")
                && error.contains("\"s3\""),
            "{error}"
        );
        let error = Layers::default()
            .add_toml("origin.toml", "[server]\nmax-connections = \"many\"\n")
            .expect_err("wrong type")
            .to_string();
        assert!(
            error.contains("`server.max-connections` = \"many\""),
            "{error}"
        );
        let error = Layers::default()
            .add_environment(variables(&[("STORAGE__KIND", "tape")]))
            .expect_err("unknown kind")
            .to_string();
        assert!(
            error.contains("WEIR_ORIGIN__STORAGE__KIND")
                && error.contains("`storage.kind`")
                && error.contains("tape"),
            "{error}"
        );
        let error = Layers::default()
            .add_environment(variables(&[("NOPE", "1")]))
            .expect_err("unknown key")
            .to_string();
        assert!(
            error.contains("WEIR_ORIGIN__NOPE") && error.contains("`nope`"),
            "{error}"
        );
        let error = Layers::default()
            .add_toml("origin.toml", "[server\n")
            .expect_err("no TOML")
            .to_string();
        assert!(error.contains("origin.toml is not valid TOML"), "{error}");
    }

    #[test]
    fn misspelt_secrets_are_not_repeated() {
        let error = Layers::default()
            .add_toml("o.toml", "[auth]\nadmn-key = \"hunter2\"\n")
            .expect_err("unknown key")
            .to_string();
        assert!(
            error.contains("admn-key") && !error.contains("hunter2"),
            "{error}"
        );
    }

    /// The README's block is the list of settings: every key stands there, with its default.
    #[test]
    fn the_readme_tells_every_key_and_its_default() {
        let readme = include_str!("../../README.md");
        let block = readme
            .split_once("## Configuration")
            .and_then(|(_, rest)| rest.split_once("```toml\n"))
            .and_then(|(_, rest)| rest.split("```").next())
            .expect("a TOML block");
        let mut layers = Layers::default();
        layers.add_toml("README.md", block).expect("valid");
        let documented: Table = block.parse().expect("valid");
        assert_eq!(layers.finish().expect("valid"), Config::default());
        let defaults = Table::try_from(Config::default()).expect("serializable");
        assert_eq!(keys("", &documented), keys("", &defaults));
        // Keys without a default are there as comments; each is one that exists.
        for line in block.lines().filter_map(|line| line.strip_prefix("# ")) {
            let (key, value) = line.split_once(" = ").expect("a key");
            let value = value
                .split('#')
                .next()
                .unwrap_or_default()
                .trim()
                .trim_matches('"');
            let table = if key == "default-role" {
                "auth.jwt"
            } else {
                "storage.s3"
            };
            Layers::default()
                .add_value("README.md", &format!("{table}.{key}"), value)
                .expect("a key that exists");
        }
    }

    fn keys(prefix: &str, table: &Table) -> Vec<String> {
        let mut all: Vec<String> = table
            .iter()
            .flat_map(|(key, value)| match value {
                Value::Table(inner) => keys(&format!("{prefix}{key}."), inner),
                _ => vec![format!("{prefix}{key}")],
            })
            .collect();
        all.sort();
        all
    }
}
