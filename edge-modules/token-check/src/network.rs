//! Client addresses and the networks that a token or a rule names.

use std::net::IpAddr;
use std::str::FromStr;

/// An address block in CIDR form (RFC 4632, RFC 4291 section 2.3). A single address is a block of its full length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    base: IpAddr,
    length: u8,
}

/// Not an address or a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an IP address or CIDR block")]
pub struct NotANetwork;

impl Network {
    /// A block; bits of `base` beyond `length` are ignored.
    ///
    /// # Errors
    /// A length above 32 (IPv4) or 128 (IPv6).
    pub fn new(base: IpAddr, length: u8) -> Result<Self, NotANetwork> {
        if length > width(base) {
            Err(NotANetwork)
        } else {
            Ok(Self { base, length })
        }
    }

    /// The address that the block begins with, as it was written.
    pub fn base(&self) -> IpAddr {
        self.base
    }

    /// How many bits of the base count.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// True when the address lies in the block. An IPv4 address inside IPv6 (`::ffff:a.b.c.d`) counts as IPv4, on both sides.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (base, length) = match (self.base, self.base.to_canonical()) {
            (IpAddr::V6(_), IpAddr::V4(inner)) if self.length >= 96 => {
                (IpAddr::V4(inner), self.length - 96)
            }
            (base, _) => (base, self.length),
        };
        match (base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(length);
                u64::from(base.to_bits()) >> shift == u64::from(address.to_bits()) >> shift
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let difference = base.to_bits() ^ address.to_bits();
                difference.checked_shr(128 - u32::from(length)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (base, length) = match text.split_once('/') {
            Some((base, length)) => {
                let digits = !length.is_empty()
                    && length.len() <= 3
                    && length.bytes().all(|b| b.is_ascii_digit());
                (
                    base,
                    Some(length.parse().ok().filter(|_| digits).ok_or(NotANetwork)?),
                )
            }
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_| NotANetwork)?;
        Self::new(base, length.unwrap_or_else(|| width(base)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_contain_what_they_should() {
        for (network, address, expected) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("2001:db8::1", "2001:db8::1", true),
            ("192.0.2.0/24", "::ffff:192.0.2.9", true),
            ("::ffff:192.0.2.0/120", "192.0.2.9", true),
            ("::ffff:192.0.2.0/120", "192.0.3.9", false),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(
                network.contains(address.parse().unwrap()),
                expected,
                "{network:?} {address}"
            );
        }
    }

    #[test]
    fn refuses_what_is_no_block() {
        for text in [
            "",
            "1.2.3",
            "1.2.3.4/33",
            "::1/129",
            "1.2.3.4/",
            "1.2.3.4/+8",
            "1.2.3.4/08x",
            "a",
            "01.2.3.4",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text}");
        }
    }
}
