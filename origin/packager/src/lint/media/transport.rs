//! MPEG-2 transport streams (RFC 8216bis 3.1.1; ISO/IEC 13818-1).

use std::collections::BTreeMap;

/// Length of a packet in bytes.
pub(super) const PACKET: usize = 188;

/// What a transport stream segment says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::lint) struct TransportFacts {
    /// Programs of the program association table.
    pub(in crate::lint) programs: usize,
    /// A program map table is there.
    pub(in crate::lint) has_map: bool,
    /// The first two packets are a program association table and a program map table.
    pub(in crate::lint) tables_first: bool,
    /// `stream_type` of every elementary stream, by packet identifier.
    pub(in crate::lint) streams: BTreeMap<u16, u8>,
    /// Continuity counters: first and last, by packet identifier.
    pub(in crate::lint) counters: BTreeMap<u16, (u8, u8)>,
    /// Packets whose continuity counter does not follow.
    pub(in crate::lint) breaks: usize,
    /// First presentation timestamp in ticks of 90 kHz, by packet identifier.
    pub(in crate::lint) first_times: BTreeMap<u16, u64>,
    /// Byte at which synchronisation is lost.
    pub(in crate::lint) lost_at: Option<u64>,
}

impl TransportFacts {
    /// Packet identifier of the first video stream.
    pub(in crate::lint) fn video(&self) -> Option<u16> {
        self.streams
            .iter()
            .find(|(_, kind)| is_video(**kind))
            .map(|(pid, _)| *pid)
    }

    /// Number of audio streams.
    pub(in crate::lint) fn audio_streams(&self) -> usize {
        self.streams
            .values()
            .filter(|kind| is_audio(**kind))
            .count()
    }
}

/// `stream_type` of pictures: H.264, HEVC, and their sample-encrypted forms.
const fn is_video(kind: u8) -> bool {
    matches!(kind, 0x01 | 0x02 | 0x10 | 0x1b | 0x24 | 0xdb | 0xe7)
}

/// `stream_type` of sound: MPEG audio, AAC, AC-3, E-AC-3, and their sample-encrypted forms.
const fn is_audio(kind: u8) -> bool {
    matches!(
        kind,
        0x03 | 0x04 | 0x0f | 0x11 | 0x81 | 0x87 | 0xc1 | 0xc2 | 0xcf
    )
}

/// Reads a segment as it comes in.
#[derive(Clone, Debug, Default)]
pub(super) struct TransportReader {
    found: TransportFacts,
    map_pid: Option<u16>,
    at: u64,
    packets: u64,
}

impl TransportReader {
    /// Reads whole packets; returns how many bytes were used.
    pub(super) fn read(&mut self, data: &[u8]) -> usize {
        let mut used = 0;
        for packet in data.chunks_exact(PACKET) {
            used += PACKET;
            self.packet(packet);
            self.at += PACKET as u64;
        }
        used
    }

    /// What was found, once the segment has ended with `rest` bytes that make no packet.
    pub(super) fn finish(mut self, rest: usize) -> TransportFacts {
        if rest > 0 && self.found.lost_at.is_none() {
            self.found.lost_at = Some(self.at);
        }
        self.found
    }

    fn packet(&mut self, packet: &[u8]) {
        let &[sync, high, low, flags, ..] = packet else {
            return;
        };
        if sync != 0x47 {
            self.found.lost_at.get_or_insert(self.at);
            return;
        }
        let number = self.packets;
        self.packets += 1;
        let pid = u16::from(high & 0x1f) << 8 | u16::from(low);
        let starts = high & 0x40 != 0;
        let counter = flags & 15;
        let (has_adaptation, has_payload) = (flags & 0x20 != 0, flags & 0x10 != 0);
        let adaptation = packet.get(5..).filter(|_| has_adaptation && packet[4] > 0);
        let discontinuity = adaptation
            .and_then(<[u8]>::first)
            .is_some_and(|bits| bits & 0x80 != 0);
        if has_payload && pid != 0x1fff {
            match self.found.counters.get_mut(&pid) {
                Some((_, last)) => {
                    // A packet may be sent twice with the same counter.
                    let follows = counter == (*last + 1) & 15 || counter == *last;
                    if !follows && !discontinuity {
                        self.found.breaks += 1;
                    }
                    *last = counter;
                }
                None => {
                    self.found.counters.insert(pid, (counter, counter));
                }
            }
        }
        let skip = if has_adaptation {
            5 + usize::from(packet[4])
        } else {
            4
        };
        let Some(payload) = packet.get(skip..).filter(|_| has_payload && starts) else {
            return;
        };
        if pid == 0 {
            self.tables(payload, number, true);
        } else if Some(pid) == self.map_pid {
            self.tables(payload, number, false);
        } else if self.found.streams.contains_key(&pid)
            && !self.found.first_times.contains_key(&pid)
            && let Some(time) = timestamp(payload)
        {
            self.found.first_times.insert(pid, time);
        }
    }

    fn tables(&mut self, payload: &[u8], number: u64, association: bool) {
        let pointer = usize::from(payload.first().copied().unwrap_or(0));
        let Some(section) = payload.get(1 + pointer..) else {
            return;
        };
        let (Some(high), Some(low)) = (section.get(1), section.get(2)) else {
            return;
        };
        let len = usize::from(high & 15) << 8 | usize::from(*low);
        // The section less its checksum, as far as this packet holds it.
        let end = (3 + len).saturating_sub(4).min(section.len());
        if association {
            // Tables that come again later change nothing.
            self.found.tables_first |= number == 0;
            let entries = section.get(8..end).unwrap_or_default();
            let programs: Vec<_> = entries
                .chunks_exact(4)
                .filter(|entry| entry[..2] != [0, 0])
                .map(|entry| u16::from(entry[2] & 0x1f) << 8 | u16::from(entry[3]))
                .collect();
            self.found.programs = self.found.programs.max(programs.len());
            self.map_pid = programs.first().copied();
            return;
        }
        self.found.tables_first &= self.found.has_map || number == 1;
        self.found.has_map = true;
        let information = section
            .get(10..12)
            .map_or(0, |b| usize::from(b[0] & 15) << 8 | usize::from(b[1]));
        let mut at = 12 + information;
        while let Some(&[kind, high, low, l1, l2]) = section
            .get(at..at + 5)
            .filter(|_| at + 5 <= end)
            .and_then(|entry| <&[u8; 5]>::try_from(entry).ok())
        {
            let pid = u16::from(high & 0x1f) << 8 | u16::from(low);
            self.found.streams.insert(pid, kind);
            at += 5 + (usize::from(l1 & 15) << 8 | usize::from(l2));
        }
    }
}

/// The presentation timestamp of a PES packet.
fn timestamp(payload: &[u8]) -> Option<u64> {
    let header = payload.get(..14)?;
    (header[..3] == [0, 0, 1] && header[7] & 0x80 != 0).then_some(())?;
    let part = |byte: u8| u64::from(byte >> 1);
    Some(
        (part(header[9]) & 7) << 30
            | u64::from(header[10]) << 22
            | part(header[11]) << 15
            | u64::from(header[12]) << 7
            | part(header[13]),
    )
}
