//! From words to a tree, by recursive descent.

use super::tokens::{Token, tokens};
use super::{Node, Operator, SyntaxError, Value};

/// An expression may nest this deep.
const MAX_DEPTH: usize = 32;

/// Reads a whole expression; `known` says which names it may use.
pub(super) fn parse(text: &str, known: &dyn Fn(&str) -> bool) -> Result<Node, SyntaxError> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        end: text.chars().count(),
        depth: 0,
        known,
    };
    let node = parser.or()?;
    match parser.peek() {
        None => Ok(node),
        Some(token) => Err(parser.error(format!("`{token}` is one too many"))),
    }
}

struct Parser<'a> {
    tokens: Vec<(Token, usize)>,
    next: usize,
    end: usize,
    depth: usize,
    known: &'a dyn Fn(&str) -> bool,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    fn error(&self, message: impl Into<String>) -> SyntaxError {
        let at = self
            .tokens
            .get(self.next)
            .map_or(self.end + 1, |(_, at)| *at);
        SyntaxError {
            message: message.into(),
            at,
        }
    }

    fn word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word == wanted);
        self.next += usize::from(found);
        found
    }

    fn mark(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Mark(mark)) if *mark == wanted);
        self.next += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Node, SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("it nests too deep"));
        }
        let mut node = self.and()?;
        while self.word("or") {
            node = Node::Or(Box::new(node), Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(node)
    }

    fn and(&mut self) -> Result<Node, SyntaxError> {
        let mut node = self.not()?;
        while self.word("and") {
            node = Node::And(Box::new(node), Box::new(self.not()?));
        }
        Ok(node)
    }

    fn not(&mut self) -> Result<Node, SyntaxError> {
        let mut negated = false;
        while self.word("not") {
            negated = !negated;
        }
        let node = self.comparison()?;
        Ok(if negated {
            Node::Not(Box::new(node))
        } else {
            node
        })
    }

    fn comparison(&mut self) -> Result<Node, SyntaxError> {
        let left = self.operand()?;
        let operator = match self.peek() {
            Some(Token::Mark("==")) => Operator::Equal,
            Some(Token::Mark("!=")) => Operator::NotEqual,
            Some(Token::Mark("<")) => Operator::Less,
            Some(Token::Mark("<=")) => Operator::LessOrEqual,
            Some(Token::Mark(">")) => Operator::Greater,
            Some(Token::Mark(">=")) => Operator::GreaterOrEqual,
            Some(Token::Word(word)) if word == "in" => Operator::In,
            Some(Token::Word(word)) if word == "not" => {
                self.next += 1;
                if !matches!(self.peek(), Some(Token::Word(word)) if word == "in") {
                    return Err(self.error("`not` is followed by `in` here"));
                }
                Operator::NotIn
            }
            _ => return Ok(left),
        };
        self.next += 1;
        Ok(Node::Compare(
            Box::new(left),
            operator,
            Box::new(self.operand()?),
        ))
    }

    fn operand(&mut self) -> Result<Node, SyntaxError> {
        if self.mark("(") {
            let node = self.or()?;
            return if self.mark(")") {
                Ok(node)
            } else {
                Err(self.error("a `)` is missing"))
            };
        }
        if self.mark("[") {
            return self.list();
        }
        let node = match self.peek() {
            Some(Token::Number(number)) => Node::Literal(Value::Number(*number)),
            Some(Token::Text(text)) => Node::Literal(Value::Text(text.clone())),
            Some(Token::Word(word)) => match word.as_str() {
                "true" => Node::Literal(Value::Bool(true)),
                "false" => Node::Literal(Value::Bool(false)),
                "and" | "or" | "in" | "not" => {
                    return Err(self.error(format!("`{word}` has nothing on its left")));
                }
                name if (self.known)(name) => Node::Name(name.to_owned()),
                name => return Err(self.error(format!("the name `{name}` is not known here"))),
            },
            Some(Token::Mark(mark)) => {
                return Err(self.error(format!("`{mark}` has nothing on its left")));
            }
            None => return Err(self.error("something is missing")),
        };
        self.next += 1;
        Ok(node)
    }

    fn list(&mut self) -> Result<Node, SyntaxError> {
        let mut items = Vec::new();
        while !self.mark("]") {
            match self.peek() {
                Some(Token::Text(text)) => items.push(text.clone()),
                Some(Token::Number(number)) => items.push(number.to_string()),
                _ => return Err(self.error("a list holds texts and numbers")),
            }
            self.next += 1;
            if !self.mark(",") && !matches!(self.peek(), Some(Token::Mark("]"))) {
                return Err(self.error("a `,` or `]` is missing"));
            }
        }
        Ok(Node::Literal(Value::List(items)))
    }
}
