//! What a transport stream carries: its type, its descriptors, and how samples become access units of it.

use crate::codec::aac::AudioConfig;
use crate::language;
use crate::mp4::{Codec, SampleEntry};
use crate::protect::Guard;
use crate::timeline::Timed;
use crate::track::Track;
use crate::{Error, Method};

use super::pes::Stamps;
use super::{sample_aes, tables, ticks};

/// Bytes that an access unit delimiter takes.
const DELIMITER: [u8; 6] = [0, 0, 0, 1, 9, 0xf0];
/// Bytes kept in a picture whose NAL units have lengths of less than four bytes, for start codes are longer.
const START_CODES: usize = 64;
/// Bytes of an ADTS header.
const ADTS: usize = 7;
/// Most bytes of an ADTS frame, header included: its length has 13 bits.
const ADTS_MOST: u32 = 0x1fff;

/// How samples of a track go into a transport stream.
#[derive(Clone, Debug)]
pub(crate) struct TsStream {
    pub(super) association: Vec<u8>,
    /// The program map of segments in the clear.
    map: Vec<u8>,
    /// The program map of encrypted segments, when there are any.
    sealed_map: Option<Vec<u8>>,
    pub(super) stream_id: u8,
    pub(super) is_video: bool,
    timescale: u32,
    trim: i64,
    /// For each sample entry.
    syntaxes: Vec<Syntax>,
}

#[derive(Clone, Debug)]
enum Syntax {
    /// NAL units with lengths of so many bytes, and the parameter sets in byte stream format.
    Avc { length_size: usize, sets: Vec<u8> },
    /// AAC in ADTS frames, by the fixed part of their header.
    Adts([u8; 4]),
    /// E-AC-3 as it stands in the sample, in one frame or several.
    Eac3,
    /// As it stands in the sample, which is one frame.
    Plain,
}

impl TsStream {
    /// The stream of a track.
    pub(crate) fn new(track: &Track, method: Option<Method>) -> Result<Self, Error> {
        let refuse = |advice| Error::UnsupportedCodec {
            input: track.info.input,
            track: track.info.id,
            kind: track.info.kind.as_str(),
            codec: track.info.codec.clone(),
            format: "MPEG-TS",
            advice,
        };
        if method == Some(Method::Cenc) {
            return Err(Error::InvalidOption {
                option: "encryption",
                reason: "MPEG-TS knows no `cenc`; use `cbcs` (SAMPLE-AES) or `aes-128`".to_owned(),
            });
        }
        let first = track
            .entries
            .first()
            .ok_or_else(|| refuse("the track has no sample entry"))?;
        let (stream_type, stream_id, registration) = match &first.codec {
            Codec::Avc(_) => (0x1b, 0xe0, None),
            Codec::Aac(_) => (0x0f, 0xc0, None),
            // MPEG-1 has the sampling rates from 32 kHz, MPEG-2 those below.
            Codec::Mp3 => {
                let rate = track
                    .info
                    .audio
                    .as_ref()
                    .map_or(0, |audio| audio.sample_rate);
                (if rate >= 32_000 { 0x03 } else { 0x04 }, 0xc0, None)
            }
            Codec::Ac3 => (0x81, 0xbd, Some(b"AC-3")),
            Codec::Eac3 => (0x87, 0xbd, Some(b"EAC3")),
            Codec::Hevc(_) => return Err(refuse("HLS has HEVC in CMAF only; use CMAF")),
            _ => return Err(refuse("use CMAF, or transcode to H.264 and AAC")),
        };
        let mut descriptors = Vec::new();
        if let Some(registration) = registration {
            descriptors.extend_from_slice(&[5, 4]);
            descriptors.extend_from_slice(registration);
        }
        let code = language::to_packed(track.info.language.as_deref());
        if track.info.audio.is_some() && track.info.language.is_some() {
            // ISO_639_language_descriptor: three letters, five bits each in the packed form; audio type undefined.
            descriptors.extend_from_slice(&[0x0a, 4]);
            for shift in [10, 5, 0] {
                descriptors.push(u8::try_from(code >> shift & 31).unwrap_or(0) + 0x60);
            }
            descriptors.push(0);
        }
        let syntaxes = track
            .entries
            .iter()
            .map(|entry| Syntax::new(entry, &first.codec).map_err(refuse))
            .collect::<Result<_, _>>()?;
        let sealed_map = if method == Some(Method::Cbcs) {
            let (kind, own) = sample_aes::describe(first)
                .ok_or_else(|| refuse("SAMPLE-AES has no form for it; use `aes-128`, or CMAF"))?;
            // The registration of the clear form would contradict that of the encrypted one.
            let skip = if registration.is_some() { 6 } else { 0 };
            Some(tables::map(
                kind,
                &[own.as_slice(), &descriptors[skip..]].concat(),
            ))
        } else {
            None
        };
        Ok(Self {
            association: tables::association(),
            map: tables::map(stream_type, &descriptors),
            sealed_map,
            stream_id,
            is_video: stream_id == 0xe0,
            timescale: track.timeline.timescale,
            trim: track.timeline.trim,
            syntaxes,
        })
    }

