//! Headers in which a trusted proxy or CDN says where the viewer is.

use std::net::IpAddr;

use serde::Deserialize;
use weir_module::RequestHead;

use weir_location::Country;
use weir_location::Point;
use weir_location::{self as location, Location};

/// Their names; none is read unless it is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Headers {
    /// ISO 3166-1 alpha-2.
    pub(crate) country: Option<String>,
    /// ISO 3166-2, with or without the country; several with commas, widest first.
    pub(crate) subdivision: Option<String>,
    /// With or without `AS`.
    pub(crate) asn: Option<String>,
    /// `latitude,longitude`.
    pub(crate) coordinates: Option<String>,
    /// Degrees, with `longitude`.
    pub(crate) latitude: Option<String>,
    /// Degrees, with `latitude`.
    pub(crate) longitude: Option<String>,
    /// `1`, `true` or `yes`, `0`, `false` or `no`.
    pub(crate) anonymous: Option<String>,
}

impl Headers {
    /// Every name.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.keyed().into_iter().filter_map(|(_, name)| name)
    }

    /// Every key with the name that it has.
    pub(crate) fn keyed(&self) -> [(&'static str, Option<&str>); 7] {
        [
            ("country", self.country.as_deref()),
            ("subdivision", self.subdivision.as_deref()),
            ("asn", self.asn.as_deref()),
            ("coordinates", self.coordinates.as_deref()),
            ("latitude", self.latitude.as_deref()),
            ("longitude", self.longitude.as_deref()),
            ("anonymous", self.anonymous.as_deref()),
        ]
    }

    /// What the headers of a request say.
    pub(crate) fn location(&self, head: &RequestHead<'_>, address: Option<IpAddr>) -> Location {
        let value = |name: &Option<String>| single(head, name.as_deref()?);
        let country = value(&self.country).and_then(Country::read);
        let degrees = |name: &Option<String>| value(name)?.parse::<f64>().ok();
        let split = || Point::new(degrees(&self.latitude)?, degrees(&self.longitude)?);
        Location {
            address,
            country,
            subdivisions: value(&self.subdivision)
                .into_iter()
                .flat_map(|text| text.split(','))
                .filter_map(|one| location::subdivision(one.trim(), country))
                .collect(),
            asn: value(&self.asn).and_then(location::asn),
            point: value(&self.coordinates)
                .and_then(Point::read)
                .or_else(split),
            anonymous: value(&self.anonymous).and_then(flag),
        }
    }
}

/// The value of a header that says one thing. Two different values: somebody lies, so nothing is known.
fn single<'a>(head: &RequestHead<'a>, name: &str) -> Option<&'a str> {
    let mut values = head.header_all(name);
    let first = values.next()?;
    if values.any(|other| other != first) {
        return None;
    }
    let text = std::str::from_utf8(first).ok()?.trim();
    Some(text).filter(|text| !text.is_empty())
}

fn flag(text: &str) -> Option<bool> {
    let any = |list: [&str; 3]| list.iter().any(|word| word.eq_ignore_ascii_case(text));
    if any(["1", "true", "yes"]) {
        Some(true)
    } else if any(["0", "false", "no"]) {
        Some(false)
    } else {
        None
    }
}
