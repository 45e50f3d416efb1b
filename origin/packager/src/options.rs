//! What a caller may choose.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::captions::Channel;
use crate::{DateRange, Encryption, Error, date_range, language};

/// How to package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Wanted duration of a media segment. Segments start at keyframes, so real durations lie near it.
    pub segment_duration: Duration,
    /// What segments are made of.
    pub format: Format,
    /// One file per segment, or one file per track with byte ranges.
    pub layout: Layout,
    /// Write an I-frame playlist for every video track (Apple HLS Authoring Specification 6.1 asks for them).
    pub i_frame_playlists: bool,
    /// Write an MPEG-DASH manifest over the same CMAF segments.
    pub dash: bool,
    /// Write a gzip twin (`.gz`) of every playlist and manifest.
    pub gzip: bool,
    /// Subtitles to add to those inside the inputs, as segmented WebVTT.
    pub subtitles: Vec<Subtitle>,
    /// Make renditions of the text tracks inside the inputs, too.
    pub embedded_subtitles: bool,
    /// What to say about closed captions (CEA-608 and CEA-708) inside the pictures, where they stay.
    pub captions: Captions,
    /// Name the chapters of the film in the multivariant playlist (`com.apple.hls.chapters`), where it has some.
    pub chapters: bool,
    /// When the film starts: playlists then say when each segment does (`EXT-X-PROGRAM-DATE-TIME`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program_date_time: Option<Timestamp>,
    /// Date ranges to name in every media playlist (`EXT-X-DATERANGE`). They need [`Options::program_date_time`].
    pub date_ranges: Vec<DateRange>,
    /// Encrypt the media; `None` leaves them in the clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// Most bytes of index (the `moov` and `moof` boxes) that are held in memory.
    pub max_index_bytes: u64,
}

/// Subtitles that are added to a film.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Subtitle {
    /// Language tag (BCP 47), such as `en` or `pt-BR`.
    pub language: String,
    /// Name shown to viewers; the language tag when empty.
    pub name: String,
    /// Shown unless the viewer chooses otherwise. At most one.
    pub default: bool,
    /// Holds only what is needed to follow the film, such as signs in a foreign language.
    pub forced: bool,
    /// Written for viewers who do not hear: it names sounds, too.
    pub hearing_impaired: bool,
    /// The subtitles as WebVTT, SRT, or TTML (the text profile of IMSC 1).
    pub text: String,
}

impl Subtitle {
    /// Refuses what packaging would refuse: a language that is none, a text without a cue that can be read.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn check(&self) -> Result<(), Error> {
        let alone = Options {
            subtitles: vec![Self {
                text: String::new(),
                ..self.clone()
            }],
            ..Options::default()
        };
        alone.validate_subtitles()?;
        crate::text::read(1, self).map(drop)
    }
}

/// What playlists say about closed captions inside the pictures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Captions {
    /// Look for them, and name what is found. Where there are none, say so.
    #[default]
    Detect,
    /// Say nothing.
    Ignore,
    /// There are these, whatever the pictures hold: for their languages, which pictures do not tell. An empty list says that there
    /// are none.
    Declared(Vec<Caption>),
}

/// A channel of closed captions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Caption {
    /// `CC1` to `CC4` (CEA-608) or `SERVICE1` to `SERVICE63` (CEA-708).
    pub channel: String,
    /// Language tag (BCP 47); not known when empty.
    pub language: String,
    /// Name shown to viewers; the language tag, or the channel, when empty.
    pub name: String,
    /// Shown unless the viewer chooses otherwise. At most one.
    pub default: bool,
}

/// What segments are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// Fragmented MP4 (CMAF, ISO/IEC 23000-19).
    #[default]
    Cmaf,
    /// MPEG-2 transport streams, one for each track: for players that know no other segments. H.264, AAC, AC-3, E-AC-3 and MP3
    /// only, and no MPEG-DASH. Under `cbcs` samples are encrypted as HLS `SAMPLE-AES` wants it.
    MpegTs,
}

/// How segments are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Layout {
    /// One file per segment.
    #[default]
    Segments,
    /// One file per track; playlists name byte ranges of it.
    SingleFile,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_duration: Duration::from_secs(6),
            format: Format::default(),
            layout: Layout::default(),
            i_frame_playlists: true,
            dash: false,
            gzip: false,
            subtitles: Vec::new(),
            embedded_subtitles: true,
            captions: Captions::default(),
            chapters: true,
            program_date_time: None,
            date_ranges: Vec::new(),
            encryption: None,
            max_index_bytes: 256 << 20,
        }
    }
}

impl Options {
    /// Refuses values that no run could honour.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        if self.segment_duration < Duration::from_millis(500)
            || self.segment_duration > Duration::from_secs(60)
        {
            return Err(Error::InvalidOption {
                option: "segment_duration",
                reason: format!(
                    "{:?} is outside 0.5 s to 60 s; 6 s is the usual value",
                    self.segment_duration
                ),
            });
        }
        if self.format == Format::MpegTs && self.dash {
            return Err(Error::InvalidOption {
                option: "format",
                reason:
                    "MPEG-DASH is written over CMAF segments; leave `dash` off or choose `cmaf`"
                        .to_owned(),
            });
        }
        date_range::validate(&self.date_ranges, self.program_date_time.is_some())?;
        if let Some(encryption) = &self.encryption {
            encryption.validate(self.dash)?;
        }
        self.validate_subtitles()?;
        self.validate_captions()
    }

    fn validate_subtitles(&self) -> Result<(), Error> {
        let invalid = |reason: String| {
            Err(Error::InvalidOption {
                option: "subtitles",
                reason,
            })
        };
        let defaults = self.subtitles.iter().filter(|subtitle| subtitle.default);
        if defaults.count() > 1 {
            return invalid("more than one is the default; mark one at most".to_owned());
        }
        match self
            .subtitles
            .iter()
            .find(|subtitle| language::from_tag(&subtitle.language).is_none())
        {
            Some(subtitle) => invalid(no_language(&subtitle.language)),
            None => Ok(()),
        }
    }

    fn validate_captions(&self) -> Result<(), Error> {
        let Captions::Declared(list) = &self.captions else {
            return Ok(());
        };
        let invalid = |reason: String| {
            Err(Error::InvalidOption {
                option: "captions",
                reason,
            })
        };
        if list.iter().filter(|caption| caption.default).count() > 1 {
            return invalid("more than one is the default; mark one at most".to_owned());
        }
        for (number, caption) in list.iter().enumerate() {
            let channel = caption.channel.as_str();
            if Channel::parse(channel).is_none() {
                return invalid(format!(
                    "`{}` is no channel; there are CC1 to CC4 and SERVICE1 to SERVICE63",
                    channel.escape_debug()
                ));
            }
            if list[..number].iter().any(|other| other.channel == channel) {
                return invalid(format!("{channel} is there twice"));
            }
            if !caption.language.is_empty() && language::from_tag(&caption.language).is_none() {
                return invalid(no_language(&caption.language));
            }
        }
        Ok(())
    }
}

fn no_language(tag: &str) -> String {
    format!(
        "`{}` is no language tag; give one of BCP 47 such as `en`",
        tag.escape_debug()
    )
}
