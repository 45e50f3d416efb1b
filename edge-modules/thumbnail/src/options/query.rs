//! Weir's own spelling: `?w=&h=&fit=&crop=&dpr=&q=&format=auto&blur=`, in any order, each at most once, unknown names refused.

use percent_encoding::percent_decode_str;

use crate::error::OptionError;
use crate::format::OutputFormat;
use crate::options::values::{self, Fit, Flip, Gravity, Region, Span, Tenths, integer};
use crate::options::{Draft, FormatChoice, Quality};

/// Every name, for messages and for the test that reads the README.
pub const NAMES: &str = "w, h, fit, crop, rect, dpr, enlarge, q, format, lossless, blur, sharpen, bg, rotate, flip, linear, progressive, time, frames, fps";

/// Reads a whole query.
///
/// # Errors
/// The first option that cannot be used.
pub fn read(query: &str) -> Result<Draft, OptionError> {
    let mut draft = Draft::default();
    for pair in pairs(query) {
        let (name, value) = pair?;
        set(&mut draft, &name, &value)?;
    }
    Ok(draft)
}

/// The pairs of a query, percent-decoded. `+` stays a plus sign: these are not form fields, and no option holds a space.
pub fn pairs(query: &str) -> impl Iterator<Item = Result<(String, String), OptionError>> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
}

/// Percent-decodes to text.
pub(crate) fn decode(text: &str) -> Result<String, OptionError> {
    let text = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| OptionError::Encoding("not UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(OptionError::Encoding("a control character"));
    }
    Ok(text.into_owned())
}

/// Sets one option.
///
/// # Errors
/// A name that is not an option, a repetition, a value out of range.
pub fn set(draft: &mut Draft, name: &str, value: &str) -> Result<(), OptionError> {
    match name {
        "w" => put(&mut draft.width, "w", side("w", value)?),
        "h" => put(&mut draft.height, "h", side("h", value)?),
        "fit" => put(
            &mut draft.fit,
            "fit",
            word("fit", value, Fit::from_word, Fit::WORDS)?,
        ),
        "crop" => put(
            &mut draft.gravity,
            "crop",
            word("crop", value, Gravity::from_word, Gravity::WORDS)?,
        ),
        "rect" => put(
            &mut draft.region,
            "rect",
            word(
                "rect",
                value,
                Region::from_text,
                "`left,top,width,height` in pixels of the source",
            )?,
        ),
        "dpr" => put(&mut draft.dpr, "dpr", dpr("dpr", value)?),
        "enlarge" => put(&mut draft.enlarge, "enlarge", flag("enlarge", value)?),
        "q" => put(&mut draft.quality, "q", quality("q", value)?),
        "format" => put(&mut draft.format, "format", format("format", value)?),
        "lossless" => put(&mut draft.lossless, "lossless", flag("lossless", value)?),
        "blur" => put(&mut draft.blur, "blur", tenths("blur", value, 250)?),
        "sharpen" => put(&mut draft.sharpen, "sharpen", tenths("sharpen", value, 10)?),
        "bg" => put(
            &mut draft.background,
            "bg",
            word(
                "bg",
                value,
                values::colour,
                "a colour: rgb, rrggbb or rrggbbaa in hexadecimal, white, black, gray, transparent",
            )?,
        ),
        "rotate" => put(&mut draft.rotate, "rotate", quarter_turns("rotate", value)?),
        "flip" => put(
            &mut draft.flip,
            "flip",
            word("flip", value, Flip::from_word, "h, v or hv")?,
        ),
        "linear" => put(&mut draft.linear, "linear", flag("linear", value)?),
        "progressive" => put(
            &mut draft.progressive,
            "progressive",
            flag("progressive", value)?,
        ),
        "frames" => put(&mut draft.frames, "frames", count("frames", value, 2, 30)?),
        "fps" => put(&mut draft.fps, "fps", count("fps", value, 1, 30)?),
        "time" => put(&mut draft.time_ms, "time", time("time", value)?),
        _ => Err(unknown(name, NAMES)),
    }
}

