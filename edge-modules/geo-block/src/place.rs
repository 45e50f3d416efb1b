//! A place as a rule names it, and whether a viewer is there.

use ipnetwork::IpNetwork;

use crate::area::Area;
use crate::networks;
use weir_location::Country;
use weir_location::{self as location, Location};

/// Whether something holds, in three values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Nothing tells.
    Unknown,
}

impl Holds {
    fn of(known: Option<bool>) -> Self {
        match known {
            Some(true) => Self::Yes,
            Some(false) => Self::No,
            None => Self::Unknown,
        }
    }

    /// One of several: certain as soon as one is.
    pub(crate) fn any(all: impl Iterator<Item = Self>) -> Self {
        let mut sum = Self::No;
        for one in all {
            match one {
                Self::Yes => return Self::Yes,
                Self::Unknown => sum = Self::Unknown,
                Self::No => {}
            }
        }
        sum
    }
}

/// A place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Place {
    /// `*`
    Anywhere,
    /// `DE`
    Country(Country),
    /// `DE-BY`
    Subdivision(Country, String),
    /// `AS64500`
    Asn(u32),
    /// `192.0.2.0/24`
    Network(IpNetwork),
    /// `anonymous`
    Anonymous,
    /// `area:<name>`: the index of the area.
    Area(usize),
}

impl Place {
    /// Reads a place. `areas` are the names that `area:` may have.
    ///
    /// # Errors
    /// What it is not.
    pub(crate) fn read(text: &str, areas: &[String]) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("area:") {
            let at = areas.iter().position(|known| known == name);
            return at
                .map(Self::Area)
                .ok_or_else(|| format!("there is no area `{name}`"));
        }
        let country = |code: &str| {
            Country::read(code)
                .filter(|country| country.as_str() == code)
                .ok_or_else(|| {
                    let hint = if code == "UK" {
                        " (the United Kingdom is `GB`)"
                    } else {
                        ""
                    };
                    format!("`{code}` is not an assigned ISO 3166-1 code in capitals{hint}")
                })
        };
        if text == "*" {
            return Ok(Self::Anywhere);
        }
        if text == "anonymous" {
            return Ok(Self::Anonymous);
        }
        if let Some(asn) = location::asn(text).filter(|_| text.starts_with("AS")) {
            return Ok(Self::Asn(asn));
        }
        if text.contains(['.', ':']) {
            return networks::read(text).map(Self::Network).ok_or_else(|| {
                format!("`{text}` is no network such as 192.0.2.0/24 or 2001:db8::/32")
            });
        }
        match text.split_once('-') {
            Some((code, part))
                if location::is_subdivision(part) && part == part.to_ascii_uppercase() =>
            {
                Ok(Self::Subdivision(country(code)?, part.to_owned()))
            }
            None if text.len() == 2 => country(text).map(Self::Country),
            _ => Err(format!(
                "`{text}` is no place: `*`, a country (DE), a subdivision (DE-BY), AS64500, a network, `anonymous` or area:<name>"
            )),
        }
    }

    /// Whether a viewer is there.
    pub(crate) fn holds(&self, location: &Location, areas: &[Area]) -> Holds {
        Holds::of(match self {
            Self::Anywhere => Some(true),
            Self::Country(country) => location.country.map(|known| known == *country),
            Self::Subdivision(country, code) => match location.country {
                Some(known) if known != *country => Some(false),
                Some(_) if !location.subdivisions.is_empty() => {
                    Some(location.subdivisions.contains(code))
                }
                _ => None,
            },
            Self::Asn(asn) => location.asn.map(|known| known == *asn),
            Self::Network(network) => location.address.map(|address| network.contains(address)),
            Self::Anonymous => location.anonymous,
            Self::Area(at) => {
                return areas
                    .get(*at)
                    .map_or(Holds::Unknown, |area| area.holds(location, areas));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_or_refused() {
        let areas = ["home".to_owned()];
        for text in [
            "*",
            "DE",
            "AS",
            "US-CA",
            "FR-75C",
            "AS64500",
            "192.0.2.0/24",
            "2001:db8::1",
            "anonymous",
            "area:home",
            "XK",
        ] {
            assert!(Place::read(text, &areas).is_ok(), "{text}");
        }
        for text in [
            "",
            "de",
            "UK",
            "EU",
            "XX",
            "DE-",
            "DE-by",
            "DE-ABCD",
            "UK-ENG",
            "AS0",
            "AS1.5",
            "AS4294967296",
            "64500",
            "area:away",
            "area:",
            "192.0.2.0/33",
            "192.0.2.0/+1",
            "1.2.3",
            "Germany",
            "**",
            " DE",
        ] {
            assert!(Place::read(text, &areas).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_neither_yes_nor_no() {
        let bavaria = Place::read("DE-BY", &[]).unwrap();
        let mut location = Location::default();
        assert_eq!(bavaria.holds(&location, &[]), Holds::Unknown);
        location.country = Country::read("FR");
        assert_eq!(
            bavaria.holds(&location, &[]),
            Holds::No,
            "another country settles it"
        );
        location.country = Country::read("DE");
        assert_eq!(bavaria.holds(&location, &[]), Holds::Unknown);
        location.subdivisions = vec!["BE".into()];
        assert_eq!(bavaria.holds(&location, &[]), Holds::No);
        location.subdivisions.push("BY".into());
        assert_eq!(bavaria.holds(&location, &[]), Holds::Yes);
        use Holds::{No, Unknown, Yes};
        assert_eq!(Holds::any([No, Unknown, Yes].into_iter()), Yes);
        assert_eq!(Holds::any([No, Unknown].into_iter()), Unknown);
        assert_eq!(Holds::any([].into_iter()), No);
    }
}
