//! Ids of the elements that the walk over a file meets (RFC 9559, 5).

pub(super) const EBML: u32 = 0x1a45_dfa3;
pub(super) const SEGMENT: u32 = 0x1853_8067;
pub(super) const INFO: u32 = 0x1549_a966;
pub(super) const TRACKS: u32 = 0x1654_ae6b;
pub(super) const CLUSTER: u32 = 0x1f43_b675;
pub(super) const TIME: u32 = 0xe7;
pub(super) const SIMPLE_BLOCK: u32 = 0xa3;
pub(super) const GROUP: u32 = 0xa0;
pub(super) const BLOCK: u32 = 0xa1;
pub(super) const DURATION: u32 = 0x9b;
pub(super) const REFERENCE: u32 = 0xfb;
pub(super) const DISCARD: u32 = 0x75a2;
pub(super) const ADDITIONS: u32 = 0x75a1;
pub(super) const CHAPTERS: u32 = 0x1043_a770;
