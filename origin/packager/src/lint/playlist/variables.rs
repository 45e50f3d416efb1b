//! Variables (RFC 8216bis 4.3 and 4.4.2.3).

use std::collections::BTreeMap;

/// Values by name.
pub(in crate::lint) type Variables = BTreeMap<String, String>;

/// Longest text after substitution, so that a playlist cannot grow without bound.
const MAX_TEXT: usize = 1 << 16;

/// `text` with its variable references replaced, and the names that no `EXT-X-DEFINE` before it declares.
pub(super) fn substitute(text: &str, variables: &Variables) -> (String, Vec<String>) {
    let mut out = String::with_capacity(text.len());
    let mut unknown = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{$") {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let Some(end) = from.find('}') else {
            rest = from;
            break;
        };
        let name = &from[2..end];
        if is_name(name) {
            match variables.get(name) {
                Some(value) if out.len() + value.len() <= MAX_TEXT => out.push_str(value),
                Some(_) => {}
                None => {
                    unknown.push(name.to_owned());
                    out.push_str(&from[..=end]);
                }
            }
        } else {
            out.push_str(&from[..=end]);
        }
        rest = &from[end + 1..];
    }
    out.push_str(rest);
    (out, unknown)
}

/// True for a legal variable name.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_replaced_once() {
        let variables = Variables::from([
            ("a".to_owned(), "{$b}".to_owned()),
            ("b".to_owned(), "x".to_owned()),
        ]);
        assert_eq!(
            substitute("1{$a}2{$b}{$c}{$d e}{$", &variables),
            ("1{$b}2x{$c}{$d e}{$".to_owned(), vec!["c".to_owned()])
        );
    }
}