pub(crate) fn unknown(name: &str, known: &'static str) -> OptionError {
    OptionError::Unknown {
        name: name.chars().take(40).collect(),
        known,
    }
}

pub(crate) fn put<T>(
    place: &mut Option<T>,
    name: &'static str,
    value: T,
) -> Result<(), OptionError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(OptionError::Repeated(name)),
    }
}

pub(crate) fn word<T>(
    name: &'static str,
    value: &str,
    read: impl Fn(&str) -> Option<T>,
    takes: &str,
) -> Result<T, OptionError> {
    read(value).ok_or_else(|| OptionError::value(name, format!("takes {takes}")))
}

pub(crate) fn side(name: &'static str, value: &str) -> Result<u32, OptionError> {
    let side = integer(value).filter(|side| *side > 0);
    side.ok_or_else(|| OptionError::value(name, "takes a whole number of pixels, at least 1"))
}

fn count(name: &'static str, value: &str, least: u8, most: u8) -> Result<u8, OptionError> {
    let count = integer(value).and_then(|count| u8::try_from(count).ok());
    let count = count.filter(|count| (least..=most).contains(count));
    count.ok_or_else(|| {
        OptionError::value(name, format!("takes a whole number from {least} to {most}"))
    })
}

pub(crate) fn dpr(name: &'static str, value: &str) -> Result<u16, OptionError> {
    let hundredths = values::fixed(value, 2).and_then(|value| u16::try_from(value).ok());
    let hundredths = hundredths.filter(|value| (10..=800).contains(value));
    hundredths.ok_or_else(|| {
        OptionError::value(name, "takes a number from 0.1 to 8 with up to two decimals")
    })
}

pub(crate) fn flag(name: &'static str, value: &str) -> Result<bool, OptionError> {
    match value {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(OptionError::value(name, "takes 1 or 0")),
    }
}

pub(crate) fn quality(name: &'static str, value: &str) -> Result<Quality, OptionError> {
    if value == "auto" {
        return Ok(Quality::Auto);
    }
    let quality = integer(value)
        .and_then(|value| u8::try_from(value).ok())
        .filter(|value| (1..=100).contains(value));
    quality
        .map(Quality::Fixed)
        .ok_or_else(|| OptionError::value(name, "takes 1 to 100, or auto"))
}

pub(crate) fn format(name: &'static str, value: &str) -> Result<FormatChoice, OptionError> {
    if value == "auto" {
        return Ok(FormatChoice::Auto);
    }
    let format = OutputFormat::from_word(value).map(FormatChoice::Fixed);
    format.ok_or_else(|| OptionError::value(name, "takes auto, jpeg, png or webp"))
}

pub(crate) fn tenths(name: &'static str, value: &str, most: u16) -> Result<Tenths, OptionError> {
    let value = Tenths::from_text(value, most);
    value.ok_or_else(|| {
        OptionError::value(
            name,
            format!("takes a number from 0 to {most} with up to one decimal"),
        )
    })
}

pub(crate) fn quarter_turns(name: &'static str, value: &str) -> Result<u8, OptionError> {
    match value {
        "0" => Ok(0),
        "90" => Ok(1),
        "180" => Ok(2),
        "270" => Ok(3),
        _ => Err(OptionError::value(
            name,
            "takes 0, 90, 180 or 270 degrees clockwise",
        )),
    }
}