    /// Time stamps of an access unit. There is no edit list: what it would take off is taken off here.
    pub(super) fn stamps(&self, sample: &Timed) -> Stamps {
        let decode = sample.decode_time.saturating_sub(self.trim);
        Stamps {
            presentation: ticks(sample.presentation_time, self.timescale),
            decode: if self.is_video {
                ticks(decode, self.timescale)
            } else {
                ticks(sample.presentation_time, self.timescale)
            },
        }
    }

    /// Duration of a sample in ticks of 90 kHz, rounded down.
    pub(super) fn duration(&self, sample: &Timed) -> i64 {
        i64::from(sample.duration) * super::CLOCK / i64::from(self.timescale.max(1))
    }

    fn syntax(&self, sample: &Timed) -> Option<&Syntax> {
        self.syntaxes
            .get((sample.description as usize).checked_sub(1)?)
    }

    /// Most bytes that a sample takes in the stream.
    pub(super) fn most(&self, sample: &Timed) -> Result<usize, Error> {
        let size = sample.size as usize;
        Ok(match self.syntax(sample) {
            Some(Syntax::Avc { length_size, sets }) => {
                let sets = if sample.sync { sets.len() } else { 0 };
                let codes = if *length_size < 4 { START_CODES } else { 0 };
                let room = if self.sealed_map.is_some() {
                    sample_aes::room(size)
                } else {
                    0
                };
                size + DELIMITER.len() + sets + codes + room
            }
            Some(Syntax::Adts(_)) => {
                if size + ADTS > ADTS_MOST as usize {
                    return Err(Error::UnsupportedFeature {
                        input: 0,
                        feature: format!("an AAC frame of {} bytes in MPEG-TS", sample.size),
                        advice: "use CMAF, whose frames may be longer than 8184 bytes",
                    });
                }
                size + ADTS
            }
            Some(Syntax::Eac3 | Syntax::Plain) | None => size,
        })
    }

    /// The program map of segments that are encrypted, or not.
    pub(super) fn map(&self, sealed: bool) -> &[u8] {
        self.sealed_map
            .as_deref()
            .filter(|_| sealed)
            .unwrap_or(&self.map)
    }

    /// Appends a sample as the stream has it, encrypted when there is a guard.
    pub(super) fn convert(
        &self,
        sample: &Timed,
        data: &[u8],
        guard: Option<Guard<'_>>,
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        let header = match self.syntax(sample) {
            Some(Syntax::Avc { length_size, sets }) => {
                let sets = if sample.sync { sets.as_slice() } else { &[] };
                write_picture(data, *length_size, sets, guard, out);
                return;
            }
            Some(Syntax::Adts(fixed)) => {
                let len = u32::try_from(data.len() + ADTS).unwrap_or(0) & ADTS_MOST;
                let mut header = u64::from(u32::from_be_bytes(*fixed)) << 24;
                // Frame length, then the fullness of a variable rate, and one raw data block.
                header |= u64::from(len) << 13 | 0x7ff << 2;
                out.extend_from_slice(&header.to_be_bytes()[1..]);
                ADTS
            }
            Some(Syntax::Eac3 | Syntax::Plain) | None => 0,
        };
        out.extend_from_slice(data);
        if let Some(guard) = guard {
            match self.syntax(sample) {
                Some(Syntax::Eac3) => sample_aes::seal_eac3(guard, &mut out[start..]),
                _ => sample_aes::seal_frame(guard, header, &mut out[start..]),
            }
        }
    }
}

