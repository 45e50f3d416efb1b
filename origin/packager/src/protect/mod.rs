//! Encryption of tracks: Common Encryption (ISO/IEC 23001-7) and whole segments (RFC 8216bis 4.4.4.4).

mod alignment;
mod auxiliary;
mod cipher;
mod descriptor;
mod nal_units;
mod sample_entry;
mod signalled;
mod subsamples;
mod systems;

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

pub(crate) use alignment::{free_box, free_box_len, null_packets_len};
pub(crate) use auxiliary::{Auxiliary, AuxiliaryShape};
pub(crate) use cipher::whole_len;
use cipher::{BLOCK, Cipher, PATTERN};
pub use descriptor::DescriptorContent;
pub use signalled::{KeyTag, PsshBox};
pub(crate) use subsamples::SampleReader;
pub(crate) use systems::{base64, headers, key_format};

use crate::isobmff::BoxWriter;
use crate::sidecar::Source;
use crate::timeline::Timed;
use crate::track::Track;
use crate::window::Window;
use crate::{ContentKey, Encryption, Error, KeyId, KeySystem, Method};

/// Subsamples for which room is kept in every sample when its slices have not been counted.
const DEFAULT_ROOM: usize = 8;
/// Subsamples for which room is kept in every fragment beyond those of its samples.
const SPARE: usize = 4;

/// How one track is encrypted.
#[derive(Clone, Debug)]
pub(crate) struct Protection {
    pub(crate) method: Method,
    pub(crate) systems: Vec<KeySystem>,
    keys: Vec<TrackKey>,
    /// Microseconds at the start that stay in the clear.
    clear_lead: i64,
    /// Microseconds after which the next key takes its turn; 0 for never.
    period: i64,
    /// What pictures are read with, for each sample entry; `None` where samples are encrypted whole.
    readers: Readers,
    /// Subsamples of a sample for which room is kept.
    room: usize,
}

/// A key of a track.
#[derive(Clone, Debug)]
struct TrackKey {
    content: ContentKey,
    cipher: Cipher,
    /// Constant initialization vector of `cbcs`; the first half starts the count of `cenc`.
    iv: [u8; BLOCK],
}

/// A number that differs from one presentation to another, and is the same whenever the same inputs are packaged: initialization
/// vectors follow from it, so that any origin makes the same segments and no two films share a key stream.
pub(crate) fn salt(sources: &[Source]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for source in sources {
        hash.update(source.input_len.to_be_bytes());
        for part in &source.boxes {
            hash.update(part.offset.to_be_bytes());
            hash.update((part.payload.len() as u64).to_be_bytes());
            hash.update(&part.payload);
        }
    }
    hash.finalize().into()
}

impl Protection {
    /// How `track`, whose files stand in the folder `name`, is encrypted; `None` when no key is for tracks of its kind.
    pub(crate) fn new(
        options: &Encryption,
        track: &Track,
        name: &str,
        salt: &[u8; 32],
    ) -> Result<Option<Self>, Error> {
        let keys: Vec<_> = options
            .keys
            .iter()
            .filter(|key| key.tracks.hold(track.info.kind))
            .map(|content| TrackKey {
                cipher: Cipher::new(content.key),
                iv: match (content.iv, options.method) {
                    // No two tracks may share a key stream; a constant initialization vector goes with its key.
                    (_, Method::Cenc) => derive(salt, name, content),
                    (Some(iv), _) => iv.0,
                    (None, _) => derive(salt, "", content),
                },
                content: content.clone(),
            })
            .collect();
        if keys.is_empty() {
            return Ok(None);
        }
        let readers: Vec<_> = track.entries.iter().map(SampleReader::new).collect();
        if options.method.scheme().is_some()
            && let Some((entry, _)) = track
                .entries
                .iter()
                .zip(&readers)
                .find(|(entry, reader)| entry.video.is_some() && reader.is_none())
        {
            return Err(Error::UnsupportedCodec {
                input: track.info.input,
                track: track.info.id,
                kind: track.info.kind.as_str(),
                codec: entry.codec_string.clone(),
                format: "samples of Common Encryption",
                advice: "encrypt whole segments with `aes-128`, or transcode to H.264, HEVC, AV1 or VP9",
            });
        }
        let micros =
            |duration: std::time::Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Ok(Some(Self {
            method: options.method,
            systems: options.systems.clone(),
            keys,
            clear_lead: micros(options.clear_lead),
            period: micros(options.crypto_period),
            readers,
            room: track
                .slices
                .map_or(DEFAULT_ROOM, |most| usize::from(most) + 1)
                .min(subsamples::MOST),
        }))
    }

