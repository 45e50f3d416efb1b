//! Media types of the files that Weir writes and serves.

/// Any bytes (RFC 2046, 4.5.1).
pub const OCTET_STREAM: &str = "application/octet-stream";

/// The media type of a file name, by its extension.
#[must_use]
pub fn media_type_of(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        // RFC 8216, 4: the registered type of a playlist.
        "m3u8" => "application/vnd.apple.mpegurl",
        "mpd" => "application/dash+xml",
        // RFC 4337: CMAF tracks are MP4; players go by the playlist.
        "mp4" | "m4v" | "cmfv" => "video/mp4",
        // As the packager names segments (HLS Authoring Specification, section 10): the same on every store.
        "m4s" => "video/iso.segment",
        "m4a" | "cmfa" => "audio/mp4",
        "ts" => "video/mp2t",
        "aac" => "audio/aac",
        "vtt" => "text/vtt; charset=utf-8",
        "mov" | "qt" => "video/quicktime",
        "mkv" => "video/x-matroska",
        "webm" => "video/webm",
        "json" => "application/json",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "svg" => "image/svg+xml",
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        _ => OCTET_STREAM,
    }
}

/// Whether the body shrinks much under gzip: playlists and captions do, media does not.
#[must_use]
pub fn is_compressible(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.starts_with("text/")
        || matches!(
            essence,
            "application/vnd.apple.mpegurl"
                | "application/dash+xml"
                | "application/json"
                | "image/svg+xml"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_players_look_at_is_right() {
        assert_eq!(media_type_of("main.m3u8"), "application/vnd.apple.mpegurl");
        assert_eq!(media_type_of("a.b.m4s"), "video/iso.segment");
        assert_eq!(media_type_of("noextension"), OCTET_STREAM);
        assert!(
            is_compressible(media_type_of("s.vtt")) && !is_compressible(media_type_of("s.m4s"))
        );
    }
}
