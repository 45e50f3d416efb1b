//! What in a request shows how a client behaves.

use weir_module::RequestHead;

/// A range shorter than this says "storm" rather than "player".
const TINY_RANGE_BYTES: u64 = 1_024;

/// Everything up to the last slash: one rendition's segments.
pub(super) fn folder(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    &path[..end]
}

/// Low-latency players ask for the next playlist before it is there (RFC 8216bis section 6.2.5.2): no polling.
pub(super) fn is_blocking_reload(head: &RequestHead<'_>) -> bool {
    head.query()
        .is_some_and(|query| query.split('&').any(|pair| pair.starts_with("_HLS_msn=")))
}

/// Several ranges at once, or a tiny one (RFC 9110 section 14.2 allows a server to refuse "many small ranges").
pub(super) fn is_odd_range(range: &str) -> bool {
    let Some(set) = range.trim().strip_prefix("bytes=") else {
        return true;
    };
    if set.contains(',') {
        return true;
    }
    let Some((first, last)) = set.trim().split_once('-') else {
        return true;
    };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) => last.saturating_sub(first) < TINY_RANGE_BYTES,
        (Ok(_), Err(_)) => !last.is_empty(),
        (Err(_), Ok(suffix)) => !first.is_empty() || suffix < TINY_RANGE_BYTES,
        (Err(_), Err(_)) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn players_ask_for_plain_ranges() {
        for range in [
            "bytes=0-1048575",
            "bytes=100000-",
            "bytes=-500000",
            " bytes=0-1024",
        ] {
            assert!(!is_odd_range(range), "{range}");
        }
        for range in [
            "bytes=0-0",
            "bytes=0-1,5-6",
            "bytes=-1",
            "bytes=5-1",
            "bytes=a-b",
            "bytes=",
            "chunks=1-2",
            "bytes=-",
            "bytes=1-x",
        ] {
            assert!(is_odd_range(range), "{range}");
        }
    }

    #[test]
    fn a_folder_is_a_rendition() {
        assert_eq!(folder(b"/a/1080p/seg-1.m4s"), b"/a/1080p");
        assert_eq!(folder(b"x"), b"");
        assert_eq!(folder(b""), b"");
    }
}
