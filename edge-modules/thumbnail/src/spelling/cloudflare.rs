//! Cloudflare Images: `/cdn-cgi/image/width=80,quality=75,format=auto/<path>`
//! (<https://developers.cloudflare.com/images/transform-images/transform-via-url/>). There contain, cover and pad enlarge.

use super::{InPath, source};
use crate::error::OptionError;
use crate::options::query::{
    self, dpr, flag, put, quality, quarter_turns, side, tenths, unknown, word,
};
use crate::options::values::{self, Fit, Flip, Gravity};
use crate::options::{Draft, FormatChoice, Quality};

const PREFIX: &str = "/cdn-cgi/image/";
const NAMES: &str = "width, height, fit, gravity, quality, format, dpr, blur, sharpen, background, rotate, flip, \
                     anim, metadata, onerror, compression, slow-connection-quality";

/// Reads a path; none when it is not in this spelling.
pub fn read(path: &str) -> Option<Result<InPath, OptionError>> {
    let rest = path.strip_prefix(PREFIX)?;
    Some(match rest.split_once('/') {
        Some((options, picture)) => options_of(options).and_then(|draft| {
            Ok(InPath {
                source: source(picture)?,
                draft,
            })
        }),
        None => Err(OptionError::Conflict("no picture follows the options")),
    })
}

fn options_of(text: &str) -> Result<Draft, OptionError> {
    let mut draft = Draft::default();
    for pair in query::decode(text)?
        .split(',')
        .filter(|pair| !pair.is_empty())
    {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        set(&mut draft, name, value)?;
    }
    let sized = draft.width.is_some() || draft.height.is_some();
    if sized && matches!(draft.fit, Some(Fit::Contain | Fit::Cover | Fit::Pad)) {
        draft.enlarge = Some(true);
    }
    if draft.fit == Some(Fit::Pad) && (draft.width.is_none() || draft.height.is_none()) {
        draft.fit = Some(Fit::Contain);
    }
    Ok(draft)
}

fn set(draft: &mut Draft, name: &str, value: &str) -> Result<(), OptionError> {
    match name {
        "width" | "w" if value == "auto" => Ok(()),
        "width" | "w" => put(&mut draft.width, "width", side("width", value)?),
        "height" | "h" => put(&mut draft.height, "height", side("height", value)?),
        "fit" => put(
            &mut draft.fit,
            "fit",
            word("fit", value, Fit::from_word, Fit::WORDS)?,
        ),
        "gravity" | "g" => put(
            &mut draft.gravity,
            "gravity",
            word(
                "gravity",
                value,
                gravity,
                "auto, left, right, top, bottom, center or `XxY` with fractions",
            )?,
        ),
        "quality" | "q" => put(&mut draft.quality, "quality", quality_word(value)?),
        "format" | "f" => put(&mut draft.format, "format", format(value)?),
        "dpr" => put(&mut draft.dpr, "dpr", dpr("dpr", value)?),
        "blur" => put(&mut draft.blur, "blur", tenths("blur", value, 250)?),
        "sharpen" => put(&mut draft.sharpen, "sharpen", tenths("sharpen", value, 10)?),
        "background" => put(
            &mut draft.background,
            "background",
            word(
                "background",
                value,
                values::colour,
                "a colour in hexadecimal",
            )?,
        ),
        "rotate" => put(&mut draft.rotate, "rotate", quarter_turns("rotate", value)?),
        "flip" => put(
            &mut draft.flip,
            "flip",
            word("flip", value, Flip::from_word, "h, v or hv")?,
        ),
        "anim" => flag("anim", value).map(drop),
        // Neither can change the pixels of a still picture without metadata, or is about errors and connections.
        "metadata" | "onerror" | "compression" | "slow-connection-quality" | "scq" => Ok(()),
        _ => Err(unknown(name, NAMES)),
    }
}

fn gravity(value: &str) -> Option<Gravity> {
    match value {
        "auto" | "face" => Some(Gravity::Smart),
        "left" | "right" | "top" | "bottom" | "center" => Gravity::from_word(value),
        _ => Gravity::from_word(&value.split_once('x').map(|(x, y)| format!("{x},{y}"))?),
    }
}

fn quality_word(value: &str) -> Result<Quality, OptionError> {
    match value {
        "high" => Ok(Quality::Fixed(90)),
        "medium-high" => Ok(Quality::Fixed(80)),
        "medium-low" => Ok(Quality::Fixed(65)),
        "low" => Ok(Quality::Fixed(50)),
        _ => quality("quality", value),
    }
}

fn format(value: &str) -> Result<FormatChoice, OptionError> {
    match value {
        // A preference there too: where AVIF cannot be made another format is sent.
        "avif" => Ok(FormatChoice::Auto),
        "baseline-jpeg" => query::format("format", "jpeg"),
        _ => query::format("format", value),
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
    fn reads_the_documented_examples() {
        for (path, source, options) in [
            (
                "/cdn-cgi/image/width=80,quality=75/uploads/avatar1.jpg",
                "/uploads/avatar1.jpg",
                "w=80&q=75",
            ),
            (
                "/cdn-cgi/image/fit=scale-down,w=500,h=500,gravity=0.5x0.2,q=80/photo.jpg",
                "/photo.jpg",
                "w=500&h=500&q=80",
            ),
            (
                "/cdn-cgi/image/w=200,h=200,fit=cover,g=left,f=webp/a/b.png",
                "/a/b.png",
                "w=200&h=200&fit=cover&crop=left&enlarge=1&format=webp",
            ),
            (
                "/cdn-cgi/image/format=auto,anim=false,metadata=none/a.jpg",
                "/a.jpg",
                "",
            ),
        ] {
            assert_eq!(
                canonical(path).unwrap(),
                (source.to_owned(), options.to_owned()),
                "{path}"
            );
        }
    }

    #[test]
    fn refuses_other_hosts_and_unknown_names() {
        for path in [
            "/cdn-cgi/image/w=80/https://example.com/a.jpg",
            "/cdn-cgi/image/w=80/../a.jpg",
            "/cdn-cgi/image/w=80",
            "/cdn-cgi/image/border=5/a.jpg",
            "/cdn-cgi/image/fit=squeeze,w=5/a.jpg",
        ] {
            assert!(canonical(path).is_err(), "{path}");
        }
        assert!(read("/cdn-cgi/trace").is_none());
    }
}
