//! Resizes and re-encodes pictures at the edge: `GET <image>?w=&h=&fit=&crop=&dpr=&q=&format=auto&blur=`, and cuts the frames of
//! an asset out of its storyboard: `GET <asset>/thumbnail.jpg?time=&w=`.
//!
//! The pure part is [`pipeline::transform`]: bytes and [`Options`](options::Options) in, bytes out.
//! [`request::read`] says whose request it is, [`Thumbnail`] is the module around both.
#![deny(missing_docs)]

pub mod accept;
mod animation;
mod colour;
pub mod config;
pub mod decode;
mod effects;
pub mod encode;
pub mod error;
mod exchange;
pub mod format;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod hints;
mod jpeg;
mod kept;
mod linear;
mod module;
pub mod options;
pub mod pipeline;
mod pixels;
pub mod plan;
mod quality;
pub mod raster;
pub mod request;
mod resize;
pub mod signature;
mod smart;
pub mod spelling;
pub mod storyboard;
mod turn;
pub mod validator;

pub use module::Thumbnail;

/// The module's name.
pub(crate) const NAME: &str = "thumbnail";
