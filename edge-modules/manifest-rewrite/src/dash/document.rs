//! An MPD as a list of pieces over its own text, and the elements in it.

use std::ops::Range;

use crate::dash::xml::{Piece, PieceKind};

pub(super) struct Document<'a> {
    pub(super) text: &'a str,
    pub(super) pieces: Vec<Piece>,
    pub(super) dropped: Vec<bool>,
}

/// An element from its start to its end.
pub(super) struct Element {
    /// Its pieces.
    pub(super) range: Range<usize>,
}

impl<'a> Document<'a> {
    pub(super) fn tag(&self, piece: usize) -> &'a str {
        &self.text[self.pieces[piece].range.clone()]
    }

    /// The elements of a name within a range of pieces.
    pub(super) fn elements(&self, within: Range<usize>, name: &str) -> Vec<Element> {
        let mut found = Vec::new();
        for index in within.clone() {
            match &self.pieces[index].kind {
                PieceKind::Empty(known) if known == name => found.push(Element {
                    range: index..index + 1,
                }),
                PieceKind::Start(known) if known == name => {
                    let depth = self.pieces[index].depth;
                    let is_end = |piece: &Piece| {
                        piece.depth == depth
                            && matches!(&piece.kind, PieceKind::End(end) if end == name)
                    };
                    let end = (index + 1..within.end)
                        .find(|at| is_end(&self.pieces[*at]))
                        .unwrap_or(within.end - 1);
                    found.push(Element {
                        range: index..end + 1,
                    });
                }
                _ => {}
            }
        }
        found
    }

    pub(super) fn drop(&mut self, range: Range<usize>) {
        // With the white space in front, so that no blank line is left.
        let start = range.start;
        if start > 0
            && self.pieces[start - 1].kind == PieceKind::Text
            && self.tag(start - 1).trim().is_empty()
        {
            self.dropped[start - 1] = true;
        }
        self.dropped[range].fill(true);
    }
}
