//! The names that expressions may use, and where their values come from.

use weir_module::device;

use crate::multivariant::stream::{Rendition, Stream};
use crate::playlist::codec::{Medium, four_character};
use crate::select::expression::{Scope, Value};
use crate::viewer::Viewer;

/// Names about the viewer, besides `query.<name>`, `cmcd.<key>` and `variant.<experiment>`.
const VIEWER: [&str; 6] = [
    "tier",
    "country",
    "entitlements",
    "device",
    "variant",
    "subject",
];

/// Names about a stream: a variant, an I-frame or an image stream.
const STREAM: [&str; 14] = [
    "bandwidth",
    "average-bandwidth",
    "width",
    "height",
    "frame-rate",
    "codec",
    "codecs",
    "video-codec",
    "audio-codec",
    "video-range",
    "hdcp-level",
    "score",
    "pathway",
    "name",
];

/// Names about a rendition.
const RENDITION: [&str; 9] = [
    "language",
    "name",
    "group",
    "channels",
    "sample-rate",
    "default",
    "autoselect",
    "forced",
    "characteristics",
];

/// True for a name about the viewer.
pub fn is_viewer_name(name: &str) -> bool {
    VIEWER.contains(&name)
        || ["query.", "cmcd.", "variant."]
            .iter()
            .filter_map(|kind| name.strip_prefix(kind))
            .any(|rest| !rest.is_empty())
}

/// True for a name that an expression about streams may use.
pub fn is_stream_name(name: &str) -> bool {
    STREAM.contains(&name) || is_viewer_name(name)
}

/// True for a name that an expression about renditions may use.
pub fn is_rendition_name(name: &str) -> bool {
    RENDITION.contains(&name) || name == "audio-codec" || is_viewer_name(name)
}

impl Scope for Viewer {
    fn value(&self, name: &str) -> Value {
        if let Some(parameter) = name.strip_prefix("query.") {
            return Value::text(self.parameter(parameter).as_deref());
        }
        if let Some(key) = name.strip_prefix("cmcd.") {
            return Value::text(self.cmcd(key).as_deref());
        }
        if let Some(experiment) = name.strip_prefix("variant.") {
            let mut pairs = assignments(self);
            return Value::text(
                pairs
                    .find(|(known, _)| *known == experiment)
                    .map(|(_, variant)| variant),
            );
        }
        match name {
            "entitlements" => {
                let list = self.header("weir-entitlements").unwrap_or_default();
                let items = list
                    .split([',', ' '])
                    .map(str::trim)
                    .filter(|item| !item.is_empty());
                Value::List(items.map(str::to_owned).collect())
            }
            "device" => {
                Value::Text(device::class(self.header("user-agent").unwrap_or_default()).to_owned())
            }
            "tier" => Value::text(self.header("weir-tier")),
            "country" => Value::text(self.header("weir-country")),
            "variant" => Value::List(
                assignments(self)
                    .map(|(experiment, variant)| format!("{experiment}:{variant}"))
                    .collect(),
            ),
            "subject" => Value::text(self.header("weir-subject")),
            _ => Value::Missing,
        }
    }
}

/// The pairs of `weir-variant`, `ladder:low, banner:red`: an experiment and the variant that the viewer got.
fn assignments(viewer: &Viewer) -> impl Iterator<Item = (&str, &str)> {
    let list = viewer.header("weir-variant").unwrap_or_default();
    list.split(',')
        .filter_map(|pair| pair.trim().split_once(':'))
}

/// A stream as a viewer's policy sees it.
#[derive(Debug)]
pub struct StreamScope<'a> {
    /// The stream.
    pub stream: &'a Stream,
    /// Who asks.
    pub viewer: &'a Viewer,
}

impl Scope for StreamScope<'_> {
    fn value(&self, name: &str) -> Value {
        let stream = self.stream;
        // No codec says nothing; a codec list without video says that there is none.
        let families = |medium| {
            if stream.codecs.is_empty() {
                Value::Missing
            } else {
                listed(stream.families(medium))
            }
        };
        match name {
            "bandwidth" => Value::number(stream.bandwidth),
            "average-bandwidth" => Value::number(stream.average_bandwidth),
            "width" => Value::number(stream.width),
            "height" => Value::number(stream.height),
            "frame-rate" => Value::number(stream.frame_rate),
            "codec" => listed(
                stream
                    .codecs
                    .iter()
                    .map(|codec| four_character(codec).to_owned())
                    .collect(),
            ),
            "codecs" => listed(stream.codecs.clone()),
            "video-codec" => families(Medium::Video),
            "audio-codec" => families(Medium::Audio),
            "video-range" => Value::text(stream.video_range.as_deref()),
            "hdcp-level" => Value::text(stream.hdcp_level.as_deref()),
            "score" => Value::number(stream.score),
            "pathway" => Value::Text(stream.pathway.clone()),
            "name" => Value::text(stream.name.as_deref()),
            _ => self.viewer.value(name),
        }
    }
}

/// A rendition as a viewer's policy sees it.
#[derive(Debug)]
pub struct RenditionScope<'a> {
    /// The rendition.
    pub rendition: &'a Rendition,
    /// Codec families of the variants that use its group: `EXT-X-MEDIA` has none of its own.
    pub codecs: &'a [String],
    /// Who asks.
    pub viewer: &'a Viewer,
}

impl Scope for RenditionScope<'_> {
    fn value(&self, name: &str) -> Value {
        let rendition = self.rendition;
        match name {
            "language" => Value::text(rendition.language.as_deref()),
            "name" => Value::Text(rendition.name.clone()),
            "group" => Value::Text(rendition.group.clone()),
            "channels" => Value::number(rendition.channels),
            "sample-rate" => Value::number(rendition.sample_rate),
            "default" => Value::Bool(rendition.default),
            "autoselect" => Value::Bool(rendition.autoselect),
            "forced" => Value::Bool(rendition.forced),
            "characteristics" => Value::List(rendition.characteristics.clone()),
            "audio-codec" => listed(self.codecs.to_vec()),
            _ => self.viewer.value(name),
        }
    }
}

fn listed(items: Vec<String>) -> Value {
    if items.is_empty() {
        Value::Missing
    } else {
        Value::List(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::expression::Expression;

    #[test]
    fn experiments_are_told_apart() {
        let viewer = Viewer::from_query("").with_header("weir-variant", "ladder:low, max:720,odd");
        for (text, expected) in [
            ("variant.ladder == 'low'", Some(true)),
            ("variant.ladder == 'LOW'", Some(true)),
            ("variant.ladder in ['usual', 'high']", Some(false)),
            ("variant.max <= 1080", Some(true)),
            ("variant.Ladder == 'low'", None),
            ("variant.banner == 'red'", None),
            ("variant.odd", None),
            ("'ladder:low' in variant", Some(true)),
            ("variant == 'ladder:usual'", Some(false)),
            ("variant", Some(true)),
        ] {
            let expression = Expression::parse(text, &is_viewer_name).unwrap();
            assert_eq!(expression.evaluate(&viewer), expected, "{text}");
        }
        assert!(viewer.is_personal());
        let nobody = Viewer::from_query("");
        let none = Expression::parse("'ladder:low' in variant", &is_viewer_name).unwrap();
        assert_eq!(none.evaluate(&nobody), Some(false));
        assert!(Expression::parse("variant. == 'x'", &is_viewer_name).is_err());
    }
}
