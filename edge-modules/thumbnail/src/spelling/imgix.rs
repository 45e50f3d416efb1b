//! imgix's query (<https://docs.imgix.com/en-US/apis/rendering/overview>): `?w=320&h=180&fit=crop&auto=format,compress`.

use crate::error::OptionError;
use crate::options::query::{self, dpr, flag, put, quality, quarter_turns, side, unknown, word};
use crate::options::values::{self, Fit, Flip, Gravity, Region, Tenths};
use crate::options::{Draft, FormatChoice, Quality};

const NAMES: &str =
    "w, h, fit, crop, fp-x, fp-y, ar, rect, dpr, q, fm, auto, blur, sharp, bg, rot, flip, lossless";

/// Reads decoded pairs.
///
/// # Errors
/// The first option that cannot be used.
pub fn read(pairs: &[(&str, &str)]) -> Result<Draft, OptionError> {
    let mut draft = Draft::default();
    let mut focal = (None, None);
    let mut aspect = None;
    let mut fit_word = "clip";
    for &(name, value) in pairs {
        match name {
            "w" => put(&mut draft.width, "w", side("w", value)?)?,
            "h" => put(&mut draft.height, "h", side("h", value)?)?,
            "fit" => fit_word = value,
            "crop" => put(
                &mut draft.gravity,
                "crop",
                word(
                    "crop",
                    value,
                    crop,
                    "top, bottom, left, right, faces, entropy, edges, focalpoint or center",
                )?,
            )?,
            "fp-x" => put(&mut focal.0, "fp-x", fraction("fp-x", value)?)?,
            "fp-y" => put(&mut focal.1, "fp-y", fraction("fp-y", value)?)?,
            "ar" => put(
                &mut aspect,
                "ar",
                word("ar", value, ratio, "a ratio such as 16:9")?,
            )?,
            "rect" => put(
                &mut draft.region,
                "rect",
                word("rect", value, Region::from_text, "`left,top,width,height`")?,
            )?,
            "dpr" => put(&mut draft.dpr, "dpr", dpr("dpr", value)?)?,
            "q" => put(&mut draft.quality, "q", quality("q", value)?)?,
            "fm" => put(&mut draft.format, "fm", format(value)?)?,
            "auto" => auto(&mut draft, value)?,
            // 0 to 2000 there; a tenth of it is about the same standard deviation.
            "blur" => put(&mut draft.blur, "blur", blur(value)?)?,
            "sharp" => put(&mut draft.sharpen, "sharp", sharp(value)?)?,
            "bg" => put(
                &mut draft.background,
                "bg",
                word("bg", value, colour, "a colour in hexadecimal")?,
            )?,
            "rot" => put(&mut draft.rotate, "rot", quarter_turns("rot", value)?)?,
            "flip" => put(
                &mut draft.flip,
                "flip",
                word("flip", value, Flip::from_word, "h, v or hv")?,
            )?,
            "lossless" => put(&mut draft.lossless, "lossless", flag("lossless", value)?)?,
            _ => return Err(unknown(name, NAMES)),
        }
    }
    if let (Some(x), Some(y)) = focal {
        draft.gravity = Some(Gravity::Point(x, y));
    }
    if let Some((across, down)) = aspect {
        match (draft.width, draft.height) {
            (Some(width), None) => draft.height = Some(scaled(width, down, across)),
            (None, Some(height)) => draft.width = Some(scaled(height, across, down)),
            _ => {}
        }
    }
    set_fit(&mut draft, fit_word)?;
    Ok(draft)
}

/// imgix's names by what they do here, and whether they enlarge.
fn set_fit(draft: &mut Draft, value: &str) -> Result<(), OptionError> {
    let (fit, enlarge) = match value {
        "clip" => (Fit::Contain, true),
        "max" => (Fit::ScaleDown, false),
        "crop" => (Fit::Cover, true),
        "min" => (Fit::Cover, false),
        "fill" => (Fit::Pad, true),
        "fillmax" => (Fit::Pad, false),
        _ => {
            return Err(OptionError::value(
                "fit",
                "takes clip, max, crop, min, fill or fillmax",
            ));
        }
    };
    let sides = usize::from(draft.width.is_some()) + usize::from(draft.height.is_some());
    // With a single side there is nothing to cut or fill.
    draft.fit = Some(if sides < 2 && fit == Fit::Pad {
        Fit::Contain
    } else {
        fit
    });
    draft.enlarge = Some(enlarge && sides > 0);
    if sides == 0 {
        draft.fit = Some(Fit::ScaleDown);
    }
    Ok(())
}

