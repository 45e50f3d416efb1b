//! How the samples of a track fragment are described: by which sample description, and whether they are encrypted
//! (ISO/IEC 14496-12, 8.8.7; ISO/IEC 23001-7, 6).

use std::collections::BTreeSet;

use super::init::{Init, InitTrack};
use crate::Error;
use crate::isobmff::Mp4Box;

/// Numbers of group descriptions above this stand in the fragment itself (ISO/IEC 14496-12, 8.9.4).
const LOCAL: u32 = 0x1_0000;

/// How samples are described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lint) struct Described {
    /// Number of the sample description; 1 is the first.
    pub(in crate::lint) description: u32,
    /// Whether one of them is encrypted; `None` when that is said where the linter does not look.
    pub(in crate::lint) encrypted: Option<bool>,
}

/// A `traf` box, without what its samples are.
#[derive(Debug)]
pub(super) struct TrackFragment {
    pub(super) track: u32,
    pub(super) described: Described,
    /// True when it has samples.
    pub(super) has_samples: bool,
    /// True with an absolute data offset.
    pub(super) absolute: bool,
    /// True with a decode time.
    pub(super) timed: bool,
    /// True with `senc`, or `saiz` and `saio`.
    pub(super) has_auxiliary: bool,
}

impl TrackFragment {
    /// Reads a `traf` box. `init` is the initialization section that applies.
    pub(super) fn read(traf: &Mp4Box, init: &Init) -> Result<Self, Error> {
        let mut found = Self {
            track: 0,
            described: Described {
                description: 1,
                encrypted: Some(false),
            },
            has_samples: false,
            absolute: false,
            timed: false,
            has_auxiliary: false,
        };
        let (mut senc, mut saiz, mut saio) = (false, false, false);
        let mut description = None;
        let mut samples = 0_u64;
        for child in traf.children() {
            let child = child?;
            match &child.kind.bytes() {
                b"tfhd" => {
                    let (_, flags, mut fields) = child.full()?;
                    found.track = fields.u32()?;
                    found.absolute = flags & 1 != 0;
                    if found.absolute {
                        fields.skip(8)?;
                    }
                    if flags & 2 != 0 {
                        description = Some(fields.u32()?);
                    }
                }
                b"tfdt" => found.timed = true,
                b"trun" => {
                    let (_, _, mut fields) = child.full()?;
                    samples = samples.saturating_add(fields.u32()?.into());
                }
                b"senc" => senc = true,
                b"saiz" => saiz = true,
                b"saio" => saio = true,
                _ => {}
            }
        }
        found.has_samples = samples > 0;
        found.has_auxiliary = senc || (saiz && saio);
        if let Some(track) = init.track(found.track) {
            found.described.description = description.unwrap_or(track.default_description);
            found.described.encrypted =
                encrypted(traf, track, found.described.description, samples)?;
        }
        Ok(found)
    }
}

/// Whether a sample is encrypted, by the sample entry and by what sample groups say beside it.
fn encrypted(
    traf: &Mp4Box,
    track: &InitTrack,
    description: u32,
    samples: u64,
) -> Result<Option<bool>, Error> {
    let protection = track
        .description(description)
        .and_then(|found| found.protection.as_ref());
    let Some(protection) = protection else {
        return Ok(Some(false));
    };
    let mut groups = BTreeSet::new();
    let mut local = Vec::new();
    // Samples that a group names; the others are as the sample entry says.
    let mut covered = 0_u64;
    for child in traf.children() {
        let child = child?;
        match &child.kind.bytes() {
            b"sbgp" => {
                let (count, named) = assigned(&child)?;
                covered = covered.saturating_add(count);
                groups.extend(named);
            }
            b"sgpd" => local.extend(key_descriptions(&child)?),
            _ => {}
        }
    }
    if covered < samples {
        groups.insert(0);
    }
    let mut any = false;
    for index in groups {
        let said = match index {
            0 => Some(protection.by_default),
            // What the movie box describes is not read.
            1..=LOCAL => None,
            _ => usize::try_from(index - LOCAL - 1)
                .ok()
                .and_then(|index| local.get(index).copied()),
        };
        match said {
            Some(said) => any |= said,
            None => return Ok(None),
        }
    }
    Ok(Some(any))
}

