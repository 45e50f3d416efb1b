//! Opus (Encapsulation of Opus in ISO BMFF, 4.3.2).

/// What a `dOps` box says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpusConfig {
    pub(crate) channels: u32,
}

impl OpusConfig {
    /// Reads the content of a `dOps` box; `None` when it is broken.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let (&[version, channels, ..], _) = data.split_first_chunk::<11>()?;
        (version == 0 && channels > 0).then(|| Self {
            channels: u32::from(channels),
        })
    }
}

/// Samples at 48 kHz of a packet, by its first two bytes (RFC 6716, 3.1); `None` when they break the rules.
pub(crate) fn packet_samples(packet: &[u8]) -> Option<u32> {
    let toc = *packet.first()?;
    let frame = match toc >> 3 {
        config @ 0..=11 => [480, 960, 1920, 2880][usize::from(config & 3)],
        config @ 12..=15 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 63),
    };
    Some(frame * count).filter(|samples| (1..=5760).contains(samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_say_how_long_they_last() {
        // CELT, 20 ms, one frame; SILK, 60 ms, one frame; CELT, 2.5 ms, three frames.
        assert_eq!(packet_samples(&[0xfc]), Some(960));
        assert_eq!(packet_samples(&[0x18]), Some(2880));
        assert_eq!(packet_samples(&[0xe3, 3]), Some(360));
        assert_eq!(packet_samples(&[0xe3, 0]), None);
        assert_eq!(packet_samples(&[]), None);
    }
}
