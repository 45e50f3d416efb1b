//! CEA-708 (ANSI/CTA-708-E, 5 and 6): which services its packets hold.

use super::Channel;

/// Puts packets together and notes the services in them.
#[derive(Clone, Debug, Default)]
pub(super) struct Services {
    packet: Vec<u8>,
    /// One bit for each service.
    heard: u64,
}

/// Most bytes of a packet.
const PACKET: usize = 128;

impl Services {
    /// Takes two bytes; `starts` says that a packet begins with them.
    pub(super) fn take(&mut self, starts: bool, bytes: [u8; 2]) {
        if starts {
            self.end();
        } else if self.packet.is_empty() {
            // The packet began before what is looked at.
            return;
        }
        if self.packet.len() < PACKET {
            self.packet.extend(bytes);
        }
    }

    /// Reads the packet at hand.
    pub(super) fn end(&mut self) {
        let packet = std::mem::take(&mut self.packet);
        let Some((head, rest)) = packet.split_first() else {
            return;
        };
        let len = match head & 63 {
            0 => 127,
            code => usize::from(code) * 2 - 1,
        };
        let mut rest = &rest[..rest.len().min(len)];
        while let Some((&head, after)) = rest.split_first() {
            let size = usize::from(head & 31);
            rest = after;
            let service = match head >> 5 {
                7 if size > 0 => {
                    let Some((&extended, after)) = rest.split_first() else {
                        return;
                    };
                    rest = after;
                    extended & 63
                }
                service => service,
            };
            // A packet that was cut off says nothing about what its last block holds.
            if service == 0 || rest.len() < size {
                return;
            }
            if size > 0 {
                self.heard |= 1 << service;
            }
            rest = &rest[size..];
        }
    }

    /// The services heard.
    pub(super) fn channels(&self) -> impl Iterator<Item = Channel> + '_ {
        (1..64)
            .filter(|service| self.heard >> service & 1 == 1)
            .map(Channel::Service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(packets: &[&[u8]]) -> Vec<Channel> {
        let mut services = Services::default();
        for packet in packets {
            for (number, pair) in packet.chunks(2).enumerate() {
                services.take(number == 0, [pair[0], pair.get(1).copied().unwrap_or(0)]);
            }
        }
        services.end();
        services.channels().collect()
    }

    #[test]
    fn services_of_packets() {
        // Sequence 1, three pairs: service 1 with two bytes, service 2 with one.
        let packet = [0x40 | 3, 1 << 5 | 2, b'a', b'b', 2 << 5 | 1, b'c'];
        assert_eq!(
            heard(&[&packet]),
            [Channel::Service(1), Channel::Service(2)]
        );
        // An extended service, and an empty block of service 3.
        let packet = [3, 7 << 5 | 1, 9, b'a', 3 << 5, 0];
        assert_eq!(heard(&[&packet]), [Channel::Service(9)]);
        assert!(heard(&[&[1, 0]]).is_empty(), "nothing in it");
        assert!(heard(&[&[2, 1 << 5 | 9, 1, 2]]).is_empty(), "cut off");
    }

    #[test]
    fn what_comes_before_the_first_packet_is_passed_over() {
        let mut services = Services::default();
        services.take(false, [1 << 5 | 1, b'a']);
        services.end();
        assert_eq!(services.channels().count(), 0);
    }
}
