//! imgproxy's path (<https://docs.imgproxy.net/usage/processing>):
//! `/<signature>/rs:fill:300:200/q:80/plain/<path>@webp`, or the source in base64url. The signature segment is not checked here:
//! where signing is configured, the query's `s` covers the whole path.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{InPath, source};
use crate::error::OptionError;
use crate::options::query::{self, dpr, flag, quality, quarter_turns, side, tenths, unknown, word};
use crate::options::values::{self, Fit, Gravity};
use crate::options::{Draft, FormatChoice};

const NAMES: &str = "resize, size, resizing_type, width, height, dpr, enlarge, extend, gravity, quality, format, blur, sharpen, \
                     background, rotate, strip_metadata, auto_rotate, cachebuster";

/// What the options say before they are settled.
#[derive(Debug, Default)]
struct Asked {
    draft: Draft,
    kind: Option<Kind>,
    enlarge: bool,
    extend: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Fit,
    Fill,
    FillDown,
}

/// Reads a path; none when it is not in this spelling.
pub fn read(path: &str) -> Option<Result<InPath, OptionError>> {
    let mut segments = path.strip_prefix('/')?.split('/');
    // A signature, or a word that says there is none; then at least one option or the source.
    let signature = segments.next()?;
    let looks_signed = matches!(signature, "insecure" | "unsafe" | "_") || signature.len() == 43;
    if !looks_signed {
        return None;
    }
    let rest = path.get(signature.len() + 2..)?;
    if !rest.starts_with("plain/")
        && !rest
            .split('/')
            .next()
            .is_some_and(|option| option.contains(':'))
    {
        return None;
    }
    Some(read_rest(rest))
}

fn read_rest(mut rest: &str) -> Result<InPath, OptionError> {
    let mut asked = Asked::default();
    loop {
        if let Some(plain) = rest.strip_prefix("plain/") {
            let (name, format) = match plain.rsplit_once('@') {
                Some((name, format)) => (name, Some(format)),
                None => (plain, None),
            };
            return asked.finish(source(name)?, format);
        }
        let (segment, after) = rest.split_once('/').unwrap_or((rest, ""));
        if segment.contains(':') && !after.is_empty() {
            asked.set(&query::decode(segment)?)?;
            rest = after;
            continue;
        }
        // The rest is base64url, which may be broken over several segments, and an extension.
        let (encoded, format) = match rest.rsplit_once('.') {
            Some((encoded, format)) => (encoded, Some(format)),
            None => (rest, None),
        };
        let joined: String = encoded
            .chars()
            .filter(|letter| *letter != '/' && *letter != '=')
            .collect();
        let decoded = URL_SAFE_NO_PAD
            .decode(joined)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded = decoded.ok_or(OptionError::Conflict(
            "the source is neither `plain/...` nor base64url",
        ))?;
        return asked.finish(source(&decoded)?, format);
    }
}

impl Asked {
    fn set(&mut self, option: &str) -> Result<(), OptionError> {
        let mut parts = option.split(':');
        let name = parts.next().unwrap_or_default();
        let arguments: Vec<&str> = parts.collect();
        let first = arguments.first().copied().unwrap_or_default();
        let draft = &mut self.draft;
        match name {
            "resize" | "rs" => {
                self.kind(first)?;
                self.size(arguments.get(1..).unwrap_or_default())?;
            }
            "size" | "s" => self.size(&arguments)?,
            "resizing_type" | "rt" => self.kind(first)?,
            "width" | "w" => draft.width = length("width", first)?,
            "height" | "h" => draft.height = length("height", first)?,
            "dpr" => draft.dpr = Some(dpr("dpr", first)?),
            "enlarge" | "el" => self.enlarge = flag("enlarge", first)?,
            "extend" | "ex" => self.extend = flag("extend", first)?,
            "gravity" | "g" => {
                let gravity = gravity(&arguments);
                draft.gravity = Some(gravity.ok_or_else(|| {
                    OptionError::value(
                        "gravity",
                        "takes no, so, ea, we, noea, nowe, soea, sowe, ce, sm or fp:x:y",
                    )
                })?);
            }
            "quality" | "q" => {
                draft.quality = if first == "0" {
                    None
                } else {
                    Some(quality("quality", first)?)
                }
            }
            "format" | "f" | "ext" => draft.format = Some(format(first)?),
            "blur" | "bl" => draft.blur = Some(tenths("blur", first, 250)?),
            "sharpen" | "sh" => draft.sharpen = Some(tenths("sharpen", first, 10)?),
            "background" | "bg" => {
                let colour = match arguments.as_slice() {
                    [r, g, b] => [r, g, b]
                        .map(|part| part.parse::<u8>().ok())
                        .iter()
                        .copied()
                        .collect::<Option<Vec<u8>>>(),
                    _ => word("background", first, values::colour, "a colour")
                        .ok()
                        .map(|[r, g, b, _]| vec![r, g, b]),
                };
                let Some([r, g, b]) = colour.as_deref() else {
                    return Err(OptionError::value(
                        "background",
                        "takes R:G:B or hexadecimal",
                    ));
                };
                draft.background = Some([*r, *g, *b, 255]);
            }
            "rotate" | "rot" => draft.rotate = Some(quarter_turns("rotate", first)?),
            // Always so here, or about caches alone.
            "strip_metadata"
            | "sm"
            | "strip_color_profile"
            | "scp"
            | "auto_rotate"
            | "ar"
            | "cachebuster"
            | "cb" => {}
            _ => return Err(unknown(name, NAMES)),
        }
        Ok(())
    }

