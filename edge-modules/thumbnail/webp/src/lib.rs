//! WebP by libwebp's own encoder: the smallest files for their looks of all permissively licensed encoders that were measured.
//!
//! libwebp is C. What it is given here is pixels in memory whose number this crate has checked, never a file: none of its
//! decoders is called (the linker drops them). `c/` holds what building it for `wasm32-wasip2` takes beside clang: the few
//! headers, and SSE2 and SSE4.1 in terms of WebAssembly's SIMD, so that libwebp's own fast kernels run there.
//!
//! ```
//! let red = [200, 0, 0].repeat(32 * 16);
//! let settings = weir_webp::Settings { quality: 80, effort: 4, lossless: false };
//! let file = weir_webp::encode(&red, 32, 16, weir_webp::Layout::Rgb, settings)?;
//! assert!(file.starts_with(b"RIFF"));
//! # Ok::<(), weir_webp::Error>(())
//! ```
#![deny(missing_docs)]

mod picture;

use picture::Picture;

/// Pixels on a side that the format can express (RFC 9649 section 2.5).
pub const LARGEST_SIDE: u32 = 16_383;

/// What a pixel is made of, in the order of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, alpha that is not multiplied in.
    Rgba,
}

impl Layout {
    const fn bytes(self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }
}

/// How to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// 1 to 100. Without loss it says how hard to try.
    pub quality: u8,
    /// 0 to 6: more takes longer and makes smaller files.
    pub effort: u8,
    /// Every visible pixel comes back as it was.
    pub lossless: bool,
}

/// Why there is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A side of no pixels, or of more than [`LARGEST_SIDE`].
    #[error("{0}x{1} pixels: sides are 1 to {LARGEST_SIDE}")]
    Sides(u32, u32),
    /// The slice is not as long as the picture is large.
    #[error("{found} bytes of pixels where {expected} are needed")]
    Length {
        /// What the sides and the layout ask for.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// A quality or an effort out of its range.
    #[error("quality {} or effort {} is out of range", .0.quality, .0.effort)]
    Settings(Settings),
    /// libwebp gave up, by its `WebPEncodingError`: memory, in practice.
    #[error("libwebp failed with error {0}")]
    Encoder(u32),
}

/// Encodes a picture into a whole file.
///
/// # Errors
/// Sides, a length or settings out of range; or no memory.
pub fn encode(
    pixels: &[u8],
    width: u32,
    height: u32,
    layout: Layout,
    settings: Settings,
) -> Result<Vec<u8>, Error> {
    if !(1..=LARGEST_SIDE).contains(&width) || !(1..=LARGEST_SIDE).contains(&height) {
        return Err(Error::Sides(width, height));
    }
    if !(1..=100).contains(&settings.quality) || settings.effort > 6 {
        return Err(Error::Settings(settings));
    }
    // Not over 2^30, so it fits 32 bits.
    let expected = width as usize * height as usize * layout.bytes();
    if pixels.len() != expected {
        return Err(Error::Length {
            expected,
            found: pixels.len(),
        });
    }
    Picture::import(pixels, width, height, layout, settings.lossless)?.encode(settings)
}
