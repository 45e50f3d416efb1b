//! Decrypts segments by what their own boxes say (ISO/IEC 23001-7), with nothing of the packager's own code.

use std::collections::BTreeMap;
use std::ops::Range;

use aes::Aes128;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

/// Key by key id.
pub(crate) type Keys = BTreeMap<[u8; 16], [u8; 16]>;

/// How samples are encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scheme {
    pub(crate) format: String,
    pub(crate) scheme: String,
    pub(crate) pattern: (usize, usize),
    pub(crate) iv_size: usize,
    pub(crate) key_id: [u8; 16],
    pub(crate) constant_iv: Vec<u8>,
}

/// One sample as a fragment describes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) data: Range<usize>,
    pub(crate) iv: Vec<u8>,
    /// Clear and protected bytes.
    pub(crate) subsamples: Vec<(usize, usize)>,
}

/// A fragment: its samples, and its description of the key if it has one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fragment {
    pub(crate) samples: Vec<Sample>,
    pub(crate) description: u32,
    pub(crate) group: Option<Scheme>,
    pub(crate) has_auxiliary: bool,
}

fn number(data: &[u8], at: usize, len: usize) -> usize {
    data[at..at + len]
        .iter()
        .fold(0, |value, byte| value << 8 | usize::from(*byte))
}

/// The boxes in `range`: type and content.
fn boxes(data: &[u8], range: Range<usize>) -> Vec<(String, Range<usize>)> {
    let mut at = range.start;
    let mut found = Vec::new();
    while at < range.end {
        let size = number(data, at, 4);
        assert!(size >= 8 && at + size <= range.end, "a box of {size} bytes");
        let kind = String::from_utf8_lossy(&data[at + 4..at + 8]).into_owned();
        found.push((kind, at + 8..at + size));
        at += size;
    }
    found
}

/// The content of the box at `path`.
fn find(data: &[u8], range: Range<usize>, path: &[&str]) -> Option<Range<usize>> {
    path.iter().try_fold(range, |range, kind| {
        boxes(data, range)
            .into_iter()
            .find(|(found, _)| found == kind)
            .map(|(_, content)| content)
    })
}

/// The schemes of the sample entries of an initialization segment, in order; `None` for entries in the clear.
pub(crate) fn schemes(init: &[u8]) -> Vec<Option<Scheme>> {
    let path = ["moov", "trak", "mdia", "minf", "stbl", "stsd"];
    let stsd = find(init, 0..init.len(), &path).unwrap();
    boxes(init, stsd.start + 8..stsd.end)
        .into_iter()
        .map(|(kind, entry)| {
            let fields = match kind.as_str() {
                "encv" => 78,
                "enca" => 28,
                _ => return None,
            };
            let sinf = find(init, entry.start + fields..entry.end, &["sinf"]).unwrap();
            let text = |range: Range<usize>| String::from_utf8_lossy(&init[range]).into_owned();
            let frma = find(init, sinf.clone(), &["frma"]).unwrap();
            let schm = find(init, sinf.clone(), &["schm"]).unwrap();
            let tenc = find(init, sinf, &["schi", "tenc"]).unwrap();
            let mut scheme = read_scheme(init, tenc.start + 5, tenc.end);
            scheme.format = text(frma);
            scheme.scheme = text(schm.start + 4..schm.start + 8);
            Some(scheme)
        })
        .collect()
}

/// Reads pattern, protection flag, size of initialization vectors, key id and constant initialization vector.
fn read_scheme(data: &[u8], at: usize, end: usize) -> Scheme {
    assert_eq!(data[at + 1], 1, "isProtected");
    let iv_size = usize::from(data[at + 2]);
    let constant_iv = if iv_size == 0 {
        let len = usize::from(data[at + 19]);
        data[at + 20..at + 20 + len].to_vec()
    } else {
        Vec::new()
    };
    let used = 19
        + if iv_size == 0 {
            1 + constant_iv.len()
        } else {
            0
        };
    assert_eq!(at + used, end);
    Scheme {
        pattern: (usize::from(data[at] >> 4), usize::from(data[at] & 15)),
        iv_size,
        key_id: data[at + 3..at + 19].try_into().unwrap(),
        constant_iv,
        ..Scheme::default()
    }
}

/// The fragments of a segment. `iv_size` is that of the sample entry.
pub(crate) fn fragments(segment: &[u8], iv_size: usize) -> Vec<Fragment> {
    let mut found = Vec::new();
    for (kind, moof) in boxes(segment, 0..segment.len()) {
        if kind == "moof" {
            found.push(read_fragment(segment, moof, iv_size));
        }
    }
    found
}

