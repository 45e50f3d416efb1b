//! Sequential decoding: a block is read, transformed and written at once, so that no coefficients are stored.

use super::bits::Bits;
use super::coefficients::{ac_coefficients, dc_difference, last_kept};
use super::frame::{Component, Frame, Layout, Scales};
use super::huffman::Huffman;
use super::idct;
use super::markers::Tables;
use super::scan_header::scan_parts;
use super::{Result, broken};
use crate::pixels::Plane;

/// A sequential file being decoded.
#[derive(Debug)]
pub(super) struct Decoder {
    frame: Frame,
    targets: Vec<Target>,
}

/// A component's plane, filled up to whole MCUs.
#[derive(Debug)]
struct Target {
    layout: Layout,
    stride: usize,
    data: Vec<u8>,
    done: bool,
}

/// A component in a scan.
struct Part<'t> {
    index: usize,
    component: Component,
    dc: &'t Huffman,
    ac: &'t Huffman,
    quantization: [u16; 64],
    prediction: i32,
}

impl Decoder {
    pub(super) fn new(frame: Frame, scales: Scales) -> Self {
        let targets = frame
            .components
            .iter()
            .map(|component| {
                let layout = frame.layout(*component, scales);
                let side = layout.scale.side() as usize;
                let stride = layout.blocks_across as usize * side;
                let data = vec![0; stride * layout.blocks_down as usize * side];
                Target {
                    layout,
                    stride,
                    data,
                    done: false,
                }
            })
            .collect();
        Self { frame, targets }
    }

    /// True when every component has had its scan.
    pub(super) fn is_complete(&self) -> bool {
        self.targets.iter().all(|target| target.done)
    }

    /// Decodes one scan from the data behind its header; answers how long it was.
    pub(super) fn scan(&mut self, tables: &Tables, header: &[u8], data: &[u8]) -> Result<usize> {
        let mut parts = self.parts(tables, header)?;
        for part in &parts {
            match self.targets.get_mut(part.index) {
                Some(target) if !target.done => target.done = true,
                _ => return broken("a component has two scans"),
            }
        }
        let mut bits = Bits::new(data);
        let alone = parts.len() == 1;
        let (across, down) = match (&parts[..], alone) {
            ([only], true) => {
                let layout = self.targets[only.index].layout;
                (layout.own_across, layout.own_down)
            }
            _ => self.frame.mcus(),
        };
        let mut until_restart = tables.restart_interval;
        let mut restarts = 0u8;
        for mcu_y in 0..down {
            for mcu_x in 0..across {
                if tables.restart_interval > 0 {
                    if until_restart == 0 {
                        bits.restart(restarts)?;
                        restarts = restarts.wrapping_add(1);
                        until_restart = tables.restart_interval;
                        for part in &mut parts {
                            part.prediction = 0;
                        }
                    }
                    until_restart -= 1;
                }
                for part in &mut parts {
                    let target = &mut self.targets[part.index];
                    if alone {
                        part.block(&mut bits, target, mcu_x, mcu_y)?;
                        continue;
                    }
                    let Component { across, down, .. } = part.component;
                    for y in 0..down {
                        for x in 0..across {
                            part.block(&mut bits, target, mcu_x * across + x, mcu_y * down + y)?;
                        }
                    }
                }
            }
            bits.check()?;
        }
        Ok(bits.end())
    }

    fn parts<'t>(&self, tables: &'t Tables, header: &[u8]) -> Result<Vec<Part<'t>>> {
        let (named, _) = scan_parts(&self.frame, header)?;
        let mut parts = Vec::with_capacity(named.len());
        for (index, dc, ac) in named {
            let component = self.frame.components[index];
            let dc = tables.dc.get(dc).and_then(Option::as_ref);
            let ac = tables.ac.get(ac).and_then(Option::as_ref);
            let quantization = tables
                .quantization
                .get(component.quantization)
                .copied()
                .flatten();
            let (Some(dc), Some(ac), Some(quantization)) = (dc, ac, quantization) else {
                return broken("a scan uses a table that was never defined");
            };
            parts.push(Part {
                index,
                component,
                dc,
                ac,
                quantization,
                prediction: 0,
            });
        }
        Ok(parts)
    }

    /// The planes, cut to their sizes.
    pub(super) fn finish(self) -> Result<(Frame, Vec<Plane>)> {
        if !self.is_complete() {
            return broken("a component has no scan");
        }
        let planes = self
            .targets
            .into_iter()
            .zip(&self.frame.components)
            .map(|(target, component)| {
                cut(
                    &self.frame,
                    *component,
                    target.layout,
                    target.stride,
                    target.data,
                )
            })
            .collect::<Option<_>>();
        match planes {
            Some(planes) => Ok((self.frame, planes)),
            None => broken("a plane has an impossible size"),
        }
    }
}

/// A plane without what fills up its last MCUs.
pub(super) fn cut(
    frame: &Frame,
    component: Component,
    layout: Layout,
    stride: usize,
    mut data: Vec<u8>,
) -> Option<Plane> {
    let (width, height) = (layout.width as usize, layout.height as usize);
    if width != stride {
        for y in 1..height {
            data.copy_within(y * stride..y * stride + width, y * width);
        }
    }
    data.truncate(width * height);
    let scale =
        |factor: u32, most: u32| f64::from(factor * layout.scale.side()) / f64::from(most * 8);
    Plane::new(
        layout.width,
        layout.height,
        data,
        (
            scale(component.across, frame.most_across),
            scale(component.down, frame.most_down),
        ),
    )
}

impl Part<'_> {
    #[inline]
    fn block(&mut self, bits: &mut Bits<'_>, target: &mut Target, x: u32, y: u32) -> Result<()> {
        let difference = dc_difference(bits, self.dc)?;
        self.prediction = self.prediction.wrapping_add(difference);
        let mut block = [0; 64];
        block[0] = self
            .prediction
            .wrapping_mul(i32::from(self.quantization[0]));
        let scale = target.layout.scale;
        ac_coefficients(
            bits,
            self.ac,
            &self.quantization,
            last_kept(scale),
            &mut block,
        )?;
        let side = scale.side() as usize;
        let first = y as usize * side * target.stride + x as usize * side;
        if let Some(out) = target.data.get_mut(first..) {
            idct::transform(&block, scale, out, target.stride);
        }
        Ok(())
    }
}
