//! Decoder configuration records (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1) made from parameter sets.

use super::hevc::skip_profile_tier_level;
use super::{BitReader, unescape};

/// The content of an `avcC` box; `None` when the sets cannot be read.
pub(crate) fn avc_record(sets: &[Vec<u8>]) -> Option<Vec<u8>> {
    let of_kind = |kind: u8| {
        sets.iter()
            .filter(move |set| set.first().is_some_and(|head| head & 31 == kind))
    };
    let sps = of_kind(7).next()?;
    let &[_, profile, constraints, level, ..] = sps.as_slice() else {
        return None;
    };
    let mut out = vec![1, profile, constraints, level, 0xff];
    for (kind, mark) in [(7, 0xe0), (8, 0)] {
        out.push(mark | u8::try_from(of_kind(kind).count().min(31)).ok()?);
        for set in of_kind(kind).take(31) {
            push_set(&mut out, set)?;
        }
    }
    if matches!(profile, 100 | 110 | 122 | 144) {
        let payload = unescape(sps.get(4..)?);
        let mut r = BitReader::new(&payload);
        r.ue()?;
        let chroma = r.ue()?;
        if chroma == 3 {
            r.flag()?;
        }
        let (luma, colour) = (r.ue()?, r.ue()?);
        out.extend([0xfc | chroma, 0xf8 | luma, 0xf8 | colour].map(|value| value.to_be_bytes()[3]));
        out.push(0);
    }
    Some(out)
}

/// The content of an `hvcC` box; `None` when the sets cannot be read.
pub(crate) fn hevc_record(sets: &[Vec<u8>]) -> Option<Vec<u8>> {
    let of_kind = |kind: u8| {
        sets.iter()
            .filter(move |set| set.first().is_some_and(|head| head >> 1 & 63 == kind))
    };
    let sps = of_kind(33).next()?;
    let payload = unescape(sps.get(2..)?);
    let profile = payload.get(1..13)?;
    let mut r = BitReader::new(&payload);
    r.skip(4)?;
    let layers = r.bits(3)?;
    let nested = r.bits(1)?;
    skip_profile_tier_level(&mut r, layers)?;
    r.ue()?;
    let chroma = r.ue()?;
    if chroma == 3 {
        r.flag()?;
    }
    r.ue()?;
    r.ue()?;
    if r.flag()? {
        for _ in 0..4 {
            r.ue()?;
        }
    }
    let (luma, colour) = (r.ue()?, r.ue()?);
    let mut out = vec![1];
    out.extend_from_slice(profile);
    // No division into segments is promised, nor a kind of parallelism.
    out.extend_from_slice(&[0xf0, 0, 0xfc]);
    out.extend([0xfc | chroma, 0xf8 | luma, 0xf8 | colour].map(|value| value.to_be_bytes()[3]));
    // Frame rate unknown; temporal layers; lengths of four bytes.
    out.extend_from_slice(&[0, 0]);
    out.push(((layers + 1) << 3 | nested << 2 | 3).to_be_bytes()[3]);
    out.push(3);
    for kind in [32, 33, 34] {
        out.push(0x80 | kind);
        let count = u16::try_from(of_kind(kind).count()).ok()?;
        out.extend_from_slice(&count.to_be_bytes());
        for set in of_kind(kind) {
            push_set(&mut out, set)?;
        }
    }
    Some(out)
}

fn push_set(out: &mut Vec<u8>, set: &[u8]) -> Option<()> {
    out.extend_from_slice(&u16::try_from(set.len()).ok()?.to_be_bytes());
    out.extend_from_slice(set);
    Some(())
}
