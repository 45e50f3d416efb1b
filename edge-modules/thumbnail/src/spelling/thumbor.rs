//! thumbor's path (<https://thumbor.readthedocs.io/en/latest/usage.html>):
//! `/unsafe/fit-in/300x200/left/top/smart/filters:quality(80):format(webp)/<path>`. The security segment is not checked here:
//! where signing is configured, the query's `s` covers the whole path.

use super::{InPath, source};
use crate::error::OptionError;
use crate::options::query::{self, put, quality, quarter_turns, side, tenths, unknown, word};
use crate::options::values::{self, Fit, Flip, Gravity, Region};
use crate::options::{Draft, FormatChoice};

const FILTERS: &str = "quality, format, blur, rotate, background_color, fill, no_upscale, upscale, strip_exif, strip_icc, autojpg";

/// Reads a path; none when it is not in this spelling.
pub fn read(path: &str) -> Option<Result<InPath, OptionError>> {
    let (security, rest) = path.strip_prefix('/')?.split_once('/')?;
    // 28 is the length of an HMAC-SHA1 in base64 with its padding.
    let looks_signed = security == "unsafe" || (security.len() == 28 && security.ends_with('='));
    looks_signed.then(|| read_rest(rest))
}

fn read_rest(mut rest: &str) -> Result<InPath, OptionError> {
    let mut draft = Draft::default();
    let (mut fit_in, mut sized, mut filters) = (false, false, Filters::default());
    let (mut x, mut y) = (500, 500);
    let mut smart = false;
    while let Some((segment, after)) = rest.split_once('/') {
        match segment {
            "fit-in" => fit_in = true,
            "smart" => smart = true,
            "left" => x = 0,
            "right" => x = 1000,
            "center" | "middle" => {}
            "top" => y = 0,
            "bottom" => y = 1000,
            _ if segment.starts_with("filters:") => {
                filters.read(&mut draft, &query::decode(segment)?)?
            }
            _ => {
                if let Some(region) = region(segment) {
                    put(&mut draft.region, "crop", region)?;
                } else if !sized && size(&mut draft, segment)? {
                    sized = true;
                } else {
                    break;
                }
            }
        }
        rest = after;
    }
    let sides = usize::from(draft.width.is_some()) + usize::from(draft.height.is_some());
    let fit = match (fit_in, filters.pads && sides == 2) {
        (true, true) => Fit::Pad,
        (true, false) if filters.upscale => Fit::Contain,
        (true, false) => Fit::ScaleDown,
        // Outside of fit-in the box is filled exactly, small sources grow.
        (false, _) => Fit::Cover,
    };
    draft.fit = Some(fit);
    draft.enlarge = Some(if fit_in {
        filters.upscale && sides > 0
    } else {
        !filters.no_upscale && sides > 0
    });
    if fit_in && fit == Fit::ScaleDown {
        draft.enlarge = Some(false);
    }
    draft.gravity = Some(if smart {
        Gravity::Smart
    } else {
        Gravity::Point(x, y)
    });
    Ok(InPath {
        source: source(rest)?,
        draft,
    })
}

/// `AxB:CxD`, the corners of a manual crop.
fn region(segment: &str) -> Option<Region> {
    let (first, second) = segment.split_once(':')?;
    let corner = |text: &str| {
        let (x, y) = text.split_once('x')?;
        Some((values::integer(x)?, values::integer(y)?))
    };
    let ((left, top), (right, bottom)) = (corner(first)?, corner(second)?);
    (right > left && bottom > top).then(|| Region {
        left,
        top,
        width: right - left,
        height: bottom - top,
    })
}

