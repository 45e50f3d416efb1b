//! Transcoding by ffmpeg as a child process: one decode feeds every rung of a ladder.

mod encoding;
mod error;
mod ffmpeg;
mod guard;
mod loudness;
mod pictures;
mod plan;
mod poster;
mod preview;
mod profile;
mod progress;
mod source_info;
mod source_server;
mod storyboard;
mod tone_map;
mod transcoder;
mod work_folder;

pub use error::TranscodeError;
pub use guard::{WATCH_OVER, watch_over};
pub use pictures::{FilmPictures, PicturePlan};
pub use profile::{Audio, Container, Hdr, Profile, Profiles, Rung, VideoCodec};
pub use source_info::{SourceInfo, SourceVideo};
pub use storyboard::{ScrubPlan, Storyboard, StoryboardPlan};
pub use tone_map::HdrTransfer;
pub use transcoder::{Transcoded, Transcoder};
