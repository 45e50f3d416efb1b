//! The tags of RFC 8216bis 4.4: where each may stand, what follows its colon, and the values of its attributes.

use crate::lint::playlist::ValueKind;
use crate::lint::rule::Rule;
use crate::lint::rules::tags::{
    DATE_RANGE_REQUIRED, HINT_REQUIRED, I_FRAME_REQUIRED, KEY_REQUIRED, MAP_REQUIRED,
    MEDIA_REQUIRED, PART_INF_REQUIRED, PART_REQUIRED, REPORT_REQUIRED, SESSION_DATA_REQUIRED,
    SESSION_KEY_REQUIRED, SKIP_REQUIRED, START_REQUIRED, STEERING_REQUIRED, VARIANT_REQUIRED,
};

/// Where a tag may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lint) enum Place {
    /// In both kinds of playlists.
    Either,
    /// In media playlists, about all of it (4.4.3).
    Media,
    /// In media playlists, about segments (4.4.4).
    Segment,
    /// In media playlists, about something else (4.4.5).
    Metadata,
    /// In multivariant playlists.
    Multivariant,
}

/// What follows the colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing.
    Empty,
    /// A decimal-integer.
    Integer,
    /// Checked by a rule of its own.
    Other,
    /// An attribute list.
    Attributes(&'static [(&'static str, ValueKind)]),
}

/// What the specification says about a tag.
#[derive(Clone, Copy, Debug)]
pub(in crate::lint) struct Spec {
    pub(super) name: &'static str,
    pub(in crate::lint) place: Place,
    pub(super) form: Form,
    pub(super) required: &'static [&'static str],
    pub(super) required_rule: Option<&'static Rule>,
}

impl Spec {
    /// True when an attribute list follows the colon.
    pub(in crate::lint) const fn has_attributes(&self) -> bool {
        matches!(self.form, Form::Attributes(_))
    }
}

/// What the specification says about the tag `name`.
pub(in crate::lint) fn spec(name: &str) -> Option<&'static Spec> {
    SPECS.iter().find(|spec| spec.name == name)
}

const fn plain(name: &'static str, place: Place, form: Form) -> Spec {
    Spec {
        name,
        place,
        form,
        required: &[],
        required_rule: None,
    }
}

const fn list(
    name: &'static str,
    place: Place,
    attributes: &'static [(&'static str, ValueKind)],
    required: &'static [&'static str],
    rule: &'static Rule,
) -> Spec {
    Spec {
        name,
        place,
        form: Form::Attributes(attributes),
        required,
        required_rule: Some(rule),
    }
}

use ValueKind::{
    Enumerated, Float, Hexadecimal, Integer, Quoted, QuotedOrEnumerated, Resolution, SignedFloat,
};

const KEY: &[(&str, ValueKind)] = &[
    ("METHOD", Enumerated),
    ("URI", Quoted),
    ("IV", Hexadecimal),
    ("KEYFORMAT", Quoted),
    ("KEYFORMATVERSIONS", Quoted),
];

const VARIANT: &[(&str, ValueKind)] = &[
    ("BANDWIDTH", Integer),
    ("AVERAGE-BANDWIDTH", Integer),
    ("SCORE", Float),
    ("CODECS", Quoted),
    ("SUPPLEMENTAL-CODECS", Quoted),
    ("RESOLUTION", Resolution),
    ("FRAME-RATE", Float),
    ("HDCP-LEVEL", Enumerated),
    ("ALLOWED-CPC", Quoted),
    ("VIDEO-RANGE", Enumerated),
    ("REQ-VIDEO-LAYOUT", Quoted),
    ("STABLE-VARIANT-ID", Quoted),
    ("AUDIO", Quoted),
    ("VIDEO", Quoted),
    ("SUBTITLES", Quoted),
    ("CLOSED-CAPTIONS", QuotedOrEnumerated),
    ("PATHWAY-ID", Quoted),
    ("URI", Quoted),
];

