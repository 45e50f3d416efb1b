//! One reading of a path, made before any decision: the SDK's. And the spellings of it that a signature may have been made over.

use std::borrow::Cow;

use weir_module::RequestHead;
pub use weir_module::{AmbiguousPath, MAX_PATH, NormalPath};

use crate::query::percent_decode;
use crate::reason::{Reason, Refused};

impl From<AmbiguousPath> for Refused {
    fn from(_: AmbiguousPath) -> Self {
        Reason::PathAmbiguous.into()
    }
}

/// The path as it was asked for, where it differs from the normal form in nothing but which characters are percent-encoded. Generators sign
/// the link that they hand out: `/film%20%281%29/` and `/film%20(1)/` are one path, and either may have been signed.
///
/// A path with dot segments, doubled slashes or a token in it has no such spelling.
pub(crate) fn as_asked<'a>(head: &RequestHead<'a>, path: &NormalPath<'_>) -> Option<&'a str> {
    spelled(head.path(), path)
}

/// The same for a path whose token was cut off.
pub(crate) fn spelled<'a>(asked: &'a str, path: &NormalPath<'_>) -> Option<&'a str> {
    let same = asked != path.encoded() && percent_decode(asked)? == path.decoded();
    same.then_some(asked)
}

/// RFC 3986 section 6.2.2: encodings of unreserved characters undone, all others in capitals. What is no encoding stays as it is.
pub(crate) fn normal_encodings(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let digits = rest.get(at + 1..at + 3);
        let byte = digits.and_then(|digits| {
            let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            u8::from_str_radix(digits, 16).ok().filter(|_| hexadecimal)
        });
        let (Some(digits), Some(byte)) = (digits, byte) else {
            out.push('%');
            rest = &rest[at + 1..];
            continue;
        };
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&digits.to_ascii_uppercase());
        }
        rest = &rest[at + 3..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_module::{HeadBuffer, HeaderNames};

    #[test]
    fn encodings_have_one_normal_form() {
        for (text, normal) in [
            ("/a%2db%7Ec", "/a-b~c"),
            ("/a%20b%c3%a9", "/a%20b%C3%A9"),
            ("/a%21(b)", "/a%21(b)"),
            ("/50%", "/50%"),
            ("/%zz%+1%4", "/%zz%+1%4"),
            ("/%é", "/%é"),
        ] {
            assert_eq!(normal_encodings(text), normal, "{text}");
        }
    }

    #[test]
    fn only_encodings_make_another_spelling() {
        for (asked, other) in [
            ("/film%20%281%29/a.ts", true),
            ("/film%20(1)/a.ts", false),
            ("/%66ilm/a.ts", true),
            ("/x/../film/a.ts", false),
            ("/x/%2e%2e/film/a.ts", false),
            ("//film%2da.ts", false),
            ("/film/./a%2dts", false),
        ] {
            let names = HeaderNames::new(["host"]);
            let mut buffer = HeadBuffer::default();
            buffer.start("GET", asked).unwrap();
            let head = RequestHead::decode(&names, buffer.as_bytes()).unwrap();
            let path = NormalPath::new(asked).unwrap();
            assert_eq!(as_asked(&head, &path), other.then_some(asked), "{asked}");
        }
    }
}
