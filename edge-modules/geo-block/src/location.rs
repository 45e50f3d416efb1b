//! Where a viewer is, as far as it is known.

use std::net::IpAddr;

use crate::circle::Point;
use crate::country::Country;

/// Where a viewer is. What is not known is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Location {
    /// The client's address.
    pub(crate) address: Option<IpAddr>,
    /// The country.
    pub(crate) country: Option<Country>,
    /// The subdivisions, widest first, without the country (ISO 3166-2: the part after the hyphen), in capitals. Empty: not known.
    pub(crate) subdivisions: Vec<String>,
    /// The autonomous system number.
    pub(crate) asn: Option<u32>,
    /// Where, roughly.
    pub(crate) point: Option<Point>,
    /// A hosting provider, proxy, VPN or Tor exit.
    pub(crate) anonymous: Option<bool>,
}

/// Reads a subdivision: `DE-BY`, or `BY` alone, in either case.
pub(crate) fn subdivision(text: &str, country: Option<Country>) -> Option<String> {
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
pub(crate) fn is_subdivision(code: &str) -> bool {
    (1..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Reads `64500` or `AS64500`. 0 is no network (RFC 7607).
pub(crate) fn asn(text: &str) -> Option<u32> {
    let digits = text
        .strip_prefix("AS")
        .or_else(|| text.strip_prefix("as"))
        .unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| plain && *number != 0)
}