    /// The key of a segment that starts at `start`, in microseconds; `None` when it stays in the clear.
    pub(crate) fn key_at(&self, start: i64) -> Option<usize> {
        if start < self.clear_lead {
            return None;
        }
        let turn = start.checked_div(self.period).unwrap_or(0);
        Some(usize::try_from(turn).unwrap_or(0) % self.keys.len())
    }

    /// The content key with this number.
    pub(crate) fn key(&self, number: usize) -> &ContentKey {
        &self.keys[number].content
    }

    /// All content keys of the track.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &ContentKey> {
        self.keys.iter().map(|key| &key.content)
    }

    /// The initialization vector that `cbcs` uses with a key of this track.
    pub(crate) fn constant_iv(&self, key: &ContentKey) -> Option<KeyId> {
        let found = self.keys.iter().find(|own| own.content.id == key.id)?;
        Some(KeyId(found.iv))
    }

    /// The sample entries of an initialization segment: first the encrypted ones, then those of the clear lead.
    pub(crate) fn sample_entries(&self, track: &Track) -> Vec<Bytes> {
        let clear = track.entries.iter().map(|entry| entry.entry.clone());
        if self.method.scheme().is_none() {
            return clear.collect();
        }
        let encrypted = clear
            .clone()
            .map(|entry| sample_entry::encrypted(&entry, self));
        if self.clear_lead > 0 {
            encrypted.chain(clear).collect()
        } else {
            encrypted.collect()
        }
    }

    /// What is added to the sample description index of samples that are encrypted with `key`.
    pub(crate) fn description_shift(&self, key: Option<usize>) -> u32 {
        if key.is_some() || self.method.scheme().is_none() {
            return 0;
        }
        u32::try_from(self.readers.len()).unwrap_or(0)
    }

    /// Initialization vector of segment number `segment`, counted from 0, which is encrypted whole: the one given, or its media sequence
    /// number (RFC 8216bis 5.2), which is 1 for the first. `None` where samples are encrypted.
    pub(crate) fn whole_segment_iv(&self, key: usize, segment: usize) -> Option<KeyId> {
        if self.method.scheme().is_some() {
            return None;
        }
        let number = segment as u128 + 1;
        Some(
            self.keys[key]
                .content
                .iv
                .unwrap_or(KeyId(number.to_be_bytes())),
        )
    }

    /// Encrypts segment number `segment`, counted from 0, whole; `None` where samples are encrypted.
    pub(crate) fn encrypt_whole(
        &self,
        key: usize,
        segment: usize,
        parts: &[Bytes],
    ) -> Result<Option<Bytes>, Error> {
        self.whole_segment_iv(key, segment)
            .map(|iv| cipher::whole(self.keys[key].content.key, iv.0, parts))
            .transpose()
    }

    /// True when samples are divided into subsamples.
    fn has_subsamples(&self) -> bool {
        self.readers.iter().any(Option::is_some)
    }

    /// What a track's default key and pattern are, as `tenc` and `seig` state it after their reserved byte.
    fn describe(&self, w: &mut BoxWriter, key: usize) {
        let constant = self.method == Method::Cbcs;
        let (encrypted, clear) = if constant && self.has_subsamples() {
            PATTERN
        } else {
            (0, 0)
        };
        w.u8(encrypted << 4 | clear);
        w.u8(1);
        w.u8(self.iv_size());
        w.bytes(&self.keys[key].content.id.0);
        if constant {
            w.u8(16);
            w.bytes(&self.keys[key].iv);
        }
    }

    fn iv_size(&self) -> u8 {
        if self.method == Method::Cenc { 8 } else { 0 }
    }

    /// Description of a key for a sample group (`seig`); empty for the key that the sample entry names.
    fn key_description(&self, key: usize) -> Bytes {
        let mut w = BoxWriter::default();
        if key > 0 {
            w.u8(0);
            self.describe(&mut w, key);
        }
        w.finish()
    }
}

/// An initialization vector for a track and a key.
fn derive(salt: &[u8; 32], name: &str, key: &ContentKey) -> [u8; BLOCK] {
    let digest = Sha256::new()
        .chain_update(b"weir iv")
        .chain_update(salt)
        .chain_update(key.id.0)
        .chain_update(name)
        .finalize();
    core::array::from_fn(|at| digest[at])
}

/// What the pictures of a segment are read with, for each sample entry.
pub(crate) type Readers = Vec<Option<SampleReader>>;

/// How the samples of one segment are encrypted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guard<'a> {
    protection: &'a Protection,
    key: usize,
}

