//! The body of a manifest on its way to the viewer: unpacked, rewritten, packed again.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::{GzEncoder, MultiGzDecoder, ZlibDecoder};
use weir_module::BodyTransform;

use crate::encoding::Encoding;
use crate::error::{FREE_OUTPUT, MAX_RATIO, RewriteError};

/// Rewrites a manifest that comes in pieces.
pub trait Rewriter {
    /// Takes the next bytes, appends what is ready.
    ///
    /// # Errors
    /// [`RewriteError`]; the rewriter is not used after one.
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError>;

    /// The manifest has ended; appends what is left.
    ///
    /// # Errors
    /// As [`Rewriter::push`].
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError>;
}

/// A [`BodyTransform`] around a [`Rewriter`].
pub struct ManifestBody {
    decoder: Decoder,
    taken: u64,
}

enum Decoder {
    Identity(Tail),
    Gzip(MultiGzDecoder<Tail>),
    Deflate(ZlibDecoder<Tail>),
    Brotli(Box<brotli_decompressor::DecompressorWriter<Tail>>),
}

impl ManifestBody {
    /// A body that comes in `encoding` and leaves as gzip when `gzip` is set, else plain.
    pub fn new(rewriter: Box<dyn Rewriter>, encoding: Encoding, gzip: bool) -> Self {
        // Level 1: measured at three times the speed of level 6 for a tenth more bytes on playlists.
        let packer = gzip.then(|| GzEncoder::new(Vec::new(), Compression::fast()));
        let tail = Tail {
            rewriter,
            packer,
            plain: Vec::new(),
            unpacked: 0,
            limit: u64::MAX,
            failure: None,
        };
        let decoder = match encoding {
            Encoding::Identity => Decoder::Identity(tail),
            Encoding::Gzip => Decoder::Gzip(MultiGzDecoder::new(tail)),
            Encoding::Deflate => Decoder::Deflate(ZlibDecoder::new(tail)),
            Encoding::Brotli => Decoder::Brotli(Box::new(
                brotli_decompressor::DecompressorWriter::new(tail, 16 * 1024),
            )),
        };
        Self { decoder, taken: 0 }
    }

    fn tail(&mut self) -> &mut Tail {
        match &mut self.decoder {
            Decoder::Identity(tail) => tail,
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Deflate(decoder) => decoder.get_mut(),
            Decoder::Brotli(decoder) => decoder.get_mut(),
        }
    }

    /// Takes the next bytes of the body.
    ///
    /// # Errors
    /// [`RewriteError`].
    pub fn take(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        self.taken += chunk.len() as u64;
        if let Decoder::Identity(tail) = &mut self.decoder {
            tail.rewrite(chunk, out)?;
            return Ok(());
        }
        let limit = FREE_OUTPUT.max(self.taken.saturating_mul(MAX_RATIO));
        self.tail().limit = limit;
        let written = match &mut self.decoder {
            Decoder::Identity(_) => Ok(()),
            Decoder::Gzip(decoder) => decoder.write_all(chunk),
            Decoder::Deflate(decoder) => decoder.write_all(chunk),
            Decoder::Brotli(decoder) => decoder.write_all(chunk),
        };
        self.outcome(written)?;
        self.tail().drain(out);
        Ok(())
    }

    /// The body has ended.
    ///
    /// # Errors
    /// [`RewriteError`]; a compressed body that ends early among them.
    pub fn end(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        // A response without a body (to HEAD, say) may name an encoding and still be empty.
        if self.taken > 0 {
            let finished = match &mut self.decoder {
                Decoder::Identity(_) => Ok(()),
                Decoder::Gzip(decoder) => decoder.try_finish(),
                Decoder::Deflate(decoder) => decoder.try_finish(),
                Decoder::Brotli(decoder) => decoder.close(),
            };
            self.outcome(finished)?;
        }
        let tail = self.tail();
        tail.finish()?;
        tail.drain(out);
        Ok(())
    }

    fn outcome(&mut self, done: io::Result<()>) -> Result<(), RewriteError> {
        done.map_err(|error| {
            self.tail()
                .failure
                .take()
                .unwrap_or_else(|| RewriteError::Encoding(error.to_string()))
        })
    }
}

impl BodyTransform for ManifestBody {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        self.take(chunk, out).map_err(|error| error.to_string())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        self.end(out).map_err(|error| error.to_string())
    }
}

/// What unpacked bytes are written into.
struct Tail {
    rewriter: Box<dyn Rewriter>,
    packer: Option<GzEncoder<Vec<u8>>>,
    plain: Vec<u8>,
    unpacked: u64,
    limit: u64,
    failure: Option<RewriteError>,
}