fn read_fragment(data: &[u8], moof: Range<usize>, iv_size: usize) -> Fragment {
    let start = moof.start - 8;
    let traf = find(data, moof, &["traf"]).unwrap();
    let tfhd = find(data, traf.clone(), &["tfhd"]).unwrap();
    let flags = number(data, tfhd.start + 1, 3);
    assert!(flags & 0x02_0000 != 0, "offsets count from the moof box");
    let mut at = tfhd.start + 8;
    let mut field = |bit: usize| {
        (flags & bit != 0).then(|| {
            at += 4;
            number(data, at - 4, 4)
        })
    };
    let description = field(2).unwrap_or(1);
    let (_, default_size, _) = (field(8), field(0x10), field(0x20));

    let trun = find(data, traf.clone(), &["trun"]).unwrap();
    let flags = number(data, trun.start + 1, 3);
    let count = number(data, trun.start + 4, 4);
    let mut from = start + number(data, trun.start + 8, 4);
    let mut at = trun.start + 12;
    let mut fragment = Fragment {
        description: u32::try_from(description).unwrap(),
        ..Fragment::default()
    };
    for _ in 0..count {
        let mut field = |bit: usize| {
            (flags & bit != 0).then(|| {
                at += 4;
                number(data, at - 4, 4)
            })
        };
        field(0x100);
        let size = field(0x200).or(default_size).unwrap();
        field(0x400);
        field(0x800);
        fragment.samples.push(Sample {
            data: from..from + size,
            ..Sample::default()
        });
        from += size;
    }
    if let Some(sgpd) = find(data, traf.clone(), &["sgpd"]) {
        assert_eq!(&data[sgpd.start + 4..sgpd.start + 8], b"seig");
        let sbgp = find(data, traf.clone(), &["sbgp"]).unwrap();
        assert_eq!(
            number(data, sbgp.start + 12, 4),
            count,
            "samples of the group"
        );
        assert_eq!(number(data, sbgp.start + 16, 4), 0x1_0001);
        assert_eq!(number(data, sgpd.start + 8, 4), sgpd.end - sgpd.start - 16);
        fragment.group = Some(read_scheme(data, sgpd.start + 17, sgpd.end));
    }
    let Some(saio) = find(data, traf.clone(), &["saio"]) else {
        return fragment;
    };
    fragment.has_auxiliary = true;
    let saiz = find(data, traf.clone(), &["saiz"]).unwrap();
    let default = usize::from(data[saiz.start + 4]);
    assert_eq!(number(data, saiz.start + 5, 4), count);
    let senc = find(data, traf, &["senc"]).unwrap();
    let mut at = start + number(data, saio.start + 8, 4);
    assert_eq!(at, senc.start + 8, "`saio` points at what `senc` holds");
    assert_eq!(number(data, senc.start + 4, 4), count);
    let has_subsamples = data[senc.start + 3] & 2 != 0;
    for (index, sample) in fragment.samples.iter_mut().enumerate() {
        let size = if default > 0 {
            default
        } else {
            usize::from(data[saiz.start + 9 + index])
        };
        let end = at + size;
        sample.iv = data[at..at + iv_size].to_vec();
        at += iv_size;
        if has_subsamples {
            let entries = number(data, at, 2);
            at += 2;
            for _ in 0..entries {
                sample
                    .subsamples
                    .push((number(data, at, 2), number(data, at + 2, 4)));
                at += 6;
            }
            let sum: usize = sample.subsamples.iter().map(|(a, b)| a + b).sum();
            assert_eq!(sum, sample.data.len(), "subsamples cover the sample");
        }
        assert_eq!(at, end, "`saiz` states the size");
    }
    assert_eq!(at, senc.end);
    fragment
}

/// The media data of a segment, decrypted.
pub(crate) fn decrypt(segment: &[u8], entries: &[Option<Scheme>], keys: &Keys) -> Vec<u8> {
    let first = entries.iter().flatten().next().unwrap();
    let mut out = Vec::new();
    for fragment in fragments(segment, first.iv_size) {
        let entry = &entries[fragment.description as usize - 1];
        for sample in &fragment.samples {
            let mut data = segment[sample.data.clone()].to_vec();
            if let Some(entry) = entry {
                let scheme = fragment.group.as_ref().unwrap_or(entry);
                let cipher = Aes128::new(&Array(keys[&scheme.key_id]));
                open(&cipher, &entry.scheme, scheme, sample, &mut data);
            }
            out.extend_from_slice(&data);
        }
    }
    out
}

fn open(cipher: &Aes128, name: &str, scheme: &Scheme, sample: &Sample, data: &mut [u8]) {
    let whole = [(0, data.len())];
    let subsamples = if sample.subsamples.is_empty() {
        &whole[..]
    } else {
        &sample.subsamples
    };
    let mut at = 0;
    let mut used = 0_u64;
    for (clear, protected) in subsamples {
        at += clear;
        let stretch = &mut data[at..at + protected];
        at += protected;
        if name == "cenc" {
            for byte in stretch {
                let mut counter = [0; 16];
                counter[..8].copy_from_slice(&sample.iv);
                counter[8..].copy_from_slice(&(used / 16).to_be_bytes());
                let mut block = Array(counter);
                cipher.encrypt_block(&mut block);
                *byte ^= block[usize::try_from(used % 16).unwrap()];
                used += 1;
            }
            continue;
        }
        assert_eq!(name, "cbcs");
        let mut chain: [u8; 16] = scheme.constant_iv.clone().try_into().unwrap();
        let (crypt, skip) = match scheme.pattern {
            (0, 0) => (1, 0),
            pattern => pattern,
        };
        for (index, block) in stretch.chunks_exact_mut(16).enumerate() {
            if index % (crypt + skip) >= crypt {
                continue;
            }
            let sealed: [u8; 16] = block.try_into().unwrap();
            let mut opened = Array(sealed);
            cipher.decrypt_block(&mut opened);
            for (byte, (opened, chained)) in block.iter_mut().zip(opened.iter().zip(chain)) {
                *byte = opened ^ chained;
            }
            chain = sealed;
        }
    }
}
