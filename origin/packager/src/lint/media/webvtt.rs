//! WebVTT segments (RFC 8216bis 3.1.4).

/// What a WebVTT segment says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::lint) struct TextFacts {
    /// An `X-TIMESTAMP-MAP` header is there.
    pub(in crate::lint) mapped: bool,
    /// A sentence about a broken `X-TIMESTAMP-MAP`.
    pub(in crate::lint) bad_map: Option<String>,
    /// Cues.
    pub(in crate::lint) cues: usize,
    /// Line and text of the first cue timing that cannot be read, or that ends before it starts.
    pub(in crate::lint) bad_cue: Option<(usize, String)>,
}

/// True when `data` starts as WebVTT does.
pub(super) fn is_webvtt(data: &[u8]) -> bool {
    let data = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    data.strip_prefix(b"WEBVTT")
        .is_some_and(|rest| matches!(rest.first(), None | Some(b' ' | b'\t' | b'\n' | b'\r')))
}

/// Reads a segment.
pub(super) fn read(data: &[u8]) -> TextFacts {
    let text = String::from_utf8_lossy(data);
    let mut found = TextFacts::default();
    let mut header = true;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            header = false;
        } else if header {
            if let Some(map) = line.strip_prefix("X-TIMESTAMP-MAP=") {
                found.mapped = true;
                found.bad_map = check_map(map).err();
            }
        } else if let Some((start, rest)) = line.split_once("-->") {
            found.cues += 1;
            let end = rest.split_whitespace().next().unwrap_or_default();
            let sound = match (time(start.trim()), time(end)) {
                (Some(start), Some(end)) => start < end,
                _ => false,
            };
            if !sound && found.bad_cue.is_none() {
                found.bad_cue = Some((index + 1, line.to_owned()));
            }
        }
    }
    found
}

/// `MPEGTS:n,LOCAL:time` in either order.
fn check_map(text: &str) -> Result<(), String> {
    let (mut clock, mut local) = (false, false);
    for part in text.split(',') {
        match part.trim().split_once(':') {
            Some(("MPEGTS", value)) => {
                // The clock has 33 bits.
                clock = value
                    .trim()
                    .parse::<u64>()
                    .is_ok_and(|ticks| ticks < 1 << 33);
            }
            Some(("LOCAL", value)) => local = time(value.trim()).is_some(),
            _ => return Err(format!("`{part}` is neither MPEGTS nor LOCAL")),
        }
    }
    if clock && local {
        Ok(())
    } else {
        Err("MPEGTS must be a 33-bit number and LOCAL a time".to_owned())
    }
}

/// Milliseconds of `[hh:]mm:ss.ttt`.
fn time(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.')?;
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        (digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u64>().ok())
            .flatten()
    };
    let parts: Vec<&str> = whole.split(':').collect();
    let (hours, minutes, seconds) = match parts[..] {
        [minutes, seconds] => (0, minutes, seconds),
        [hours, minutes, seconds] => (number(hours, 2..=10)?, minutes, seconds),
        _ => return None,
    };
    let (minutes, seconds) = (number(minutes, 2..=2)?, number(seconds, 2..=2)?);
    (minutes < 60 && seconds < 60).then_some(())?;
    let fraction = number(fraction, 3..=3)?;
    hours
        .checked_mul(3600)?
        .checked_add(minutes * 60 + seconds)?
        .checked_mul(1000)?
        .checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_cues() {
        let good = b"WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n\n1\n00:00.000 --> 00:01.500 line:0\nhi\n";
        assert!(is_webvtt(good) && !is_webvtt(b"WEBVTTX"));
        let found = read(good);
        assert_eq!((found.mapped, found.cues), (true, 1));
        assert_eq!((found.bad_map, found.bad_cue), (None, None));
        let bad = read(
            b"WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:9000000000000,LOCAL:0\n\n00:02.000 --> 00:01.000\nx\n",
        );
        assert!(bad.bad_map.is_some());
        assert_eq!(bad.bad_cue.map(|(line, _)| line), Some(4));
    }
}
