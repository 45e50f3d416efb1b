//! The ciphers of Common Encryption (ISO/IEC 23001-7) and of whole segments (RFC 8216bis 4.4.4.4).

use aes::Aes128Enc;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{
    Array, BlockModeEncrypt, InnerIvInit, KeyInit, KeyIvInit, StreamCipher, StreamCipherCoreWrapper,
};
use bytes::Bytes;
use ctr::CtrCore;
use ctr::flavors::Ctr64BE;

use crate::{Error, Key};

/// Bytes of a block.
pub(super) const BLOCK: usize = 16;
/// Blocks of the pattern of `cbcs` for pictures: one encrypted, nine not (ISO/IEC 23001-7, 10.4.2).
pub(super) const PATTERN: (u8, u8) = (1, 9);

/// A key made ready.
#[derive(Clone)]
pub(super) struct Cipher(Aes128Enc);

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher(…)")
    }
}

impl Cipher {
    pub(super) fn new(key: Key) -> Self {
        Self(Aes128Enc::new(&Array(key.0)))
    }

    /// Encrypts a stretch of protected bytes as `cbcs` does: with `pattern` only some blocks of each group of ten, else all.
    /// The chain starts afresh with `iv`; the bytes after the last whole block stay as they are.
    pub(super) fn cbcs(&self, iv: [u8; BLOCK], pattern: bool, data: &mut [u8]) {
        let mut chain = cbc::Encryptor::<&Aes128Enc>::inner_iv_init(&self.0, &Array(iv));
        if pattern {
            let stride = BLOCK * usize::from(PATTERN.0 + PATTERN.1);
            for group in data.chunks_mut(stride) {
                if let Some((block, _)) = group.split_first_chunk_mut::<BLOCK>() {
                    chain.encrypt_block(Array::cast_from_core_mut(block));
                }
            }
        } else {
            let (blocks, _) = data.as_chunks_mut::<BLOCK>();
            chain.encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
        }
    }

    /// The key stream of one sample in counter mode: the initialization vector, then a block counter from 0
    /// (ISO/IEC 23001-7, 9.2).
    pub(super) fn cenc(&self, iv: u64) -> CounterStream<'_> {
        let mut nonce = [0; BLOCK];
        nonce[..8].copy_from_slice(&iv.to_be_bytes());
        CounterStream(StreamCipherCoreWrapper::from_core(CtrCore::inner_iv_init(
            &self.0,
            &Array(nonce),
        )))
    }
}

/// A key stream that goes on from one protected stretch of a sample to the next.
pub(super) struct CounterStream<'a>(StreamCipherCoreWrapper<CtrCore<&'a Aes128Enc, Ctr64BE>>);

impl CounterStream<'_> {
    /// Encrypts the next protected bytes.
    pub(super) fn apply(&mut self, data: &mut [u8]) -> Result<(), Error> {
        self.0
            .try_apply_keystream(data)
            .map_err(|_| Error::Protocol("a sample is too long for one key stream".to_owned()))
    }
}

/// Length of `len` bytes once they are encrypted as a whole: padded to blocks, by one byte at least.
pub(crate) const fn whole_len(len: u64) -> u64 {
    (len / BLOCK as u64 + 1) * BLOCK as u64
}

/// Encrypts a whole segment, PKCS #7 padding added.
pub(super) fn whole(key: Key, iv: [u8; BLOCK], parts: &[Bytes]) -> Result<Bytes, Error> {
    let len: usize = parts.iter().map(Bytes::len).sum();
    let mut buffer = Vec::with_capacity(len + BLOCK);
    parts.iter().for_each(|part| buffer.extend_from_slice(part));
    buffer.resize(len + BLOCK, 0);
    let chain = cbc::Encryptor::<Aes128Enc>::new(&Array(key.0), &Array(iv));
    let encrypted = chain
        .encrypt_padded::<Pkcs7>(&mut buffer, len)
        .map_err(|_| Error::Protocol("no room for the padding of a segment".to_owned()))?
        .len();
    buffer.truncate(encrypted);
    Ok(Bytes::from(buffer))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key([
        0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f,
        0x3c,
    ]);

    /// NIST SP 800-38A, F.2.1 (CBC-AES128.Encrypt), the first two blocks.
    #[test]
    fn chained_blocks_follow_the_standard_vectors() {
        let iv: [u8; 16] = *b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f";
        let plain = hex::decode("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
            .unwrap();
        let wanted = "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2";
        let mut data = plain.clone();
        data.push(7);
        Cipher::new(KEY).cbcs(iv, false, &mut data);
        assert_eq!(hex::encode(&data[..32]), wanted);
        assert_eq!(data[32], 7, "a part of a block stays in the clear");
        let sealed = whole(KEY, iv, &[Bytes::from(plain)]).unwrap();
        assert_eq!(sealed.len() as u64, whole_len(32));
        assert_eq!(hex::encode(&sealed[..32]), wanted);
    }

    #[test]
    fn the_pattern_takes_one_block_of_ten() {
        let mut data = vec![0; 16 * 21 + 15];
        Cipher::new(KEY).cbcs([0; 16], true, &mut data);
        let changed: Vec<_> = data
            .chunks(16)
            .enumerate()
            .filter(|(_, block)| block.iter().any(|byte| *byte != 0))
            .map(|(at, _)| at)
            .collect();
        assert_eq!(changed, [0, 10, 20]);
        // The chain goes on from one encrypted block to the next.
        assert_ne!(data[..16], data[160..176]);
    }

    /// NIST SP 800-38A, F.5.1 (CTR-AES128.Encrypt) has a counter that starts elsewhere; so the key stream is checked against the
    /// block cipher itself, across stretches that end within blocks.
    #[test]
    fn the_key_stream_goes_on_across_stretches() {
        use aes::cipher::BlockCipherEncrypt;
        let cipher = Cipher::new(KEY);
        let mut data = vec![0; 40];
        let mut stream = cipher.cenc(0x0102_0304_0506_0708);
        let (first, rest) = data.split_at_mut(5);
        stream.apply(first).unwrap();
        stream.apply(rest).unwrap();
        let mut wanted = Vec::new();
        for block in 0..3_u8 {
            let mut counter = Array([1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, block]);
            cipher.0.encrypt_block(&mut counter);
            wanted.extend_from_slice(&counter);
        }
        assert_eq!(data, wanted[..40]);
    }
}
