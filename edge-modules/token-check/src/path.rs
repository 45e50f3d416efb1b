//! One reading of a path, made before any decision: the SDK's.

pub use weir_module::{AmbiguousPath, MAX_PATH, NormalPath};

use crate::reason::{Reason, Refused};

impl From<AmbiguousPath> for Refused {
    fn from(_: AmbiguousPath) -> Self {
        Reason::PathAmbiguous.into()
    }
}
