//! The one place where C is called.
#![expect(unsafe_code, reason = "libwebp is C")]

use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::slice;

use libwebp_sys::{
    WebPConfig, WebPEncode, WebPMemoryWrite, WebPMemoryWriter, WebPMemoryWriterClear,
    WebPMemoryWriterInit, WebPPicture, WebPPictureFree, WebPPictureImportRGB,
    WebPPictureImportRGBA, WebPValidateConfig,
};

use crate::{Error, Layout, Settings};

/// `VP8_ENC_ERROR_OUT_OF_MEMORY`, for what can fail for no other reason.
const NO_MEMORY: u32 = 1;
/// `VP8_ENC_ERROR_INVALID_CONFIGURATION`.
const BAD_CONFIGURATION: u32 = 4;

/// A picture in libwebp's memory. Dropping it gives the memory back.
pub(crate) struct Picture(WebPPicture);

impl Picture {
    /// Copies pixels in: as they are where nothing may be lost, else as luma and halved chroma.
    ///
    /// The caller has checked the sides (1 to 16383) and that `pixels` holds exactly that many of `layout`.
    pub(crate) fn import(
        pixels: &[u8],
        width: u32,
        height: u32,
        layout: Layout,
        lossless: bool,
    ) -> Result<Self, Error> {
        debug_assert_eq!(
            pixels.len(),
            width as usize * height as usize * layout.bytes()
        );
        let mut picture = Self(WebPPicture::new().map_err(|()| Error::Encoder(BAD_CONFIGURATION))?);
        let (columns, rows) = (width.cast_signed(), height.cast_signed());
        (picture.0.width, picture.0.height) = (columns, rows);
        picture.0.use_argb = lossless.into();
        // 16383 * 4 at most.
        let stride = columns * i32::try_from(layout.bytes()).unwrap_or(4);
        let import = match layout {
            Layout::Rgb => WebPPictureImportRGB,
            Layout::Rgba => WebPPictureImportRGBA,
        };
        // SAFETY: the picture was initialised and has its size; `height` rows of `stride` bytes are read, which is the whole slice.
        if unsafe { import(&raw mut picture.0, pixels.as_ptr(), stride) } == 0 {
            return Err(Error::Encoder(NO_MEMORY));
        }
        Ok(picture)
    }

    /// Encodes it.
    pub(crate) fn encode(mut self, settings: Settings) -> Result<Vec<u8>, Error> {
        let mut config = WebPConfig::new().map_err(|()| Error::Encoder(BAD_CONFIGURATION))?;
        config.quality = settings.quality.into();
        config.method = settings.effort.into();
        config.lossless = settings.lossless.into();
        // SAFETY: an initialised configuration, only read.
        if unsafe { WebPValidateConfig(&raw const config) } == 0 {
            return Err(Error::Encoder(BAD_CONFIGURATION));
        }
        let mut written = Written::new();
        self.0.writer = Some(WebPMemoryWrite);
        self.0.custom_ptr = (&raw mut written.0).cast();
        // SAFETY: configuration and picture are valid; the writer lives until after the call and is what WebPMemoryWrite expects.
        let done = unsafe { WebPEncode(&raw const config, &raw mut self.0) };
        self.0.custom_ptr = null_mut();
        if done == 0 {
            return Err(Error::Encoder(self.0.error_code as u32));
        }
        Ok(written.bytes().to_vec())
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: initialised in `import`, freed once.
        unsafe { WebPPictureFree(&raw mut self.0) }
    }
}

/// What the encoder has written, in its own memory.
struct Written(WebPMemoryWriter);

impl Written {
    fn new() -> Self {
        let mut writer = MaybeUninit::uninit();
        // SAFETY: WebPMemoryWriterInit sets every field.
        Self(unsafe {
            WebPMemoryWriterInit(writer.as_mut_ptr());
            writer.assume_init()
        })
    }

    fn bytes(&self) -> &[u8] {
        if self.0.mem.is_null() {
            return &[];
        }
        // SAFETY: the writer holds `size` bytes that it has written, until it is cleared on drop.
        unsafe { slice::from_raw_parts(self.0.mem, self.0.size) }
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, cleared once.
        unsafe { WebPMemoryWriterClear(&raw mut self.0) }
    }
}