pub(crate) fn time(name: &'static str, value: &str) -> Result<u64, OptionError> {
    let time = Span::from_text(value).map(|Span(ms)| ms);
    time.ok_or_else(|| {
        OptionError::value(
            name,
            "takes seconds (12.5), clock time (1:02:03) or units (1m5s)",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_it_does_not_know() {
        for (query, part) in [
            ("w=320&width=3", "`width` is not an option"),
            ("w=1&w=2", "option `w` stands twice"),
            ("w=0", "option `w`: takes a whole number"),
            ("w=-1", "option `w`"),
            ("w=1e3", "option `w`"),
            ("w=", "option `w`"),
            ("fit=inside", "scale-down, contain, cover, crop or pad"),
            ("q=0", "1 to 100"),
            ("q=101", "1 to 100"),
            ("dpr=9", "0.1 to 8"),
            ("format=avif", "auto, jpeg, png or webp"),
            ("blur=251", "0 to 250"),
            ("rotate=45", "0, 90, 180 or 270"),
            ("rect=1,2,3", "left,top,width,height"),
            ("rect=0,0,0,5", "left,top,width,height"),
            ("w=1%00", "control character"),
            ("w=%ff", "not UTF-8"),
        ] {
            let error = read(query).unwrap_err().to_string();
            assert!(error.contains(part), "{query}: {error}");
        }
    }

    #[test]
    fn long_names_do_not_fill_the_error() {
        let error = read(&"x".repeat(10_000)).unwrap_err().to_string();
        assert!(error.len() < 300, "{error}");
    }

    /// One valid value of every option.
    fn any_option() -> impl Strategy<Value = (&'static str, String)> {
        prop_oneof![
            (1u32..4000).prop_map(|v| ("w", v.to_string())),
            (1u32..4000).prop_map(|v| ("h", v.to_string())),
            prop::sample::select(vec!["scale-down", "contain", "cover", "crop", "pad"])
                .prop_map(|v| ("fit", v.to_owned())),
            prop::sample::select(vec!["top", "smart", "0.1,0.999", "bottom-left"])
                .prop_map(|v| ("crop", v.to_owned())),
            (0u32..99, 0u32..99, 1u32..99, 1u32..99)
                .prop_map(|(a, b, c, d)| ("rect", format!("{a},{b},{c},{d}"))),
            (10u32..=200).prop_map(|v| ("dpr", format!("{}.{:02}", v / 100, v % 100))),
            any::<bool>().prop_map(|v| ("enlarge", v.to_string())),
            (1u32..=100).prop_map(|v| ("q", v.to_string())),
            prop::sample::select(vec!["auto", "jpg", "png", "webp"])
                .prop_map(|v| ("format", v.to_owned())),
            any::<bool>().prop_map(|v| ("lossless", v.to_string())),
            (0u32..2500).prop_map(|v| ("blur", format!("{}.{}", v / 10, v % 10))),
            (0u32..100).prop_map(|v| ("sharpen", format!("{}.{}", v / 10, v % 10))),
            "[0-9a-f]{6}".prop_map(|v| ("bg", v)),
            prop::sample::select(vec!["90", "180", "270", "0"])
                .prop_map(|v| ("rotate", v.to_owned())),
            prop::sample::select(vec!["h", "v", "vh"]).prop_map(|v| ("flip", v.to_owned())),
            any::<bool>().prop_map(|v| ("linear", v.to_string())),
            (0u64..100_000_000).prop_map(|v| ("time", Span(v).to_string())),
        ]
    }

    proptest! {
        #[test]
        fn the_canonical_form_reads_back_equal(options in prop::collection::vec(any_option(), 0..8)) {
            let mut seen = std::collections::BTreeSet::new();
            let text: Vec<String> = options
                .iter()
                .filter(|(name, _)| seen.insert(*name))
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            if let Ok(first) = read(&text.join("&")).unwrap().finish(8192) {
                let canonical = first.canonical();
                let again = read(&canonical).unwrap().finish(8192).unwrap();
                prop_assert_eq!(again.canonical(), canonical);
                prop_assert_eq!((again.width, again.height, again.fit), (first.width, first.height, first.fit));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            let _ = read(&text).map(|draft| draft.finish(8192));
        }
    }
}
