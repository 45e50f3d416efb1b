//! Media playlists: cut into segments ([`segments`]) and changed in time: clips, blackouts, interstitials, delta updates, watermarks.

pub mod blackout;
pub mod byte_range;
pub mod clip;
pub mod clip_stage;
pub mod delta_stage;
pub mod in_force;
pub mod interstitial;
pub mod interstitial_stage;
pub mod segments;
pub mod watermark;
