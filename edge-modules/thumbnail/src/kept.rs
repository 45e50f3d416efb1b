//! What the result keeps of the origin's response head.

use weir_module::ResponseHead;

/// The origin's response headers that the result keeps: caching, cross-origin use, and nothing that describes the bytes.
const KEPT: [&str; 13] = [
    "cache-control",
    "cdn-cache-control",
    "surrogate-control",
    "surrogate-key",
    "cache-groups",
    "expires",
    "age",
    "last-modified",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-expose-headers",
    "cross-origin-resource-policy",
    "timing-allow-origin",
];

/// What is kept of the origin's response head.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) headers: Vec<(&'static str, Vec<u8>)>,
    pub(crate) etag: Option<String>,
    pub(crate) vary: Vec<String>,
    pub(crate) content_type: Option<Vec<u8>>,
}

impl Kept {
    pub(crate) fn of(head: &ResponseHead) -> Self {
        let headers = KEPT
            .iter()
            .flat_map(|name| {
                let values = head.headers.iter().filter(move |(known, _)| known == name);
                values.map(move |(_, value)| (*name, value.clone()))
            })
            .collect();
        let vary = head.headers.iter().filter(|(name, _)| name == "vary");
        let vary = vary
            .filter_map(|(_, value)| std::str::from_utf8(value).ok())
            .flat_map(|value| value.split(','))
            .map(|name| name.trim().to_owned())
            // The origin was asked for one coding, and `Accept` is added where it counts.
            .filter(|name| {
                !name.is_empty()
                    && !matches!(
                        name.to_ascii_lowercase().as_str(),
                        "accept-encoding" | "accept"
                    )
            })
            .collect();
        Self {
            headers,
            etag: head.header_str("etag").map(str::to_owned),
            vary,
            content_type: head.header("content-type").map(<[u8]>::to_vec),
        }
    }

    /// True for a type that a browser shows as a document, in which scripts run.
    pub(crate) fn is_document(&self) -> bool {
        let kind = self.content_type.as_deref().unwrap_or_default();
        let kind = String::from_utf8_lossy(kind).to_ascii_lowercase();
        ["html", "xml", "svg", "pdf"]
            .iter()
            .any(|word| kind.contains(word))
    }
}
