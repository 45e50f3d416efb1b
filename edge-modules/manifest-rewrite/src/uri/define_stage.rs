//! Puts `EXT-X-DEFINE:QUERYPARAM` in front of a playlist (RFC 8216bis section 4.4.2.3) and raises its version to the 11 that
//! this needs (section 8).

use crate::error::RewriteError;
use crate::playlist::attributes::AttributeList;
use crate::playlist::lines::{BOM, content, lines, terminator};

/// The version that `QUERYPARAM` needs.
const VERSION: u32 = 11;

/// The opening of a playlist is held until a line that can hold a URI, and no further than this.
const MAX_OPENING: usize = 16 * 1024;

/// Defines variables at the head of one playlist.
#[derive(Debug)]
pub struct DefineStage {
    names: Vec<Vec<u8>>,
    held: Vec<u8>,
    opened: bool,
    made_version: bool,
}

impl DefineStage {
    /// A stage that defines these query parameters as variables; passes everything on when there are none.
    pub fn new(names: Vec<Vec<u8>>) -> Self {
        Self {
            opened: names.is_empty(),
            names,
            held: Vec::new(),
            made_version: false,
        }
    }

    /// Takes whole lines.
    ///
    /// # Errors
    /// A playlist that already gives the name another meaning.
    pub fn lines(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        if self.opened && !self.made_version {
            out.extend_from_slice(block);
            return Ok(());
        }
        for line in lines(block) {
            if self.opened {
                // A second version tag would make the playlist invalid.
                if !self.made_version || !content(line).starts_with(b"#EXT-X-VERSION:") {
                    out.extend_from_slice(line);
                }
                continue;
            }
            if !is_opening(line) || self.held.len() + line.len() > MAX_OPENING {
                self.open(out)?;
                out.extend_from_slice(line);
            } else {
                self.held.extend_from_slice(line);
            }
        }
        Ok(())
    }

    /// The playlist has ended.
    ///
    /// # Errors
    /// As [`Self::lines`].
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        if self.opened { Ok(()) } else { self.open(out) }
    }

    fn open(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        self.opened = true;
        let held = std::mem::take(&mut self.held);
        let bare = |line| content(strip_bom(line));
        let Some(header) = lines(&held).position(|line| bare(line) == b"#EXTM3U") else {
            // No playlist: nothing to define.
            out.extend_from_slice(&held);
            return Ok(());
        };
        let missing = self.missing(&held)?;
        let version = lines(&held).position(|line| bare(line).starts_with(b"#EXT-X-VERSION:"));
        let newline = lines(&held)
            .map(terminator)
            .find(|end| !end.is_empty())
            .unwrap_or(b"\n");
        for (index, line) in lines(&held).enumerate() {
            if Some(index) == version {
                let number = bare(line)[15..].trim_ascii();
                let number = std::str::from_utf8(number)
                    .ok()
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(1);
                write_version(VERSION.max(number), line, newline, out);
            } else {
                out.extend_from_slice(line);
                if index == header && terminator(line).is_empty() {
                    out.extend_from_slice(newline);
                }
            }
            if index == version.unwrap_or(header) {
                if version.is_none() {
                    write_version(VERSION, newline, newline, out);
                    self.made_version = true;
                }
                for name in &missing {
                    out.extend_from_slice(b"#EXT-X-DEFINE:QUERYPARAM=\"");
                    out.extend_from_slice(name);
                    out.push(b'"');
                    out.extend_from_slice(newline);
                }
            }
        }
        Ok(())
    }

    /// The names that the playlist does not define itself.
    fn missing(&self, held: &[u8]) -> Result<Vec<Vec<u8>>, RewriteError> {
        let mut missing = self.names.clone();
        for line in lines(held) {
            let Some(attributes) = content(line).strip_prefix(b"#EXT-X-DEFINE:") else {
                continue;
            };
            for attribute in AttributeList::new(attributes) {
                let ours = missing.iter().position(|name| name == attribute.value);
                match (ours, attribute.name) {
                    (Some(at), b"QUERYPARAM" | b"IMPORT") => drop(missing.swap_remove(at)),
                    (Some(_), b"NAME") => return Err(RewriteError::VariableTaken),
                    _ => {}
                }
            }
        }
        Ok(missing)
    }
}

