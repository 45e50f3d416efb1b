//! Content steering (RFC 8216bis section 7): the pathways in playlists ([`pathways`]) and the server that ranks them ([`server`]).

pub mod config;
pub mod pathways;
pub mod server;
