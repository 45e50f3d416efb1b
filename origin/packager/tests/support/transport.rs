//! Reads transport streams (ISO/IEC 13818-1) strictly, with nothing of the packager's own code.

/// One packetized unit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unit {
    pub(crate) presentation: u64,
    pub(crate) decode: u64,
    pub(crate) random_access: bool,
    pub(crate) data: Vec<u8>,
}

/// A stream, read packet by packet.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// Last continuity counter by packet identifier.
    counters: std::collections::BTreeMap<u16, u8>,
    pub(crate) stream_type: u8,
    pub(crate) descriptors: Vec<u8>,
    /// Clock references with the number of units begun before them.
    pub(crate) clocks: Vec<u64>,
    pub(crate) units: Vec<Unit>,
}

fn crc(data: &[u8]) -> u32 {
    let mut value = u32::MAX;
    for byte in data {
        for bit in (0..8).rev() {
            let top = value >> 31 ^ u32::from(byte >> bit & 1);
            value = (value << 1) ^ (top * 0x04c1_1db7);
        }
    }
    value
}

fn stamp(bytes: &[u8], prefix: u8) -> u64 {
    assert_eq!(bytes[0] >> 4, prefix, "prefix of a time stamp");
    assert!(bytes[0] & bytes[2] & bytes[4] & 1 == 1, "marker bits");
    let part = |index: usize| u64::from(bytes[index]);
    (part(0) >> 1 & 7) << 30 | part(1) << 22 | (part(2) >> 1) << 15 | part(3) << 7 | part(4) >> 1
}

impl Reader {
    /// Reads one segment, which begins with the program tables.
    pub(crate) fn read(&mut self, segment: &[u8]) {
        assert_eq!(segment.len() % 188, 0, "whole packets");
        assert_eq!(
            segment[1..3],
            [0x40, 0],
            "the association table comes first"
        );
        assert_eq!(segment[188 + 1..188 + 3], [0x50, 0], "then the map table");
        for packet in segment.chunks(188) {
            self.packet(packet);
        }
    }

    fn packet(&mut self, packet: &[u8]) {
        assert_eq!(packet[0], 0x47);
        assert_eq!(packet[1] & 0x80, 0, "no transport error");
        assert_eq!(packet[3] & 0xc0, 0, "not scrambled");
        let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
        let starts = packet[1] & 0x40 != 0;
        let (has_field, has_payload) = (packet[3] & 0x20 != 0, packet[3] & 0x10 != 0);
        let counter = packet[3] & 15;
        if let Some(last) = self.counters.insert(pid, counter) {
            let wanted = if has_payload { (last + 1) & 15 } else { last };
            assert_eq!(counter, wanted, "continuity counter of {pid:#x}");
        }
        let mut at = 4;
        let mut random_access = false;
        if has_field {
            let len = usize::from(packet[4]);
            assert!(if has_payload { len <= 182 } else { len == 183 });
            let field = &packet[5..5 + len];
            if len > 0 {
                random_access = field[0] & 0x40 != 0;
                assert_eq!(field[0] & 0xaf, 0, "no flags but random access and clock");
                let mut used = 1;
                if field[0] & 0x10 != 0 {
                    let bytes = field[1..7]
                        .iter()
                        .fold(0, |value, b| value << 8 | u64::from(*b));
                    assert_eq!(
                        bytes & 0x7fff,
                        0x7e00,
                        "reserved bits are ones, the extension is 0"
                    );
                    self.clocks.push(bytes >> 15);
                    used = 7;
                }
                assert!(field[used..].iter().all(|byte| *byte == 0xff), "stuffing");
            }
            at = 5 + len;
        }
        let payload = &packet[at..];
        assert_eq!(has_payload, !payload.is_empty());
        match pid {
            0 => {
                let section = self.section(payload);
                assert_eq!(section, [0, 1, 0xf0, 0], "program 1 has its map at 0x1000");
            }
            0x1000 => {
                let section = self.section(payload);
                assert_eq!(
                    section[..4],
                    [0xe1, 0, 0xf0, 0],
                    "the clock is in the stream"
                );
                self.stream_type = section[4];
                assert_eq!(section[5..7], [0xe1, 0]);
                let len = usize::from(section[8]);
                self.descriptors = section[9..9 + len].to_vec();
                assert_eq!(section.len(), 9 + len);
            }
            0x100 if starts => self.begin(payload, random_access),
            0x100 if has_payload => {
                assert!(!random_access);
                self.units
                    .last_mut()
                    .unwrap()
                    .data
                    .extend_from_slice(payload);
            }
            0x100 => {}
            other => panic!("packet identifier {other:#x}"),
        }
    }

    fn section<'a>(&self, payload: &'a [u8]) -> &'a [u8] {
        assert_eq!(payload[0], 0, "pointer field");
        let len = usize::from(payload[2] & 0x0f) << 8 | usize::from(payload[3]);
        let section = &payload[1..4 + len];
        assert_eq!(crc(section), 0, "checksum");
        assert!(payload[4 + len..].iter().all(|byte| *byte == 0xff));
        &section[8..section.len() - 4]
    }

    fn begin(&mut self, payload: &[u8], random_access: bool) {
        if let Some(last) = self.units.last() {
            Self::check_length(last);
        }
        assert_eq!(payload[..3], [0, 0, 1]);
        assert_eq!(payload[6], 0x84);
        let header = usize::from(payload[8]);
        let (presentation, decode) = match payload[7] {
            0x80 => {
                assert_eq!(header, 5);
                let time = stamp(&payload[9..], 2);
                (time, time)
            }
            0xc0 => {
                assert_eq!(header, 10);
                (stamp(&payload[9..], 3), stamp(&payload[14..], 1))
            }
            other => panic!("flags {other:#x}"),
        };
        self.units.push(Unit {
            presentation,
            decode,
            random_access,
            data: payload.to_vec(),
        });
    }

    /// The length field, where it is set, states what is there.
    fn check_length(unit: &Unit) {
        let stated = usize::from(unit.data[4]) << 8 | usize::from(unit.data[5]);
        let is_video = unit.data[3] == 0xe0;
        assert!(stated == unit.data.len() - 6 || (is_video && stated == 0));
    }

    /// All units, without their headers.
    pub(crate) fn finish(mut self) -> Self {
        for unit in &mut self.units {
            Self::check_length(unit);
            unit.data.drain(..9 + usize::from(unit.data[8]));
        }
        self
    }
}