static SPECS: &[Spec] = &[
    plain("EXTM3U", Place::Either, Form::Empty),
    plain("EXT-X-VERSION", Place::Either, Form::Integer),
    plain("EXT-X-INDEPENDENT-SEGMENTS", Place::Either, Form::Empty),
    list(
        "EXT-X-START",
        Place::Either,
        &[("TIME-OFFSET", SignedFloat), ("PRECISE", Enumerated)],
        &["TIME-OFFSET"],
        &START_REQUIRED,
    ),
    Spec {
        name: "EXT-X-DEFINE",
        place: Place::Either,
        form: Form::Attributes(&[
            ("NAME", Quoted),
            ("VALUE", Quoted),
            ("IMPORT", Quoted),
            ("QUERYPARAM", Quoted),
        ]),
        required: &[],
        required_rule: None,
    },
    plain("EXT-X-TARGETDURATION", Place::Media, Form::Integer),
    plain("EXT-X-MEDIA-SEQUENCE", Place::Media, Form::Integer),
    plain("EXT-X-DISCONTINUITY-SEQUENCE", Place::Media, Form::Integer),
    plain("EXT-X-ENDLIST", Place::Media, Form::Empty),
    plain("EXT-X-PLAYLIST-TYPE", Place::Media, Form::Other),
    plain("EXT-X-I-FRAMES-ONLY", Place::Media, Form::Empty),
    list(
        "EXT-X-PART-INF",
        Place::Media,
        &[("PART-TARGET", Float)],
        &["PART-TARGET"],
        &PART_INF_REQUIRED,
    ),
    Spec {
        name: "EXT-X-SERVER-CONTROL",
        place: Place::Media,
        form: Form::Attributes(&[
            ("CAN-SKIP-UNTIL", Float),
            ("CAN-SKIP-DATERANGES", Enumerated),
            ("HOLD-BACK", Float),
            ("PART-HOLD-BACK", Float),
            ("CAN-BLOCK-RELOAD", Enumerated),
        ]),
        required: &[],
        required_rule: None,
    },
    plain("EXTINF", Place::Segment, Form::Other),
    plain("EXT-X-BYTERANGE", Place::Segment, Form::Other),
    plain("EXT-X-DISCONTINUITY", Place::Segment, Form::Empty),
    list("EXT-X-KEY", Place::Segment, KEY, &["METHOD"], &KEY_REQUIRED),
    list(
        "EXT-X-MAP",
        Place::Segment,
        &[("URI", Quoted), ("BYTERANGE", Quoted)],
        &["URI"],
        &MAP_REQUIRED,
    ),
    plain("EXT-X-PROGRAM-DATE-TIME", Place::Segment, Form::Other),
    plain("EXT-X-GAP", Place::Segment, Form::Empty),
    plain("EXT-X-BITRATE", Place::Segment, Form::Integer),
    list(
        "EXT-X-PART",
        Place::Segment,
        &[
            ("URI", Quoted),
            ("DURATION", Float),
            ("INDEPENDENT", Enumerated),
            ("BYTERANGE", Quoted),
            ("GAP", Enumerated),
        ],
        &["URI", "DURATION"],
        &PART_REQUIRED,
    ),
    list(
        "EXT-X-DATERANGE",
        Place::Metadata,
        &[
            ("ID", Quoted),
            ("CLASS", Quoted),
            ("START-DATE", Quoted),
            ("CUE", Quoted),
            ("END-DATE", Quoted),
            ("DURATION", SignedFloat),
            ("PLANNED-DURATION", SignedFloat),
            ("SCTE35-CMD", Hexadecimal),
            ("SCTE35-OUT", Hexadecimal),
            ("SCTE35-IN", Hexadecimal),
            ("END-ON-NEXT", Enumerated),
        ],
        &["ID"],
        &DATE_RANGE_REQUIRED,
    ),
    list(
        "EXT-X-SKIP",
        Place::Metadata,
        &[
            ("SKIPPED-SEGMENTS", Integer),
            ("RECENTLY-REMOVED-DATERANGES", Quoted),
        ],
        &["SKIPPED-SEGMENTS"],
        &SKIP_REQUIRED,
    ),
    list(
        "EXT-X-PRELOAD-HINT",
        Place::Metadata,
        &[
            ("TYPE", Enumerated),
            ("URI", Quoted),
            ("BYTERANGE-START", Integer),
            ("BYTERANGE-LENGTH", Integer),
        ],
        &["TYPE", "URI"],
        &HINT_REQUIRED,
    ),
    list(
        "EXT-X-RENDITION-REPORT",
        Place::Metadata,
        &[
            ("URI", Quoted),
            ("LAST-MSN", Integer),
            ("LAST-PART", Integer),
        ],
        &["URI", "LAST-MSN"],
        &REPORT_REQUIRED,
    ),
    list(
        "EXT-X-MEDIA",
        Place::Multivariant,
        &[
            ("TYPE", Enumerated),
            ("URI", Quoted),
            ("GROUP-ID", Quoted),
            ("LANGUAGE", Quoted),
            ("ASSOC-LANGUAGE", Quoted),
            ("NAME", Quoted),
            ("STABLE-RENDITION-ID", Quoted),
            ("DEFAULT", Enumerated),
            ("AUTOSELECT", Enumerated),
            ("FORCED", Enumerated),
            ("INSTREAM-ID", Quoted),
            ("BIT-DEPTH", Integer),
            ("SAMPLE-RATE", Integer),
            ("CHARACTERISTICS", Quoted),
            ("CHANNELS", Quoted),
        ],
        &["TYPE", "GROUP-ID", "NAME"],
        &MEDIA_REQUIRED,
    ),
    list(
        "EXT-X-STREAM-INF",
        Place::Multivariant,
        VARIANT,
        &["BANDWIDTH"],
        &VARIANT_REQUIRED,
    ),
    list(
        "EXT-X-I-FRAME-STREAM-INF",
        Place::Multivariant,
        VARIANT,
        &["BANDWIDTH", "URI"],
        &I_FRAME_REQUIRED,
    ),
    list(
        "EXT-X-SESSION-DATA",
        Place::Multivariant,
        &[
            ("DATA-ID", Quoted),
            ("VALUE", Quoted),
            ("URI", Quoted),
            ("FORMAT", Enumerated),
            ("LANGUAGE", Quoted),
        ],
        &["DATA-ID"],
        &SESSION_DATA_REQUIRED,
    ),
    list(
        "EXT-X-SESSION-KEY",
        Place::Multivariant,
        KEY,
        &["METHOD"],
        &SESSION_KEY_REQUIRED,
    ),
    list(
        "EXT-X-CONTENT-STEERING",
        Place::Multivariant,
        &[("SERVER-URI", Quoted), ("PATHWAY-ID", Quoted)],
        &["SERVER-URI"],
        &STEERING_REQUIRED,
    ),
];

