//! Requests and responses as the node handles them.

pub(crate) mod body;
pub(crate) mod client_address;
pub(crate) mod fields;
pub(crate) mod geography;
pub(crate) mod identity;
pub(crate) mod problem;
pub(crate) mod target;

pub(crate) use body::{Body, BodyError};

/// A request on its way through the node.
pub(crate) type Request = http::Request<Body>;
/// A response on its way back.
pub(crate) type Response = http::Response<Body>;
