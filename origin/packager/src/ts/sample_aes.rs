//! Encrypted access units (Apple, "MPEG-2 Stream Encryption Format for HTTP Live Streaming", 2.0): which bytes are encrypted, and
//! what the program map says of it.

use crate::codec::aac::AudioConfig;
use crate::isobmff::BoxWriter;
use crate::mp4::{Codec, SampleEntry};
use crate::protect::Guard;

/// Bytes at the start of a NAL unit that stay in the clear.
const NAL_LEADER: usize = 32;
/// NAL units of so many bytes and fewer stay in the clear.
const NAL_LEAST: usize = 48;
/// Bytes of the pattern: a block encrypted, nine in the clear.
const STRIDE: usize = 160;
/// Bytes of a block.
const BLOCK: usize = 16;
/// Bytes after the header of a frame of sound that stay in the clear.
const SOUND_LEADER: usize = 16;

/// Room that is kept in a picture for the emulation prevention bytes which encryption makes necessary: few as a rule, but nobody
/// knows before the picture is encrypted.
pub(super) const fn room(size: usize) -> usize {
    size / 64 + 64
}

/// `stream_type` and descriptors of an encrypted stream; `None` when its codec has no such form.
pub(super) fn describe(entry: &SampleEntry) -> Option<(u8, Vec<u8>)> {
    let (kind, indicator, setup) = match &entry.codec {
        Codec::Avc(_) => (0xdb, b"zavc", None),
        Codec::Aac(config) => {
            let name = match config.object_type {
                5 => b"zach",
                29 => b"zacp",
                _ => b"zaac",
            };
            (0xcf, b"aacd", Some((name, specific_config(config)?)))
        }
        Codec::Ac3 => (0xc1, b"ac3d", Some((b"zac3", ac3_header(entry)?))),
        Codec::Eac3 => (0xc2, b"ec3d", Some((b"zec3", config_box(entry)?.to_vec()))),
        _ => return None,
    };
    let mut descriptors = vec![0x0f, 4];
    descriptors.extend_from_slice(indicator);
    if let Some((name, setup)) = setup {
        // registration_descriptor with audio_setup_information: no priming, version 1.
        let len = u8::try_from(setup.len()).ok()?;
        descriptors.extend_from_slice(&[5, len.checked_add(12)?]);
        descriptors.extend_from_slice(b"apad");
        descriptors.extend_from_slice(name);
        descriptors.extend_from_slice(&[0, 0, 1, len]);
        descriptors.extend_from_slice(&setup);
    }
    Some((kind, descriptors))
}

/// The content of the decoder configuration box at the end of an audio entry.
fn config_box(entry: &SampleEntry) -> Option<&[u8]> {
    // Header, fields of an audio entry, and the header of the only box in it.
    entry.entry.get(8 + 28 + 8..)
}

/// An `AudioSpecificConfig` (ISO/IEC 14496-3, 1.6.2.1) for what ADTS can describe.
fn specific_config(config: &AudioConfig) -> Option<Vec<u8>> {
    let rate = config.core_rate_index()?;
    if config.object_type == config.core_type {
        let word = config.core_type << 11 | rate << 7 | config.channel_configuration << 3;
        return Some(u16::try_from(word).ok()?.to_be_bytes().to_vec());
    }
    let extension = AudioConfig {
        core_rate: config.sample_rate,
        ..*config
    };
    let word = config.object_type << 27
        | rate << 23
        | config.channel_configuration << 19
        | extension.core_rate_index()? << 15
        | config.core_type << 10;
    Some(word.to_be_bytes().to_vec())
}