/// The descriptions that a `sbgp` box of keys names, and for how many samples.
fn assigned(sbgp: &Mp4Box) -> Result<(u64, BTreeSet<u32>), Error> {
    let (version, _, mut fields) = sbgp.full()?;
    if fields.four_cc()? != b"seig" {
        return Ok((0, BTreeSet::new()));
    }
    fields.skip(if version == 1 { 4 } else { 0 })?;
    let count = fields.u32()?;
    let mut found = BTreeSet::new();
    let mut covered = 0_u64;
    for _ in 0..count {
        let samples = fields.u32()?;
        let index = fields.u32()?;
        covered = covered.saturating_add(samples.into());
        if samples > 0 {
            found.insert(index);
        }
    }
    Ok((covered, found))
}

/// Whether samples under each key of a `sgpd` box are encrypted.
fn key_descriptions(sgpd: &Mp4Box) -> Result<Vec<bool>, Error> {
    let (version, _, mut fields) = sgpd.full()?;
    if fields.four_cc()? != b"seig" {
        return Ok(Vec::new());
    }
    // Length of every description, where they have the same.
    let same = if version >= 1 { fields.u32()? } else { 0 };
    if version >= 2 {
        fields.skip(4)?;
    }
    let count = fields.u32()?;
    let mut found = Vec::new();
    for _ in 0..count {
        let len = match (version, same) {
            // Without lengths only the first can be found.
            (0, _) if !found.is_empty() => break,
            (0, _) => fields.remaining(),
            (_, 0) => usize::try_from(fields.u32()?).unwrap_or(usize::MAX),
            (_, same) => usize::try_from(same).unwrap_or(usize::MAX),
        };
        // A reserved byte and the pattern come before it.
        let description = fields.bytes(len)?;
        found.push(description.get(2).is_some_and(|said| *said != 0));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isobmff::{BoxWriter, FourCc};
    use crate::lint::media::description::{Description, Protection};

    /// A track fragment of 20 samples, the first 10 of which are in the group `index`. The fragment describes two groups: samples in the
    /// clear, and samples under another key.
    fn fragment(index: u32) -> Mp4Box {
        let mut w = BoxWriter::with_capacity(256);
        w.nest_full(b"tfhd", 0, 0, |w| w.u32(1));
        w.nest_full(b"trun", 0, 0, |w| w.u32(20));
        w.nest_full(b"sbgp", 0, 0, |w| {
            w.bytes(b"seig");
            w.u32(1);
            w.u32(10);
            w.u32(index);
        });
        w.nest_full(b"sgpd", 1, 0, |w| {
            w.bytes(b"seig");
            w.u32(20);
            w.u32(2);
            w.zeros(20);
            w.bytes(&[0, 0x19, 1, 8]);
            w.zeros(16);
        });
        Mp4Box {
            kind: FourCc(*b"traf"),
            offset: 0,
            payload: w.finish(),
            payload_offset: 8,
        }
    }

    fn encrypted_by(index: u32, by_default: bool) -> Option<bool> {
        let protection = Protection {
            scheme: "cbcs".to_owned(),
            pattern: None,
            by_default,
        };
        let description = Description {
            protection: Some(protection),
            ..Description::default()
        };
        let init = Init {
            tracks: vec![InitTrack {
                id: 1,
                default_description: 1,
                descriptions: vec![description],
                ..InitTrack::default()
            }],
            ..Init::default()
        };
        let found = TrackFragment::read(&fragment(index), &init).expect("readable");
        assert!(found.has_samples && !found.timed && !found.has_auxiliary);
        found.described.encrypted
    }

    #[test]
    fn groups_of_samples_say_what_is_encrypted() {
        assert_eq!(encrypted_by(0, true), Some(true));
        assert_eq!(encrypted_by(0, false), Some(false));
        assert_eq!(encrypted_by(LOCAL + 2, false), Some(true));
        // Described in the movie box, or nowhere.
        assert_eq!(encrypted_by(1, true), None);
        assert_eq!(encrypted_by(LOCAL + 9, true), None);
        // The samples that no group names are as the sample entry says.
        assert_eq!(encrypted_by(LOCAL + 1, true), Some(true));
        assert_eq!(encrypted_by(LOCAL + 1, false), Some(false));
    }
}