/// The values of enumerated attributes.
pub(super) const VALUES: &[(&str, &str, &[&str])] = &[
    ("EXT-X-START", "PRECISE", YES_NO),
    ("EXT-X-SERVER-CONTROL", "CAN-SKIP-DATERANGES", YES),
    ("EXT-X-SERVER-CONTROL", "CAN-BLOCK-RELOAD", YES),
    ("EXT-X-KEY", "METHOD", METHODS),
    ("EXT-X-SESSION-KEY", "METHOD", METHODS),
    ("EXT-X-PART", "INDEPENDENT", YES),
    ("EXT-X-PART", "GAP", YES),
    ("EXT-X-DATERANGE", "END-ON-NEXT", YES),
    ("EXT-X-PRELOAD-HINT", "TYPE", &["PART", "MAP"]),
    (
        "EXT-X-MEDIA",
        "TYPE",
        &["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"],
    ),
    ("EXT-X-MEDIA", "DEFAULT", YES_NO),
    ("EXT-X-MEDIA", "AUTOSELECT", YES_NO),
    ("EXT-X-MEDIA", "FORCED", YES_NO),
    ("EXT-X-STREAM-INF", "HDCP-LEVEL", HDCP),
    ("EXT-X-STREAM-INF", "VIDEO-RANGE", RANGES),
    ("EXT-X-I-FRAME-STREAM-INF", "HDCP-LEVEL", HDCP),
    ("EXT-X-I-FRAME-STREAM-INF", "VIDEO-RANGE", RANGES),
    ("EXT-X-SESSION-DATA", "FORMAT", &["JSON", "RAW"]),
];
const YES: &[&str] = &["YES"];
const YES_NO: &[&str] = &["YES", "NO"];
const HDCP: &[&str] = &["TYPE-0", "TYPE-1", "NONE"];
const RANGES: &[&str] = &["SDR", "HLG", "PQ"];
const METHODS: &[&str] = &[
    "NONE",
    "AES-128",
    "AES-256-GCM",
    "SAMPLE-AES",
    "SAMPLE-AES-CTR",
];
