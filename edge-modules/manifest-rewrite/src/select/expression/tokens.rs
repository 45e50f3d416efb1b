//! An expression as words, texts, numbers and marks.

use std::fmt;

use super::SyntaxError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    Text(String),
    Number(f64),
    Mark(&'static str),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(text) | Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Mark(mark) => f.write_str(mark),
        }
    }
}

pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, SyntaxError> {
    const MARKS: [&str; 11] = ["==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", ","];
    let characters: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let start = at;
        let first = characters[at];
        let run = |from: usize, wanted: fn(char) -> bool| {
            characters[from..]
                .iter()
                .take_while(|c| wanted(**c))
                .count()
        };
        if first.is_whitespace() {
            at += 1;
            continue;
        }
        let token = if let Some(mark) = MARKS.into_iter().find(|mark| {
            characters[at..]
                .iter()
                .copied()
                .take(mark.len())
                .eq(mark.chars())
        }) {
            at += mark.len();
            Token::Mark(mark)
        } else if first == '"' || first == '\'' {
            let length = characters[at + 1..]
                .iter()
                .position(|c| *c == first)
                .ok_or_else(|| SyntaxError {
                    message: "a text has no closing quote".into(),
                    at: start + 1,
                })?;
            at += length + 2;
            Token::Text(characters[start + 1..start + 1 + length].iter().collect())
        } else if first.is_ascii_digit()
            || (first == '-' && characters.get(at + 1).is_some_and(char::is_ascii_digit))
        {
            at += 1 + run(at + 1, |c| c.is_ascii_digit() || matches!(c, '.' | '_'));
            let digits: String = characters[start..at]
                .iter()
                .filter(|c| **c != '_')
                .collect();
            let number = digits.parse().map_err(|_| SyntaxError {
                message: format!("`{digits}` is no number"),
                at: start + 1,
            })?;
            Token::Number(number)
        } else if first.is_ascii_alphabetic() {
            at += run(at, |c| {
                c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
            });
            Token::Word(characters[start..at].iter().collect())
        } else {
            return Err(SyntaxError {
                message: format!("`{first}` has no meaning"),
                at: start + 1,
            });
        };
        out.push((token, start + 1));
    }
    Ok(out)
}
