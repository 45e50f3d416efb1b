//! The whole service over real HTTP, with real media, in a folder and in a real MinIO.

#[path = "../support/origin.rs"]
mod origin;
#[path = "../support/mod.rs"]
mod support;

mod administration;
mod command_line;
mod jit;
mod key_server;
mod key_sources;
mod killed;
mod ladder_options;
mod languages;
mod life_of_an_asset;
mod lint_depth;
mod media;
mod odd_sources;
mod pictures;
mod playback;
mod protected_playback;
mod protection;
mod publishing;
mod scrub_pictures;
mod transcode;
