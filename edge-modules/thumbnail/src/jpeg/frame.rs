//! The frame header (T.81 section B.2.2) and what follows from it and from the scale: block counts, plane sizes, memory.

use super::{JpegError, Result, broken};

/// How coefficients are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Process {
    /// Whole blocks, one after another.
    Sequential,
    /// Bands of frequencies and bits, in several scans.
    Progressive,
}

/// The side, in pixels, that a block of 8x8 comes out with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scale {
    /// 1/8 of the size, from the means alone.
    One = 1,
    /// 1/4.
    Two = 2,
    /// 1/2.
    Four = 4,
    /// The whole size.
    Eight = 8,
}

impl Scale {
    /// Pixels on a side of a block.
    pub(crate) fn side(self) -> u32 {
        self as u32
    }

    /// The smallest scale at which both sides keep at least `least` pixels.
    pub(crate) fn at_least(size: (u32, u32), least: (u32, u32)) -> Self {
        [Self::One, Self::Two, Self::Four]
            .into_iter()
            .find(|scale| {
                size.0.div_ceil(8 / scale.side()) >= least.0
                    && size.1.div_ceil(8 / scale.side()) >= least.1
            })
            .unwrap_or(Self::Eight)
    }

    fn doubled(self) -> Option<Self> {
        match self {
            Self::One => Some(Self::Two),
            Self::Two => Some(Self::Four),
            Self::Four => Some(Self::Eight),
            Self::Eight => None,
        }
    }
}

/// The scales of one picture. Colour differences carry less than luma, so they may come out smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scales {
    /// Of the components at full resolution.
    pub(crate) full: Scale,
    /// The one whose size the subsampled components come out with, where they hold as much.
    pub(crate) subsampled: Scale,
}

impl From<Scale> for Scales {
    fn from(scale: Scale) -> Self {
        Self {
            full: scale,
            subsampled: scale,
        }
    }
}

/// A component as the header names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) id: u8,
    pub(super) across: u32,
    pub(super) down: u32,
    pub(super) quantization: usize,
}

/// The frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) process: Process,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) components: Vec<Component>,
    pub(super) most_across: u32,
    pub(super) most_down: u32,
}

/// The layout of one component at one scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Blocks in a row, filled up to whole MCUs.
    pub(super) blocks_across: u32,
    /// Rows of blocks, filled up to whole MCUs.
    pub(super) blocks_down: u32,
    /// Blocks in a row of a scan of this component alone.
    pub(super) own_across: u32,
    /// Rows of blocks in a scan of this component alone.
    pub(super) own_down: u32,
    /// The scale of its blocks.
    pub(super) scale: Scale,
    /// Its pixels at that scale.
    pub(super) width: u32,
    /// Its pixels at that scale.
    pub(super) height: u32,
}

