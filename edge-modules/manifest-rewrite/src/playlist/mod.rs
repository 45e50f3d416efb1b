//! The text of an HLS playlist (RFC 8216bis): its lines, tags and attributes, where a URI can stand in it, and the streaming
//! rewriter that sends its lines through stages.

pub mod attributes;
pub mod codec;
pub mod datetime;
pub mod lines;
pub mod places;
pub mod rewriter;
pub mod variables;
