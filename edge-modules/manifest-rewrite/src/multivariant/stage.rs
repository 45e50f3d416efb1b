//! Holds a multivariant playlist until its end, so that it can be decided as a whole; lets media playlists through.

use crate::error::RewriteError;
use crate::multivariant::list::Multivariant;
use crate::playlist::lines::{BOM, content, lines};

/// The largest multivariant playlist that is held.
pub const MAX_MULTIVARIANT: usize = 1024 * 1024;

/// What is done with the whole playlist.
pub type Edit = Box<dyn FnOnce(&mut Multivariant) -> Result<(), RewriteError>>;

/// Edits one playlist if it is multivariant.
pub struct MultivariantStage {
    /// Gone once the playlist is known to be something else.
    edit: Option<Edit>,
    held: Vec<u8>,
    started: bool,
}

impl std::fmt::Debug for MultivariantStage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MultivariantStage")
            .field("held", &self.held.len())
            .finish_non_exhaustive()
    }
}

impl MultivariantStage {
    /// A stage that applies `edit`.
    pub fn new(edit: Edit) -> Self {
        Self {
            edit: Some(edit),
            held: Vec::new(),
            started: false,
        }
    }

    /// Takes whole lines.
    ///
    /// # Errors
    /// A multivariant playlist over [`MAX_MULTIVARIANT`].
    pub fn lines(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let mut rest = block;
        while self.edit.is_some() {
            let Some(line) = lines(rest).next() else {
                return Ok(());
            };
            if self.is_other(line) {
                self.edit = None;
                out.append(&mut self.held);
                break;
            }
            if self.held.len() + line.len() > MAX_MULTIVARIANT {
                return Err(RewriteError::TooLarge {
                    limit: MAX_MULTIVARIANT,
                });
            }
            self.held.extend_from_slice(line);
            rest = &rest[line.len()..];
        }
        out.extend_from_slice(rest);
        Ok(())
    }

    /// The playlist has ended.
    ///
    /// # Errors
    /// What the edit returns.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let Some(edit) = self.edit.take() else {
            return Ok(());
        };
        let mut list = Multivariant::parse(std::mem::take(&mut self.held));
        if self.started {
            edit(&mut list)?;
        }
        list.write(out);
        Ok(())
    }

    /// True for a line that no multivariant playlist has: a media playlist's tag, or text before any tag.
    fn is_other(&mut self, line: &[u8]) -> bool {
        let text = content(line.strip_prefix(BOM).unwrap_or(line));
        if text.is_empty() {
            return false;
        }
        if !text.starts_with(b"#EXT") {
            return !self.started && text[0] != b'#';
        }
        self.started = true;
        let name = text.split(|byte| *byte == b':').next().unwrap_or_default();
        matches!(
            name,
            b"#EXTINF"
                | b"#EXT-X-TARGETDURATION"
                | b"#EXT-X-MEDIA-SEQUENCE"
                | b"#EXT-X-DISCONTINUITY-SEQUENCE"
                | b"#EXT-X-DISCONTINUITY"
                | b"#EXT-X-ENDLIST"
                | b"#EXT-X-PLAYLIST-TYPE"
                | b"#EXT-X-I-FRAMES-ONLY"
                | b"#EXT-X-SERVER-CONTROL"
                | b"#EXT-X-PART-INF"
                | b"#EXT-X-PART"
                | b"#EXT-X-BYTERANGE"
                | b"#EXT-X-KEY"
                | b"#EXT-X-MAP"
                | b"#EXT-X-PROGRAM-DATE-TIME"
                | b"#EXT-X-GAP"
                | b"#EXT-X-SKIP"
                | b"#EXT-X-BITRATE"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str, step: usize) -> Result<String, RewriteError> {
        let mut stage = MultivariantStage::new(Box::new(|list| {
            list.entries
                .iter_mut()
                .skip(1)
                .for_each(|entry| entry.dropped = true);
            Ok(())
        }));
        let mut out = Vec::new();
        let all: Vec<&[u8]> = lines(text.as_bytes()).collect();
        for block in all.chunks(step) {
            stage.lines(&block.concat(), &mut out)?;
        }
        stage.finish(&mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn only_multivariant_playlists_are_edited() {
        for step in [1, 2, 50] {
            assert_eq!(
                run("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n", step).unwrap(),
                "#EXTM3U\n"
            );
            for other in [
                "#EXTM3U\n# c\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na\n",
                "<html>\n#EXTM3U\n",
                "",
                "\n# x\n",
            ] {
                assert_eq!(run(other, step).unwrap(), other);
            }
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let text = format!(
            "#EXTM3U\n{}",
            "#EXT-X-STREAM-INF:BANDWIDTH=1\na\n".repeat(40_000)
        );
        assert!(matches!(
            run(&text, 1000),
            Err(RewriteError::TooLarge { .. })
        ));
    }
}