impl Frame {
    /// Reads the payload of a SOF segment.
    pub(super) fn parse(process: Process, payload: &[u8]) -> Result<Self> {
        let [precision, h1, h0, w1, w0, count, rest @ ..] = payload else {
            return broken("its frame header is short");
        };
        if *precision != 8 {
            return Err(JpegError::Unsupported("more than eight bits a sample"));
        }
        let (width, height) = (
            u32::from(u16::from_be_bytes([*w1, *w0])),
            u32::from(u16::from_be_bytes([*h1, *h0])),
        );
        if width == 0 || height == 0 {
            return broken("its frame header has a side of zero");
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(JpegError::Unsupported("two or more than four components"));
        }
        if rest.len() != usize::from(*count) * 3 {
            return broken("its frame header has the wrong length");
        }
        let mut components = Vec::new();
        for entry in rest.chunks_exact(3) {
            let (across, down) = (u32::from(entry[1] >> 4), u32::from(entry[1] & 15));
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) || entry[2] > 3 {
                return broken("a component has impossible sampling factors or tables");
            }
            if components
                .iter()
                .any(|known: &Component| known.id == entry[0])
            {
                return broken("two components have the same name");
            }
            components.push(Component {
                id: entry[0],
                across,
                down,
                quantization: usize::from(entry[2]),
            });
        }
        if let [only] = components.as_mut_slice() {
            // A single component is not interleaved: its factors mean nothing (T.81 section A.2.2).
            (only.across, only.down) = (1, 1);
        }
        let most_across = components
            .iter()
            .map(|component| component.across)
            .max()
            .unwrap_or(1);
        let most_down = components
            .iter()
            .map(|component| component.down)
            .max()
            .unwrap_or(1);
        Ok(Self {
            process,
            width,
            height,
            components,
            most_across,
            most_down,
        })
    }

    /// MCUs in a row and in a column.
    pub(super) fn mcus(&self) -> (u32, u32) {
        (
            self.width.div_ceil(8 * self.most_across),
            self.height.div_ceil(8 * self.most_down),
        )
    }

    /// Blocks of a component that show some of the picture, in a row and in a column; a scan of it alone has no others.
    pub(super) fn own_blocks(&self, component: Component) -> (u32, u32) {
        (
            (self.width * component.across).div_ceil(self.most_across * 8),
            (self.height * component.down).div_ceil(self.most_down * 8),
        )
    }

    /// The layout of a component. Subsampled components are scaled down less, so that all come out equal where they can and should.
    pub(super) fn layout(&self, component: Component, scales: Scales) -> Layout {
        let (mcus_across, mcus_down) = self.mcus();
        let is_full = component.across == self.most_across && component.down == self.most_down;
        let scale = if is_full {
            scales.full
        } else {
            scales.subsampled
        };
        let mut own = scale;
        while let Some(larger) = own.doubled() {
            let fits = |most: u32, factor: u32| {
                (most * scale.side()).is_multiple_of(factor * larger.side())
            };
            if !fits(self.most_across, component.across) || !fits(self.most_down, component.down) {
                break;
            }
            own = larger;
        }
        let (own_across, own_down) = self.own_blocks(component);
        let pixels =
            |side: u32, factor: u32, most: u32| (side * factor * own.side()).div_ceil(most * 8);
        Layout {
            blocks_across: mcus_across * component.across,
            blocks_down: mcus_down * component.down,
            own_across,
            own_down,
            scale: own,
            width: pixels(self.width, component.across, self.most_across),
            height: pixels(self.height, component.down, self.most_down),
        }
    }

    /// Bytes that decoding at these scales takes.
    pub(super) fn memory(&self, scales: Scales) -> u64 {
        let bytes = |component: &Component| {
            let layout = self.layout(*component, scales);
            let blocks = u64::from(layout.blocks_across) * u64::from(layout.blocks_down);
            let kept = u64::from(layout.scale.side()).pow(2);
            // A byte for each pixel; for progressive files also two for each coefficient kept and eight for each block.
            blocks
                * if self.process == Process::Progressive {
                    kept * 3 + 8
                } else {
                    kept
                }
        };
        self.components.iter().map(bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(width: u16, height: u16, factors: &[u8]) -> Frame {
        let mut payload = vec![8];
        payload.extend(height.to_be_bytes());
        payload.extend(width.to_be_bytes());
        payload.push(u8::try_from(factors.len()).unwrap());
        for (id, factor) in (1u8..).zip(factors) {
            payload.extend([id, *factor, 0]);
        }
        Frame::parse(Process::Sequential, &payload).unwrap()
    }

    #[test]
    fn chroma_is_scaled_to_the_size_of_luma_where_it_can() {
        let frame = frame(1001, 500, &[0x22, 0x11, 0x11]);
        let sizes = |scale| {
            frame
                .components
                .iter()
                .map(|c| {
                    let l = frame.layout(*c, Scales::from(scale));
                    (l.width, l.height, l.scale.side())
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(
            sizes(Scale::Eight),
            [(1001, 500, 8), (501, 250, 8), (501, 250, 8)]
        );
        assert_eq!(
            sizes(Scale::Four),
            [(501, 250, 4), (501, 250, 8), (501, 250, 8)]
        );
        assert_eq!(
            sizes(Scale::One),
            [(126, 63, 1), (126, 63, 2), (126, 63, 2)]
        );
        assert_eq!(frame.mcus(), (63, 32));
    }

    #[test]
    fn chroma_may_come_out_smaller_than_luma() {
        let scales = Scales {
            full: Scale::Four,
            subsampled: Scale::Two,
        };
        for (sampling, chroma) in [
            ([0x22, 0x11, 0x11], (250, 125, 4)),
            // Halved across alone: no scale of a block makes that good.
            ([0x21, 0x11, 0x11], (125, 125, 2)),
            // Not subsampled at all.
            ([0x11, 0x11, 0x11], (500, 250, 4)),
        ] {
            let frame = frame(1000, 500, &sampling);
            let sizes: Vec<_> = frame
                .components
                .iter()
                .map(|component| frame.layout(*component, scales))
                .map(|layout| (layout.width, layout.height, layout.scale.side()))
                .collect();
            assert_eq!(sizes, [(500, 250, 4), chroma, chroma]);
        }
    }

    #[test]
    fn the_smallest_scale_that_serves() {
        for (least, scale) in [
            ((160, 90), Scale::One),
            ((161, 90), Scale::Two),
            ((320, 180), Scale::Two),
            ((640, 361), Scale::Eight),
        ] {
            assert_eq!(Scale::at_least((1280, 720), least), scale, "{least:?}");
        }
    }

    #[test]
    fn impossible_headers_are_refused() {
        assert!(Frame::parse(Process::Sequential, &[8, 0, 1, 0]).is_err());
        assert!(Frame::parse(Process::Sequential, &[12, 0, 1, 0, 1, 1, 1, 0x11, 0]).is_err());
        assert!(Frame::parse(Process::Sequential, &[8, 0, 0, 0, 1, 1, 1, 0x11, 0]).is_err());
        assert!(Frame::parse(Process::Sequential, &[8, 0, 1, 0, 1, 1, 1, 0x51, 0]).is_err());
        assert!(
            Frame::parse(
                Process::Sequential,
                &[8, 0, 1, 0, 1, 2, 1, 0x11, 0, 2, 0x11, 0]
            )
            .is_err()
        );
    }
}
