//! Which tags may stand where, how often, and with which attributes (RFC 8216bis 4.2 and 4.4).

use crate::lint::finding::Findings;
use crate::lint::playlist::{Attribute, Kind, Playlist, Tag, ValueKind, decimal_integer};
use crate::lint::presentation::Presentation;
use crate::lint::rule::{Rule, rules};

rules! {
    ATTRIBUTE_TYPE: Must Packaging "rfc-4.2-type"
        "An attribute value has the type that its definition says."
        "Clients read a value by the type of its attribute: a number in quotation marks or a bare string is not understood, or makes them reject the playlist."
        "Write the value in the form that the message names.";
    ENUMERATED: Must Packaging "rfc-4.2-enumerated"
        "An enumerated value is one of those that its attribute defines."
        "Clients do not know other words, and ignore the tag or reject the playlist."
        "Use one of the values that the message lists, in capitals.";
    TAG_VALUE: Must Packaging "rfc-4.4-value"
        "The value of a tag has the form that its definition says."
        "A number or type that cannot be read makes clients reject the playlist."
        "Write the value in the form that the message names.";
    ONCE_EITHER: Must Packaging "rfc-4.4.2-once"
        "A tag of section 4.4.2 other than EXT-X-DEFINE appears once at most."
        "Clients must fail to parse a playlist that repeats it."
        "Keep one of the tags.";
    ONCE_MEDIA: Must Packaging "rfc-4.4.3-once"
        "A media playlist has each media playlist tag once at most."
        "It describes the whole playlist; two of them contradict each other."
        "Keep one of the tags.";
    ONCE_SKIP: Must Packaging "rfc-4.4.5-once"
        "EXT-X-SKIP appears once at most."
        "A delta update replaces one stretch of segments; a second tag cannot be applied."
        "Merge the tags into one.";
    MEDIA_TAG_PLACE: Must Packaging "rfc-4.4.3-place"
        "A media playlist tag does not appear in a multivariant playlist."
        "Clients cannot tell what kind of playlist it is and must reject it."
        "Move the tag to the media playlists.";
    SEGMENT_TAG_PLACE: Must Packaging "rfc-4.4.4-place"
        "A media segment tag does not appear in a multivariant playlist."
        "Clients must fail to parse playlists that hold both kinds of tags."
        "Move segments to a media playlist of their own.";
    START_REQUIRED: Must Packaging "rfc-4.4.2.2-required"
        "EXT-X-START has a TIME-OFFSET."
        "Without it the tag names no point to start at."
        "Add TIME-OFFSET, or remove the tag.";
    PART_INF_REQUIRED: Must Packaging "rfc-4.4.3.7-required"
        "EXT-X-PART-INF has a PART-TARGET."
        "Clients plan their requests by the part target duration."
        "Add PART-TARGET in seconds.";
    KEY_REQUIRED: Must Packaging "rfc-4.4.4.4-required"
        "EXT-X-KEY has a METHOD."
        "Without it clients do not know how to decrypt what follows."
        "Add METHOD.";
    MAP_REQUIRED: Must Packaging "rfc-4.4.4.5-required"
        "EXT-X-MAP has a URI."
        "Without it the initialization section cannot be found, and no segment be played."
        "Add URI.";
    PART_REQUIRED: Must Packaging "rfc-4.4.4.9-required"
        "EXT-X-PART has a URI and a DURATION."
        "Clients cannot load or place a part without them."
        "Add the attributes that the message names.";
    DATE_RANGE_REQUIRED: Must Packaging "rfc-4.4.5.1-required"
        "EXT-X-DATERANGE has an ID."
        "The ID is how tags about the same range of time are brought together."
        "Add an ID that is unique in the playlist.";
    SKIP_REQUIRED: Must Packaging "rfc-4.4.5.2-required"
        "EXT-X-SKIP has SKIPPED-SEGMENTS."
        "Clients need the number to know which of their segments stay."
        "Add SKIPPED-SEGMENTS.";
    HINT_REQUIRED: Must Packaging "rfc-4.4.5.3-required"
        "EXT-X-PRELOAD-HINT has a TYPE and a URI."
        "A hint without them names nothing to load."
        "Add the attributes that the message names.";
    REPORT_REQUIRED: Should Packaging "rfc-4.4.5.4-required"
        "EXT-X-RENDITION-REPORT has a URI and LAST-MSN."
        "Clients use it to switch renditions without an extra request. A server may leave an attribute out only when it is the same as in the report of this playlist itself."
        "Add the attributes that the message names.";
    MEDIA_REQUIRED: Must Packaging "rfc-4.4.6.1-required"
        "EXT-X-MEDIA has TYPE, GROUP-ID and NAME."
        "Variants find renditions by type and group, viewers choose them by name."
        "Add the attributes that the message names.";
    VARIANT_REQUIRED: Must Packaging "rfc-4.4.6.2-required"
        "EXT-X-STREAM-INF has a BANDWIDTH."
        "Clients choose the variant by it."
        "Add BANDWIDTH: the peak segment bit rate in bits per second.";
    I_FRAME_REQUIRED: Must Packaging "rfc-4.4.6.3-required"
        "EXT-X-I-FRAME-STREAM-INF has a BANDWIDTH and a URI."
        "Clients choose the I-frame playlist by its bit rate and load it from its address."
        "Add the attributes that the message names.";
    SESSION_DATA_REQUIRED: Must Packaging "rfc-4.4.6.4-required"
        "EXT-X-SESSION-DATA has a DATA-ID."
        "Applications look session data up by it."
        "Add DATA-ID.";
    SESSION_KEY_REQUIRED: Must Packaging "rfc-4.4.6.5-required"
        "EXT-X-SESSION-KEY has a METHOD."
        "Without it clients cannot prepare the key."
        "Add METHOD.";
    STEERING_REQUIRED: Must Packaging "rfc-4.4.6.6-required"
        "EXT-X-CONTENT-STEERING has a SERVER-URI."
        "Without it there is no steering manifest to load."
        "Add SERVER-URI.";
}

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
enum Form {
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
    name: &'static str,
    pub(in crate::lint) place: Place,
    form: Form,
    required: &'static [&'static str],
    required_rule: Option<&'static Rule>,
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
const VALUES: &[(&str, &str, &[&str])] = &[
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

pub(super) fn check(presentation: &Presentation, out: &mut Findings) {
    for document in &presentation.documents {
        check_playlist(&document.playlist, out);
    }
}

fn check_playlist(playlist: &Playlist, out: &mut Findings) {
    let mut seen: Vec<&str> = Vec::new();
    for tag in playlist.tags() {
        let Some(spec) = spec(&tag.name) else {
            continue;
        };
        check_place(playlist, tag, spec, out);
        if seen.contains(&spec.name) {
            let rule = match spec.place {
                Place::Either
                    if !matches!(spec.name, "EXT-X-DEFINE" | "EXTM3U" | "EXT-X-VERSION") =>
                {
                    Some(&ONCE_EITHER)
                }
                Place::Media => Some(&ONCE_MEDIA),
                Place::Metadata if spec.name == "EXT-X-SKIP" => Some(&ONCE_SKIP),
                _ => None,
            };
            if let Some(rule) = rule {
                let message = format!("{} appears again", spec.name);
                out.add(rule, &playlist.url, tag.number, tag.shown(), message);
            }
        } else {
            seen.push(spec.name);
        }
        check_value(playlist, tag, spec, out);
    }
}

fn check_place(playlist: &Playlist, tag: &Tag, spec: &Spec, out: &mut Findings) {
    // A playlist with a multivariant tag is taken for a multivariant one, so that only the others can be out of place.
    let rule = match spec.place {
        Place::Media | Place::Metadata => &MEDIA_TAG_PLACE,
        Place::Segment => &SEGMENT_TAG_PLACE,
        Place::Either | Place::Multivariant => return,
    };
    if playlist.kind == Kind::Multivariant {
        let message = format!("{} stands in a multivariant playlist", spec.name);
        out.add(rule, &playlist.url, tag.number, tag.shown(), message);
    }
}

fn check_value(playlist: &Playlist, tag: &Tag, spec: &Spec, out: &mut Findings) {
    let url = playlist.url.as_str();
    match spec.form {
        Form::Empty if tag.value.is_some() => {
            let message = format!("{} takes no value", spec.name);
            out.add(&TAG_VALUE, url, tag.number, tag.shown(), message);
        }
        Form::Integer if decimal_integer(tag.text()).is_none() => {
            let message = format!("{} takes a decimal-integer", spec.name);
            out.add(&TAG_VALUE, url, tag.number, tag.shown(), message);
        }
        Form::Attributes(kinds) => {
            let missing: Vec<&str> = spec
                .required
                .iter()
                .copied()
                .filter(|name| !tag.attributes.has(name))
                .collect();
            if let Some(rule) = spec.required_rule
                && !missing.is_empty()
            {
                let message = format!("{} lacks {}", spec.name, missing.join(" and "));
                out.add(rule, url, tag.number, tag.shown(), message);
            }
            for attribute in &tag.attributes.list {
                check_attribute(url, tag, attribute, kinds, out);
            }
        }
        _ => {}
    }
}

fn check_attribute(
    url: &str,
    tag: &Tag,
    attribute: &Attribute,
    kinds: &[(&str, ValueKind)],
    out: &mut Findings,
) {
    let known = kinds.iter().find(|(name, _)| *name == attribute.name);
    let kind = match known {
        Some((_, kind)) => *kind,
        None if tag.name == "EXT-X-DATERANGE" && attribute.name.starts_with("X-") => {
            ValueKind::Extension
        }
        None => return,
    };
    let value = format!("{}={}", attribute.name, attribute.value);
    if !attribute.is(kind) {
        let message = format!("{} of {} is no {}", attribute.name, tag.name, kind.as_str());
        out.add(&ATTRIBUTE_TYPE, url, tag.number, value, message);
        return;
    }
    let values = VALUES
        .iter()
        .find(|(name, of, _)| *name == tag.name && *of == attribute.name);
    if let Some((_, _, values)) = values
        && !values.contains(&attribute.value.as_str())
    {
        let message = format!(
            "{} of {} is none of {}",
            attribute.name,
            tag.name,
            values.join(", ")
        );
        out.add(&ENUMERATED, url, tag.number, value, message);
    }
}
