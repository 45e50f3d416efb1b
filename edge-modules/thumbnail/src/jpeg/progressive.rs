//! Progressive decoding (T.81 annex G). Only the coefficients that the scale can show are stored; of the others one bit is
//! remembered, whether they are zero, since refinement scans are read by it. Scans that no result depends on are skipped whole.

use super::band::Band;
use super::bits::{Bits, next_marker};
use super::coefficients::{dc_difference, kept_place, last_kept};
use super::frame::{Frame, Layout, Process, Scales};
use super::idct;
use super::markers::{Segment, Segments, Tables};
use super::scan_header::Header;
use super::sequential::cut;
use super::{Result, broken};
use crate::pixels::Plane;

/// More scans than this are an attack: each may cost a walk over the whole picture for a few bytes. Encoders write ten or so.
const MOST_SCANS: usize = 100;

/// A progressive file being decoded.
#[derive(Debug)]
pub(super) struct Decoder {
    frame: Frame,
    stores: Vec<Store>,
    needed: std::vec::IntoIter<bool>,
}

/// The coefficients of a component.
#[derive(Debug)]
struct Store {
    layout: Layout,
    /// Zigzag index to place among the kept, 255 where it is not kept.
    places: [u8; 64],
    kept: usize,
    coefficients: Vec<i16>,
    /// For each block, which zigzag indices are not zero.
    nonzero: Vec<u64>,
    quantization: Option<[u16; 64]>,
}

/// Walks over all scans from the frame header on and tells which of them the result depends on.
pub(super) fn needed_scans(
    mut segments: Segments<'_>,
    frame: &Frame,
    scales: Scales,
) -> Result<Vec<bool>> {
    let mut headers = Vec::new();
    loop {
        match segments.next()? {
            Segment::Scan(payload) => {
                if headers.len() == MOST_SCANS {
                    return broken("it has more scans than any honest file needs");
                }
                headers.push(Header::parse(frame, payload)?);
                let mut at = 0;
                // Restart markers belong to the scan.
                loop {
                    at = next_marker(segments.rest(), at);
                    match segments.rest().get(at + 1) {
                        Some(0xd0..=0xd7) => at += 2,
                        _ => break,
                    }
                }
                segments.skip(at);
            }
            Segment::End => break,
            Segment::Frame { .. } => return broken("it has two frame headers"),
            _ => {}
        }
    }
    let last: Vec<usize> = frame
        .components
        .iter()
        .map(|component| last_kept(frame.layout(*component, scales).scale))
        .collect();
    let mut needed = vec![false; headers.len()];
    for index in (0..headers.len()).rev() {
        let header = &headers[index];
        let shows = header
            .parts
            .iter()
            .any(|(component, ..)| header.first <= last[*component]);
        // A later scan over the same frequencies cannot be read without this one.
        let feeds = headers
            .iter()
            .zip(&needed)
            .skip(index + 1)
            .any(|(later, needed)| {
                *needed
                    && later.first <= header.last
                    && header.first <= later.last
                    && later.parts.iter().any(|(component, ..)| {
                        header.parts.iter().any(|(own, ..)| own == component)
                    })
            });
        needed[index] = shows || feeds;
    }
    Ok(needed)
}

impl Decoder {
    pub(super) fn new(frame: Frame, scales: Scales, needed: Vec<bool>) -> Self {
        let stores = frame
            .components
            .iter()
            .map(|component| {
                let layout = frame.layout(*component, scales);
                let kept = layout.scale.side().pow(2) as usize;
                let blocks = layout.blocks_across as usize * layout.blocks_down as usize;
                let mut places = [255; 64];
                for (k, place) in places.iter_mut().enumerate() {
                    if let Some(kept) = kept_place(k, layout.scale) {
                        *place = kept as u8;
                    }
                }
                Store {
                    layout,
                    places,
                    kept,
                    coefficients: vec![0; blocks * kept],
                    nonzero: vec![0; blocks],
                    quantization: None,
                }
            })
            .collect();
        debug_assert_eq!(frame.process, Process::Progressive);
        Self {
            frame,
            stores,
            needed: needed.into_iter(),
        }
    }

    /// Decodes or skips one scan; answers how long it was.
    pub(super) fn scan(&mut self, tables: &Tables, header: &[u8], data: &[u8]) -> Result<usize> {
        let header = Header::parse(&self.frame, header)?;
        for (index, ..) in &header.parts {
            let number = self.frame.components[*index].quantization;
            let store = &mut self.stores[*index];
            store.quantization = store.quantization.or(tables.quantization[number]);
        }
        if self.needed.next() != Some(true) {
            let mut at = 0;
            loop {
                at = next_marker(data, at);
                match data.get(at + 1) {
                    Some(0xd0..=0xd7) => at += 2,
                    _ => return Ok(at),
                }
            }
        }
        if header.first == 0 {
            self.dc_scan(tables, &header, data)
        } else {
            self.ac_scan(tables, &header, data)
        }
    }

