//! The small language in which a policy says what it wants: `height <= 1080 and codec in ["avc1", "hvc1"]`.
//!
//! ```text
//! or         = and *( "or" and )
//! and        = not *( "and" not )
//! not        = "not" not / comparison
//! comparison = operand [ ( "==" / "!=" / "<" / "<=" / ">" / ">=" / "in" / "not in" ) operand ]
//! operand    = number / string / "true" / "false" / name / "[" operand *( "," operand ) "]" / "(" or ")"
//! ```
//!
//! What is not known (an audio-only variant has no height) is neither true nor false: logic is Kleene's, with *unknown* as the
//! third value. What to do with it is up to the caller: a filter keeps it, a condition is not met by it.

mod parser;
mod tokens;

/// What a name or literal stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not known.
    Missing,
    /// Yes or no.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text; compared without regard to ASCII case.
    Text(String),
    /// Several texts, any of which may match.
    List(Vec<String>),
}

impl Value {
    /// A number, or missing.
    pub fn number(value: Option<f64>) -> Self {
        value.map_or(Self::Missing, Self::Number)
    }

    /// A text, or missing.
    pub fn text(value: Option<&str>) -> Self {
        value.map_or(Self::Missing, |text| Self::Text(text.to_owned()))
    }
}

/// Gives names their values.
pub trait Scope {
    /// The value of a name that the expression was compiled with.
    fn value(&self, name: &str) -> Value;
}

/// A compiled expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Literal(Value),
    Name(String),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Compare(Box<Node>, Operator, Box<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at character {at}")]
pub struct SyntaxError {
    message: String,
    at: usize,
}

impl Expression {
    /// Reads an expression; `known` says which names it may use.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str, known: &dyn Fn(&str) -> bool) -> Result<Self, SyntaxError> {
        parser::parse(text, known).map(Self)
    }

    /// Every name in it, repetitions included.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        let mut waiting = vec![&self.0];
        while let Some(node) = waiting.pop() {
            match node {
                Node::Literal(_) => {}
                Node::Name(name) => names.push(name.as_str()),
                Node::Not(a) => waiting.push(a),
                Node::And(a, b) | Node::Or(a, b) | Node::Compare(a, _, b) => {
                    waiting.extend([a.as_ref(), b.as_ref()])
                }
            }
        }
        names
    }

    /// True, false, or unknown.
    pub fn evaluate(&self, scope: &dyn Scope) -> Option<bool> {
        self.0.truth(scope)
    }
}

