//! Which requests are ours, what they ask, and what to ask the origin in their place.

use crate::accept::AcceptClass;
use crate::config::{Config, Spelling};
use crate::error::OptionError;
use crate::format::OutputFormat;
use crate::options::{Draft, FormatChoice, Options, query};
use crate::signature;
use crate::spelling::{InPath, cloudflare, fastly, imgix, imgproxy, thumbor};

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The picture at the target.
    Picture,
    /// The picture at the target, and where the origin has none the asset's storyboard.
    PictureOrFrame,
    /// A frame of the asset's storyboard.
    Frame,
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

    /// The folder of the target, with its last slash.
    pub fn folder(&self) -> &str {
        let path = self.target.split('?').next().unwrap_or_default();
        path.rfind('/')
            .map_or("/", |slash| path.get(..=slash).unwrap_or("/"))
    }
}

/// Reads a request. None when it is not ours.
///
/// # Errors
/// Options that cannot be used, in a request that is ours.
pub fn read(config: &Config, target: &str, now_s: u64) -> Result<Option<Asked>, OptionError> {
    let (path, raw_query) = target.split_once('?').unwrap_or((target, ""));
    if !config.paths.is_empty()
        && !config
            .paths
            .iter()
            .any(|prefix| path.starts_with(prefix.as_str()))
    {
        return Ok(None);
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
    let frame_file = config.storyboards && path.rsplit('/').next().is_some_and(is_frame_name);
    let subject = match (frame_file, draft.time_ms) {
        (true, Some(_)) => Subject::Frame,
        (true, None) => Subject::PictureOrFrame,
        (false, Some(_)) => {
            return Err(OptionError::Conflict(
                "`time` goes with <asset>/thumbnail.jpg, .png or .webp only",
            ));
        }
        (false, None) => Subject::Picture,
    };
    // The name says which format is wanted where the options do not.
    let draft = match (subject, draft.format) {
        (Subject::Frame | Subject::PictureOrFrame, None) => Draft {
            format: OutputFormat::from_word(&extension).map(FormatChoice::Fixed),
            ..draft
        },
        _ => draft,
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
    }))
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
struct Form<'a> {
    /// Pairs for the origin, as written.
    pass: Vec<&'a str>,
    /// Pairs for us, decoded: options, and `preset`.
    options: Vec<(String, String)>,
    /// Everything that a signature covers.
    signed: Vec<(String, String)>,
}

