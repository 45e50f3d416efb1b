//! Which requests are ours, what they ask, and what to ask the origin in their place.

use crate::accept::AcceptClass;
use crate::config::{Config, Spelling};
use crate::error::OptionError;
use crate::format::OutputFormat;
use crate::hints::Hints;
use crate::options::{Draft, FormatChoice, Options, query};
use crate::signature;
use crate::spelling::{InPath, cloudflare, fastly, imgix, imgproxy, thumbor};
use crate::storyboard::Form;

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The picture at the target.
    Picture,
    /// The picture at the target, and where the origin has none the asset's storyboard.
    PictureOrFrame,
    /// A frame of the asset's storyboard.
    Frame,
    /// The picture at the target, and where the origin has none an animation from the asset's storyboard.
    PictureOrPreview,
    /// An animation from the asset's storyboard.
    Preview,
    /// The storyboard's index, in whichever form the origin has it.
    Index(Form),
}

/// A request that is ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// What it is about.
    pub subject: Subject,
    /// Path and query for the origin, without options.
    pub target: String,
    /// The query that goes along with every request to the origin, with its `?`, or nothing.
    pub pass_query: String,
    /// What to do.
    pub options: Options,
    /// Headers, besides `Accept`, that the options were taken from.
    pub vary: Vec<&'static str>,
}

impl Asked {
    /// A text that names everything but the source that the result depends on.
    pub fn variant(&self, accept: AcceptClass) -> String {
        let class = match (self.options.format, accept) {
            (FormatChoice::Auto, AcceptClass::WebP) => "webp",
            (FormatChoice::Auto, AcceptClass::Basic) => "basic",
            (FormatChoice::Fixed(_), _) => "fixed",
        };
        format!("{class}?{}", self.options.canonical())
    }

    /// A request for a storyboard's index goes to the origin as it is.
    fn index(form: Form, target: &str, query: &str) -> Self {
        let pass_query = match query {
            "" => String::new(),
            query => format!("?{query}"),
        };
        Self {
            subject: Subject::Index(form),
            target: target.to_owned(),
            pass_query,
            options: Options::default(),
            vary: Vec::new(),
        }
    }

    /// The folder of the target, with its last slash.
    pub fn folder(&self) -> &str {
        let path = self.target.split('?').next().unwrap_or_default();
        path.rfind('/')
            .map_or("/", |slash| path.get(..=slash).unwrap_or("/"))
    }
}

/// Reads a request; `hints` are what the client says about itself, where that may count. None when it is not ours.
///
/// # Errors
/// Options that cannot be used, in a request that is ours.
pub fn read(
    config: &Config,
    target: &str,
    now_s: u64,
    hints: Option<&Hints>,
) -> Result<Option<Asked>, OptionError> {
    let (path, raw_query) = target.split_once('?').unwrap_or((target, ""));
    if !config.paths.is_empty()
        && !config
            .paths
            .iter()
            .any(|prefix| path.starts_with(prefix.as_str()))
    {
        return Ok(None);
    }
    if let Some(form) = Form::of(file_name(path)).filter(|_| config.storyboards) {
        return Ok(Some(Asked::index(form, target, raw_query)));
    }
    let in_path = read_path(config, path);
    // The signature covers the path as it was asked for.
    let (asked_path, in_path) = match in_path {
        Some(found) => {
            let InPath { source, draft } = found?;
            (path, Some((source, draft)))
        }
        None => (path, None),
    };
    let path = in_path.as_ref().map_or(path, |(source, _)| source.as_str());
    let Some(extension) = extension(path) else {
        return Ok(None);
    };
    if !config.extensions.contains(&extension) {
        return Ok(None);
    }
    let form = split_query(config, raw_query)?;
    if form.options.is_empty() && in_path.is_none() && !config.always {
        return Ok(None);
    }
    if !config.keys.is_empty() {
        signature::verify(&config.keys, asked_path, &form.signed, now_s)?;
    }
    let draft = match &in_path {
        // Options stand in one place: the path.
        Some((_, draft)) => match form.options.first() {
            None if config.presets_only => return Err(ONLY_PRESETS),
            None => draft.clone(),
            Some((name, _)) => return Err(query::unknown(name, "those of the path")),
        },
        None => read_draft(config, &form)?,
    };
    let subject = subject(config, path, &draft)?;
    // The name says which format is wanted where the options do not.
    let draft = match (subject, draft.format) {
        (Subject::Picture, _) | (_, Some(_)) => draft,
        (_, None) => Draft {
            format: OutputFormat::from_word(&extension).map(FormatChoice::Fixed),
            ..draft
        },
    };
    let (draft, vary) = match hints {
        Some(hints) => hints.apply(draft, &config.sizes),
        None => (draft, Vec::new()),
    };
    let options = draft.finish(config.settings.largest_side)?;
    if !config.allows_sizes(&options) {
        return Err(OptionError::Conflict(
            "this size is not among the sizes that may be asked for",
        ));
    }
    let pass_query = if form.pass.is_empty() {
        String::new()
    } else {
        format!("?{}", form.pass.join("&"))
    };
    Ok(Some(Asked {
        subject,
        target: format!("{path}{pass_query}"),
        pass_query,
        options,
        vary,
    }))
}