    fn kind(&mut self, value: &str) -> Result<(), OptionError> {
        self.kind = Some(match value {
            "fit" | "" => Kind::Fit,
            "fill" => Kind::Fill,
            "fill-down" => Kind::FillDown,
            _ => {
                return Err(OptionError::value(
                    "resizing_type",
                    "takes fit, fill or fill-down",
                ));
            }
        });
        Ok(())
    }

    /// `width:height:enlarge:extend`, each of which may be left out.
    fn size(&mut self, arguments: &[&str]) -> Result<(), OptionError> {
        let mut given = arguments
            .iter()
            .enumerate()
            .filter(|(_, argument)| !argument.is_empty());
        given.try_for_each(|(index, argument)| {
            match index {
                0 => self.draft.width = length("width", argument)?,
                1 => self.draft.height = length("height", argument)?,
                2 => self.enlarge = flag("enlarge", argument)?,
                3 => self.extend = flag("extend", argument)?,
                _ => {
                    return Err(OptionError::value(
                        "resize",
                        "takes type:width:height:enlarge:extend",
                    ));
                }
            }
            Ok(())
        })
    }

    fn finish(mut self, source: String, format_word: Option<&str>) -> Result<InPath, OptionError> {
        if let Some(word) = format_word.filter(|word| !word.is_empty()) {
            self.draft.format = Some(format(word)?);
        }
        let both = self.draft.width.is_some() && self.draft.height.is_some();
        let any = self.draft.width.is_some() || self.draft.height.is_some();
        let fit = match self.kind.unwrap_or(Kind::Fit) {
            Kind::Fit if self.extend && both => Fit::Pad,
            Kind::Fit if self.enlarge => Fit::Contain,
            Kind::Fit => Fit::ScaleDown,
            Kind::Fill if self.enlarge || !both => Fit::Cover,
            Kind::Fill => Fit::Crop,
            Kind::FillDown => Fit::Cover,
        };
        self.draft.fit = Some(fit);
        self.draft.enlarge =
            Some(self.enlarge && any && !matches!(fit, Fit::ScaleDown | Fit::Crop));
        Ok(InPath {
            source,
            draft: self.draft,
        })
    }
}

/// A side; 0 means that it follows from the other.
fn length(name: &'static str, value: &str) -> Result<Option<u32>, OptionError> {
    if value == "0" {
        Ok(None)
    } else {
        side(name, value).map(Some)
    }
}

fn format(value: &str) -> Result<FormatChoice, OptionError> {
    if value == "avif" {
        Ok(FormatChoice::Auto)
    } else {
        query::format("format", value)
    }
}

fn gravity(arguments: &[&str]) -> Option<Gravity> {
    let point = |x, y| Some(Gravity::Point(x, y));
    match arguments {
        ["fp", x, y] => Gravity::from_word(&format!("{x},{y}")),
        [word] | [word, "0", "0"] => match *word {
            "ce" => point(500, 500),
            "no" => point(500, 0),
            "so" => point(500, 1000),
            "ea" => point(1000, 500),
            "we" => point(0, 500),
            "noea" => point(1000, 0),
            "nowe" => point(0, 0),
            "soea" => point(1000, 1000),
            "sowe" => point(0, 1000),
            "sm" => Some(Gravity::Smart),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(path: &str) -> Result<(String, String), OptionError> {
        let read = read(path).unwrap()?;
        Ok((read.source, read.draft.finish(8192)?.canonical()))
    }

    #[test]
    fn reads_what_is_documented() {
        let encoded = URL_SAFE_NO_PAD.encode("images/curiosity.jpg");
        let (head, tail) = encoded.split_at(10);
        for (path, source, options) in [
            (
                "/insecure/rs:fit:300:200/plain/images/curiosity.jpg@png".to_owned(),
                "/images/curiosity.jpg",
                "w=300&h=200&format=png",
            ),
            (
                "/insecure/rs:fill:300:400:0/g:sm/plain/a.jpg".to_owned(),
                "/a.jpg",
                "w=300&h=400&fit=crop&crop=smart",
            ),
            (
                "/_/resize:fill:300:400:1/q:60/plain/a.jpg@webp".to_owned(),
                "/a.jpg",
                "w=300&h=400&fit=cover&enlarge=1&q=60&format=webp",
            ),
            (
                "/unsafe/s:300:0/g:fp:0.1:0.9/bg:255:0:0/plain/a.jpg".to_owned(),
                "/a.jpg",
                "w=300&bg=ff0000",
            ),
            (
                format!("/insecure/w:100/{head}/{tail}.webp"),
                "/images/curiosity.jpg",
                "w=100&format=webp",
            ),
            (
                "/insecure/rt:fill-down/w:9/h:9/dpr:2/plain/a.jpg".to_owned(),
                "/a.jpg",
                "w=18&h=18&fit=cover",
            ),
            (
                "/insecure/rs:fit:30:20::1/plain/a.jpg".to_owned(),
                "/a.jpg",
                "w=30&h=20&fit=pad",
            ),
        ] {
            assert_eq!(
                canonical(&path).unwrap(),
                (source.to_owned(), options.to_owned()),
                "{path}"
            );
        }
    }

    #[test]
    fn refuses_other_hosts_and_unknown_names() {
        for path in [
            "/insecure/rs:fit:300:200/plain/http://example.com/a.jpg",
            "/insecure/watermark:0.5/plain/a.jpg",
            "/insecure/rs:force:3:3/plain/a.jpg",
            "/insecure/w:5/!!!",
        ] {
            assert!(canonical(path).is_err(), "{path}");
        }
        assert!(read("/images/a.jpg").is_none());
        assert!(read("/unsafe/300x200/a.jpg").is_none());
    }
}