impl Tail {
    /// Rewrites into `out`, packed if asked.
    fn rewrite(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        if self.packer.is_none() {
            return self.rewriter.push(chunk, out);
        }
        self.rewriter.push(chunk, &mut self.plain)?;
        self.pack()?;
        self.drain(out);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), RewriteError> {
        self.rewriter.finish(&mut self.plain)?;
        self.pack()?;
        if let Some(packer) = self.packer.take() {
            self.plain = packer
                .finish()
                .map_err(|error| RewriteError::Encoding(error.to_string()))?;
        }
        Ok(())
    }

    fn pack(&mut self) -> Result<(), RewriteError> {
        if let Some(packer) = &mut self.packer {
            packer
                .write_all(&self.plain)
                .map_err(|error| RewriteError::Encoding(error.to_string()))?;
            self.plain.clear();
        }
        Ok(())
    }

    fn drain(&mut self, out: &mut Vec<u8>) {
        out.append(match &mut self.packer {
            Some(packer) => packer.get_mut(),
            None => &mut self.plain,
        });
    }
}

impl Write for Tail {
    fn write(&mut self, unpacked: &[u8]) -> io::Result<usize> {
        self.unpacked += unpacked.len() as u64;
        let done = if self.unpacked > self.limit {
            Err(RewriteError::Bomb)
        } else {
            self.rewriter
                .push(unpacked, &mut self.plain)
                .and_then(|()| self.pack())
        };
        done.map(|()| unpacked.len()).map_err(|error| {
            self.failure = Some(error);
            io::Error::other("the manifest cannot be rewritten")
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;

    /// Doubles every byte, so that nothing passes by accident.
    struct Twice;

    impl Rewriter for Twice {
        fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
            out.extend(chunk.iter().flat_map(|byte| [*byte, *byte]));
            Ok(())
        }

        fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
            out.extend_from_slice(b"!");
            Ok(())
        }
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn run(
        body: &[u8],
        encoding: Encoding,
        packed: bool,
        chunk: usize,
    ) -> Result<Vec<u8>, RewriteError> {
        let mut transform = ManifestBody::new(Box::new(Twice), encoding, packed);
        let mut out = Vec::new();
        for part in body.chunks(chunk) {
            transform.take(part, &mut out)?;
        }
        transform.end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn every_pair_of_encodings() {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(b"abc").unwrap();
        // `abc` as brotli: an uncompressed meta-block, then the empty last one (RFC 7932 section 9.2).
        let brotli = b"\x0b\x01\x80abc\x03".to_vec();
        for (encoding, body) in [
            (Encoding::Identity, b"abc".to_vec()),
            (Encoding::Gzip, gzip(b"abc")),
            (Encoding::Gzip, [gzip(b"a"), gzip(b"bc")].concat()),
            (Encoding::Deflate, zlib.finish().unwrap()),
            (Encoding::Brotli, brotli),
        ] {
            for chunk in [1, 7, 1000] {
                assert_eq!(
                    run(&body, encoding, false, chunk).unwrap(),
                    b"aabbcc!",
                    "{encoding:?}"
                );
                let packed = run(&body, encoding, true, chunk).unwrap();
                let mut text = Vec::new();
                GzDecoder::new(packed.as_slice())
                    .read_to_end(&mut text)
                    .unwrap();
                assert_eq!(text, b"aabbcc!");
            }
        }
    }

    #[test]
    fn a_body_that_ends_early_is_no_body() {
        let body = gzip(&[b'x'; 5000]);
        assert!(matches!(
            run(&body[..body.len() - 4], Encoding::Gzip, false, 9),
            Err(RewriteError::Encoding(_))
        ));
        assert!(matches!(
            run(b"no gzip at all", Encoding::Gzip, false, 9),
            Err(RewriteError::Encoding(_))
        ));
        assert!(matches!(
            run(b"\x0b\x01\x80a", Encoding::Brotli, false, 9),
            Err(RewriteError::Encoding(_))
        ));
    }

    #[test]
    fn a_bomb_is_stopped() {
        let body = gzip(&vec![b'x'; 32 * 1024 * 1024]);
        assert_eq!(
            run(&body, Encoding::Gzip, false, 64 * 1024),
            Err(RewriteError::Bomb)
        );
    }

    #[test]
    fn an_empty_body_stays_readable() {
        assert_eq!(run(b"", Encoding::Gzip, false, 1).unwrap(), b"!");
    }
}