    fn dc_scan(&mut self, tables: &Tables, header: &Header, data: &[u8]) -> Result<usize> {
        let mut parts = Vec::with_capacity(header.parts.len());
        for (index, dc, _) in &header.parts {
            let table = tables.dc.get(*dc).and_then(Option::as_ref);
            if table.is_none() && header.high == 0 {
                return broken("a scan uses a table that was never defined");
            }
            parts.push((*index, table, 0i32));
        }
        let alone = match parts.as_slice() {
            [(index, ..)] => Some(self.stores[*index].layout),
            _ => None,
        };
        let (across, down) = alone.map_or_else(
            || self.frame.mcus(),
            |layout| (layout.own_across, layout.own_down),
        );
        let mut bits = Bits::new(data);
        let mut restarts = Restarts::new(tables.restart_interval);
        for mcu_y in 0..down {
            for mcu_x in 0..across {
                if restarts.due(&mut bits)? {
                    parts
                        .iter_mut()
                        .for_each(|(.., prediction)| *prediction = 0);
                }
                for (index, table, prediction) in &mut parts {
                    let component = self.frame.components[*index];
                    let store = &mut self.stores[*index];
                    let (wide, high) = if alone.is_some() {
                        (1, 1)
                    } else {
                        (component.across, component.down)
                    };
                    for y in 0..high {
                        for x in 0..wide {
                            let block = ((mcu_y * high + y) * store.layout.blocks_across
                                + mcu_x * wide
                                + x) as usize;
                            let Some(place) = store.coefficients.get_mut(block * store.kept) else {
                                continue;
                            };
                            match table {
                                Some(table) if header.high == 0 => {
                                    *prediction =
                                        prediction.wrapping_add(dc_difference(&mut bits, table)?);
                                    *place = prediction.wrapping_shl(header.low) as i16;
                                }
                                _ => *place |= i16::from(bits.take_bit()) << header.low,
                            }
                        }
                    }
                }
            }
            bits.check()?;
        }
        Ok(bits.end())
    }

    fn ac_scan(&mut self, tables: &Tables, header: &Header, data: &[u8]) -> Result<usize> {
        let &[(index, _, ac)] = header.parts.as_slice() else {
            return broken("an AC scan has several components");
        };
        let Some(table) = tables.ac.get(ac).and_then(Option::as_ref) else {
            return broken("a scan uses a table that was never defined");
        };
        let store = &mut self.stores[index];
        let mut bits = Bits::new(data);
        let mut restarts = Restarts::new(tables.restart_interval);
        let mut run = 0u32;
        for y in 0..store.layout.own_down {
            for x in 0..store.layout.own_across {
                if restarts.due(&mut bits)? {
                    run = 0;
                }
                let block = (y * store.layout.blocks_across + x) as usize;
                let kept = store
                    .coefficients
                    .get_mut(block * store.kept..(block + 1) * store.kept);
                let (Some(kept), Some(nonzero)) = (kept, store.nonzero.get_mut(block)) else {
                    continue;
                };
                let mut band = Band {
                    header,
                    places: &store.places,
                    kept,
                    nonzero,
                    run: &mut run,
                };
                if header.high == 0 {
                    band.first(&mut bits, table)?
                } else {
                    band.refine(&mut bits, table)?
                }
            }
            bits.check()?;
        }
        Ok(bits.end())
    }

    /// Transforms what was stored.
    pub(super) fn finish(self) -> Result<(Frame, Vec<Plane>)> {
        let mut planes = Vec::with_capacity(self.stores.len());
        for (store, component) in self.stores.into_iter().zip(&self.frame.components) {
            let Some(quantization) = store.quantization else {
                return broken("a component has no scan or no table");
            };
            let side = store.layout.scale.side() as usize;
            let stride = store.layout.blocks_across as usize * side;
            let mut data = vec![0; stride * store.layout.blocks_down as usize * side];
            let mut block = [0i32; 64];
            for (index, kept) in store.coefficients.chunks_exact(store.kept).enumerate() {
                for (row, values) in kept.chunks_exact(side).enumerate() {
                    for (column, value) in values.iter().enumerate() {
                        let place = row * 8 + column;
                        block[place] = i32::from(*value) * i32::from(quantization[place]);
                    }
                }
                let (x, y) = (
                    index % store.layout.blocks_across as usize,
                    index / store.layout.blocks_across as usize,
                );
                if let Some(out) = data.get_mut(y * side * stride + x * side..) {
                    idct::transform(&block, store.layout.scale, out, stride);
                }
            }
            match cut(&self.frame, *component, store.layout, stride, data) {
                Some(plane) => planes.push(plane),
                None => return broken("a plane has an impossible size"),
            }
        }
        Ok((self.frame, planes))
    }
}

/// Counts MCUs to the next restart marker.
struct Restarts {
    interval: u32,
    left: u32,
    number: u8,
}

impl Restarts {
    fn new(interval: u32) -> Self {
        Self {
            interval,
            left: interval,
            number: 0,
        }
    }

    /// Goes past a restart marker when one is due before this MCU.
    fn due(&mut self, bits: &mut Bits<'_>) -> Result<bool> {
        if self.interval == 0 {
            return Ok(false);
        }
        let due = self.left == 0;
        if due {
            bits.restart(self.number)?;
            self.number = self.number.wrapping_add(1);
            self.left = self.interval;
        }
        self.left -= 1;
        Ok(due)
    }
}
