//! Content codings (RFC 9110 section 8.4.1): what can be unpacked, and when to pack.

/// How a body is packed (RFC 9110 section 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// `gzip`.
    Gzip,
    /// `deflate`: the zlib format.
    Deflate,
    /// `br`.
    Brotli,
}

impl Encoding {
    /// Reads a `content-encoding` field. None for what cannot be unpacked here, several layers among them.
    pub fn parse(field: &str) -> Option<Self> {
        Some(match field.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Self::Identity,
            "gzip" | "x-gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            "br" => Self::Brotli,
            _ => return None,
        })
    }
}

/// True when an `accept-encoding` field asks for gzip (RFC 9110 section 12.5.3).
pub fn accepts_gzip(field: &str) -> bool {
    let mut any = None;
    for item in field.split(',') {
        let mut parts = item.split(';');
        let coding = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let weight = parts
            .filter_map(|part| {
                part.trim()
                    .strip_prefix("q=")
                    .or_else(|| part.trim().strip_prefix("Q="))
            })
            .next()
            .map_or(1.0, |q| q.trim().parse::<f32>().unwrap_or(0.0));
        match coding.as_str() {
            "gzip" | "x-gzip" => return weight > 0.0,
            "*" => any = Some(weight > 0.0),
            _ => {}
        }
    }
    any.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_encoding() {
        for yes in [
            "gzip",
            "br, GZIP;q=0.5",
            "*",
            "deflate, *;q=0.1",
            "gzip;q=1.0, identity; q=0.5",
        ] {
            assert!(accepts_gzip(yes), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "identity", "*;q=0", "gzip; q=0.0, *"] {
            assert!(!accepts_gzip(no), "{no}");
        }
    }
}
