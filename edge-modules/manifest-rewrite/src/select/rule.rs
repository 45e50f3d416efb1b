//! `[[select]]` and `[filters]`: which streams and renditions a viewer gets.

use serde::Deserialize;
use weir_module::{ConfigError, Problem};

use crate::NAME;
use crate::error::RewriteError;
use crate::multivariant::list::{Kind, Multivariant};
use crate::multivariant::stream::{Rendition, Stream};
use crate::playlist::codec::Medium;
use crate::select::expression::Expression;
use crate::select::filter::{AKAMAI, AWS, ManifestFilter};
use crate::select::scopes::{
    RenditionScope, StreamScope, is_rendition_name, is_stream_name, is_viewer_name,
};
use crate::select::selection::{NothingLeft, Wanted, select};
use crate::viewer::Viewer;

/// `[[select]]`. An expression that is absent keeps everything; one whose answer is unknown keeps the entry.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SelectConfig {
    /// The rule holds when this is true of the viewer. Absent: always.
    pub when: Option<String>,
    /// Variants to keep.
    pub variants: Option<String>,
    /// Audio renditions to keep.
    pub audio: Option<String>,
    /// Subtitles to keep.
    pub subtitles: Option<String>,
    /// Closed captions to keep.
    pub closed_captions: Option<String>,
    /// I-frame streams to keep, of those whose variants stay.
    pub i_frames: Option<String>,
    /// Image streams to keep.
    pub images: Option<String>,
    /// When no variant would be left. Default `lowest`.
    pub on_empty: OnEmpty,
}

/// What is done when a rule would leave no variant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnEmpty {
    /// The variant of the lowest bandwidth stays.
    #[default]
    Lowest,
    /// The rule's `variants` does not hold.
    All,
    /// The viewer is refused with 403.
    Refuse,
}

/// `[filters]`: filters that viewers may put into the query.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct FiltersConfig {
    /// `aws.manifestfilter`. Default true.
    pub aws: bool,
    /// `br_in`. Default false.
    pub akamai: bool,
}

impl Default for FiltersConfig {
    fn default() -> Self {
        Self {
            aws: true,
            akamai: false,
        }
    }
}

/// A compiled rule.
#[derive(Debug, Clone)]
pub struct Rule {
    when: Option<Expression>,
    variants: Option<Expression>,
    audio: Option<Expression>,
    subtitles: Option<Expression>,
    captions: Option<Expression>,
    i_frames: Option<Expression>,
    images: Option<Expression>,
    on_empty: OnEmpty,
}

impl Rule {
    /// Compiles the rule at `index`.
    ///
    /// # Errors
    /// The expression that is wrong.
    pub fn compile(index: usize, config: &SelectConfig) -> Result<Self, ConfigError> {
        let compile = |key: &str, text: &Option<String>, known: &dyn Fn(&str) -> bool| {
            let parsed = text
                .as_deref()
                .map(|text| Expression::parse(text, known))
                .transpose();
            parsed.map_err(|error| {
                ConfigError::new(NAME, format!("select[{index}].{key}"), error.to_string())
            })
        };
        Ok(Self {
            when: compile("when", &config.when, &is_viewer_name)?,
            variants: compile("variants", &config.variants, &is_stream_name)?,
            audio: compile("audio", &config.audio, &is_rendition_name)?,
            subtitles: compile("subtitles", &config.subtitles, &is_rendition_name)?,
            captions: compile(
                "closed-captions",
                &config.closed_captions,
                &is_rendition_name,
            )?,
            i_frames: compile("i-frames", &config.i_frames, &is_stream_name)?,
            images: compile("images", &config.images, &is_stream_name)?,
            on_empty: config.on_empty,
        })
    }

    /// True when the rule holds for the viewer. Marks the viewer as personal when the rule depends on more than the URL.
    pub fn holds(&self, viewer: &Viewer) -> bool {
        if self
            .when
            .as_ref()
            .is_some_and(|when| when.evaluate(viewer) != Some(true))
        {
            return false;
        }
        if self
            .names()
            .any(|name| is_viewer_name(name) && !name.starts_with("query."))
        {
            viewer.make_personal();
        }
        true
    }

    /// What is done when nothing is left.
    pub fn on_empty(&self) -> OnEmpty {
        self.on_empty
    }

    /// The rule's questions about one viewer.
    pub fn asked<'a>(&'a self, viewer: &'a Viewer) -> impl Wanted + 'a {
        Asked {
            rule: self,
            viewer,
            only: None,
        }
    }

    /// True when the viewer is refused rather than given something else.
    pub fn refuses(&self) -> bool {
        self.on_empty == OnEmpty::Refuse
    }

    /// True when everything stays rather than nothing.
    pub fn keeps_all(&self) -> bool {
        self.on_empty == OnEmpty::All
    }

    /// Every name that the rule uses.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [
            &self.when,
            &self.variants,
            &self.audio,
            &self.subtitles,
            &self.captions,
            &self.i_frames,
            &self.images,
        ]
        .into_iter()
        .flatten()
        .flat_map(Expression::names)
    }

    /// Applies the rule.
    ///
    /// # Errors
    /// [`RewriteError::Refused`] when nothing is left and the rule says so.
    pub fn apply(&self, list: &mut Multivariant, viewer: &Viewer) -> Result<(), RewriteError> {
        let asked = Asked {
            rule: self,
            viewer,
            only: None,
        };
        if select(list, &asked).is_ok() {
            return Ok(());
        }
        let only = match self.on_empty {
            OnEmpty::Refuse => return Err(RewriteError::Refused),
            OnEmpty::All => Only::Every,
            OnEmpty::Lowest => lowest(list).map_or(Only::Every, Only::Bandwidth),
        };
        // Cannot fail: the lowest variant, or every one, is kept.
        select(
            list,
            &Asked {
                only: Some(only),
                ..asked
            },
        )
        .or(Ok(()))
    }
}