impl Node {
    fn truth(&self, scope: &dyn Scope) -> Option<bool> {
        match self {
            Self::Not(node) => node.truth(scope).map(|truth| !truth),
            Self::And(a, b) => match (a.truth(scope), b.truth(scope)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(a, b) => match (a.truth(scope), b.truth(scope)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::Compare(a, operator, b) => {
                let language = matches!(a.as_ref(), Self::Name(name) if name.ends_with("language"));
                compare(&a.value(scope), *operator, &b.value(scope), language)
            }
            Self::Literal(_) | Self::Name(_) => match self.value(scope) {
                Value::Missing => None,
                Value::Bool(truth) => Some(truth),
                Value::Number(number) => Some(number != 0.0),
                Value::Text(text) => Some(!text.is_empty()),
                Value::List(list) => Some(!list.is_empty()),
            },
        }
    }

    fn value(&self, scope: &dyn Scope) -> Value {
        match self {
            Self::Literal(value) => value.clone(),
            Self::Name(name) => scope.value(name),
            other => other.truth(scope).map_or(Value::Missing, Value::Bool),
        }
    }
}

fn compare(a: &Value, operator: Operator, b: &Value, language: bool) -> Option<bool> {
    if matches!(a, Value::Missing) || matches!(b, Value::Missing) {
        return None;
    }
    match operator {
        Operator::In | Operator::Equal => Some(any_equal(a, b, language)),
        Operator::NotIn | Operator::NotEqual => Some(!any_equal(a, b, language)),
        Operator::Less => numbers(a, b).map(|(a, b)| a < b),
        Operator::LessOrEqual => numbers(a, b).map(|(a, b)| a <= b),
        Operator::Greater => numbers(a, b).map(|(a, b)| a > b),
        Operator::GreaterOrEqual => numbers(a, b).map(|(a, b)| a >= b),
    }
}

fn any_equal(a: &Value, b: &Value, language: bool) -> bool {
    if let (Value::Bool(a), Value::Bool(b)) = (a, b) {
        return a == b;
    }
    if let Some((a, b)) = numbers(a, b) {
        return a == b;
    }
    let (a, b) = (texts(a), texts(b));
    a.iter().any(|a| {
        b.iter().any(|b| {
            if language {
                is_language(a, b)
            } else {
                a.eq_ignore_ascii_case(b)
            }
        })
    })
}

/// Basic filtering of RFC 4647 section 3.3.1: `en` takes `en-GB` in.
pub fn is_language(tag: &str, range: &str) -> bool {
    range == "*"
        || tag.eq_ignore_ascii_case(range)
        || (tag.len() > range.len()
            && tag.is_char_boundary(range.len())
            && tag[..range.len()].eq_ignore_ascii_case(range)
            && tag.as_bytes()[range.len()] == b'-')
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Missing => Vec::new(),
        Value::Bool(truth) => vec![truth.to_string()],
        Value::Number(number) => vec![number.to_string()],
        Value::Text(text) => vec![text.clone()],
        Value::List(list) => list.clone(),
    }
}

/// Both as numbers; a text counts when it is one, since query parameters are texts.
fn numbers(a: &Value, b: &Value) -> Option<(f64, f64)> {
    let number = |value: &Value| match value {
        Value::Number(number) => Some(*number),
        Value::Text(text) => text
            .trim()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite()),
        _ => None,
    };
    Some((number(a)?, number(b)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Names;

    impl Scope for Names {
        fn value(&self, name: &str) -> Value {
            match name {
                "height" => Value::Number(1080.0),
                "codec" => Value::List(vec!["avc1".into(), "mp4a".into()]),
                "language" => Value::Text("en-GB".into()),
                "query.max" => Value::Text("720".into()),
                "tier" => Value::Text("Free".into()),
                _ => Value::Missing,
            }
        }
    }

    fn evaluate(text: &str) -> Option<bool> {
        Expression::parse(text, &|name| name != "unknown")
            .unwrap()
            .evaluate(&Names)
    }

    #[test]
    fn compares() {
        for (text, expected) in [
            ("height <= 1080", Some(true)),
            ("height < 1_080", Some(false)),
            ("height == 1080.0", Some(true)),
            ("height in [720, 1080]", Some(true)),
            ("height not in [720, 1080]", Some(false)),
            ("codec in ['hvc1', \"AVC1\"]", Some(true)),
            ("codec == 'mp4a'", Some(true)),
            ("'hvc1' in codec", Some(false)),
            ("tier == 'free'", Some(true)),
            ("language in ['en', 'fr']", Some(true)),
            ("language == 'e'", Some(false)),
            ("height <= query.max", Some(false)),
            ("height", Some(true)),
            ("true", Some(true)),
            ("height > -5", Some(true)),
            ("codec > 3", None),
            ("width > 3", None),
        ] {
            assert_eq!(evaluate(text), expected, "{text}");
        }
    }

    #[test]
    fn unknown_is_a_third_value() {
        for (text, expected) in [
            ("width > 3 or true", Some(true)),
            ("width > 3 or false", None),
            ("width > 3 and false", Some(false)),
            ("width > 3 and true", None),
            ("not width > 3", None),
            ("not (height > 3) or width > 3", None),
            ("not not true and (false or true)", Some(true)),
            ("false and false or true", Some(true)),
        ] {
            assert_eq!(evaluate(text), expected, "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        for (text, expected) in [
            ("height <=", "something is missing at character 10"),
            ("height <= 1 2", "`2` is one too many at character 13"),
            (
                "unknown == 1",
                "the name `unknown` is not known here at character 1",
            ),
            ("(height", "a `)` is missing at character 8"),
            ("a = 1", "`=` has no meaning at character 3"),
            ("a == 'x", "a text has no closing quote at character 6"),
            ("a in [1 2]", "a `,` or `]` is missing at character 9"),
            ("", "something is missing at character 1"),
            ("a not 1", "`not` is followed by `in` here at character 7"),
            ("1.2.3", "`1.2.3` is no number at character 1"),
        ] {
            let error = Expression::parse(text, &|name| name != "unknown").unwrap_err();
            assert_eq!(error.to_string(), expected, "{text}");
        }
        assert!(Expression::parse(&"(".repeat(1000), &|_| true).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z0-9<>=!()\\[\\],'\" .é-]{0,40}|(height|in|not|and|or|\\(|\\)|\\[|\\]|,|1|'a'| ){0,30}") {
            if let Ok(expression) = Expression::parse(&text, &|_| true) {
                expression.evaluate(&Names);
            }
        }
    }
}
