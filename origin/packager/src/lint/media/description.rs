//! Sample descriptions of a track (ISO/IEC 14496-12, 8.5.2). A track may have several: one for pictures of each size, say, or an
//! encrypted one and a clear one for a clear lead.

use bytes::BytesMut;

use crate::Error;
use crate::isobmff::Mp4Box;
use crate::mp4::Parsed;
use crate::presentation::{AudioInfo, VideoInfo};

/// Most descriptions of a track that are looked at.
const MOST: usize = 256;

/// One entry of an `stsd` box.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::lint) struct Description {
    /// Four-character code of the sample entry, what is below an encryption.
    pub(in crate::lint) entry: String,
    /// Codec string (RFC 6381); `None` when it cannot be worked out.
    pub(in crate::lint) codec: Option<String>,
    pub(in crate::lint) supplemental: Option<String>,
    pub(in crate::lint) video: Option<VideoInfo>,
    pub(in crate::lint) audio: Option<AudioInfo>,
    pub(in crate::lint) protection: Option<Protection>,
    /// Bytes of the length before every NAL unit; `None` when samples are not made of them.
    pub(in crate::lint) nal_length: Option<u8>,
}

/// Common Encryption of a track (ISO/IEC 23001-7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lint) struct Protection {
    /// `cbcs`, `cenc`, …
    pub(in crate::lint) scheme: String,
    /// Blocks encrypted and skipped of `tenc`; `None` when it says no pattern.
    pub(in crate::lint) pattern: Option<(u8, u8)>,
    /// Samples are encrypted where nothing else is said of them.
    pub(in crate::lint) by_default: bool,
}

impl Description {
    /// Reads the entries of an `stsd` box. Those of encrypted tracks are renamed in `renamed`, the payload of the movie box that
    /// starts at byte `moov_start`, to what they are below the encryption.
    pub(super) fn read_all(
        stsd: &Mp4Box,
        moov_start: u64,
        renamed: &mut BytesMut,
    ) -> Result<Vec<Self>, Error> {
        stsd.children_after(8)
            .take(MOST)
            .map(|entry| Self::read(&entry?, moov_start, renamed))
            .collect()
    }

    fn read(entry: &Mp4Box, moov_start: u64, renamed: &mut BytesMut) -> Result<Self, Error> {
        let mut found = Self {
            entry: entry.kind.to_string(),
            ..Self::default()
        };
        let fields = match &entry.kind.bytes() {
            b"encv" => 78,
            b"enca" => 28,
            _ => {
                found.nal_length = nal_length(entry, &found.entry)?;
                return Ok(found);
            }
        };
        let Some(sinf) = entry.children_after(fields).find(b"sinf")? else {
            return Ok(found);
        };
        if let Some(frma) = sinf.children().find(b"frma")? {
            let original = frma.fields().four_cc()?;
            found.entry = original.to_string();
            let at = entry
                .offset
                .checked_sub(moov_start)
                .and_then(|at| usize::try_from(at).ok()?.checked_add(4));
            if let Some(place) = at.and_then(|start| renamed.get_mut(start..start + 4)) {
                place.copy_from_slice(&original.bytes());
            }
            found.nal_length = nal_length(entry, &found.entry)?;
        }
        found.protection = Some(Protection::read(&sinf)?);
        Ok(found)
    }

    /// Takes what the packager's own reader found out; it reads nothing of codecs that are not packaged.
    pub(super) fn complete(&mut self, parsed: Option<&Parsed>) {
        if let Some(Parsed::Entry(entry)) = parsed {
            self.codec = Some(entry.codec_string.clone());
            self.supplemental.clone_from(&entry.supplemental);
            self.video.clone_from(&entry.video);
            self.audio.clone_from(&entry.audio);
        } else {
            self.codec = plain_codec(&self.entry).map(str::to_owned);
        }
    }
}

impl Protection {
    fn read(sinf: &Mp4Box) -> Result<Self, Error> {
        let mut found = Self {
            scheme: String::new(),
            pattern: None,
            by_default: true,
        };
        if let Some(schm) = sinf.children().find(b"schm")? {
            let (_, _, mut fields) = schm.full()?;
            found.scheme = fields.four_cc()?.to_string();
        }
        let schi = sinf.children().find(b"schi")?;
        if let Some(schi) = schi
            && let Some(tenc) = schi.children().find(b"tenc")?
        {
            let (version, _, mut fields) = tenc.full()?;
            fields.skip(1)?;
            let pattern = fields.u8()?;
            found.by_default = fields.u8()? != 0;
            found.pattern = (version > 0).then_some((pattern >> 4, pattern & 15));
        }
        Ok(found)
    }
}

/// Bytes of the length before every NAL unit of a sample.
fn nal_length(entry: &Mp4Box, kind: &str) -> Result<Option<u8>, Error> {
    let (config, at): (&[u8; 4], usize) = match kind {
        "avc1" | "avc3" | "dva1" | "dvav" => (b"avcC", 4),
        "hvc1" | "hev1" | "dvh1" | "dvhe" => (b"hvcC", 21),
        _ => return Ok(None),
    };
    let config = entry.children_after(78).find(config)?;
    Ok(config.and_then(|config| config.payload.get(at).map(|byte| (byte & 3) + 1)))
}

/// Codec strings that are the four-character code itself.
fn plain_codec(entry: &str) -> Option<&str> {
    matches!(
        entry,
        "mjpg" | "wvtt" | "ac-3" | "ec-3" | "Opus" | "fLaC" | "alac"
    )
    .then_some(entry)
}