fn lowest(list: &Multivariant) -> Option<f64> {
    let bandwidths = list
        .entries
        .iter()
        .filter(|entry| !entry.dropped)
        .filter_map(|entry| match &entry.kind {
            // Sound alone is no fallback for a film, unless there is nothing else.
            Kind::Variant(stream) => Some((
                stream.families(Medium::Video).is_empty() && stream.height.is_none(),
                stream.bandwidth?,
            )),
            _ => None,
        });
    bandwidths
        .min_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))
        .map(|(_, bandwidth)| bandwidth)
}

#[derive(Debug, Clone, Copy)]
enum Only {
    Every,
    Bandwidth(f64),
}

struct Asked<'a> {
    rule: &'a Rule,
    viewer: &'a Viewer,
    only: Option<Only>,
}

impl Asked<'_> {
    fn stream(&self, expression: &Option<Expression>, stream: &Stream) -> bool {
        expression.as_ref().is_none_or(|wanted| {
            wanted.evaluate(&StreamScope {
                stream,
                viewer: self.viewer,
            }) != Some(false)
        })
    }

    fn rendition(
        &self,
        expression: &Option<Expression>,
        rendition: &Rendition,
        codecs: &[String],
    ) -> bool {
        let scope = RenditionScope {
            rendition,
            codecs,
            viewer: self.viewer,
        };
        expression
            .as_ref()
            .is_none_or(|wanted| wanted.evaluate(&scope) != Some(false))
    }
}

impl Wanted for Asked<'_> {
    fn variant(&self, stream: &Stream) -> bool {
        match self.only {
            None => self.stream(&self.rule.variants, stream),
            Some(Only::Every) => true,
            Some(Only::Bandwidth(bandwidth)) => stream.bandwidth == Some(bandwidth),
        }
    }

    fn audio(&self, rendition: &Rendition, codecs: &[String]) -> bool {
        self.rendition(&self.rule.audio, rendition, codecs)
    }

    fn subtitles(&self, rendition: &Rendition) -> bool {
        self.rendition(&self.rule.subtitles, rendition, &[])
    }

    fn captions(&self, rendition: &Rendition) -> bool {
        self.rendition(&self.rule.captions, rendition, &[])
    }

    fn i_frames(&self, stream: &Stream) -> bool {
        self.stream(&self.rule.i_frames, stream)
    }

    fn images(&self, stream: &Stream) -> bool {
        self.stream(&self.rule.images, stream)
    }
}

impl Wanted for ManifestFilter {
    fn variant(&self, stream: &Stream) -> bool {
        self.keeps_variant(stream)
    }

    fn audio(&self, rendition: &Rendition, _codecs: &[String]) -> bool {
        self.keeps_audio(rendition)
    }

    fn subtitles(&self, rendition: &Rendition) -> bool {
        self.keeps_subtitles(rendition)
    }

    fn captions(&self, _rendition: &Rendition) -> bool {
        true
    }

    fn i_frames(&self, stream: &Stream) -> bool {
        self.keeps_i_frames(stream)
    }

    fn images(&self, stream: &Stream) -> bool {
        self.keeps_images(stream)
    }
}

/// Applies a viewer's own filter.
///
/// # Errors
/// [`RewriteError::FilterEmpty`] when it leaves nothing: the viewer asked for the impossible.
pub fn apply_filter(filter: &ManifestFilter, list: &mut Multivariant) -> Result<(), RewriteError> {
    select(list, filter).map_err(|NothingLeft| RewriteError::FilterEmpty)
}

impl FiltersConfig {
    /// The filters of a request.
    ///
    /// # Errors
    /// A filter that cannot be read, as the problem to answer.
    pub fn read(&self, viewer: &Viewer) -> Result<Vec<ManifestFilter>, Box<Problem>> {
        type Parse = fn(&str) -> Result<ManifestFilter, crate::select::filter::FilterError>;
        let known: [(bool, &str, Parse); 2] = [
            (self.aws, AWS, ManifestFilter::parse_aws),
            (self.akamai, AKAMAI, ManifestFilter::parse_akamai),
        ];
        let mut filters = Vec::new();
        for (_, name, parse) in known.into_iter().filter(|(on, ..)| *on) {
            let bad = |detail: String| {
                Box::new(
                    Problem::new(400, "bad-filter", "The manifest filter cannot be read")
                        .detail(detail),
                )
            };
            if viewer.parameter_count(name) > 1 {
                return Err(bad(format!("`{name}` stands twice in the query")));
            }
            if let Some(text) = viewer.parameter(name) {
                filters.push(parse(&text).map_err(|error| bad(format!("`{name}`: {error}")))?);
            }
        }
        Ok(filters)
    }

    /// True for a query parameter that is read here and must not reach the origin.
    pub fn is_own(&self, name: &str) -> bool {
        (self.aws && name == AWS) || (self.akamai && name == AKAMAI)
    }
}
