//! Cues and their times.

/// A text shown for some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cue {
    /// Microseconds of presentation time.
    pub(crate) start: i64,
    /// Microseconds of presentation time.
    pub(crate) end: i64,
    /// WebVTT cue settings, such as `line:0`.
    pub(crate) settings: String,
    /// WebVTT cue text: lines, none of them empty.
    pub(crate) text: String,
}

/// Subtitles of one language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Document {
    /// `STYLE` and `REGION` blocks as they stand in the source.
    pub(crate) head: Vec<String>,
    /// By start time.
    pub(crate) cues: Vec<Cue>,
}

/// Reads a timing line: start, `-->`, end, settings. WebVTT (section 4.1) and SRT differ in the decimal sign only.
pub(super) fn parse_timing(line: &str) -> Option<(i64, i64, String)> {
    let (start, rest) = line.split_once("-->")?;
    let rest = rest.trim();
    let (end, settings) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    Some((
        parse_time(start.trim())?,
        parse_time(end)?,
        settings.trim().to_owned(),
    ))
}

/// Reads `hh:mm:ss.mmm` or `mm:ss.mmm`, with a point or a comma, as microseconds.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    let mut micros = 0_i64;
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let parts: Vec<&str> = whole.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    for part in parts {
        micros = micros
            .checked_mul(60)?
            .checked_add(i64::from(part.trim().parse::<u32>().ok()?))?;
    }
    let digits = fraction.trim();
    if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction = digits.parse::<i64>().ok()? * 10_i64.pow(6 - u32::try_from(digits.len()).ok()?);
    micros.checked_mul(1_000_000)?.checked_add(fraction)
}

/// Blocks of lines between empty lines.
pub(super) fn blocks(text: &str) -> Vec<Vec<&str>> {
    let mut blocks = vec![Vec::new()];
    for line in text.lines() {
        if line.trim().is_empty() {
            if blocks
                .last()
                .is_some_and(|block: &Vec<&str>| !block.is_empty())
            {
                blocks.push(Vec::new());
            }
        } else if let Some(block) = blocks.last_mut() {
            block.push(line.trim_end());
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_both_notations() {
        assert_eq!(parse_time("01:02:03.004"), Some(3_723_004_000));
        assert_eq!(parse_time("01:02:03,004"), Some(3_723_004_000));
        assert_eq!(parse_time("02:03.5"), Some(123_500_000));
        assert_eq!(parse_time("3.5"), None);
        assert_eq!(parse_time("aa:bb.ccc"), None);
        assert_eq!(
            parse_timing("00:01.000 --> 00:02.000 line:0 align:start"),
            Some((1_000_000, 2_000_000, "line:0 align:start".to_owned()))
        );
    }
}