/// The first ten bytes of a frame of AC-3 (ETSI TS 102 366, 4.3), as far as `dac3` tells: its checksum and mix levels are 0.
fn ac3_header(entry: &SampleEntry) -> Option<Vec<u8>> {
    let &[a, b, c, ..] = config_box(entry)? else {
        return None;
    };
    let word = u32::from_be_bytes([0, a, b, c]);
    let (rate, version, kind) = (word >> 22 & 3, word >> 17 & 31, word >> 14 & 7);
    let (channels, low, bit_rate) = (word >> 11 & 7, word >> 10 & 1, word >> 5 & 31);
    let mut skipped = 0;
    if channels & 1 == 1 && channels != 1 {
        skipped += 2;
    }
    if channels & 4 == 4 {
        skipped += 2;
    }
    if channels == 2 {
        skipped += 2;
    }
    let tail = (channels << 29) | (low << (28 - skipped));
    let mut w = BoxWriter::default();
    w.u32(0x0b77_0000);
    w.u8(u8::try_from(rate << 6 | bit_rate << 1).ok()?);
    w.u8(u8::try_from(version << 3 | kind).ok()?);
    w.u32(tail);
    Some(w.finish().to_vec())
}

/// Appends an encrypted NAL unit, with emulation prevention over all of it: what is encrypted is the unit as it stood in the clear,
/// with the prevention bytes that it had.
pub(super) fn append_nal(guard: Guard<'_>, nal: &[u8], out: &mut Vec<u8>) {
    let nal = without_zero_words(nal);
    if nal.len() <= NAL_LEAST {
        out.extend_from_slice(nal);
        return;
    }
    let mut sealed = nal.to_vec();
    let body = &mut sealed[NAL_LEADER..];
    // A last block with nothing after it stays in the clear.
    let end = body.len()
        - if body.len() % STRIDE == BLOCK {
            BLOCK
        } else {
            0
        };
    guard.chain(true, &mut body[..end]);
    escape(&sealed, out);
}

/// A slice without the `cabac_zero_words` after it (H.264, 7.4.2.10), which carry nothing and would each take another byte.
fn without_zero_words(mut nal: &[u8]) -> &[u8] {
    while let Some(rest) = nal.strip_suffix(&[0, 0, 3]) {
        nal = rest;
    }
    nal
}

/// Appends `nal` with emulation prevention bytes (H.264, 7.4.1).
fn escape(nal: &[u8], out: &mut Vec<u8>) {
    let mut zeros = 0;
    for &byte in nal {
        if zeros >= 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
}

/// Encrypts a frame of sound whose header takes `header` bytes.
pub(super) fn seal_frame(guard: Guard<'_>, header: usize, frame: &mut [u8]) {
    if let Some(body) = frame.get_mut(header + SOUND_LEADER..) {
        guard.chain(false, body);
    }
}

/// Encrypts every frame of an access unit of E-AC-3 (ETSI TS 102 366, E.1.2): the independent stream and those that depend on it.
pub(super) fn seal_eac3(guard: Guard<'_>, mut unit: &mut [u8]) {
    while let &mut [0x0b, 0x77, high, low, ..] = unit {
        let len = (usize::from(high & 7) << 8 | usize::from(low)) * 2 + 2;
        let (frame, rest) = unit.split_at_mut(len.min(unit.len()));
        seal_frame(guard, 0, frame);
        unit = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::unescape;

    #[test]
    fn what_is_escaped_twice_unescapes_once() {
        let nal = [0x41, 0, 0, 3, 1, 0, 0, 0, 9, 0, 0, 3];
        let mut out = Vec::new();
        escape(&nal, &mut out);
        assert_eq!(unescape(&out), nal);
        assert!(
            out.windows(3)
                .all(|three| three[..2] != [0, 0] || three[2] > 2)
        );
        assert_eq!(without_zero_words(&[1, 2, 0, 0, 3, 0, 0, 3]), [1, 2]);
    }

    #[test]
    fn configurations_that_adts_can_describe() {
        let plain = AudioConfig::parse(&[0x12, 0x10]).unwrap();
        assert_eq!(specific_config(&plain), Some(vec![0x12, 0x10]));
        let high = AudioConfig::parse(&[0xeb, 0x09, 0x88, 0x00]).unwrap();
        let again = AudioConfig::parse(&specific_config(&high).unwrap()).unwrap();
        assert_eq!(again, high);
    }
}
