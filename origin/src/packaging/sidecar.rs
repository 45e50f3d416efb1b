//! Whether the index that lies beside a source is that of the source, and what would be written there today.

use bytes::Bytes;
use weir_packager::{Index, Options};

/// An index out of a sidecar.
#[derive(Debug)]
pub(super) struct Reused {
    pub(super) index: Index,
    /// The sidecar as it would be written now, when that is another: one that was made with other options holds no plan that can be
    /// used, and every process that reads it plans the film anew.
    pub(super) stale: Option<Bytes>,
}

/// Why a sidecar cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    /// Broken, or of another version of this program.
    #[error(transparent)]
    Unreadable(#[from] weir_packager::Error),
    /// Of something else.
    #[error("it is of a source of {found} bytes, and this one has {length}")]
    Foreign {
        /// Bytes of the source that it was made of.
        found: u64,
        /// Bytes of the source beside it.
        length: u64,
    },
}

/// Reads the sidecar of a source of `length` bytes.
pub(super) fn reuse(sidecar: Bytes, length: u64, options: &Options) -> Result<Reused, Unusable> {
    let index = Index::from_sidecar(sidecar.clone(), options)?;
    let found = index.presentation().size;
    if found != length {
        return Err(Unusable::Foreign { found, length });
    }
    let anew = index.sidecar();
    Ok(Reused {
        stale: (anew != sidecar).then_some(anew),
        index,
    })
}
