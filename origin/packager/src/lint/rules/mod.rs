//! The rules, a file for each group: RFC 8216bis by section, then the chapters of Apple's HLS Authoring Specification.

use super::finding::Findings;
use super::presentation::Presentation;
use super::rule::Rule;

mod audio;
mod bit_rates;
mod captions;
mod date_ranges;
mod define;
pub(super) mod delivery;
mod keys;
mod low_latency;
mod media_playlist;
mod multivariant;
mod protection;
mod renditions;
mod segment_media;
mod segment_tags;
mod segmentation;
mod session;
mod syntax;
pub(super) mod tag_table;
mod tags;
mod timing;
mod trick_play;
mod variant_media;
mod variant_sets;
mod variants;
mod version;
mod video;
mod video_offer;

/// Rules that are checked together.
pub(super) struct Group {
    pub(super) rules: &'static [&'static Rule],
    pub(super) check: fn(&Presentation, &mut Findings),
}

/// All groups.
pub(super) static GROUPS: &[Group] = &[
    Group {
        rules: segment_media::RULES,
        check: segment_media::check,
    },
    Group {
        rules: syntax::RULES,
        check: syntax::check,
    },
    Group {
        rules: tags::RULES,
        check: tags::check,
    },
    Group {
        rules: version::RULES,
        check: version::check,
    },
    Group {
        rules: define::RULES,
        check: define::check,
    },
    Group {
        rules: media_playlist::RULES,
        check: media_playlist::check,
    },
    Group {
        rules: low_latency::RULES,
        check: low_latency::check,
    },
    Group {
        rules: segment_tags::RULES,
        check: segment_tags::check,
    },
    Group {
        rules: keys::RULES,
        check: keys::check,
    },
    Group {
        rules: date_ranges::RULES,
        check: date_ranges::check,
    },
    Group {
        rules: renditions::RULES,
        check: renditions::check,
    },
    Group {
        rules: variants::RULES,
        check: variants::check,
    },
    Group {
        rules: variant_media::RULES,
        check: variant_media::check,
    },
    Group {
        rules: session::RULES,
        check: session::check,
    },
    Group {
        rules: bit_rates::RULES,
        check: bit_rates::check,
    },
    Group {
        rules: variant_sets::RULES,
        check: variant_sets::check,
    },
    Group {
        rules: video::RULES,
        check: video::check,
    },
    Group {
        rules: video_offer::RULES,
        check: video_offer::check,
    },
    Group {
        rules: audio::RULES,
        check: audio::check,
    },
    Group {
        rules: captions::RULES,
        check: captions::check,
    },
    Group {
        rules: trick_play::RULES,
        check: trick_play::check,
    },
    Group {
        rules: segmentation::RULES,
        check: segmentation::check,
    },
    Group {
        rules: timing::RULES,
        check: timing::check,
    },
    Group {
        rules: multivariant::RULES,
        check: multivariant::check,
    },
    Group {
        rules: delivery::RULES,
        check: delivery::check,
    },
    Group {
        rules: protection::RULES,
        check: protection::check,
    },
];
