//! Codec names: RFC 6381 identifiers and the names that people and other services use for them.

/// What a codec carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles and all else.
    Other,
}

/// The part of an RFC 6381 codec before the first dot: `avc1` of `avc1.640028`.
pub fn four_character(codec: &str) -> &str {
    codec.split('.').next().unwrap_or(codec)
}

/// The usual family name of a codec and what it carries: `avc1.640028` is `h264`, video.
pub fn family(codec: &str) -> (&'static str, Medium) {
    use Medium::{Audio, Other, Video};
    match four_character(codec).to_ascii_lowercase().as_str() {
        "avc1" | "avc2" | "avc3" | "avc4" => ("h264", Video),
        "hvc1" | "hev1" => ("h265", Video),
        "dvh1" | "dvhe" | "dva1" | "dvav" | "dav1" => ("dolby-vision", Video),
        "av01" => ("av1", Video),
        "vp09" | "vp9" => ("vp9", Video),
        "vp08" | "vp8" => ("vp8", Video),
        "vvc1" | "vvi1" => ("vvc", Video),
        "mp4v" | "mp2v" => ("mpeg", Video),
        "mjpg" | "jpeg" => ("mjpeg", Video),
        // AAC-LC is object type 2; 5 and 29 are HE-AAC; 34 is MP3 (ISO/IEC 14496-3 table 1.17).
        "mp4a" => match codec.to_ascii_lowercase().as_str() {
            "mp4a.40.5" | "mp4a.40.05" | "mp4a.40.29" => ("aac-he", Audio),
            "mp4a.40.34" | "mp4a.6b" | "mp4a.69" => ("mp3", Audio),
            "mp4a.40.42" => ("usac", Audio),
            "mp4a.a5" => ("ac-3", Audio),
            "mp4a.a6" => ("ec-3", Audio),
            _ => ("aac", Audio),
        },
        "ac-3" => ("ac-3", Audio),
        "ec-3" => ("ec-3", Audio),
        "ac-4" => ("ac-4", Audio),
        "opus" => ("opus", Audio),
        "flac" => ("flac", Audio),
        "alac" => ("alac", Audio),
        "mp3" | ".mp3" => ("mp3", Audio),
        "dtsc" | "dtse" | "dtsh" | "dtsl" | "dtsx" => ("dts", Audio),
        _ => ("other", Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families() {
        for (codec, expected) in [
            ("avc1.640028", ("h264", Medium::Video)),
            ("HVC1.2.4.L123.B0", ("h265", Medium::Video)),
            ("mp4a.40.2", ("aac", Medium::Audio)),
            ("mp4a.40.5", ("aac-he", Medium::Audio)),
            ("ec-3", ("ec-3", Medium::Audio)),
            ("stpp.ttml.im1t", ("other", Medium::Other)),
        ] {
            assert_eq!(family(codec), expected, "{codec}");
        }
    }
}
