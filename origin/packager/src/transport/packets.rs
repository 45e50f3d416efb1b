//! Transport packets (ISO/IEC 13818-1, 2.4.3.2), of 188 bytes or with a time stamp of four bytes before each (192).

use super::pes;

/// Bytes of a packet.
const PACKET: usize = 188;
/// The byte that each packet starts with.
const SYNC: u8 = 0x47;

/// Length of the packets of a file that starts with `data`, when it is a transport stream.
pub(crate) fn packet_len(data: &[u8]) -> Option<u8> {
    [(188_u8, 0_usize), (192, 4)]
        .into_iter()
        .find_map(|(len, skip)| {
            let starts = (0..5).map(|number| data.get(skip + number * usize::from(len)));
            let found: Vec<_> = starts.flatten().collect();
            // A file of a single packet is no film.
            (found.len() >= 2 && found.iter().all(|byte| **byte == SYNC)).then_some(len)
        })
}

/// One packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) pid: u16,
    /// A section or a packetized unit starts in it.
    pub(super) starts: bool,
    pub(super) scrambled: bool,
    pub(super) counter: u8,
    pub(super) payload: &'a [u8],
}

impl<'a> Packet<'a> {
    fn parse(data: &'a [u8]) -> Option<Self> {
        let &[sync, high, low, flags, ..] = data else {
            return None;
        };
        if sync != SYNC {
            return None;
        }
        let skip = match flags >> 4 & 3 {
            1 => 4,
            3 => 5 + usize::from(*data.get(4)?),
            // No payload, or damaged.
            _ => data.len(),
        };
        Some(Self {
            pid: u16::from(high & 0x1f) << 8 | u16::from(low),
            starts: high & 0x40 != 0,
            // What the receiver marked as damaged is not taken.
            scrambled: flags & 0xc0 != 0,
            counter: flags & 15,
            payload: if high & 0x80 != 0 {
                &[]
            } else {
                data.get(skip..).unwrap_or_default()
            },
        })
    }
}

/// Walks over the packets in `data`, which starts with one; calls `visit` with each and where it starts. Returns how much was used.
/// Where no packet starts, the next one is looked for.
pub(super) fn walk<'a>(
    data: &'a [u8],
    len: usize,
    mut visit: impl FnMut(usize, Packet<'a>),
) -> usize {
    let skip = len - PACKET;
    let mut at = 0;
    while let Some(packet) = data.get(at + skip..at + len) {
        match Packet::parse(packet) {
            Some(packet) => {
                visit(at, packet);
                at += len;
            }
            None => at += 1,
        }
    }
    at
}

/// Puts the packets of one stream together to its elementary stream.
#[derive(Clone, Debug)]
pub(crate) struct Depacketizer {
    len: usize,
    pid: u16,
    /// Bytes of the header of a packetized unit that goes on in the next packet.
    header: Vec<u8>,
    in_header: bool,
}

impl Depacketizer {
    pub(crate) const fn new(len: usize, pid: u16) -> Self {
        Self {
            len,
            pid,
            header: Vec::new(),
            in_header: false,
        }
    }

    /// Calls `visit` with the bytes of the stream in `data`.
    pub(crate) fn read(&mut self, data: &[u8], mut visit: impl FnMut(&[u8])) {
        let pid = self.pid;
        walk(data, self.len, |_, packet| {
            if packet.pid == pid {
                self.packet(&packet, |_| {}, &mut visit);
            }
        });
    }

    /// Takes a packet of the stream: `start` is called with the header of a unit, `visit` with bytes of the elementary stream.
    pub(super) fn packet(
        &mut self,
        packet: &Packet<'_>,
        mut start: impl FnMut(pes::Header),
        mut visit: impl FnMut(&[u8]),
    ) {
        if packet.starts {
            self.header.clear();
            self.in_header = true;
        }
        if !self.in_header {
            visit(packet.payload);
            return;
        }
        self.header.extend_from_slice(packet.payload);
        match pes::Header::parse(&self.header) {
            pes::Parsed::Header(header, len) => {
                self.in_header = false;
                start(header);
                visit(&self.header[len..]);
            }
            pes::Parsed::Short => {}
            pes::Parsed::Broken => self.in_header = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_found_again() {
        let mut data = vec![0; 7];
        for counter in 0..3 {
            data.extend_from_slice(&[0x47, 0x41, 0x00, 0x10 | counter]);
            data.resize(data.len() + 184, counter);
        }
        let mut found = Vec::new();
        let used = walk(&data, 188, |at, packet| {
            found.push((at, packet.pid, packet.counter))
        });
        assert_eq!(found, [(7, 0x100, 0), (195, 0x100, 1), (383, 0x100, 2)]);
        assert_eq!(used, data.len());
        assert_eq!(packet_len(&data[7..]), Some(188));
        assert_eq!(packet_len(b"Gather ye rosebuds"), None);
    }
}
