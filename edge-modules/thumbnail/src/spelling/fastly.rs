//! Fastly Image Optimizer's query (<https://www.fastly.com/documentation/reference/io/>): `?width=320&fit=crop&auto=webp`.

use crate::error::OptionError;
use crate::options::query::{self, dpr, put, quality, side, tenths, unknown, word};
use crate::options::values::{self, Fit, Flip, Gravity};
use crate::options::{Draft, FormatChoice};

const NAMES: &str = "width, height, fit, crop, dpr, quality, format, auto, bg-color, blur, sharpen, orient, enable, disable, optimize";

/// Reads decoded pairs.
///
/// # Errors
/// The first option that cannot be used.
pub fn read(pairs: &[(&str, &str)]) -> Result<Draft, OptionError> {
    let mut draft = Draft::default();
    let mut upscale = false;
    for &(name, value) in pairs {
        match name {
            "width" => put(&mut draft.width, "width", side("width", value)?)?,
            "height" => put(&mut draft.height, "height", side("height", value)?)?,
            "fit" => put(
                &mut draft.fit,
                "fit",
                word("fit", value, fit, "bounds, cover or crop")?,
            )?,
            "crop" => put(
                &mut draft.gravity,
                "crop",
                word("crop", value, crop, "smart or center")?,
            )?,
            "dpr" => put(&mut draft.dpr, "dpr", dpr("dpr", value)?)?,
            "quality" => put(&mut draft.quality, "quality", quality("quality", value)?)?,
            "optimize" => match value {
                "low" | "medium" | "high" => {
                    draft.quality = draft.quality.or(Some(crate::options::Quality::Auto))
                }
                _ => return Err(OptionError::value("optimize", "takes low, medium or high")),
            },
            "format" => put(&mut draft.format, "format", format(value)?)?,
            // `auto=webp` is a permission, which `Accept` already gives.
            "auto" => {
                if !value.split(',').all(|word| matches!(word, "webp" | "avif")) {
                    return Err(OptionError::value("auto", "takes webp and avif"));
                }
                draft.format = draft.format.or(Some(FormatChoice::Auto));
            }
            "bg-color" => put(
                &mut draft.background,
                "bg-color",
                word("bg-color", value, colour, "a colour")?,
            )?,
            "blur" => put(&mut draft.blur, "blur", tenths("blur", value, 250)?)?,
            "sharpen" => {
                let amount = value
                    .strip_prefix('a')
                    .unwrap_or(value)
                    .split(',')
                    .next()
                    .unwrap_or_default();
                put(
                    &mut draft.sharpen,
                    "sharpen",
                    tenths("sharpen", amount, 10)?,
                )?;
            }
            "orient" => orient(&mut draft, value)?,
            "enable" => match value {
                "upscale" => upscale = true,
                _ => return Err(OptionError::value("enable", "takes upscale")),
            },
            "disable" => match value {
                "upscale" => upscale = false,
                _ => return Err(OptionError::value("disable", "takes upscale")),
            },
            _ => return Err(unknown(name, NAMES)),
        }
    }
    if upscale && (draft.width.is_some() || draft.height.is_some()) {
        draft.fit = draft.fit.or(Some(Fit::Contain));
        draft.enlarge = Some(true);
    }
    Ok(draft)
}

fn fit(value: &str) -> Option<Fit> {
    match value {
        "bounds" => Some(Fit::Contain),
        // Cover there only covers; together with both sides the overhang is cut as with crop.
        "cover" | "crop" => Some(Fit::Cover),
        _ => None,
    }
}

fn crop(value: &str) -> Option<Gravity> {
    match value {
        "smart" => Some(Gravity::Smart),
        "center" | "middle" => Some(Gravity::CENTRE),
        _ => None,
    }
}

fn format(value: &str) -> Result<FormatChoice, OptionError> {
    match value {
        "pjpg" | "pjpeg" | "bjpg" | "bjpeg" => query::format("format", "jpeg"),
        "webpll" | "webply" => query::format("format", "webp"),
        "avif" => Ok(FormatChoice::Auto),
        _ => query::format("format", value),
    }
}

fn colour(value: &str) -> Option<[u8; 4]> {
    let mut parts = value.split(',').map(|part| part.trim().parse::<u8>());
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Ok(r)), Some(Ok(g)), Some(Ok(b)), None) => Some([r, g, b, 255]),
        _ => values::colour(value),
    }
}

/// `r`, `l`, `h`, `v`, `hv`, or an EXIF orientation.
fn orient(draft: &mut Draft, value: &str) -> Result<(), OptionError> {
    match value {
        "1" => {}
        "r" | "6" => put(&mut draft.rotate, "orient", 1)?,
        "3" => put(&mut draft.rotate, "orient", 2)?,
        "l" | "8" => put(&mut draft.rotate, "orient", 3)?,
        "h" | "2" => put(
            &mut draft.flip,
            "orient",
            Flip {
                horizontal: true,
                vertical: false,
            },
        )?,
        "v" | "4" => put(
            &mut draft.flip,
            "orient",
            Flip {
                horizontal: false,
                vertical: true,
            },
        )?,
        "hv" | "vh" => put(
            &mut draft.flip,
            "orient",
            Flip {
                horizontal: true,
                vertical: true,
            },
        )?,
        _ => {
            return Err(OptionError::value(
                "orient",
                "takes r, l, h, v, hv, 1, 2, 3, 4, 6 or 8",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_documented() {
        for (pairs, options) in [
            (&[("width", "320"), ("auto", "webp")][..], "w=320"),
            (
                &[
                    ("width", "320"),
                    ("height", "180"),
                    ("fit", "crop"),
                    ("quality", "60"),
                ],
                "w=320&h=180&fit=cover&q=60",
            ),
            (
                &[("width", "9"), ("enable", "upscale"), ("format", "pjpg")],
                "w=9&fit=contain&enlarge=1&format=jpeg",
            ),
            (
                &[("bg-color", "255,0,16"), ("orient", "r")],
                "bg=ff0010&rotate=90",
            ),
        ] {
            assert_eq!(
                read(pairs).unwrap().finish(8192).unwrap().canonical(),
                options
            );
        }
        assert!(read(&[("w", "3")]).is_err());
        assert!(read(&[("trim", "3")]).is_err());
    }
}
