//! CPIX documents (DASH-IF Content Protection Information Exchange 2.3 and 2.4): keys, and what key systems want said, in XML.
//!
//! Read are plain keys and such as are encrypted to this origin's certificate, `DRMSystem` signalling of Widevine, PlayReady and FairPlay, and usage rules for video, audio and key periods.
//! What Weir would have to leave out is refused: keys by picture size, rules by other filters.

mod encrypted;
mod header_texts;
mod read;
mod request;
mod signalling;
mod usage;
mod xml;

pub use read::{Document, read};
pub use request::{KeyRequest, request};

/// System ids as CPIX writes them (DASH-IF, "Content Protection" identifiers).
pub mod system_id {
    /// Google Widevine.
    pub const WIDEVINE: &str = "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed";
    /// Microsoft PlayReady.
    pub const PLAYREADY: &str = "9a04f079-9840-4286-ab92-e65be0885f95";
    /// Apple FairPlay Streaming.
    pub const FAIRPLAY: &str = "94ce86fb-07ff-4f43-adb8-93d2fa968ca2";
    pub(crate) const CLEARKEY: &str = "e2719d58-a985-b3c9-781a-b030af78d30e";
    /// HLS with keys at addresses.
    pub(crate) const HLS: &str = "81376844-f976-481e-a84e-cc25d39b0b33";
}