impl<'a> Guard<'a> {
    /// A guard for samples; `None` when they stay in the clear or whole segments are encrypted.
    pub(crate) fn new(protection: Option<&'a Protection>, key: Option<usize>) -> Option<Self> {
        let protection = protection?;
        protection.method.scheme()?;
        Some(Self {
            protection,
            key: key?,
        })
    }

    /// How much a fragment of `samples` samples says about its encryption.
    pub(crate) fn shape(self, samples: usize) -> AuxiliaryShape {
        let room = self
            .protection
            .has_subsamples()
            .then(|| (samples * self.protection.room + SPARE).min(samples * subsamples::MOST));
        AuxiliaryShape {
            iv_size: self.protection.iv_size(),
            room,
            key_description: self.protection.key_description(self.key).len(),
        }
    }

    /// What the samples of a segment are read with, from its first fragment to its last.
    pub(crate) fn readers(self) -> Readers {
        self.protection.readers.clone()
    }

    /// Encrypts the samples of a fragment, the first of which is number `number` of the track.
    pub(crate) fn encrypt(
        self,
        samples: &[Timed],
        number: u64,
        window: &Window,
        readers: &mut Readers,
    ) -> Result<(Bytes, Auxiliary), Error> {
        let key = &self.protection.keys[self.key];
        let mut parts = Vec::new();
        let wanted = samples.iter().map(|sample| (sample.offset, sample.size));
        window.collect(wanted, &mut parts)?;
        let len = parts.iter().map(Bytes::len).sum();
        let mut data = BytesMut::with_capacity(len);
        parts.iter().for_each(|part| data.extend_from_slice(part));

        let base = key.iv[..8]
            .iter()
            .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        let mut auxiliary = Auxiliary {
            first_iv: base.wrapping_add(number),
            key_description: self.protection.key_description(self.key).to_vec(),
            ..Auxiliary::default()
        };
        let mut room = self.shape(samples.len()).room.unwrap_or(0);
        let mut rest = data.as_mut();
        let mut iv = auxiliary.first_iv;
        for (index, sample) in samples.iter().enumerate() {
            let (bytes, after) = rest.split_at_mut((sample.size as usize).min(rest.len()));
            rest = after;
            let reader = (sample.description as usize)
                .checked_sub(1)
                .and_then(|entry| readers.get_mut(entry)?.as_mut());
            match reader {
                Some(reader) => {
                    let whole_blocks = self.protection.method == Method::Cenc;
                    // Each sample after this one keeps two subsamples.
                    let after = (samples.len() - index - 1) * 2;
                    let most = room.saturating_sub(after).clamp(2, subsamples::MOST);
                    let first = auxiliary.subsamples.len();
                    reader.divide(bytes, whole_blocks, most, &mut auxiliary.subsamples);
                    let list = &auxiliary.subsamples[first..];
                    let count = u8::try_from(list.len())
                        .ok()
                        .filter(|count| usize::from(*count) <= most.min(room))
                        .ok_or_else(too_many_slices)?;
                    room -= usize::from(count);
                    auxiliary.counts.push(count);
                    self.encrypt_subsamples(iv, bytes, list)?;
                }
                None if self.protection.method == Method::Cenc => {
                    key.cipher.cenc(iv).apply(bytes)?;
                }
                None => key.cipher.cbcs(key.iv, false, bytes),
            }
            iv = iv.wrapping_add(1);
        }
        Ok((data.freeze(), auxiliary))
    }

    /// Encrypts a stretch in CBC mode, the chain started afresh: one block of ten with `pattern`, else all whole blocks.
    pub(crate) fn chain(self, pattern: bool, data: &mut [u8]) {
        let key = &self.protection.keys[self.key];
        key.cipher.cbcs(key.iv, pattern, data);
    }

    fn encrypt_subsamples(
        self,
        iv: u64,
        mut bytes: &mut [u8],
        list: &[subsamples::Subsample],
    ) -> Result<(), Error> {
        let key = &self.protection.keys[self.key];
        let mut stream = (self.protection.method == Method::Cenc).then(|| key.cipher.cenc(iv));
        for subsample in list {
            let clear = usize::from(subsample.clear).min(bytes.len());
            let (_, after) = bytes.split_at_mut(clear);
            let (protected, after) =
                after.split_at_mut((subsample.protected as usize).min(after.len()));
            match &mut stream {
                Some(stream) => stream.apply(protected)?,
                None => key.cipher.cbcs(key.iv, true, protected),
            }
            bytes = after;
        }
        Ok(())
    }
}

fn too_many_slices() -> Error {
    Error::UnsupportedFeature {
        input: 0,
        feature: "a picture of more parts than an encrypted sample can list".to_owned(),
        advice: "encrypt whole segments with `aes-128`, or transcode with fewer slices a picture",
    }
}
