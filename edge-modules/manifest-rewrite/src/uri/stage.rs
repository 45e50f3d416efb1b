//! The inner loop: finds every URI of a playlist and lets the policy write it; all other bytes are copied.

use crate::error::RewriteError;
use crate::playlist::attributes::AttributeList;
use crate::playlist::lines::{BOM, MAX_LINE, content};
use crate::playlist::places::{Holder, Place, holder};
use crate::playlist::variables::{Variables, has_reference};
use crate::uri::policy::UriPolicy;

/// Rewrites whole lines, one block at a time. Its state is a few flags and the variables, whatever the playlist's length.
#[derive(Debug)]
pub struct UriStage {
    policy: UriPolicy,
    variables: Variables,
    started: bool,
    multivariant: bool,
    verbatim: bool,
    scratch: Vec<u8>,
}

impl UriStage {
    /// A stage for one playlist, fetched with `query`.
    pub fn new(policy: UriPolicy, query: &str) -> Self {
        Self {
            policy,
            variables: Variables::new(query),
            started: false,
            multivariant: false,
            verbatim: false,
            scratch: Vec::new(),
        }
    }

    /// Rewrites a block of whole lines.
    ///
    /// # Errors
    /// A line over [`MAX_LINE`].
    pub fn lines(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        if self.verbatim {
            out.extend_from_slice(block);
            return Ok(());
        }
        // What lies between `copied` and the current line goes out in one piece.
        let mut copied = 0;
        let mut at = 0;
        while at < block.len() {
            let end =
                memchr::memchr(b'\n', &block[at..]).map_or(block.len(), |offset| at + offset + 1);
            let line = &block[at..end];
            if line.len() > MAX_LINE {
                return Err(RewriteError::LineTooLong);
            }
            match line[0] {
                b'#' if !line.starts_with(b"#EXT-X-") => self.started |= line.starts_with(b"#EXT"),
                b'\n' | b'\r' => {}
                _ => {
                    // Players trim a byte order mark like white space, wherever it stands.
                    let bare = line.strip_prefix(BOM).unwrap_or(line);
                    let trimmed = content(bare);
                    let offset = at + (line.len() - bare.trim_ascii_start().len());
                    if let Some(tag) = trimmed.strip_prefix(b"#EXT-X-") {
                        self.started = true;
                        self.tag(tag, offset + 7, block, &mut copied, out);
                    } else if trimmed.starts_with(b"#EXT") {
                        self.started = true;
                    } else if trimmed.first().is_some_and(|byte| *byte != b'#') {
                        if !self.started {
                            // A URI before any tag: an error page or another format. Nothing here is ours.
                            self.verbatim = true;
                            break;
                        }
                        let place = if self.multivariant {
                            Place::Variant
                        } else {
                            Place::Segment
                        };
                        self.uri(trimmed, offset, place, block, &mut copied, out);
                    }
                }
            }
            at = end;
        }
        out.extend_from_slice(&block[copied..]);
        Ok(())
    }

    /// `tag` is the text after `#EXT-X-`, which stands at `offset` of the block.
    fn tag(
        &mut self,
        tag: &[u8],
        offset: usize,
        block: &[u8],
        copied: &mut usize,
        out: &mut Vec<u8>,
    ) {
        let colon = memchr::memchr(b':', tag).unwrap_or(tag.len());
        let (name, value) = (&tag[..colon], tag.get(colon + 1..).unwrap_or_default());
        let offset = offset + colon + 1;
        match holder(name) {
            Some(Holder::Attributes(places)) => {
                for attribute in AttributeList::new(value) {
                    let Some((_, place)) = places.iter().find(|(name, _)| *name == attribute.name)
                    else {
                        continue;
                    };
                    if attribute.name == b"X-URI" && !is_apple_class(value) {
                        continue;
                    }
                    self.uri(
                        attribute.value,
                        offset + attribute.range.start,
                        *place,
                        block,
                        copied,
                        out,
                    );
                }
            }
            Some(Holder::Value(place)) => {
                let uri = value.trim_ascii();
                let offset = offset + (value.len() - value.trim_ascii_start().len());
                self.uri(uri, offset, place, block, copied, out);
            }
            None if name == b"STREAM-INF" => self.multivariant = true,
            None if name == b"DEFINE" => self.variables.define(value),
            None => {}
        }
    }

    fn uri(
        &mut self,
        uri: &[u8],
        offset: usize,
        place: Place,
        block: &[u8],
        copied: &mut usize,
        out: &mut Vec<u8>,
    ) {
        self.scratch.clear();
        if rewrite(&self.policy, &self.variables, uri, place, &mut self.scratch) {
            out.extend_from_slice(&block[*copied..offset]);
            out.extend_from_slice(&self.scratch);
            *copied = offset + uri.len();
        }
    }
}

/// Rewrites a URI in which variables may stand. They are kept as they are unless the URI must move as a whole.
fn rewrite(
    policy: &UriPolicy,
    variables: &Variables,
    uri: &[u8],
    place: Place,
    out: &mut Vec<u8>,
) -> bool {
    if !has_reference(uri) {
        return policy.rewrite(uri, place, out);
    }
    let (meaning, complete) = variables.expand(uri);
    if complete && policy.moves(place) {
        return policy.rewrite(&meaning, place, out);
    }
    // The scheme and host come from a variable that nobody here knows: no token may go to an excluded host or into a key
    // system's own scheme.
    let unknown_host = meaning.starts_with(b"{$");
    if unknown_host && (policy.has_exclusions() || matches!(place, Place::Key | Place::SessionKey))
    {
        return false;
    }
    policy.rewrite_query(uri, &meaning, place, out)
}

fn is_apple_class(attributes: &[u8]) -> bool {
    AttributeList::find(attributes, "CLASS")
        .is_some_and(|class| class.starts_with(b"com.apple.hls."))
}
