//! What the fuzz targets run: every decoder of outside bytes, and the invariants that must hold whatever comes.
//!
//! A target is one line that calls one of these with the fuzzer's bytes; the ordinary tests call them with saved and random ones.

use crate::cbor;
use crate::format::{cat, jwt};
use crate::path::NormalPath;
use crate::pattern::{Dialect, PathPattern};

/// A path is refused, or its normal form is a fixed point that no decoding changes any more.
///
/// # Panics
/// When the invariant is broken.
pub fn path(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(normal) = NormalPath::new(text) {
        let again = NormalPath::new(normal.encoded()).expect("a normal path is normal");
        assert_eq!(again.encoded(), normal.encoded());
        let segments: Vec<&str> = normal.segments().collect();
        let (last, inner) = segments.split_last().expect("a path has a segment");
        assert!(
            inner.iter().all(|segment| !segment.is_empty()),
            "an empty segment"
        );
        assert!(
            !segments
                .iter()
                .any(|segment| matches!(*segment, "." | "..")),
            "a dot segment"
        );
        assert!(!last.contains('\\') && !normal.decoded().contains('\0'));
    }
}

/// A pattern is refused or matches without trouble.
pub fn pattern(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (pattern, path) = text.split_once('\n').unwrap_or((&text, "/a/b"));
    for dialect in [Dialect::Segments, Dialect::Anything] {
        if let (Ok(pattern), Ok(path)) = (PathPattern::new(pattern, dialect), NormalPath::new(path))
        {
            let _ = pattern.covers(&path);
        }
    }
}

/// CBOR is refused, or comes back the same from its own encoding.
///
/// # Panics
/// When the invariant is broken.
pub fn cbor(bytes: &[u8]) {
    if let Ok(value) = cbor::decode(bytes) {
        assert_eq!(cbor::decode(&cbor::encode(&value)).as_ref(), Ok(&value));
    }
}

/// Tokens of every format, key sets and revocation lists are taken apart or refused.
pub fn token(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = jwt::parse(&text);
    let _ = cat::parse(&text);
    let _ = crate::inspect(&text);
    let _ = crate::cose::Message::decode(bytes);
    let _ = crate::cose::read_cose_keys(bytes, true);
    let _ = crate::keys::read_jwks(bytes, true);
    let _ = crate::VerifyingKey::from_pem(&text);
    let _ = crate::VerifyingKey::from_spki_der(bytes);
}

/// Signatures of every algorithm are refused: nobody guesses one.
///
/// # Panics
/// When a signature holds.
pub fn signature(bytes: &[u8], keys: &[crate::VerifyingKey]) {
    for key in keys {
        for (algorithm, _) in crate::Algorithm::NAMES {
            assert!(
                !key.verify(algorithm, b"what was never signed", bytes),
                "{algorithm} by chance"
            );
        }
    }
}