fn write_version(version: u32, like: &[u8], newline: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("#EXT-X-VERSION:{version}").as_bytes());
    let end = terminator(like);
    out.extend_from_slice(if end.is_empty() { newline } else { end });
}

fn strip_bom(line: &[u8]) -> &[u8] {
    line.strip_prefix(BOM).unwrap_or(line)
}

/// True for a line that may stand before the definitions: no URI can stand in it.
fn is_opening(line: &[u8]) -> bool {
    let text = content(strip_bom(line));
    if text.is_empty() || text == b"#EXTM3U" || (text[0] == b'#' && !text.starts_with(b"#EXT")) {
        return true;
    }
    let name = text.split(|byte| *byte == b':').next().unwrap_or_default();
    matches!(
        name,
        b"#EXT-X-VERSION"
            | b"#EXT-X-DEFINE"
            | b"#EXT-X-INDEPENDENT-SEGMENTS"
            | b"#EXT-X-START"
            | b"#EXT-X-TARGETDURATION"
            | b"#EXT-X-MEDIA-SEQUENCE"
            | b"#EXT-X-DISCONTINUITY-SEQUENCE"
            | b"#EXT-X-PLAYLIST-TYPE"
            | b"#EXT-X-I-FRAMES-ONLY"
            | b"#EXT-X-SERVER-CONTROL"
            | b"#EXT-X-PART-INF"
            | b"#EXT-X-ALLOW-CACHE"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn define(text: &str) -> Result<String, RewriteError> {
        let mut results = Vec::new();
        for size in [1usize, 2, 100] {
            let mut stage = DefineStage::new(vec![b"t".to_vec()]);
            let mut out = Vec::new();
            let all: Vec<&[u8]> = lines(text.as_bytes()).collect();
            for block in all.chunks(size) {
                stage.lines(&block.concat(), &mut out)?;
            }
            stage.finish(&mut out)?;
            results.push(String::from_utf8(out).unwrap());
        }
        assert!(results.iter().all(|result| *result == results[0]));
        Ok(results.remove(0))
    }

    #[test]
    fn defines_once_and_raises_the_version() {
        assert_eq!(
            define("#EXTM3U\r\n#EXT-X-VERSION:6\r\n#EXTINF:1,\r\na.ts\r\n").unwrap(),
            "#EXTM3U\r\n#EXT-X-VERSION:11\r\n#EXT-X-DEFINE:QUERYPARAM=\"t\"\r\n#EXTINF:1,\r\na.ts\r\n"
        );
        assert_eq!(
            define("#EXTM3U\n#EXT-X-VERSION:13\n").unwrap(),
            "#EXTM3U\n#EXT-X-VERSION:13\n#EXT-X-DEFINE:QUERYPARAM=\"t\"\n"
        );
    }

    #[test]
    fn makes_a_version_where_there_is_none_and_allows_no_second() {
        assert_eq!(
            define("#EXTM3U\n#EXTINF:1,\na.ts\n#EXT-X-VERSION:3\n").unwrap(),
            "#EXTM3U\n#EXT-X-VERSION:11\n#EXT-X-DEFINE:QUERYPARAM=\"t\"\n#EXTINF:1,\na.ts\n"
        );
        assert_eq!(
            define("#EXTM3U").unwrap(),
            "#EXTM3U\n#EXT-X-VERSION:11\n#EXT-X-DEFINE:QUERYPARAM=\"t\"\n"
        );
    }

    #[test]
    fn respects_what_the_playlist_defines() {
        let own = "#EXTM3U\n#EXT-X-VERSION:11\n#EXT-X-DEFINE:QUERYPARAM=\"t\"\n#EXTINF:1,\na.ts\n";
        assert_eq!(define(own).unwrap(), own);
        assert_eq!(
            define("#EXTM3U\n#EXT-X-DEFINE:NAME=\"t\",VALUE=\"x\"\n"),
            Err(RewriteError::VariableTaken)
        );
    }

    #[test]
    fn leaves_other_things_alone() {
        assert_eq!(define("<html>\n").unwrap(), "<html>\n");
        assert_eq!(define("").unwrap(), "");
    }
}
