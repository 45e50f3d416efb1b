//! A sprite, decoded once for all of its tiles.

use super::{Layout, Output, Settings, asked_turn, finish};
use crate::accept::AcceptClass;
use crate::decode::{self, Decoded, Header, Least};
use crate::error::PictureError;
use crate::options::Options;
use crate::plan::Rect;

/// A decoded sprite, of which parts are taken.
#[derive(Debug)]
pub struct Sheet {
    header: Header,
    decoded: Decoded,
}

impl Sheet {
    /// Decodes a sprite.
    ///
    /// # Errors
    /// As [`transform`](super::transform).
    pub fn open(source: &[u8], settings: &Settings) -> Result<Self, PictureError> {
        let header = decode::inspect(source, settings.decode)?;
        // Blocks must not reach over a tile's border: nothing is reduced.
        let least = Least {
            width: header.width,
            height: header.height,
        };
        let decoded = decode::decode(source, header, least, settings.decode)?;
        Ok(Self { header, decoded })
    }

    /// As [`transform_part`](super::transform_part).
    ///
    /// # Errors
    /// As [`transform_part`](super::transform_part).
    pub fn part(
        &self,
        part: (u32, u32, u32, u32),
        options: &Options,
        accept: AcceptClass,
        settings: &Settings,
    ) -> Result<Output, PictureError> {
        let (stored, layout) = self.layout(part, options, settings)?;
        let part = self.decoded.pixels.isolated(stored);
        let raster = layout.render(part, self.decoded.profile.as_deref(), options, settings);
        finish(raster, self.header.format, options, accept, settings)
    }

    /// The size that a part would come out with.
    ///
    /// # Errors
    /// As [`transform_part`](super::transform_part).
    pub fn size_of(
        &self,
        part: (u32, u32, u32, u32),
        options: &Options,
        settings: &Settings,
    ) -> Result<(u32, u32), PictureError> {
        let (_, layout) = self.layout(part, options, settings)?;
        Ok(layout.plan.result_size())
    }

    fn layout(
        &self,
        (left, top, width, height): (u32, u32, u32, u32),
        options: &Options,
        settings: &Settings,
    ) -> Result<(Rect, Layout), PictureError> {
        let header = self.header;
        let fits = |start: u32, length: u32, whole: u32| {
            length > 0 && start.checked_add(length).is_some_and(|end| end <= whole)
        };
        if !fits(left, width, header.width) || !fits(top, height, header.height) {
            return Err(PictureError::EmptyRegion {
                width: header.width,
                height: header.height,
            });
        }
        let stored = Rect {
            left: left.into(),
            top: top.into(),
            width: width.into(),
            height: height.into(),
        };
        // A sprite is laid out as stored; its tiles are upright in it.
        let layout = Layout::new(stored, asked_turn(options), options, settings)?;
        Ok((stored, layout))
    }
}
