//! What the node tells about itself.

pub(crate) mod access_log;
pub(crate) mod admin;
pub(crate) mod log;
pub(crate) mod metrics;
