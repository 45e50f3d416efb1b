//! The whole product on free ports: a store, an origin, a node.

use crate::minio::Minio;
use crate::node::Node;
use crate::origin::Origin;
use crate::process::free_port;

/// Where an origin keeps its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// A folder.
    Folder,
    /// A real MinIO.
    Minio,
}

/// A running system. Stopped from the outside in.
#[derive(Debug)]
pub struct System {
    /// The node.
    pub node: Node,
    /// The origin.
    pub origin: Origin,
    /// The store, when it is a program.
    pub minio: Option<Minio>,
}

impl System {
    /// Starts everything. None when the store's program is not installed and may be absent.
    ///
    /// # Errors
    /// A program does not start.
    pub fn start(store: Store) -> anyhow::Result<Option<Self>> {
        Self::start_with(store, |settings| settings)
    }

    /// The same with other settings of the node.
    ///
    /// # Errors
    /// A program does not start.
    pub fn start_with(
        store: Store,
        change: impl FnOnce(String) -> String,
    ) -> anyhow::Result<Option<Self>> {
        let public = free_port()?;
        let minio = match store {
            Store::Folder => None,
            Store::Minio => match Minio::start()? {
                None => return Ok(None),
                started => started,
            },
        };
        let origin = match &minio {
            None => Origin::in_folder(public)?,
            Some(minio) => Origin::over(&minio.storage(), public)?,
        };
        let node = Node::start(public, origin.address, change)?;
        Ok(Some(Self {
            node,
            origin,
            minio,
        }))
    }
}
