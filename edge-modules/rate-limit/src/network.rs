//! Client addresses: prefixes, lists of networks, and the address that a request came from.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Deserializer, de};

use crate::decimal;

/// The longest network as text: eight groups of four digits, seven colons and `/128`.
const LONGEST_TEXT: usize = 43;

/// A network: an address and a prefix length (RFC 4632, RFC 4291 section 2.3). `192.0.2.7` alone is a network of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// The network of `prefix` bits that holds `address`. A longer prefix than the address has bits means the address alone.
    pub(crate) fn of(address: IpAddr, prefix: u8) -> Self {
        match address {
            IpAddr::V4(v4) => {
                let prefix = prefix.min(32);
                let kept = if prefix == 0 {
                    0
                } else {
                    v4.to_bits() & (u32::MAX << (32 - prefix))
                };
                Self {
                    address: Ipv4Addr::from_bits(kept).into(),
                    prefix,
                }
            }
            IpAddr::V6(v6) => {
                let prefix = prefix.min(128);
                let kept = if prefix == 0 {
                    0
                } else {
                    v6.to_bits() & (u128::MAX << (128 - prefix))
                };
                Self {
                    address: Ipv6Addr::from_bits(kept).into(),
                    prefix,
                }
            }
        }
    }

    /// Appends the network as text, `192.0.2.0/24` or `2001:db8::/32`. Zeros at the end of an IPv6 address are left out (RFC 4291 section
    /// 2.2), those further left are written: a network has its longest run at the end, so there is nothing to search for.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self.address {
            IpAddr::V4(address) => {
                for (index, octet) in address.octets().into_iter().enumerate() {
                    if index > 0 {
                        out.push(b'.');
                    }
                    decimal::push(out, octet.into());
                }
            }
            IpAddr::V6(address) => {
                let groups = address.segments();
                let kept = groups
                    .iter()
                    .rposition(|group| *group != 0)
                    .map_or(0, |at| at + 1);
                for (index, group) in groups[..kept].iter().enumerate() {
                    if index > 0 {
                        out.push(b':');
                    }
                    push_group(out, *group);
                }
                if kept < groups.len() {
                    out.extend_from_slice(b"::");
                }
            }
        }
        out.push(b'/');
        decimal::push(out, self.prefix.into());
    }

    #[cfg(test)]
    fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4()
            && Self::of(address, self.prefix).address == self.address
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not an address or a network such as `192.0.2.0/24` or `2001:db8::/32`"
            )
        };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => {
                let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
                (
                    address,
                    Some(
                        prefix
                            .parse::<u8>()
                            .ok()
                            .filter(|_| digits)
                            .ok_or_else(wrong)?,
                    ),
                )
            }
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        if prefix > bits {
            return Err(wrong());
        }
        Ok(Self::of(address, prefix))
    }
}

/// Sixteen bits in hexadecimal, without leading zeros.
fn push_group(out: &mut Vec<u8>, group: u16) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let nibbles = [group >> 12, group >> 8 & 15, group >> 4 & 15, group & 15];
    let first = nibbles[..3]
        .iter()
        .position(|nibble| *nibble != 0)
        .unwrap_or(3);
    out.extend(
        nibbles[first..]
            .iter()
            .map(|nibble| HEX[usize::from(*nibble)]),
    );
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = Vec::with_capacity(LONGEST_TEXT);
        self.write(&mut text);
        text.iter()
            .try_for_each(|&byte| f.write_char(char::from(byte)))
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Many networks; a look-up costs one probe for each prefix length that occurs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Networks {
    v4: BTreeMap<u8, HashSet<IpAddr>>,
    v6: BTreeMap<u8, HashSet<IpAddr>>,
}

impl Networks {
    /// True when any of the networks holds `address`.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let by_prefix = if address.is_ipv4() {
            &self.v4
        } else {
            &self.v6
        };
        by_prefix
            .iter()
            .any(|(&prefix, networks)| networks.contains(&Network::of(address, prefix).address))
    }
}

impl FromIterator<Network> for Networks {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        let mut all = Self::default();
        for network in networks {
            let by_prefix = if network.address.is_ipv4() {
                &mut all.v4
            } else {
                &mut all.v6
            };
            by_prefix
                .entry(network.prefix)
                .or_default()
                .insert(network.address);
        }
        all
    }
}

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Network>::deserialize(deserializer)?
            .into_iter()
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn network(text: &str) -> Network {
        Network::parse(text).unwrap()
    }

    #[test]
    fn networks_hold_what_they_should() {
        assert!(network("192.0.2.0/24").contains("192.0.2.255".parse().unwrap()));
        assert!(!network("192.0.2.0/24").contains("192.0.3.0".parse().unwrap()));
        assert!(network("2001:db8::/32").contains("2001:db8:ffff::1".parse().unwrap()));
        assert!(network("0.0.0.0/0").contains("255.1.2.3".parse().unwrap()));
        assert!(!network("0.0.0.0/0").contains("::1".parse().unwrap()));
        assert_eq!(network("192.0.2.77/24").to_string(), "192.0.2.0/24");
        assert_eq!(
            Network::of("2001:db8:1:2:3::9".parse().unwrap(), 64).to_string(),
            "2001:db8:1:2::/64"
        );
        for text in [
            "",
            "192.0.2",
            "192.0.2.0/33",
            "2001:db8::/129",
            "192.0.2.0/+1",
            "a/8",
            "192.0.2.0/",
        ] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lists_find_any_of_many() {
        let list: Networks = ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"]
            .into_iter()
            .map(network)
            .collect();
        for (address, inside) in [
            ("10.9.8.7", true),
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("2001:db8::5", true),
            ("2001:db9::5", false),
        ] {
            assert_eq!(list.contains(address.parse().unwrap()), inside, "{address}");
        }
    }

    proptest! {
        #[test]
        fn a_network_holds_its_members_and_the_list_agrees(bits: u128, prefix in 0u8..=128, other: u128) {
            let network = Network::of(Ipv6Addr::from_bits(bits).into(), prefix);
            prop_assert!(network.contains(Ipv6Addr::from_bits(bits).into()));
            let other = IpAddr::from(Ipv6Addr::from_bits(other));
            let list: Networks = [network].into_iter().collect();
            prop_assert_eq!(list.contains(other), network.contains(other));
        }

        /// An independent reader gets the same network back, and equal networks have one text.
        #[test]
        fn a_network_is_written_as_addresses_are(bits: u128, prefix in 0u8..=128, v4: u32, v4_prefix in 0u8..=32) {
            for network in [
                Network::of(Ipv6Addr::from_bits(bits).into(), prefix),
                Network::of(Ipv6Addr::from_bits(bits >> 60 << 60).into(), prefix),
                Network::of(Ipv4Addr::from_bits(v4).into(), v4_prefix),
            ] {
                let text = network.to_string();
                prop_assert!(text.len() <= LONGEST_TEXT);
                let (address, length) = text.split_once('/').unwrap();
                prop_assert_eq!(address.parse::<IpAddr>().unwrap(), network.address, "{}", text);
                prop_assert_eq!(length.parse::<u8>().unwrap(), network.prefix);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            let _ = Network::parse(&text);
        }
    }
}
