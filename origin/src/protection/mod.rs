//! Protected media: which keys encrypt an asset, where they come from, where they are kept, and who may have them.
//!
//! A [`Protection`] says how and holds no key, so it may stand in records and answers. A [`KeySet`] holds the keys of one version. It comes
//! out of [`ContentKeys`] (made, given, read from a file, or fetched from a key server) and rests in the [`Vault`], apart from all media.

mod content_keys;
pub mod cpix;
mod delivery_key;
mod error;
mod key_file;
mod key_set;
mod sealing;
mod settings;
mod speke;
mod vault;

pub use content_keys::ContentKeys;
pub use delivery_key::DeliveryKey;
pub use error::ProtectionError;
pub use key_file::{parse_key, read_key_file};
pub use key_set::{KeySet, SystemData};
pub use settings::{KeySource, Protection, Scheme, System, VersionProtection};
pub use speke::Speke;
pub use vault::Vault;
