//! What frame headers of AV1 depend on in the sequence header (AV1 specification, 5.5).

use super::BitReader;

/// The fields of a sequence header that decide which bits a frame header has.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequence {
    pub(super) reduced_still: bool,
    /// Bits of `frame_presentation_time`, when frame headers have it.
    pub(super) presentation_bits: Option<u32>,
    /// Bits of `buffer_removal_time`, when there is a decoder model.
    pub(super) removal_bits: Option<u32>,
    /// `operating_point_idc`, and whether the decoder model speaks of it.
    pub(super) operating_points: Vec<(u32, bool)>,
    pub(super) width_bits: u32,
    pub(super) height_bits: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Bits of frame ids and of differences between them, when frame headers have them.
    pub(super) id_bits: Option<(u32, u32)>,
    pub(super) large_superblocks: bool,
    pub(super) warped_motion: bool,
    /// Bits of order hints; 0 when there are none.
    pub(super) order_hint_bits: u32,
    pub(super) reference_mvs: bool,
    /// 2 when each frame header says.
    pub(super) screen_content: u32,
    /// 2 when each frame header says.
    pub(super) integer_mv: u32,
    pub(super) superres: bool,
    pub(super) cdef: bool,
    pub(super) restoration: bool,
    pub(super) monochrome: bool,
    pub(super) subsampled: bool,
    pub(super) separate_uv_delta_q: bool,
    pub(super) film_grain: bool,
}

impl Sequence {
    /// Reads the payload of a sequence header.
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let mut r = BitReader::new(data);
        let r = &mut r;
        let mut s = Self::default();
        let profile = r.bits(3)?;
        r.flag()?;
        s.reduced_still = r.flag()?;
        if s.reduced_still {
            r.skip(5)?;
            s.operating_points.push((0, false));
        } else {
            s.read_operating_points(r)?;
        }
        (s.width_bits, s.height_bits) = (r.bits(4)? + 1, r.bits(4)? + 1);
        s.width = r.bits(s.width_bits)? + 1;
        s.height = r.bits(s.height_bits)? + 1;
        if !s.reduced_still && r.flag()? {
            let difference = r.bits(4)? + 2;
            s.id_bits = Some((r.bits(3)? + 1 + difference, difference));
        }
        s.large_superblocks = r.flag()?;
        r.skip(2)?;
        (s.screen_content, s.integer_mv) = (2, 2);
        if !s.reduced_still {
            r.skip(2)?;
            s.warped_motion = r.flag()?;
            r.flag()?;
            let has_order_hint = r.flag()?;
            if has_order_hint {
                r.flag()?;
                s.reference_mvs = r.flag()?;
            }
            if !r.flag()? {
                s.screen_content = r.bits(1)?;
            }
            if s.screen_content > 0 && !r.flag()? {
                s.integer_mv = r.bits(1)?;
            }
            if has_order_hint {
                s.order_hint_bits = r.bits(3)? + 1;
            }
        }
        s.superres = r.flag()?;
        s.cdef = r.flag()?;
        s.restoration = r.flag()?;
        s.read_colour(r, profile)?;
        s.film_grain = r.flag()?;
        Some(s)
    }

    fn read_operating_points(&mut self, r: &mut BitReader<'_>) -> Option<()> {
        let mut model_bits = None;
        if r.flag()? {
            r.skip(64)?;
            let equal_interval = r.flag()?;
            if equal_interval {
                r.ue()?;
            }
            if r.flag()? {
                model_bits = Some(r.bits(5)? + 1);
                r.skip(32)?;
                self.removal_bits = Some(r.bits(5)? + 1);
                let bits = r.bits(5)? + 1;
                self.presentation_bits = (!equal_interval).then_some(bits);
            }
        }
        let initial_delay = r.flag()?;
        for _ in 0..=r.bits(5)? {
            let idc = r.bits(12)?;
            if r.bits(5)? > 7 {
                r.flag()?;
            }
            let mut modelled = false;
            if let Some(bits) = model_bits {
                modelled = r.flag()?;
                if modelled {
                    r.skip(bits as usize * 2 + 1)?;
                }
            }
            if initial_delay && r.flag()? {
                r.skip(4)?;
            }
            self.operating_points.push((idc, modelled));
        }
        Some(())
    }

    /// `color_config` (5.5.2).
    fn read_colour(&mut self, r: &mut BitReader<'_>, profile: u32) -> Option<()> {
        let high = r.flag()?;
        let twelve = profile == 2 && high && r.flag()?;
        self.monochrome = profile != 1 && r.flag()?;
        let described = if r.flag()? {
            (r.bits(8)?, r.bits(8)?, r.bits(8)?)
        } else {
            (2, 2, 2)
        };
        if self.monochrome {
            // Monochrome pictures count as subsampled (5.5.2).
            self.subsampled = true;
            return r.skip(1);
        }
        if described != (1, 13, 0) {
            r.flag()?;
            let (x, y) = match profile {
                0 => (true, true),
                1 => (false, false),
                _ if twelve => {
                    let x = r.flag()?;
                    (x, x && r.flag()?)
                }
                _ => (true, false),
            };
            self.subsampled = x && y;
            if self.subsampled {
                r.skip(2)?;
            }
        }
        self.separate_uv_delta_q = r.flag()?;
        Some(())
    }
}
