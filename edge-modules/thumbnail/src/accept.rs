//! Content negotiation (RFC 9110 section 12.5.1), reduced to the little that decides: may this client have WebP?

/// The classes of client. A cache that keys by this word holds at most two variants of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptClass {
    /// The client names WebP with a weight above zero.
    WebP,
    /// Anything else: JPEG, or PNG where transparency matters.
    Basic,
}

impl AcceptClass {
    /// Reads an `Accept` value. Wildcards do not count: old clients send `*/*` and mean nothing by it.
    pub fn read(accept: Option<&str>) -> Self {
        if accept.is_some_and(|accept| names(accept, "image/webp")) {
            Self::WebP
        } else {
            Self::Basic
        }
    }
}

/// True when a client names a media type with a weight above zero.
pub fn names(accept: &str, wanted: &str) -> bool {
    accept.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        parts
            .next()
            .is_some_and(|media| media.eq_ignore_ascii_case(wanted))
            && weight(parts) > 0
    })
}

/// The `q` parameter in thousandths; 1000 without one, 0 when it cannot be read (RFC 9110 section 12.4.2).
fn weight<'a>(mut parameters: impl Iterator<Item = &'a str>) -> u32 {
    let value = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    let Some(value) = value else { return 1000 };
    let (whole, part) = value.split_once('.').unwrap_or((value, ""));
    if part.len() > 3 || !part.bytes().all(|digit| digit.is_ascii_digit()) {
        return 0;
    }
    match whole {
        "0" => part
            .bytes()
            .chain(*b"000")
            .take(3)
            .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')),
        "1" => 1000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_named_type_with_weight_counts() {
        for accept in [
            "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
            "text/html, IMAGE/WEBP;q=0.001",
            "image/webp ; Q=1.0",
            "image/webp;level=1;q=0.5",
        ] {
            assert_eq!(
                AcceptClass::read(Some(accept)),
                AcceptClass::WebP,
                "{accept}"
            );
        }
        for accept in [
            "*/*",
            "image/*",
            "image/webp;q=0",
            "image/webp;q=0.000",
            "image/webp;q=x",
            "image/webpx",
            "",
            "image/png",
        ] {
            assert_eq!(
                AcceptClass::read(Some(accept)),
                AcceptClass::Basic,
                "{accept}"
            );
        }
        assert_eq!(AcceptClass::read(None), AcceptClass::Basic);
    }
}