/// `300x200`, either side empty or 0, with a minus sign to mirror.
fn size(draft: &mut Draft, segment: &str) -> Result<bool, OptionError> {
    let Some((width, height)) = segment.split_once('x') else {
        return Ok(false);
    };
    let digits = |text: &str| {
        text.trim_start_matches('-')
            .bytes()
            .all(|byte| byte.is_ascii_digit())
    };
    if !digits(width) || !digits(height) {
        return Ok(false);
    }
    let length = |name, text: &str| match text.trim_start_matches('-') {
        "" | "0" => Ok(None),
        digits => side(name, digits).map(Some),
    };
    draft.width = length("width", width)?;
    draft.height = length("height", height)?;
    let flip = Flip {
        horizontal: width.starts_with('-'),
        vertical: height.starts_with('-'),
    };
    draft.flip = (flip != Flip::NONE).then_some(flip);
    Ok(true)
}

#[derive(Debug, Default)]
struct Filters {
    pads: bool,
    upscale: bool,
    no_upscale: bool,
}

impl Filters {
    fn read(&mut self, draft: &mut Draft, segment: &str) -> Result<(), OptionError> {
        for filter in segment.trim_start_matches("filters:").split("):") {
            let (name, argument) = filter
                .trim_end_matches(')')
                .split_once('(')
                .unwrap_or((filter, ""));
            let first = argument.split(',').next().unwrap_or_default();
            match name {
                "quality" => put(&mut draft.quality, "quality", quality("quality", argument)?)?,
                "format" => put(&mut draft.format, "format", format(argument)?)?,
                "blur" => put(&mut draft.blur, "blur", tenths("blur", first, 250)?)?,
                // Counter-clockwise there.
                "rotate" => put(
                    &mut draft.rotate,
                    "rotate",
                    (4 - quarter_turns("rotate", argument)?) % 4,
                )?,
                "background_color" | "fill" => {
                    draft.background = Some(word("fill", first, values::colour, "a colour")?);
                    self.pads |= name == "fill";
                }
                "no_upscale" => self.no_upscale = true,
                "upscale" => self.upscale = true,
                // Always so here.
                "strip_exif" | "strip_icc" | "autojpg" => {}
                _ => return Err(unknown(name, FILTERS)),
            }
        }
        Ok(())
    }
}

fn format(value: &str) -> Result<FormatChoice, OptionError> {
    if value == "avif" {
        Ok(FormatChoice::Auto)
    } else {
        query::format("format", value)
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
        for (path, source, options) in [
            (
                "/unsafe/300x200/a/b.jpg",
                "/a/b.jpg",
                "w=300&h=200&fit=cover&enlarge=1",
            ),
            ("/unsafe/fit-in/300x200/a.jpg", "/a.jpg", "w=300&h=200"),
            (
                "/unsafe/300x/smart/a.jpg",
                "/a.jpg",
                "w=300&fit=cover&enlarge=1",
            ),
            (
                "/unsafe/300x200/left/top/filters:quality(80):format(webp):no_upscale()/a.jpg",
                "/a.jpg",
                "w=300&h=200&fit=cover&crop=top-left&q=80&format=webp",
            ),
            (
                "/unsafe/10x20:110x70/-50x0/a.jpg",
                "/a.jpg",
                "w=50&fit=cover&rect=10,20,100,50&enlarge=1&flip=h",
            ),
            (
                "/unsafe/fit-in/30x30/filters:fill(ff0000)/a.jpg",
                "/a.jpg",
                "w=30&h=30&fit=pad&bg=ff0000",
            ),
            ("/unsafe/a.jpg", "/a.jpg", "fit=cover"),
            (
                "/1234567890123456789012345_8=/30x40/smart/a.jpg",
                "/a.jpg",
                "w=30&h=40&fit=cover&crop=smart&enlarge=1",
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
    fn refuses_other_hosts_and_unknown_filters() {
        for path in [
            "/unsafe/300x200/https://example.com/a.jpg",
            "/unsafe/300x200/https%3A%2F%2Fexample.com/a.jpg",
            "/unsafe/30x30/filters:watermark(x)/a.jpg",
            "/unsafe/30x30/",
        ] {
            assert!(canonical(path).is_err(), "{path}");
        }
        assert!(read("/images/300x200/a.jpg").is_none());
    }
}
