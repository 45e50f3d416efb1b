//! Writes WebVTT cue text (W3C WebVTT, 3.3) from characters and how they look.

/// How characters look. Nothing else of a style is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Face {
    pub(super) bold: bool,
    pub(super) italic: bool,
    pub(super) underline: bool,
}

impl Face {
    fn tags(self) -> impl DoubleEndedIterator<Item = char> {
        [(self.bold, 'b'), (self.italic, 'i'), (self.underline, 'u')]
            .into_iter()
            .filter_map(|(on, tag)| on.then_some(tag))
    }
}

/// Cue text in the making. Lines without text are left out, since an empty line would end the cue.
#[derive(Clone, Debug, Default)]
pub(super) struct Markup {
    out: String,
    open: Face,
    /// Space, or a line break, that is written if text follows it.
    space: String,
}

impl Markup {
    /// Adds a character. Line breaks of all kinds start a new line.
    pub(super) fn push(&mut self, c: char, face: Face) {
        match c {
            '\n' | '\r' | '\u{b}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                self.space.clear();
                if !self.out.is_empty() {
                    self.space.push('\n');
                }
            }
            ' ' | '\t' => self.space.push(' '),
            c if c.is_control() => {}
            c => {
                let turns = face != self.open;
                if turns {
                    self.close();
                }
                self.out.push_str(&std::mem::take(&mut self.space));
                if turns {
                    for tag in face.tags() {
                        self.out.push_str(&format!("<{tag}>"));
                    }
                    self.open = face;
                }
                escape(&mut self.out, c);
            }
        }
    }

    /// Adds characters that look alike.
    #[cfg(test)]
    fn push_all(&mut self, text: &str, face: Face) {
        text.chars().for_each(|c| self.push(c, face));
    }

    fn close(&mut self) {
        for tag in self.open.tags().rev() {
            self.out.push_str(&format!("</{tag}>"));
        }
    }

    /// The cue text; empty when there is nothing but space.
    pub(super) fn finish(mut self) -> String {
        self.close();
        self.out
    }
}

/// Writes a character so that it does not count as markup.
pub(super) fn escape(out: &mut String, c: char) {
    match c {
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '&' => out.push_str("&amp;"),
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_become_tags_and_empty_lines_go() {
        let italic = Face {
            italic: true,
            ..Face::default()
        };
        let both = Face {
            bold: true,
            ..italic
        };
        let mut markup = Markup::default();
        markup.push_all("\r\n a ", Face::default());
        markup.push_all("b\r\n \n c<", italic);
        markup.push_all("d & e", both);
        markup.push_all(" \n", Face::default());
        assert_eq!(
            markup.finish(),
            " a <i>b\n c&lt;</i><b><i>d &amp; e</i></b>"
        );
        let mut empty = Markup::default();
        empty.push_all(" \n \0\n", italic);
        assert_eq!(empty.finish(), "");
    }
}
