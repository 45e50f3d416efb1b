//! Closed captions in the multivariant playlist (RFC 8216bis 4.4.6.1 and 4.4.6.2).

use std::fmt::Write;

use super::attributes::Attributes;
use super::multivariant::{unique, yes_or_no};
use crate::captions::{Channel, Stated};

/// Group of the channels.
const GROUP: &str = "captions";

/// What every variant says about closed captions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CaptionGroup {
    /// Nothing.
    Nothing,
    /// That there are none.
    None,
    /// The group that lists them.
    Listed,
}

impl CaptionGroup {
    pub(super) const fn of(stated: &Stated) -> Self {
        match stated {
            Stated::Nothing => Self::Nothing,
            Stated::Channels(list) if list.is_empty() => Self::None,
            Stated::Channels(_) => Self::Listed,
        }
    }

    /// Adds the attribute of a variant with pictures.
    pub(super) fn name(self, list: Attributes) -> Attributes {
        match self {
            Self::Nothing => list,
            Self::None => list.plain("CLOSED-CAPTIONS", "NONE"),
            Self::Listed => list.quoted("CLOSED-CAPTIONS", GROUP),
        }
    }
}

/// Protocol version that the lines of [`write`] need: services of CEA-708 need 7 (RFC 8216bis, section 8).
pub(super) fn version(stated: &Stated) -> u32 {
    match stated {
        Stated::Channels(list)
            if list.iter().any(|caption| {
                matches!(Channel::parse(&caption.channel), Some(Channel::Service(_)))
            }) =>
        {
            7
        }
        _ => 1,
    }
}

/// Writes the channels. They have no URI: they are in the pictures.
pub(super) fn write(text: &mut String, stated: &Stated) {
    let Stated::Channels(list) = stated else {
        return;
    };
    let mut names: Vec<String> = Vec::new();
    let mut languages: Vec<&str> = Vec::new();
    for caption in list {
        let language = match caption.language.as_str() {
            "" => "und",
            tag => tag,
        };
        let wanted = [&caption.name, &caption.language, &caption.channel];
        let wanted = wanted.into_iter().find(|name| !name.is_empty());
        let name = unique(wanted.map_or("", String::as_str), &names);
        // Only one channel of a language may be chosen without the viewer's asking.
        let chosen = caption.default || !languages.contains(&language);
        let list = Attributes::default()
            .plain("TYPE", "CLOSED-CAPTIONS")
            .quoted("GROUP-ID", GROUP)
            .quoted("NAME", &name)
            .quoted("LANGUAGE", language)
            .plain("DEFAULT", yes_or_no(caption.default))
            .plain("AUTOSELECT", yes_or_no(chosen))
            .quoted("INSTREAM-ID", &caption.channel)
            .finish();
        let _ = writeln!(text, "#EXT-X-MEDIA:{list}");
        names.push(name);
        languages.push(language);
    }
}
