//! What is looked up in the media data of an input while it is opened, since its index does not say it.

use serde::{Deserialize, Serialize};

use crate::captions::Channel;
use crate::chapters::Mark;
use crate::text::Embedded;

/// What was looked up in one input.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Found {
    /// Channels of captions by track: `None` when there may be some, but nothing was said on them. A track that could not be looked
    /// into is not there.
    pub(crate) captions: Vec<(u32, Option<Vec<Channel>>)>,
    /// Tracks whose pictures refer over keyframes.
    pub(crate) open: Vec<u32>,
    /// Tracks whose first pictures refer to ones that are not there.
    pub(crate) cut: Vec<u32>,
    /// Subtitles inside the input.
    pub(crate) texts: Vec<Embedded>,
    /// Chapters that stand in tracks, or in a container that is not MP4.
    pub(crate) chapters: Vec<Mark>,
}

impl Found {
    /// The names of the channels of captions that a track is known to have, or not to have.
    pub(crate) fn captions_of(&self, track: u32) -> Option<Vec<String>> {
        let (_, channels) = self.captions.iter().find(|(id, _)| *id == track)?;
        channels
            .as_ref()
            .map(|list| list.iter().map(Channel::to_string).collect())
    }
}

/// What to look for besides the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// How many parts encryption keeps apart in a picture.
    pub(crate) slices: bool,
    /// Whether pictures refer over keyframes.
    pub(crate) open: bool,
    /// Which channels of captions there are.
    pub(crate) captions: bool,
    /// What text tracks say.
    pub(crate) texts: bool,
    /// What chapters there are.
    pub(crate) chapters: bool,
}
