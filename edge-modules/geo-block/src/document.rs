//! Data that stands outside the configuration: a file that the host shows, or a document by URL that the host keeps fresh.

use weir_module::{ConfigError, DocumentNeed};

use crate::NAME;

/// The largest file, in bytes. A city database of the usual makers has about half of this.
const MAX_FILE: u64 = 128 * 1024 * 1024;

/// Where data comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// There is none.
    None,
    /// A path in a folder that the host has opened to the module.
    File(String),
    /// A URL.
    Url(DocumentNeed),
}

impl Source {
    /// From `file`, `url` and `max-age`; `name` is unique within the module.
    ///
    /// # Errors
    /// Both, or a URL that is none.
    pub(crate) fn new(
        key: &str,
        name: String,
        file: Option<String>,
        url: Option<String>,
        max_age: Option<u32>,
    ) -> Result<Self, ConfigError> {
        let wrong =
            |part: &str, why: &str| Err(ConfigError::new(NAME, format!("{key}{part}"), why));
        match (file, url) {
            (None, None) if max_age.is_some() => wrong(".max-age", "only with `url`"),
            (None, None) => Ok(Self::None),
            (Some(_), Some(_)) => wrong("", "give `file` or `url`, not both"),
            (Some(_), None) if max_age.is_some() => wrong(".max-age", "only with `url`"),
            (Some(path), None) if path.is_empty() => wrong(".file", "a path"),
            (Some(path), None) => Ok(Self::File(path)),
            (None, Some(url)) => {
                if !is_url(&url) {
                    return wrong(".url", "an http or https URL");
                }
                let max_age = max_age.unwrap_or(86_400);
                if max_age < 60 {
                    return wrong(".max-age", "60 seconds or more");
                }
                Ok(Self::Url(DocumentNeed { name, url, max_age }))
            }
        }
    }

    /// What the host is asked for.
    pub(crate) fn need(&self) -> Option<DocumentNeed> {
        match self {
            Self::Url(need) => Some(need.clone()),
            _ => None,
        }
    }

    /// True for the source of the document of this name.
    pub(crate) fn is(&self, name: &str) -> bool {
        matches!(self, Self::Url(need) if need.name == name)
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn read(&self, key: &str) -> Result<Option<Vec<u8>>, ConfigError> {
        let Self::File(path) = self else {
            return Ok(None);
        };
        let wrong = |why: String| ConfigError::new(NAME, format!("{key}.file"), why);
        let unreadable = |error: std::io::Error| {
            wrong(format!(
                "cannot be read ({}); the host must open its folder to the module",
                error.kind()
            ))
        };
        let size = std::fs::metadata(path).map_err(unreadable)?.len();
        if size > MAX_FILE {
            return Err(wrong(format!("{size} bytes are more than {MAX_FILE}")));
        }
        std::fs::read(path).map(Some).map_err(unreadable)
    }
}

/// An absolute `http` or `https` URL of printable ASCII without `<`, `>` and `"`, as `Link` needs it (RFC 8288 section 3).
pub(crate) fn is_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&byte);
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with(['/', '?', '#']) && text.bytes().all(plain)
    })
}
