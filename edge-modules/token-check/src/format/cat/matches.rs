//! `catu` and `cath`: match rules over parts of the URI and over headers.

use crate::cbor::Value;
use crate::grant::UriPart;
use crate::matching::Match;

const PARTS: [UriPart; 9] = [
    UriPart::Scheme,
    UriPart::Host,
    UriPart::Port,
    UriPart::Path,
    UriPart::Query,
    UriPart::ParentPath,
    UriPart::Filename,
    UriPart::Stem,
    UriPart::Extension,
];

/// The rules of `catu`; none when any part of it is not understood.
pub(super) fn uri_rules(value: &Value) -> Option<Vec<(UriPart, Vec<Match>)>> {
    let read = |(part, rules): &(Value, Value)| {
        let part = PARTS.get(usize::try_from(part.as_integer()?).ok()?)?;
        Some((*part, matches(rules)?))
    };
    value.as_map()?.iter().map(read).collect()
}

/// The rules of `cath`, header names in lower case.
pub(super) fn header_rules(value: &Value) -> Option<Vec<(String, Vec<Match>)>> {
    let read = |(name, rules): &(Value, Value)| {
        Some((name.as_text()?.to_ascii_lowercase(), matches(rules)?))
    };
    value.as_map()?.iter().map(read).collect()
}

/// One part's rules: a map of match type to value, or an array of the two, which other issuers write.
fn matches(value: &Value) -> Option<Vec<Match>> {
    match value {
        Value::Map(rules) if !rules.is_empty() => {
            rules.iter().map(|(kind, value)| one(kind, value)).collect()
        }
        Value::Array(pair) => match pair.as_slice() {
            [kind, value] => Some(vec![one(kind, value)?]),
            _ => None,
        },
        _ => None,
    }
}

fn one(kind: &Value, value: &Value) -> Option<Match> {
    let text = || value.as_text().map(str::to_owned);
    Some(match kind.as_integer()? {
        0 => Match::Exact(text()?),
        1 => Match::Prefix(text()?),
        2 => Match::Suffix(text()?),
        3 => Match::Contains(text()?),
        4 => match value {
            Value::Text(pattern) => Match::regex(pattern)?,
            // Pattern and flags; flags change the meaning and are not known here.
            Value::Array(parts) => match parts.as_slice() {
                [Value::Text(pattern)] => Match::regex(pattern)?,
                [Value::Text(pattern), flags]
                    if flags.as_text() == Some("") || *flags == Value::Null =>
                {
                    Match::regex(pattern)?
                }
                _ => return None,
            },
            _ => return None,
        },
        -1 => Match::Sha256(
            value
                .as_bytes()
                .filter(|digest| digest.len() == 32)?
                .to_vec(),
        ),
        -2 => Match::Sha512(
            value
                .as_bytes()
                .filter(|digest| matches!(digest.len(), 32 | 64))?
                .to_vec(),
        ),
        _ => return None,
    })
}