fn split_query<'a>(config: &Config, raw: &'a str) -> Result<Form<'a>, OptionError> {
    let mut form = Form {
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

fn read_draft(config: &Config, form: &Form<'_>) -> Result<Draft, OptionError> {
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
    let name = path.rsplit('/').next()?;
    let (stem, extension) = name.rsplit_once('.')?;
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
mod tests {
    use super::*;

    fn ask(config: &str, target: &str) -> Result<Option<Asked>, OptionError> {
        read(&Config::parse(config).unwrap(), target, 0)
    }

    #[test]
    fn only_pictures_with_options_are_ours() {
        for target in [
            "/a.jpg",
            "/a.ts?w=1",
            "/a?w=1",
            "/.jpg?w=1",
            "/a.jpg?v=3",
            "/vod/x.m3u8?w=1",
            "/a.svg?w=1",
        ] {
            assert_eq!(ask("", target).unwrap(), None, "{target}");
        }
        assert!(ask("always = true", "/a.jpg").unwrap().is_some());
        assert_eq!(ask("paths = [\"/img/\"]", "/a.jpg?w=1").unwrap(), None);
        assert!(
            ask("paths = [\"/img/\"]", "/img/a.JPG?w=1")
                .unwrap()
                .is_some()
        );
    }

    #[test]
    fn the_origin_sees_no_option() {
        let asked = ask("", "/a%20b.jpg?v=3&w=320&CMCD=x%3d1&h=180")
            .unwrap()
            .unwrap();
        assert_eq!(asked.target, "/a%20b.jpg?v=3&CMCD=x%3d1");
        assert_eq!(asked.options.canonical(), "w=320&h=180");
    }

    #[test]
    fn unknown_names_are_refused() {
        assert!(matches!(
            ask("", "/a.jpg?w=1&x=2"),
            Err(OptionError::Unknown { .. })
        ));
        assert!(matches!(
            ask("", "/a.jpg?x=2"),
            Err(OptionError::Unknown { .. })
        ));
        assert!(matches!(
            ask("", "/a.jpg?w=1&s=2"),
            Err(OptionError::Unknown { .. })
        ));
    }

    #[test]
    fn presets_by_name() {
        let config = "[presets]\ncard = \"w=320&h=180&fit=cover\"";
        let asked = ask(config, "/a.jpg?preset=card&q=50").unwrap().unwrap();
        assert_eq!(asked.options.canonical(), "w=320&h=180&fit=cover&q=50");
        assert_eq!(
            ask(config, "/a.jpg?preset=x"),
            Err(OptionError::NoPreset("x".into()))
        );
        let only = format!("presets-only = true\n{config}");
        assert!(ask(&only, "/a.jpg?preset=card").is_ok());
        assert!(ask(&only, "/a.jpg?preset=card&q=50").is_err());
        assert!(ask(&only, "/a.jpg?w=5").is_err());
    }

    #[test]
    fn with_keys_nothing_goes_unsigned() {
        let config = "[[keys]]\nid = \"k\"\nsecret = \"0123456789abcdef\"";
        assert!(matches!(
            ask(config, "/a.jpg?w=1"),
            Err(OptionError::Signature(_))
        ));
        let key = signature::SigningKey::new("k", "0123456789abcdef").unwrap();
        let s = key.sign("/a.jpg", &[("w".into(), "1".into())]);
        assert!(ask(config, &format!("/a.jpg?w=1&s={s}")).unwrap().is_some());
        assert!(
            ask(config, &format!("/a.jpg?v=9&w=1&s={s}"))
                .unwrap()
                .is_some()
        );
        assert!(ask(config, &format!("/a.jpg?w=2&s={s}")).is_err());
    }

    #[test]
    fn a_time_asks_for_a_frame() {
        let asked = ask("", "/vod/x/thumbnail.webp?time=12.5&w=320&v=1")
            .unwrap()
            .unwrap();
        assert_eq!((asked.subject, asked.folder()), (Subject::Frame, "/vod/x/"));
        assert_eq!(asked.options.canonical(), "time=12.5&w=320&format=webp");
        let asked = ask("", "/vod/x/thumbnail.jpg?w=320").unwrap().unwrap();
        assert_eq!(asked.subject, Subject::PictureOrFrame);
        assert!(ask("", "/vod/x/poster.jpg?time=3").is_err());
        assert!(ask("storyboards = false", "/vod/x/thumbnail.jpg?time=3").is_err());
    }

    #[test]
    fn other_spellings_where_configured() {
        let config = "spellings = [\"weir\", \"cloudflare\", \"imgproxy\", \"thumbor\", \"fastly\", \"imgix\"]";
        for (target, origin, options) in [
            ("/a.jpg?w=9&h=9&fit=cover", "/a.jpg", "w=9&h=9&fit=cover"),
            ("/a.jpg?width=9&auto=webp", "/a.jpg", "w=9"),
            ("/a.jpg?w=9&fit=max&auto=format", "/a.jpg", "w=9"),
            ("/cdn-cgi/image/w=9/a.jpg?v=2", "/a.jpg?v=2", "w=9"),
            (
                "/insecure/rs:fit:9:9/plain/x/a.jpg@webp",
                "/x/a.jpg",
                "w=9&h=9&format=webp",
            ),
            ("/unsafe/fit-in/9x9/x/a.jpg", "/x/a.jpg", "w=9&h=9"),
        ] {
            let asked = ask(config, target).unwrap().unwrap();
            assert_eq!(
                (asked.target.as_str(), asked.options.canonical().as_str()),
                (origin, options),
                "{target}"
            );
        }
        assert!(ask(config, "/cdn-cgi/image/w=9/a.jpg?w=8").is_err());
        assert!(ask(config, "/a.jpg?nonsense=8").is_err());
        // Not configured: an ordinary path.
        assert_eq!(ask("", "/cdn-cgi/image/w=9/a.jpg").unwrap(), None);
    }

    #[test]
    fn variants_differ_by_what_the_bytes_depend_on() {
        let asked = |target: &str| ask("", target).unwrap().unwrap();
        let auto = asked("/a.jpg?w=1");
        assert_ne!(
            auto.variant(AcceptClass::WebP),
            auto.variant(AcceptClass::Basic)
        );
        let fixed = asked("/a.jpg?w=1&format=png");
        assert_eq!(
            fixed.variant(AcceptClass::WebP),
            fixed.variant(AcceptClass::Basic)
        );
    }
}
