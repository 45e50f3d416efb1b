//! What the linter said of a version.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the linter said of a version before it was published (`weir-origin lint --explain RULE` tells more).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LintReport {
    /// Places that break what players rely on.
    pub must: u32,
    /// Places that fall short of what is advised.
    pub should: u32,
    /// Playlists read.
    pub playlists: usize,
    /// Segments read.
    pub segments: usize,
    /// The first of them, what must be mended first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<LintFinding>,
}

/// One place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LintFinding {
    /// The rule's name.
    #[schema(example = "rfc-4.4.3.1-required")]
    pub rule: String,
    /// `MUST` or `SHOULD`.
    pub severity: String,
    /// Who mends it: `packaging`, `content` (another encoding is needed) or `delivery`.
    pub concern: String,
    /// The file within the version.
    pub document: String,
    /// The line, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub fix: String,
}
