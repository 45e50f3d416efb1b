//! MPEG-4 audio: elementary stream descriptors (ISO/IEC 14496-1, 7.2.6) and `AudioSpecificConfig` (ISO/IEC 14496-3, 1.6.2.1).

use super::BitReader;
use crate::isobmff::BoxWriter;

/// What an `esds` box says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ElementaryStream {
    /// Object type indication: 0x40 for MPEG-4 audio, 0x66 to 0x68 for MPEG-2 AAC, 0x69 and 0x6b for MP3.
    pub(crate) object_type: u8,
    /// Decoder specific information; an `AudioSpecificConfig` for AAC.
    pub(crate) specific: Vec<u8>,
}

impl ElementaryStream {
    /// Reads the content of an `esds` box after its version and flags; `None` when it is broken.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let mut rest = descriptor(data, 3)?;
        let (&[_, _, flags], after) = rest.split_first_chunk::<3>()?;
        rest = after;
        if flags & 0x80 != 0 {
            rest = rest.get(2..)?;
        }
        if flags & 0x40 != 0 {
            let length = usize::from(*rest.first()?);
            rest = rest.get(1 + length..)?;
        }
        if flags & 0x20 != 0 {
            rest = rest.get(2..)?;
        }
        let config = descriptor(rest, 4)?;
        let object_type = *config.first()?;
        let specific = config
            .get(13..)
            .and_then(|rest| descriptor(rest, 5))
            .unwrap_or_default()
            .to_vec();
        Some(Self {
            object_type,
            specific,
        })
    }

    /// Writes an `esds` box that says the same.
    pub(crate) fn write(&self, w: &mut BoxWriter) {
        let specific = u8::try_from(self.specific.len().min(90)).unwrap_or(90);
        let has_specific = specific > 0;
        let config = 13 + if has_specific { 2 + specific } else { 0 };
        w.nest_full(b"esds", 0, 0, |w| {
            w.bytes(&[3, 3 + 2 + config + 3, 0, 0, 0]);
            // Stream type 5 (audio), upstream 0, reserved 1; buffer size and bit rates left open.
            w.bytes(&[4, config, self.object_type, 0x15]);
            w.zeros(11);
            if has_specific {
                w.bytes(&[5, specific]);
                w.bytes(&self.specific[..usize::from(specific)]);
            }
            w.bytes(&[6, 1, 2]);
        });
    }
}

/// The content of the descriptor with tag `tag` at the start of `data`.
fn descriptor(data: &[u8], tag: u8) -> Option<&[u8]> {
    let (&found, mut rest) = data.split_first()?;
    if found != tag {
        return None;
    }
    let mut length = 0_usize;
    for _ in 0..4 {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        length = length << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    // Some writers count wrongly here; what is there is taken.
    rest.get(..length.min(rest.len()))
}

/// What an `AudioSpecificConfig` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AudioConfig {
    /// Audio object type of the coded signal: 2 is AAC-LC, 5 SBR (HE-AAC), 29 parametric stereo (HE-AAC v2).
    pub(crate) object_type: u32,
    /// Audio object type of the core coder.
    pub(crate) core_type: u32,
    /// Samples of sound per second after decoding.
    pub(crate) sample_rate: u32,
    /// Samples per second of the core coder.
    pub(crate) core_rate: u32,
    /// Channels after decoding; 0 when the stream itself says.
    pub(crate) channels: u32,
    /// `channelConfiguration` of the core.
    pub(crate) channel_configuration: u32,
}

const RATES: [u32; 13] = [
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
];

impl AudioConfig {
    /// `sampling_frequency_index` of the core coder; `None` when its rate is not in the table.
    pub(crate) fn core_rate_index(&self) -> Option<u32> {
        let index = RATES.iter().position(|rate| *rate == self.core_rate)?;
        u32::try_from(index).ok()
    }

    /// Reads a configuration; `None` when it is broken.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let mut r = BitReader::new(data);
        let mut object_type = read_object_type(&mut r)?;
        let core_rate = read_rate(&mut r)?;
        let channel_configuration = r.bits(4)?;
        let mut sample_rate = core_rate;
        let mut core_type = object_type;
        if object_type == 5 || object_type == 29 {
            sample_rate = read_rate(&mut r)?;
            core_type = read_object_type(&mut r)?;
        }
        let mut channels = match channel_configuration {
            1..=6 => channel_configuration,
            7 | 12 | 14 => 8,
            11 => 7,
            13 => 24,
            _ => 0,
        };
        if [1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23].contains(&core_type) {
            let found = read_general_audio(&mut r, core_type, channel_configuration);
            if channel_configuration == 0 {
                channels = found.unwrap_or(0);
            }
            if object_type == core_type
                && let Some((extension, rate)) = find_extension(r)
            {
                object_type = extension;
                sample_rate = rate;
            }
        }
        if object_type == 29 {
            channels = 2;
        }
        Some(Self {
            object_type,
            core_type,
            sample_rate,
            core_rate,
            channels,
            channel_configuration,
        })
    }
}

