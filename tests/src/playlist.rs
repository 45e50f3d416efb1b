//! Just enough of RFC 8216 to follow a playlist, written apart from the product's own readers and writers.

/// Every URI that a playlist names, with the byte range of the resource when it has one (`first-last`, inclusive).
pub fn uris(playlist: &str) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    let mut range: Option<(u64, u64)> = None;
    let mut next_offset = 0;
    for line in playlist.lines().map(str::trim) {
        if let Some(spec) = line.strip_prefix("#EXT-X-BYTERANGE:") {
            range = read_range(spec, next_offset);
            next_offset = range.map_or(0, |(_, end)| end);
        } else if line.starts_with('#') {
            if let Some(uri) = attribute(line, "URI") {
                let part = attribute(line, "BYTERANGE").and_then(|spec| read_range(&spec, 0));
                found.push((uri, part.map(inclusive)));
            }
        } else if !line.is_empty() {
            found.push((line.to_owned(), range.take().map(inclusive)));
        }
    }
    found
}

/// `n[@o]`: a length and an offset (RFC 8216 section 4.3.2.2), as a half-open range.
fn read_range(spec: &str, default_offset: u64) -> Option<(u64, u64)> {
    let (length, offset) = match spec.split_once('@') {
        Some((length, offset)) => (length.parse::<u64>().ok()?, offset.parse().ok()?),
        None => (spec.parse().ok()?, default_offset),
    };
    Some((offset, offset + length))
}

fn inclusive((first, end): (u64, u64)) -> String {
    format!("{first}-{}", end.saturating_sub(1))
}

/// The value of an attribute of a tag, without its quotes.
pub fn attribute(line: &str, name: &str) -> Option<String> {
    let (_, list) = line.split_once(':')?;
    let mut rest = list;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, next) = quoted.split_once('"')?;
                (value, next.strip_prefix(',').unwrap_or(next))
            }
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if key.trim() == name {
            return Some(value.to_owned());
        }
        rest = next;
    }
    None
}

/// The sum of a media playlist's EXTINF durations, in seconds.
pub fn duration(playlist: &str) -> f64 {
    playlist
        .lines()
        .filter_map(|line| line.strip_prefix("#EXTINF:"))
        .filter_map(|value| value.split(',').next()?.trim().parse::<f64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_uris_in_lines_and_attributes() {
        let text = "#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"100@0\"\n#EXT-X-BYTERANGE:50@100\n#EXTINF:6.0,\nall.mp4\n\
                    #EXT-X-BYTERANGE:25\n#EXTINF:1.5,\nall.mp4\n#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"a, b\",URI=\"audio.m3u8\"\n";
        let found = uris(text);
        let expected = [
            ("init.mp4", Some("0-99")),
            ("all.mp4", Some("100-149")),
            ("all.mp4", Some("150-174")),
            ("audio.m3u8", None),
        ];
        assert_eq!(
            found,
            expected.map(|(uri, range)| (uri.to_owned(), range.map(str::to_owned)))
        );
        assert!((duration(text) - 7.5).abs() < 1e-9);
    }
}
