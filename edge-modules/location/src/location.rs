//! Where a viewer is, as far as it is known.

use std::net::IpAddr;

use crate::country::Country;
use crate::point::Point;

/// Where a viewer is. What is not known is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Location {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The country.
    pub country: Option<Country>,
    /// The subdivisions, widest first, without the country (ISO 3166-2: the part after the hyphen), in capitals. Empty: not known.
    pub subdivisions: Vec<String>,
    /// The autonomous system number.
    pub asn: Option<u32>,
    /// Where, roughly.
    pub point: Option<Point>,
    /// A hosting provider, proxy, VPN or Tor exit.
    pub anonymous: Option<bool>,
}

/// Reads a subdivision: `DE-BY`, or `BY` alone, in either case.
#[must_use]
pub fn subdivision(text: &str, country: Option<Country>) -> Option<String> {
    let code = match text.split_once('-') {
        Some((prefix, code)) => {
            let of_country =
                country.is_none_or(|known| known.as_str().eq_ignore_ascii_case(prefix));
            Some(code).filter(|_| of_country)?
        }
        None => text,
    };
    is_subdivision(code).then(|| code.to_ascii_uppercase())
}

/// One to three letters or digits.
#[must_use]
pub fn is_subdivision(code: &str) -> bool {
    (1..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Reads `64500` or `AS64500`. 0 is no network (RFC 7607).
#[must_use]
pub fn asn(text: &str) -> Option<u32> {
    let digits = text
        .strip_prefix("AS")
        .or_else(|| text.strip_prefix("as"))
        .unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| plain && *number != 0)
}

impl Location {
    /// Fills in what is not known with what another source found. A country or subdivision is never mixed from two sources: the first
    /// that knows the country tells both.
    pub fn complete(&mut self, found: Self) {
        if self.country.is_none() {
            self.country = found.country;
            self.subdivisions = found.subdivisions;
        } else if self.subdivisions.is_empty() && self.country == found.country {
            self.subdivisions = found.subdivisions;
        }
        self.asn = self.asn.or(found.asn);
        self.point = self.point.or(found.point);
        self.anonymous = match (self.anonymous, found.anonymous) {
            // One list that names the address is enough.
            (Some(true), _) | (_, Some(true)) => Some(true),
            (known, other) => known.or(other),
        };
    }
}