fn read_object_type(r: &mut BitReader<'_>) -> Option<u32> {
    match r.bits(5)? {
        31 => Some(32 + r.bits(6)?),
        value => Some(value),
    }
}

fn read_rate(r: &mut BitReader<'_>) -> Option<u32> {
    match r.bits(4)? {
        15 => r.bits(24),
        index => RATES.get(index as usize).copied(),
    }
}

/// Walks over a `GASpecificConfig`. Returns the number of channels of its program config element, if it has one.
fn read_general_audio(r: &mut BitReader<'_>, core_type: u32, configuration: u32) -> Option<u32> {
    r.flag()?;
    if r.flag()? {
        r.skip(14)?;
    }
    let extension = r.flag()?;
    let mut channels = None;
    if configuration == 0 {
        channels = Some(read_program_config(r)?);
    }
    if core_type == 6 || core_type == 20 {
        r.skip(3)?;
    }
    if extension {
        if core_type == 22 {
            r.skip(16)?;
        }
        if [17, 19, 20, 23].contains(&core_type) {
            r.skip(3)?;
        }
        r.skip(1)?;
    }
    channels
}

/// Counts the channels of a program config element (ISO/IEC 14496-3, 4.4.1.1).
fn read_program_config(r: &mut BitReader<'_>) -> Option<u32> {
    r.skip(10)?;
    let counts = [r.bits(4)?, r.bits(4)?, r.bits(4)?];
    let low_frequency = r.bits(2)?;
    let (associated, coupling) = (r.bits(3)? as usize, r.bits(4)? as usize);
    for bits in [4, 4, 3] {
        if r.flag()? {
            r.skip(bits)?;
        }
    }
    let mut channels = low_frequency;
    for _ in 0..counts.iter().sum::<u32>() {
        channels += if r.flag()? { 2 } else { 1 };
        r.skip(4)?;
    }
    r.skip(low_frequency as usize * 4 + associated * 4 + coupling * 5)?;
    r.align();
    let comment = r.bits(8)? as usize;
    r.skip(comment * 8)?;
    Some(channels)
}

/// Looks for the backward compatible extension (ISO/IEC 14496-3, 1.6.6.1): explicit SBR, and perhaps parametric stereo.
fn find_extension(mut r: BitReader<'_>) -> Option<(u32, u32)> {
    if r.remaining() < 16 || r.bits(11)? != 0x2b7 {
        return None;
    }
    if read_object_type(&mut r)? != 5 || !r.flag()? {
        return None;
    }
    let rate = read_rate(&mut r)?;
    let stereo = r.remaining() >= 12 && r.bits(11) == Some(0x548) && r.flag() == Some(true);
    Some((if stereo { 29 } else { 5 }, rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_and_explicit_configurations() {
        let lc = AudioConfig::parse(&[0x12, 0x10]).unwrap();
        assert_eq!((lc.object_type, lc.sample_rate, lc.channels), (2, 44100, 2));
        // HE-AAC v2, hierarchical signalling: object type 29, 24 kHz mono core, 48 kHz.
        let he = AudioConfig::parse(&[0xeb, 0x09, 0x88, 0x00]).unwrap();
        assert_eq!(
            (
                he.object_type,
                he.core_type,
                he.sample_rate,
                he.core_rate,
                he.channels
            ),
            (29, 2, 48000, 24000, 2)
        );
        // AAC-LC with the backward compatible extension for SBR.
        let compatible = AudioConfig::parse(&[0x13, 0x10, 0x56, 0xe5, 0x98]).unwrap();
        assert_eq!(
            (
                compatible.object_type,
                compatible.core_rate,
                compatible.sample_rate
            ),
            (5, 24000, 48000)
        );
        // The same extension announced as absent.
        assert_eq!(
            AudioConfig::parse(&[0x12, 0x10, 0x56, 0xe5, 0x00])
                .unwrap()
                .object_type,
            2
        );
    }

    #[test]
    fn descriptors_survive_a_round_trip() {
        let stream = ElementaryStream {
            object_type: 0x40,
            specific: vec![0x12, 0x10, 0x56, 0xe5, 0x00],
        };
        let mut w = BoxWriter::default();
        stream.write(&mut w);
        let written = w.finish();
        assert_eq!(ElementaryStream::parse(&written[12..]), Some(stream));
    }
}
