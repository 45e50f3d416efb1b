//! Closed captions inside pictures: CEA-608 and CEA-708 as ATSC A/53, part 4 carries them in H.264, HEVC and AV1.
//!
//! Captions are left where they are. What is looked for is which channels there are, since playlists have to name them.

mod data;
mod line21;
mod scan;
mod services;

pub(crate) use scan::{CaptionScan, Heard, fuzz_samples};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::presentation::{TrackInfo, TrackKind};
use crate::{Caption, Captions};

/// A channel of captions. Its name is the `INSTREAM-ID` of RFC 8216bis 4.4.6.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Channel {
    /// CEA-608, counted from 1 to 4.
    Cc(u8),
    /// A service of CEA-708, counted from 1 to 63.
    Service(u8),
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cc(number) => write!(f, "CC{number}"),
            Self::Service(number) => write!(f, "SERVICE{number}"),
        }
    }
}

impl Channel {
    /// Reads an `INSTREAM-ID`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (make, number, most): (fn(u8) -> Self, _, _) = match name.strip_prefix("CC") {
            Some(number) => (Self::Cc, number, 4),
            None => (Self::Service, name.strip_prefix("SERVICE")?, 63),
        };
        let found = number.parse().ok().filter(|n| (1..=most).contains(n))?;
        let channel = make(found);
        (channel.to_string() == name).then_some(channel)
    }
}

/// What playlists say about closed captions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stated {
    /// Nothing: it is not known whether there are any.
    #[default]
    Nothing,
    /// These; none at all when the list is empty.
    Channels(Vec<Caption>),
}

impl Stated {
    /// What `options` want said about these tracks.
    pub(crate) fn new<'a>(
        options: &Captions,
        tracks: impl Iterator<Item = &'a TrackInfo> + Clone,
    ) -> Self {
        let videos = tracks.filter(|track| track.kind == TrackKind::Video);
        if videos.clone().next().is_none() {
            return Self::Nothing;
        }
        match options {
            Captions::Ignore => Self::Nothing,
            Captions::Declared(list) => Self::Channels(list.clone()),
            Captions::Detect => {
                let mut channels: Vec<Channel> = videos
                    .clone()
                    .flat_map(|track| track.captions.iter().flatten())
                    .filter_map(|name| Channel::parse(name))
                    .collect();
                channels.sort_unstable();
                channels.dedup();
                if channels.is_empty() && videos.clone().any(|track| track.captions.is_none()) {
                    return Self::Nothing;
                }
                let list = channels.iter().map(|channel| Caption {
                    channel: channel.to_string(),
                    ..Caption::default()
                });
                Self::Channels(list.collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_have_the_names_of_the_specification() {
        for name in ["CC1", "CC4", "SERVICE1", "SERVICE63"] {
            assert_eq!(Channel::parse(name).unwrap().to_string(), name);
        }
        for name in ["CC0", "CC5", "SERVICE0", "SERVICE64", "CC01", "cc1", ""] {
            assert_eq!(Channel::parse(name), None, "{name}");
        }
        assert!(Channel::Cc(4) < Channel::Service(1));
    }
}
