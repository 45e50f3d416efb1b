//! Where viewers are.

use std::path::PathBuf;

use serde::Deserialize;

use super::Span;

/// `[geography]`: databases in the MaxMind format that the node asks for each client's address. The modules are told in request
/// headers: `weir-country`, `weir-subdivision`, `weir-asn`, `weir-coordinates`, `weir-anonymous`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GeographyConfig {
    /// MMDB files, kept in memory; a later one fills in what the earlier ones do not know.
    pub databases: Vec<PathBuf>,
    /// How often the files are looked at for a change. Default `1m`.
    #[serde(default = "GeographyConfig::reload")]
    pub reload: Span,
}

impl GeographyConfig {
    const fn reload() -> Span {
        Span::secs(60)
    }
}