impl Syntax {
    /// The syntax of a sample entry, which has to be of the same kind as the first one.
    fn new(entry: &SampleEntry, first: &Codec) -> Result<Self, &'static str> {
        if std::mem::discriminant(&entry.codec) != std::mem::discriminant(first) {
            return Err("the codec changes within the track; use CMAF");
        }
        Ok(match &entry.codec {
            Codec::Avc(config) => {
                let mut sets = Vec::new();
                for nal in config.sps.iter().chain(&config.pps) {
                    sets.extend_from_slice(&[0, 0, 0, 1]);
                    sets.extend_from_slice(nal);
                }
                Self::Avc {
                    length_size: usize::from(config.length_size),
                    sets,
                }
            }
            Codec::Aac(config) => Self::Adts(adts(config)?),
            Codec::Eac3 => Self::Eac3,
            _ => Self::Plain,
        })
    }
}

/// The fixed part of an ADTS header (ISO/IEC 13818-7, 6.2.1), and what follows it up to the frame length.
fn adts(config: &AudioConfig) -> Result<[u8; 4], &'static str> {
    const ADVICE: &str = "ADTS cannot describe this kind of AAC; use CMAF";
    let profile = config
        .core_type
        .checked_sub(1)
        .filter(|profile| *profile < 4)
        .ok_or(ADVICE)?;
    let rate = config.core_rate_index().ok_or(ADVICE)?;
    let channels = Some(config.channel_configuration)
        .filter(|channels| (1..=7).contains(channels))
        .ok_or(ADVICE)?;
    // Syncword, MPEG-4, layer 0, no checksum; no private, copy or home bits.
    let word = 0xfff1_0000 | profile << 14 | rate << 10 | channels << 6;
    Ok(word.to_be_bytes())
}

/// Writes a picture in byte stream format (ISO/IEC 14496-10, annex B): delimiter, parameter sets, NAL units. Slices are encrypted
/// when there is a guard.
fn write_picture(
    data: &[u8],
    length_size: usize,
    sets: &[u8],
    guard: Option<Guard<'_>>,
    out: &mut Vec<u8>,
) {
    let mut units = Vec::new();
    let mut rest = data;
    while let Some((length, after)) = rest.split_at_checked(length_size) {
        let length = length
            .iter()
            .fold(0_usize, |value, byte| value << 8 | usize::from(*byte));
        let (nal, after) = after.split_at(length.min(after.len()));
        rest = after;
        if !nal.is_empty() {
            units.push(nal);
        }
    }
    let kind = |nal: &[u8]| nal.first().map_or(0, |header| header & 31);
    let mut units = units.as_slice();
    match units.split_first() {
        // The picture's own delimiter says more than ours.
        Some((first, others)) if kind(first) == 9 => {
            out.extend_from_slice(&[0, 0, 0, 1]);
            out.extend_from_slice(first);
            units = others;
        }
        _ => out.extend_from_slice(&DELIMITER),
    }
    let has_sets = units.iter().any(|nal| kind(nal) == 7);
    if !has_sets {
        out.extend_from_slice(sets);
    }
    for nal in units {
        if matches!(kind(nal), 7 | 8) {
            out.push(0);
        }
        out.extend_from_slice(&[0, 0, 1]);
        match guard {
            Some(guard) if matches!(kind(nal), 1 | 5) => sample_aes::append_nal(guard, nal, out),
            _ => out.extend_from_slice(nal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_get_delimiter_and_parameter_sets() {
        let sets = [0, 0, 0, 1, 0x67, 1];
        let mut out = Vec::new();
        write_picture(&[0, 0, 0, 2, 0x65, 7], 4, &sets, None, &mut out);
        assert_eq!(
            out,
            [0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x65, 7]
        );
        out.clear();
        // Its own delimiter and parameter set stay.
        write_picture(
            &[0, 2, 9, 0x10, 0, 2, 0x67, 5, 0, 1, 0x65],
            2,
            &sets,
            None,
            &mut out,
        );
        assert_eq!(
            out,
            [0, 0, 0, 1, 9, 0x10, 0, 0, 0, 1, 0x67, 5, 0, 0, 1, 0x65]
        );
    }

    #[test]
    fn adts_headers_are_those_of_the_standard() {
        // AAC-LC, 44.1 kHz, stereo.
        let config = AudioConfig::parse(&[0x12, 0x10]).unwrap();
        assert_eq!(adts(&config), Ok([0xff, 0xf1, 0x50, 0x80]));
    }
}
