//! Transport packets (ISO/IEC 13818-1, 2.4.3).

use super::PACKET;

/// Bytes of a packet after its header.
const BODY: usize = PACKET - 4;
/// Bytes of an adaptation field with a clock reference.
const CLOCK_FIELD: usize = 8;

/// Number of packets for `len` bytes, the first of them with a clock reference when `has_clock`.
pub(super) const fn packets_for(len: usize, has_clock: bool) -> usize {
    let field = if has_clock { CLOCK_FIELD } else { 0 };
    let count = (len + field).div_ceil(BODY);
    if count == 0 { 1 } else { count }
}

/// What stands in the adaptation field of the first packet of an access unit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Start {
    /// Clock reference in ticks of 90 kHz.
    pub(super) clock: Option<i64>,
    /// Decoding can start here.
    pub(super) random_access: bool,
}

/// Writes packets one after the other.
#[derive(Debug)]
pub(super) struct PacketWriter {
    out: Vec<u8>,
}

impl PacketWriter {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            out: Vec::with_capacity(capacity),
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.out.len()
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }

    fn header(&mut self, pid: u16, starts_unit: bool, control: u8, counter: u64) {
        let [high, low] = (pid & 0x1fff).to_be_bytes();
        let counter = u8::try_from(counter & 15).unwrap_or(0);
        self.out.extend_from_slice(&[
            0x47,
            u8::from(starts_unit) << 6 | high,
            low,
            control << 4 | counter,
        ]);
    }

    /// Writes a section of a table into one packet of its own.
    pub(super) fn section(&mut self, pid: u16, counter: u64, section: &[u8]) {
        let end = self.out.len() + PACKET;
        self.header(pid, true, 1, counter);
        // The pointer field: the section starts at once.
        self.out.push(0);
        self.out.extend_from_slice(section);
        self.out.resize(end, 0xff);
    }

    /// Writes a packet without payload that holds a clock reference. `counter` is that of the packet before: it does not count.
    pub(super) fn clock(&mut self, pid: u16, counter: u64, clock: i64) {
        let end = self.out.len() + PACKET;
        self.header(pid, false, 2, counter);
        self.out.extend_from_slice(&[183, 0x10]);
        self.write_clock(clock);
        self.out.resize(end, 0xff);
    }

    /// Writes a packet that says nothing (2.4.3.3).
    pub(super) fn null(&mut self) {
        let end = self.out.len() + PACKET;
        self.header(0x1fff, false, 1, 0);
        self.out.resize(end, 0xff);
    }

    /// Writes `data` into `count` packets, the first with number `counter`. False when they cannot hold it.
    pub(super) fn unit(
        &mut self,
        pid: u16,
        counter: u64,
        count: usize,
        start: Start,
        mut data: &[u8],
    ) -> bool {
        let has_field = start.clock.is_some() || start.random_access;
        for number in 0..count {
            let field = match (number == 0 && has_field, start.clock) {
                (true, Some(_)) => CLOCK_FIELD,
                (true, None) => 2,
                (false, _) => 0,
            };
            // Every packet that counts carries something, so the last ones keep a byte each.
            let later = count - number - 1;
            let Some(most) = data.len().checked_sub(later).filter(|most| *most > 0) else {
                return false;
            };
            let take = most.min(BODY - field);
            let (now, after) = data.split_at(take);
            data = after;
            let adaptation = BODY - take;
            let control = if adaptation > 0 { 3 } else { 1 };
            self.header(pid, number == 0, control, counter + number as u64);
            self.adaptation(adaptation, field, start);
            self.out.extend_from_slice(now);
        }
        data.is_empty()
    }

    /// Writes an adaptation field of `len` bytes in all, `used` of which have a meaning.
    fn adaptation(&mut self, len: usize, used: usize, start: Start) {
        let end = self.out.len() + len;
        if len == 0 {
            return;
        }
        self.out.push(u8::try_from(len - 1).unwrap_or(0));
        if len == 1 {
            return;
        }
        if used == 0 {
            self.out.push(0);
        } else {
            let clock = if start.clock.is_some() { 0x10 } else { 0 };
            self.out.push(u8::from(start.random_access) << 6 | clock);
            if let Some(clock) = start.clock {
                self.write_clock(clock);
            }
        }
        self.out.resize(end, 0xff);
    }

    /// `program_clock_reference`: base, six reserved bits, and an extension of 0.
    fn write_clock(&mut self, clock: i64) {
        let base = clock.rem_euclid(1 << 33).unsigned_abs();
        let field = base << 15 | 0x3f << 9;
        self.out.extend_from_slice(&field.to_be_bytes()[2..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the payload of packets back.
    fn payload(packets: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for packet in packets.chunks(PACKET) {
            assert_eq!((packet.len(), packet[0]), (PACKET, 0x47));
            let start = match packet[3] >> 4 & 3 {
                1 => 4,
                3 => 5 + usize::from(packet[4]),
                _ => continue,
            };
            out.extend_from_slice(&packet[start..]);
        }
        out
    }

    #[test]
    fn any_length_fills_its_packets_exactly() {
        for clock in [None, Some(5)] {
            for len in 20..800_usize {
                let data: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
                let fit = packets_for(len, clock.is_some());
                for spare in 0..3 {
                    let start = Start {
                        clock,
                        random_access: len % 2 == 0 && clock.is_some(),
                    };
                    let mut w = PacketWriter::with_capacity(0);
                    assert!(w.unit(0x101, 14, fit + spare, start, &data));
                    let out = w.finish();
                    assert_eq!(out.len(), (fit + spare) * PACKET);
                    assert_eq!(payload(&out), data);
                }
                let mut w = PacketWriter::with_capacity(0);
                assert!(
                    fit == 1
                        || !w.unit(
                            0x101,
                            0,
                            fit - 1,
                            Start {
                                clock,
                                random_access: false
                            },
                            &data
                        )
                );
            }
        }
    }

    #[test]
    fn the_clock_is_42_bits() {
        let mut w = PacketWriter::with_capacity(PACKET);
        w.clock(0x100, 3, (1 << 33) - 1);
        let out = w.finish();
        assert_eq!(
            out[..12],
            [
                0x47, 0x01, 0x00, 0x23, 183, 0x10, 0xff, 0xff, 0xff, 0xff, 0xfe, 0x00
            ]
        );
        assert_eq!(out.len(), PACKET);
    }
}
