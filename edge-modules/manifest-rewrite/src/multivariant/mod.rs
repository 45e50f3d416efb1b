//! Multivariant playlists: held as a list of entries ([`list`]), edited as a whole by the policy of a request ([`policy`]).

pub mod list;
pub mod order;
pub mod policy;
pub mod session;
pub mod stage;
pub mod stream;
