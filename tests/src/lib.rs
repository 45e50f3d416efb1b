//! What the tests of the whole product share: programs started on free ports and stopped by their id, components run in Wasmtime,
//! and a client that reads what a viewer would.
//!
//! The tests themselves are in `tests/tests/`, one file for each thing that a user relies on.
#![deny(missing_docs)]

pub mod heads;
pub mod locate;
pub mod minio;
pub mod node;
pub mod origin;
pub mod playlist;
pub mod process;
pub mod system;
pub mod tokens;
pub mod viewer;
pub mod wasm;
