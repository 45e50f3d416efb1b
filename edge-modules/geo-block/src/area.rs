//! Areas: places under one name, and lists from outside, such as the networks of hosting providers.

use std::collections::HashSet;

use crate::circle::Circle;
use crate::document::Source;
use crate::networks::{self, Networks};
use crate::place::{Holds, Place};
use weir_location::{self as location, Location};

/// An area.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Area {
    /// Its name.
    pub(crate) name: String,
    /// Places, no areas among them.
    pub(crate) places: Vec<Place>,
    /// Circles.
    pub(crate) circles: Vec<Circle>,
    /// Where its list comes from.
    pub(crate) source: Source,
    /// The list, once it is there.
    pub(crate) list: Option<List>,
}

/// Networks and autonomous systems.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct List {
    networks: Networks,
    asns: HashSet<u32>,
}

impl Area {
    /// Takes a new copy of the list.
    ///
    /// # Errors
    /// The line that cannot be read; the last good list stays.
    pub(crate) fn load(&mut self, body: &[u8]) -> Result<(), String> {
        self.list = Some(List::read(body)?);
        Ok(())
    }

    /// True when the list, if the area has one, is there.
    pub(crate) fn is_complete(&self) -> bool {
        self.source == Source::None || self.list.is_some()
    }

    /// Whether a viewer is in the area.
    pub(crate) fn holds(&self, location: &Location, areas: &[Self]) -> Holds {
        let places = self.places.iter().map(|place| place.holds(location, areas));
        let circles = self.circles.iter().map(|circle| match location.point {
            Some(point) if circle.contains(point) => Holds::Yes,
            Some(_) => Holds::No,
            None => Holds::Unknown,
        });
        let list = (self.source != Source::None).then(|| match &self.list {
            Some(list) => list.holds(location),
            None => Holds::Unknown,
        });
        Holds::any(places.chain(circles).chain(list))
    }
}

impl List {
    /// One network or `AS64500` a line; `#` begins a comment.
    ///
    /// # Errors
    /// The line that is neither, or a list without any: more likely a mistake than a world without hosting.
    pub(crate) fn read(body: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(body).map_err(|_| "the list is not UTF-8")?;
        let (mut found, mut asns) = (Vec::new(), HashSet::new());
        for (number, line) in (1..).zip(text.lines()) {
            let entry = line.split('#').next().unwrap_or_default().trim();
            if entry.is_empty() {
                continue;
            }
            match (networks::read(entry), location::asn(entry)) {
                (Some(network), _) => found.push(network),
                (_, Some(asn)) if entry.starts_with("AS") => drop(asns.insert(asn)),
                _ => {
                    return Err(format!(
                        "line {number} is neither a network nor AS and a number"
                    ));
                }
            }
        }
        if found.is_empty() && asns.is_empty() {
            return Err("the list is empty".to_owned());
        }
        Ok(Self {
            networks: found.into_iter().collect(),
            asns,
        })
    }

    fn holds(&self, location: &Location) -> Holds {
        let by_address = match location.address {
            Some(address) if self.networks.contains(address) => Holds::Yes,
            None if self.networks != Networks::default() => Holds::Unknown,
            _ => Holds::No,
        };
        let by_asn = match location.asn {
            Some(asn) if self.asns.contains(&asn) => Holds::Yes,
            None if !self.asns.is_empty() => Holds::Unknown,
            _ => Holds::No,
        };
        Holds::any([by_address, by_asn].into_iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_whole_or_not_at_all() {
        let list =
            List::read(b"# hosting\n192.0.2.0/24\n\nAS64500 # a cloud\r\n2001:db8::/32").unwrap();
        let at = |address: &str, asn| Location {
            address: address.parse().ok(),
            asn,
            ..Location::default()
        };
        assert_eq!(list.holds(&at("192.0.2.9", None)), Holds::Yes);
        assert_eq!(list.holds(&at("198.51.100.1", Some(64_500))), Holds::Yes);
        assert_eq!(list.holds(&at("198.51.100.1", Some(64_501))), Holds::No);
        assert_eq!(list.holds(&at("198.51.100.1", None)), Holds::Unknown);
        assert_eq!(list.holds(&at("", Some(64_501))), Holds::Unknown);
        for body in [
            "",
            "# nothing\n",
            "192.0.2.0/24\n<html>",
            "64500",
            "AS0",
            "192.0.2.0/24 64500",
        ] {
            assert!(List::read(body.as_bytes()).is_err(), "{body}");
        }
        assert!(List::read(b"\xff").is_err());
    }
}