fn crop(value: &str) -> Option<Gravity> {
    let mut point = (500, 500);
    for word in value.split(',') {
        match word {
            "faces" | "entropy" | "edges" => return Some(Gravity::Smart),
            "left" => point.0 = 0,
            "right" => point.0 = 1000,
            "top" => point.1 = 0,
            "bottom" => point.1 = 1000,
            "center" | "focalpoint" => {}
            _ => return None,
        }
    }
    Some(Gravity::Point(point.0, point.1))
}

fn fraction(name: &'static str, value: &str) -> Result<u16, OptionError> {
    let thousandths = values::fixed(value, 3)
        .and_then(|value| u16::try_from(value).ok())
        .filter(|value| *value <= 1000);
    thousandths.ok_or_else(|| OptionError::value(name, "takes 0 to 1 with up to three decimals"))
}

/// A ratio in hundredths.
fn ratio(value: &str) -> Option<(u64, u64)> {
    let (across, down) = value.split_once(':')?;
    let (across, down) = (values::fixed(across, 2)?, values::fixed(down, 2)?);
    (across > 0 && down > 0).then_some((across, down))
}

fn scaled(side: u32, by: u64, of: u64) -> u32 {
    let value = (u64::from(side) * by + of / 2).checked_div(of).unwrap_or(0);
    u32::try_from(value).unwrap_or(u32::MAX).max(1)
}

fn format(value: &str) -> Result<FormatChoice, OptionError> {
    match value {
        "pjpg" => query::format("fm", "jpeg"),
        "png8" | "png32" => query::format("fm", "png"),
        "avif" => Ok(FormatChoice::Auto),
        _ => query::format("fm", value),
    }
}

fn auto(draft: &mut Draft, value: &str) -> Result<(), OptionError> {
    for word in value.split(',') {
        match word {
            "format" => draft.format = draft.format.or(Some(FormatChoice::Auto)),
            "compress" => draft.quality = draft.quality.or(Some(Quality::Auto)),
            _ => return Err(OptionError::value("auto", "takes format and compress")),
        }
    }
    Ok(())
}

fn blur(value: &str) -> Result<Tenths, OptionError> {
    let value = values::integer(value)
        .and_then(|value| u16::try_from(value).ok())
        .filter(|value| *value <= 2000);
    value
        .map(Tenths)
        .ok_or_else(|| OptionError::value("blur", "takes 0 to 2000"))
}

fn sharp(value: &str) -> Result<Tenths, OptionError> {
    let value = values::integer(value)
        .and_then(|value| u16::try_from(value).ok())
        .filter(|value| *value <= 100);
    value
        .map(Tenths)
        .ok_or_else(|| OptionError::value("sharp", "takes 0 to 100"))
}

/// imgix writes alpha first: `argb` and `aarrggbb`.
fn colour(value: &str) -> Option<[u8; 4]> {
    let [a, b, c, d] = values::colour(value)?;
    Some(if matches!(value.trim_start_matches('#').len(), 4 | 8) {
        [b, c, d, a]
    } else {
        [a, b, c, d]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_documented() {
        for (pairs, options) in [
            (
                &[
                    ("w", "320"),
                    ("h", "180"),
                    ("fit", "crop"),
                    ("crop", "top,left"),
                    ("auto", "format,compress"),
                ][..],
                "w=320&h=180&fit=cover&crop=top-left&enlarge=1&q=auto",
            ),
            (
                &[("w", "320"), ("fit", "max"), ("fm", "pjpg"), ("q", "40")],
                "w=320&q=40&format=jpeg",
            ),
            (
                &[("w", "160"), ("ar", "16:9"), ("fit", "min")],
                "w=160&h=90&fit=cover",
            ),
            (
                &[
                    ("w", "10"),
                    ("h", "10"),
                    ("fit", "fill"),
                    ("bg", "80ff0000"),
                ],
                "w=10&h=10&fit=pad&enlarge=1&bg=ff000080",
            ),
            (
                &[("blur", "200"), ("sharp", "15"), ("rot", "90")],
                "blur=20&sharpen=1.5&rotate=90",
            ),
            (
                &[
                    ("w", "10"),
                    ("h", "20"),
                    ("fit", "crop"),
                    ("crop", "focalpoint"),
                    ("fp-x", "0.3"),
                    ("fp-y", ".25"),
                ],
                "w=10&h=20&fit=cover&crop=0.3,0.25&enlarge=1",
            ),
        ] {
            assert_eq!(
                read(pairs).unwrap().finish(8192).unwrap().canonical(),
                options
            );
        }
        for pairs in [
            [("fit", "facearea")],
            [("txt", "x")],
            [("fm", "gif")],
            [("ar", "0:1")],
        ] {
            assert!(read(&pairs).is_err(), "{pairs:?}");
        }
    }
}
