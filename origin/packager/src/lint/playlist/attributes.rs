//! Attribute lists (RFC 8216bis 4.2), read without giving up.

use super::value::{decimal_integer, floating_point, is_hexadecimal, resolution};

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lint) struct Attribute {
    pub(in crate::lint) name: String,
    /// The value, without quotation marks.
    pub(in crate::lint) value: String,
    /// True when it stood in quotation marks.
    pub(in crate::lint) quoted: bool,
}

impl Attribute {
    /// True for a value of that kind.
    pub(in crate::lint) fn is(&self, kind: ValueKind) -> bool {
        let text = self.value.as_str();
        match kind {
            ValueKind::Quoted => self.quoted,
            ValueKind::Integer => !self.quoted && decimal_integer(text).is_some(),
            ValueKind::Float => !self.quoted && floating_point(text, false).is_some(),
            ValueKind::SignedFloat => !self.quoted && floating_point(text, true).is_some(),
            ValueKind::Hexadecimal => !self.quoted && is_hexadecimal(text),
            ValueKind::Resolution => !self.quoted && resolution(text).is_some(),
            ValueKind::Enumerated => {
                !self.quoted
                    && !text.is_empty()
                    && !text.contains(|c: char| c.is_whitespace() || c == '"')
            }
            ValueKind::QuotedOrEnumerated => true,
            ValueKind::Extension => {
                self.quoted || is_hexadecimal(text) || floating_point(text, true).is_some()
            }
        }
    }
}

/// Kinds of attribute values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lint) enum ValueKind {
    /// quoted-string or enumerated-string-list
    Quoted,
    /// decimal-integer
    Integer,
    /// decimal-floating-point
    Float,
    /// signed-decimal-floating-point
    SignedFloat,
    /// hexadecimal-sequence
    Hexadecimal,
    /// decimal-resolution
    Resolution,
    /// enumerated-string
    Enumerated,
    /// quoted-string or enumerated-string
    QuotedOrEnumerated,
    /// What an `X-` attribute may be.
    Extension,
}

impl ValueKind {
    /// The name in the specification.
    pub(in crate::lint) const fn as_str(self) -> &'static str {
        match self {
            Self::Quoted => "quoted-string",
            Self::Integer => "decimal-integer",
            Self::Float => "decimal-floating-point",
            Self::SignedFloat => "signed-decimal-floating-point",
            Self::Hexadecimal => "hexadecimal-sequence",
            Self::Resolution => "decimal-resolution",
            Self::Enumerated => "enumerated-string",
            Self::QuotedOrEnumerated => "quoted-string or enumerated-string",
            Self::Extension => {
                "quoted-string, hexadecimal-sequence or signed-decimal-floating-point"
            }
        }
    }
}

/// An attribute list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::lint) struct Attributes {
    pub(in crate::lint) list: Vec<Attribute>,
    /// Sentences about what is no attribute list.
    pub(in crate::lint) problems: Vec<String>,
}

impl Attributes {
    /// Reads a list.
    pub(super) fn parse(text: &str) -> Self {
        let mut found = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let Some(equals) = rest.find('=') else {
                found
                    .problems
                    .push(format!("`{}` has no value", rest.trim()));
                break;
            };
            let raw = &rest[..equals];
            let name = raw.trim().trim_start_matches(',');
            if name != raw {
                found
                    .problems
                    .push(format!("`{raw}` before `=` is not only a name"));
            } else if name.is_empty()
                || !name
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
            {
                found
                    .problems
                    .push(format!("`{name}` is no attribute name"));
            }
            rest = &rest[equals + 1..];
            let quoted = rest.starts_with('"');
            let value;
            if quoted {
                rest = &rest[1..];
                match rest.split_once('"') {
                    Some((inside, after)) => {
                        value = inside;
                        let (junk, next) = after.split_once(',').unwrap_or((after, ""));
                        if !junk.is_empty() {
                            found
                                .problems
                                .push(format!("`{junk}` follows the quoted value of {name}"));
                        } else if after == "," {
                            found.problems.push("a comma ends the list".to_owned());
                        }
                        rest = next;
                    }
                    None => {
                        found
                            .problems
                            .push(format!("the quotation mark of {name} is not closed"));
                        value = rest;
                        rest = "";
                    }
                }
            } else {
                let (inside, next) = match rest.split_once(',') {
                    Some((inside, "")) => {
                        found.problems.push("a comma ends the list".to_owned());
                        (inside, "")
                    }
                    Some(split) => split,
                    None => (rest, ""),
                };
                value = inside;
                rest = next;
                if value.trim() != value {
                    found
                        .problems
                        .push(format!("white space around the value of {name}"));
                }
            }
            if found.list.iter().any(|other| other.name == name) {
                found.problems.push(format!("{name} appears twice"));
            }
            found.list.push(Attribute {
                name: name.to_owned(),
                value: if quoted {
                    value.to_owned()
                } else {
                    value.trim().to_owned()
                },
                quoted,
            });
        }
        found
    }

    /// The first attribute of that name.
    pub(in crate::lint) fn get(&self, name: &str) -> Option<&Attribute> {
        self.list.iter().find(|attribute| attribute.name == name)
    }

    /// Its value.
    pub(in crate::lint) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).map(|attribute| attribute.value.as_str())
    }

    /// Its value as a decimal-integer.
    pub(in crate::lint) fn integer(&self, name: &str) -> Option<u64> {
        self.text(name).and_then(decimal_integer)
    }

    /// Its value as a floating-point number.
    pub(in crate::lint) fn float(&self, name: &str) -> Option<f64> {
        self.text(name).and_then(|text| floating_point(text, true))
    }

    /// True when it is there.
    pub(in crate::lint) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// True when it is the enumerated-string `YES`.
    pub(in crate::lint) fn yes(&self, name: &str) -> bool {
        self.text(name) == Some("YES")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_with_commas_in_quotes() {
        let list = Attributes::parse("A=1,B=\"x,y=z\",C-2=0xFF");
        assert_eq!(list.problems, Vec::<String>::new());
        assert_eq!(list.text("B"), Some("x,y=z"));
        assert_eq!(list.integer("A"), Some(1));
        assert!(list.get("C-2").unwrap().is(ValueKind::Hexadecimal));
    }

    #[test]
    fn broken_lists_keep_what_can_be_read() {
        for (text, problem) in [
            ("A=1, B=2", "not only a name"),
            ("a=1", "no attribute name"),
            ("A=\"x", "not closed"),
            ("A=\"x\"y,B=1", "follows the quoted value"),
            ("A=1,", "comma ends"),
            ("A=1,A=2", "twice"),
            ("A=1,B", "has no value"),
            ("A= 1", "white space"),
        ] {
            let list = Attributes::parse(text);
            assert!(
                list.problems.iter().any(|found| found.contains(problem)),
                "{text}: {:?}",
                list.problems
            );
            assert!(list.has("A") || list.has("a"), "{text}");
        }
    }
}
