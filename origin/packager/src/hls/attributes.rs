//! Attribute lists (RFC 8216bis 4.2).

use std::fmt::{Display, Write};

/// Writes an attribute list.
#[derive(Debug, Default)]
pub(super) struct Attributes(String);

impl Attributes {
    /// Adds an attribute whose value needs no quotation marks.
    pub(super) fn plain(mut self, name: &str, value: impl Display) -> Self {
        let comma = if self.0.is_empty() { "" } else { "," };
        write!(self.0, "{comma}{name}={value}")
            .expect("invariant: writing to a String cannot fail");
        self
    }

    /// Adds a quoted string. Quotation marks and line breaks, which it cannot hold, become apostrophes and spaces.
    pub(super) fn quoted(self, name: &str, value: &str) -> Self {
        let clean: String = value
            .chars()
            .map(|c| match c {
                '"' => '\'',
                c if c.is_control() => ' ',
                c => c,
            })
            .collect();
        self.plain(name, format_args!("\"{clean}\""))
    }

    /// Adds a quoted string if there is one.
    pub(super) fn maybe_quoted(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.quoted(name, value),
            None => self,
        }
    }

    /// The list.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_strings_cannot_break_out() {
        let list = Attributes::default()
            .quoted("NAME", "a\"b\n#EXT")
            .plain("X", 1)
            .finish();
        assert_eq!(list, "NAME=\"a'b #EXT\",X=1");
    }
}
