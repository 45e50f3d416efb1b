//! What assets there are: one record each, kept in the store beside the media.

mod asset;
mod asset_id;
mod lint_report;
mod records;

pub use asset::{Asset, AssetState, Failure, Metadata, Source, Subtitles, Version, VersionNumber};
pub use asset_id::{AssetId, InvalidAssetId};
pub use lint_report::{LintFinding, LintReport};
pub use records::{AssetPage, Catalogue, CatalogueError, Change};
