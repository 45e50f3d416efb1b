//! A set of networks: sorted, merged ranges, so that a list of a hundred thousand costs seventeen comparisons.

use std::net::IpAddr;

use ipnetwork::IpNetwork;

/// Ranges of addresses, IPv4 as `::ffff:0:0/96`: in order, apart from each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Networks(Vec<(u128, u128)>);

impl Networks {
    /// True when one of the networks holds the address.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let bits = bits(address);
        let after = self.0.partition_point(|&(first, _)| first <= bits);
        after
            .checked_sub(1)
            .and_then(|at| self.0.get(at))
            .is_some_and(|&(_, last)| bits <= last)
    }
}

impl FromIterator<IpNetwork> for Networks {
    fn from_iter<I: IntoIterator<Item = IpNetwork>>(networks: I) -> Self {
        let mut ranges: Vec<(u128, u128)> = networks
            .into_iter()
            .map(|network| (bits(network.network()), bits(network.broadcast())))
            .collect();
        ranges.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1 => before.1 = before.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }
}

/// Reads a network, or an address alone. Prefix lengths with a sign, which the parser of numbers would take, are refused.
pub(crate) fn read(text: &str) -> Option<IpNetwork> {
    text.parse().ok().filter(|_| !text.contains('+'))
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn networks_hold_what_they_should() {
        let list: Networks = [
            "10.0.0.0/8",
            "10.1.0.0/16",
            "192.0.2.1",
            "2001:db8::/32",
            "192.0.2.77/31",
        ]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
        for (address, inside) in [
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("192.0.2.76", true),
            ("192.0.2.78", false),
            ("2001:db8::5", true),
            ("2001:db9::5", false),
            ("::ffff:10.0.0.1", true),
        ] {
            assert_eq!(list.contains(address.parse().unwrap()), inside, "{address}");
        }
        assert!(!Networks::default().contains("::".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn the_set_agrees_with_its_members(members in prop::collection::vec((any::<u32>(), 0_u8..=32), 0..12), address: u32) {
            let members: Vec<IpNetwork> = members
                .into_iter()
                .map(|(bits, prefix)| IpNetwork::new(std::net::Ipv4Addr::from_bits(bits).into(), prefix).unwrap())
                .collect();
            let address = IpAddr::from(std::net::Ipv4Addr::from_bits(address));
            let set: Networks = members.iter().copied().collect();
            prop_assert_eq!(set.contains(address), members.iter().any(|network| network.contains(address)));
        }
    }
}
