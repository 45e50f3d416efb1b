//! What a trusted proxy tells of a client besides address, country and network: headers that the configuration names.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use weir_module::{ConfigError, RequestHead};

use crate::config::wrong;
use crate::earth::Point;

/// Names of headers. None is read unless it is named; whoever sets them must take off what a client sends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// ISO 3166-2, with or without the country: `CA`, `US-CA`.
    pub subdivision: Option<String>,
    /// `latitude,longitude` in degrees.
    pub coordinates: Option<String>,
    /// Metres.
    pub altitude: Option<String>,
    /// The protocol of the connection (RFC 7301): `h2`.
    pub alpn: Option<String>,
    /// SHA-256 of the public key of the client's certificate, in hexadecimal or base64.
    pub tls_public_key: Option<String>,
}

impl Surroundings {
    /// Reads a list of `what:header`. A list of texts and not a table: the code that reads a table is 8 KiB of a component.
    pub(crate) fn read(texts: &[String]) -> Result<Self, ConfigError> {
        let mut all = Self::default();
        for (at, text) in texts.iter().enumerate() {
            let wrong = |message: &str| wrong(format!("client-headers[{at}]"), message);
            let (what, name) = text.split_once(':').unwrap_or((text, ""));
            let place = match what {
                "subdivision" => &mut all.subdivision,
                "coordinates" => &mut all.coordinates,
                "altitude" => &mut all.altitude,
                "alpn" => &mut all.alpn,
                "tls-public-key" => &mut all.tls_public_key,
                _ => {
                    return Err(wrong(
                        "give `<what>:<header>` with subdivision, coordinates, altitude, alpn or tls-public-key",
                    ));
                }
            };
            let small = !name.bytes().any(|byte| byte.is_ascii_uppercase());
            if name.is_empty() || !small || !name.bytes().all(crate::carrier::is_token_byte) {
                return Err(wrong("not a header name in lower case"));
            }
            if place.replace(name.to_owned()).is_some() {
                return Err(wrong("named twice"));
            }
        }
        Ok(all)
    }

    /// The names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let all = [
            &self.subdivision,
            &self.coordinates,
            &self.altitude,
            &self.alpn,
            &self.tls_public_key,
        ];
        all.into_iter().filter_map(|name| name.as_deref())
    }

    /// The subdivision with its country.
    pub(crate) fn subdivision(&self, head: &RequestHead<'_>, country: &str) -> Option<String> {
        let text = single(head, self.subdivision.as_ref())?.to_ascii_uppercase();
        match text.split_once('-') {
            Some((prefix, _)) => (prefix == country).then_some(text),
            None => Some(format!("{country}-{text}")),
        }
    }

    /// Where the client is.
    pub(crate) fn point(&self, head: &RequestHead<'_>) -> Option<Point> {
        let (latitude, longitude) = single(head, self.coordinates.as_ref())?.split_once(',')?;
        Point::new(
            latitude.trim().parse().ok()?,
            longitude.trim().parse().ok()?,
        )
    }

    /// How high the client is, in metres.
    pub(crate) fn altitude(&self, head: &RequestHead<'_>) -> Option<f64> {
        let metres: f64 = single(head, self.altitude.as_ref())?.parse().ok()?;
        metres.is_finite().then_some(metres)
    }

    /// The protocol.
    pub(crate) fn alpn<'a>(&self, head: &RequestHead<'a>) -> Option<&'a str> {
        single(head, self.alpn.as_ref())
    }

    /// The digest of the client's key, in hexadecimal.
    pub(crate) fn tls_public_key(&self, head: &RequestHead<'_>) -> Option<String> {
        let text = single(head, self.tls_public_key.as_ref())?;
        let bytes = hex::decode(text)
            .ok()
            .or_else(|| STANDARD.decode(text).ok())
            .or_else(|| URL_SAFE_NO_PAD.decode(text).ok())?;
        (bytes.len() == 32).then(|| hex::encode(bytes))
    }
}

/// The value of a header that says one thing. Two different values: somebody lies, so nothing is known.
fn single<'a>(head: &RequestHead<'a>, name: Option<&String>) -> Option<&'a str> {
    let mut values = head.header_all(name?);
    let first = values.next()?;
    if values.any(|other| other != first) {
        return None;
    }
    let text = std::str::from_utf8(first).ok()?.trim();
    Some(text).filter(|text| !text.is_empty())
}
