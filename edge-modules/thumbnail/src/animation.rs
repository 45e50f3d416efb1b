//! An animated WebP out of single pictures (RFC 9649 section 2.7.1): their codestreams go into frames as they are.

use crate::error::PictureError;

/// One frame: a whole WebP file, and its size in pixels.
pub(crate) struct Frame {
    /// The file.
    pub(crate) file: Vec<u8>,
    /// Columns.
    pub(crate) width: u32,
    /// Rows.
    pub(crate) height: u32,
}

/// `VP8X` flags: an animation; some frame has transparency.
const ANIMATED: u8 = 0x02;
const ALPHA: u8 = 0x10;

/// Do not blend with the frame before, each shows a whole picture.
const NO_BLENDING: u8 = 0x02;

/// Puts frames together, each shown for `milliseconds`, over and over.
///
/// # Errors
/// No frame, or one that is no WebP file.
pub(crate) fn assemble(frames: &[Frame], milliseconds: u32) -> Result<Vec<u8>, PictureError> {
    let refuse = |reason: &str| PictureError::Encode("WebP", reason.to_owned());
    let (Some(width), Some(height)) = (
        frames.iter().map(|frame| frame.width).max(),
        frames.iter().map(|frame| frame.height).max(),
    ) else {
        return Err(refuse("no frame"));
    };
    let mut body = Vec::new();
    let mut alpha = 0;
    for frame in frames {
        let stream = codestream(&frame.file).ok_or_else(|| refuse("a frame that is no WebP"))?;
        if stream
            .iter()
            .any(|(name, data)| *name == b"ALPH" || has_alpha(name, data))
        {
            alpha = ALPHA;
        }
        let mut data = vec![0; 6];
        data.extend_from_slice(&three(frame.width - 1));
        data.extend_from_slice(&three(frame.height - 1));
        data.extend_from_slice(&three(milliseconds));
        data.push(NO_BLENDING);
        for (name, chunk) in stream {
            put(&mut data, name, chunk);
        }
        put(&mut body, b"ANMF", &data);
    }
    let mut out = b"WEBP".to_vec();
    let mut head = vec![ANIMATED | alpha, 0, 0, 0];
    head.extend_from_slice(&three(width - 1));
    head.extend_from_slice(&three(height - 1));
    put(&mut out, b"VP8X", &head);
    // Background transparent, without end.
    put(&mut out, b"ANIM", &[0; 6]);
    out.extend_from_slice(&body);
    let mut file = Vec::with_capacity(out.len() + 8);
    put(&mut file, b"RIFF", &out);
    Ok(file)
}

/// The chunks of a file that hold pixels.
fn codestream(file: &[u8]) -> Option<Vec<(&[u8; 4], &[u8])>> {
    let mut rest = file
        .strip_prefix(b"RIFF")?
        .get(4..)?
        .strip_prefix(b"WEBP")?;
    let mut found = Vec::new();
    while let Some((name, after)) = rest.split_first_chunk::<4>() {
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let data = after.get(..length)?;
        if matches!(name, b"ALPH" | b"VP8 " | b"VP8L") {
            found.push((name, data));
        }
        // Chunks lie on even bytes.
        rest = after.get(length + length % 2..).unwrap_or_default();
    }
    (!found.is_empty()).then_some(found)
}

/// The `alpha_is_used` bit of a lossless stream (section 3.4).
fn has_alpha(name: &[u8; 4], data: &[u8]) -> bool {
    name == b"VP8L" && data.get(4).is_some_and(|byte| byte & 0x10 != 0)
}

fn put(out: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    out.extend_from_slice(name);
    // Sizes are bounded by those of the pictures, far below 4 GiB.
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(data);
    if data.len() % 2 == 1 {
        out.push(0);
    }
}

/// The lower 24 bits.
fn three(value: u32) -> [u8; 3] {
    let [a, b, c, _] = value.to_le_bytes();
    [a, b, c]
}

#[cfg(test)]
mod tests {
    use image::{AnimationDecoder as _, codecs::webp::WebPDecoder};

    use super::*;
    use crate::encode::{Encoding, encode};
    use crate::format::OutputFormat;
    use crate::raster::{Channels, Raster};

    fn frame(width: u32, height: u32, colour: [u8; 4], lossless: bool) -> Frame {
        let channels = if colour[3] == 255 {
            Channels::Rgb
        } else {
            Channels::Rgba
        };
        let raster = Raster::filled(width, height, channels, colour);
        let encoding = Encoding {
            format: OutputFormat::WebP,
            quality: 90,
            lossless,
            progressive: false,
            effort: 0,
        };
        Frame {
            file: encode(&raster, encoding).unwrap(),
            width,
            height,
        }
    }

    #[test]
    fn another_decoder_sees_the_frames() {
        let (red, clear) = ([200, 0, 0, 255], [0, 0, 200, 100]);
        for (frames, first, alpha) in [
            (
                vec![
                    frame(33, 17, red, false),
                    frame(33, 17, [0, 200, 0, 255], false),
                ],
                red,
                false,
            ),
            (
                vec![frame(8, 8, red, true), frame(8, 8, clear, true)],
                red,
                true,
            ),
            (
                vec![frame(9, 9, clear, false), frame(9, 9, red, false)],
                clear,
                true,
            ),
        ] {
            let file = assemble(&frames, 250).unwrap();
            assert_eq!(file[20] & ALPHA != 0, alpha);
            let decoder = WebPDecoder::new(std::io::Cursor::new(&file)).unwrap();
            assert!(decoder.has_animation());
            let read: Vec<_> = decoder.into_frames().map(Result::unwrap).collect();
            assert_eq!(read.len(), 2);
            for shown in &read {
                assert_eq!(shown.delay().numer_denom_ms().0, 250);
                let size = shown.buffer().dimensions();
                assert_eq!(size, (frames[0].width, frames[0].height));
            }
            let seen = read[0].buffer().get_pixel(3, 3).0;
            assert!(
                seen.iter().zip(first).all(|(a, b)| a.abs_diff(b) < 12),
                "{seen:?}"
            );
        }
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        assert!(assemble(&[], 1).is_err());
        for file in [
            &b""[..],
            b"RIFF\x04\0\0\0WEBP",
            b"RIFF\x0c\0\0\0WEBPVP8 \xff\xff\xff\x7f",
        ] {
            let frame = Frame {
                file: file.to_vec(),
                width: 1,
                height: 1,
            };
            assert!(assemble(&[frame], 1).is_err());
        }
    }
}