/// What the file's name and the options are about.
fn subject(config: &Config, path: &str, draft: &Draft) -> Result<Subject, OptionError> {
    let name = Some(file_name(path)).filter(|_| config.storyboards);
    let moves = draft.frames.is_some() || draft.fps.is_some();
    match name {
        Some("preview.webp") => match draft.format {
            None | Some(FormatChoice::Fixed(OutputFormat::WebP)) => {
                let asked = moves || draft.time_ms.is_some();
                Ok(if asked {
                    Subject::Preview
                } else {
                    Subject::PictureOrPreview
                })
            }
            Some(_) => Err(OptionError::Conflict("a preview is WebP")),
        },
        _ if moves => Err(OptionError::Conflict(
            "`frames` and `fps` go with <asset>/preview.webp only",
        )),
        Some(name) if is_frame_name(name) => Ok(match draft.time_ms {
            Some(_) => Subject::Frame,
            None => Subject::PictureOrFrame,
        }),
        _ if draft.time_ms.is_some() => Err(OptionError::Conflict(
            "`time` goes with <asset>/thumbnail.jpg, .png or .webp and <asset>/preview.webp only",
        )),
        _ => Ok(Subject::Picture),
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

const ONLY_PRESETS: OptionError =
    OptionError::Conflict("only `preset` (and `time`) may be asked for here");

/// Options that stand in the path, in the first spelling that it fits.
fn read_path(config: &Config, path: &str) -> Option<Result<InPath, OptionError>> {
    config.spellings.iter().find_map(|spelling| match spelling {
        Spelling::Cloudflare => cloudflare::read(path),
        Spelling::Imgproxy => imgproxy::read(path),
        Spelling::Thumbor => thumbor::read(path),
        Spelling::Weir | Spelling::Fastly | Spelling::Imgix => None,
    })
}

/// A query, sorted by whom it concerns.
struct Query<'a> {
    /// Pairs for the origin, as written.
    pass: Vec<&'a str>,
    /// Pairs for us, decoded: options, and `preset`.
    options: Vec<(String, String)>,
    /// Everything that a signature covers.
    signed: Vec<(String, String)>,
}

fn split_query<'a>(config: &Config, raw: &'a str) -> Result<Query<'a>, OptionError> {
    let mut form = Query {
        pass: Vec::new(),
        options: Vec::new(),
        signed: Vec::new(),
    };
    for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
        for read in query::pairs(pair) {
            let (name, value) = read?;
            if config.pass_query.contains(&name) {
                form.pass.push(pair);
                continue;
            }
            form.signed.push((name.clone(), value.clone()));
            if name != signature::NAME && name != signature::EXPIRES {
                form.options.push((name, value));
            } else if config.keys.is_empty() {
                return Err(query::unknown(&name, query::NAMES));
            }
        }
    }
    Ok(form)
}

fn read_draft(config: &Config, form: &Query<'_>) -> Result<Draft, OptionError> {
    let mut base: Option<Draft> = None;
    let mut own = Vec::new();
    for (name, value) in &form.options {
        if name == "preset" {
            let preset = config.presets.get(value);
            let preset =
                preset.ok_or_else(|| OptionError::NoPreset(value.chars().take(40).collect()))?;
            query::put(&mut base, "preset", preset.clone())?;
        } else {
            own.push((name.as_str(), value.as_str()));
        }
    }
    if config.presets_only && (base.is_none() || own.iter().any(|(name, _)| *name != "time")) {
        return Err(ONLY_PRESETS);
    }
    let mut first_error = None;
    for spelling in &config.spellings {
        match read_spelling(*spelling, &own) {
            Some(Ok(draft)) => return Ok(base.unwrap_or_default().overlaid_by(draft)),
            Some(Err(error)) => first_error = first_error.or(Some(error)),
            None => {}
        }
    }
    // The configuration holds at least one spelling.
    Err(first_error.unwrap_or(OptionError::Conflict(
        "no spelling of options is configured",
    )))
}

/// Reads pairs in a spelling of queries; none for a spelling of paths.
fn read_spelling(spelling: Spelling, pairs: &[(&str, &str)]) -> Option<Result<Draft, OptionError>> {
    match spelling {
        Spelling::Weir => {
            let mut draft = Draft::default();
            let read = pairs
                .iter()
                .try_for_each(|(name, value)| query::set(&mut draft, name, value));
            Some(read.map(|()| draft))
        }
        Spelling::Fastly => Some(fastly::read(pairs)),
        Spelling::Imgix => Some(imgix::read(pairs)),
        Spelling::Cloudflare | Spelling::Imgproxy | Spelling::Thumbor => None,
    }
}

/// The extension of the last path segment, in lower case.
fn extension(path: &str) -> Option<String> {
    let (stem, extension) = file_name(path).rsplit_once('.')?;
    (!stem.is_empty() && !extension.is_empty() && extension.len() <= 8)
        .then(|| extension.to_ascii_lowercase())
}

fn is_frame_name(name: &str) -> bool {
    matches!(
        name,
        "thumbnail.jpg" | "thumbnail.jpeg" | "thumbnail.png" | "thumbnail.webp"
    )
}

#[cfg(test)]
mod tests;
