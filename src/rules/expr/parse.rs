//! From the text of an expression to its tree, or to an error that says where and what to do.
//!
//! Plain recursive descent. Every error carries the byte at which the author should look.

use super::function::{self, Argument};
use super::{Condition, Needs, Text};
use crate::rules::error::SyntaxError;

/// The longest expression, in bytes.
const MAX_SOURCE: usize = 8192;
/// How deep parentheses, calls and `not` may nest.
const MAX_DEPTH: usize = 48;

/// A parsed piece, and where it began.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) offset: usize,
    pub(super) kind: Kind,
}

/// What a piece is.
#[derive(Debug)]
pub(super) enum Kind {
    Text(Text),
    Condition(Condition),
    Number(i64),
}

impl Node {
    /// The piece as a text.
    pub(super) fn text(self) -> Result<Text, SyntaxError> {
        match self.kind {
            Kind::Text(text) => Ok(text),
            Kind::Condition(_) => Err(SyntaxError::new(
                self.offset,
                "a text is needed here, and this is a condition",
                "write `if(condition, \"one text\", \"another\")`",
            )),
            Kind::Number(_) => Err(SyntaxError::new(
                self.offset,
                "a text is needed here, and this is a number",
                "put it in quotes",
            )),
        }
    }

    /// The piece as a condition.
    pub(super) fn condition(self) -> Result<Condition, SyntaxError> {
        match self.kind {
            Kind::Condition(condition) => Ok(condition),
            Kind::Text(_) | Kind::Number(_) => Err(SyntaxError::new(
                self.offset,
                "a condition is needed here, and this is a text",
                "compare it (`title == \"Manager\"`), or write `present(attribute)`",
            )),
        }
    }
}

/// Parses a whole expression.
pub(super) fn whole(source: &str, needs: &mut Needs) -> Result<Node, SyntaxError> {
    if source.len() > MAX_SOURCE {
        return Err(SyntaxError::new(
            MAX_SOURCE,
            format!("the expression is longer than {MAX_SOURCE} bytes"),
            "split it, or give the people a group in the directory",
        ));
    }
    let mut parser = Parser { source, at: 0, depth: 0, needs };
    if parser.peek()?.1 == Token::End {
        return Err(SyntaxError::new(
            0,
            "the expression is empty",
            "write an attribute name such as `mail`, or a function such as `first(mail, userPrincipalName)`",
        ));
    }
    let node = parser.any()?;
    match parser.peek()? {
        (_, Token::End) => Ok(node),
        (offset, token) => Err(unexpected(offset, &token, "the end of the expression")),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Literal(&'a str),
    Number(i64),
    Open,
    Close,
    Comma,
    Equal,
    NotEqual,
    End,
}

struct Parser<'a, 'n> {
    source: &'a str,
    at: usize,
    depth: usize,
    needs: &'n mut Needs,
}

impl<'a> Parser<'a, '_> {
    /// The next token and its place, without taking it.
    fn peek(&self) -> Result<(usize, Token<'a>), SyntaxError> {
        self.lex().map(|(offset, token, _)| (offset, token))
    }

    /// Takes the next token.
    fn next(&mut self) -> Result<(usize, Token<'a>), SyntaxError> {
        let (offset, token, end) = self.lex()?;
        self.at = end;
        Ok((offset, token))
    }

    /// Takes the next token if it is this one.
    fn accept(&mut self, wanted: Token<'_>) -> Result<bool, SyntaxError> {
        let (_, token, end) = self.lex()?;
        let found = token == wanted;
        if found {
            self.at = end;
        }
        Ok(found)
    }

    /// Takes the next word if it is this operator; operators are written in any case.
    fn accept_word(&mut self, wanted: &str) -> Result<bool, SyntaxError> {
        match self.lex()? {
            (_, Token::Word(word), end) if word.eq_ignore_ascii_case(wanted) => {
                self.at = end;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The next token, where it begins and where it ends.
    fn lex(&self) -> Result<(usize, Token<'a>, usize), SyntaxError> {
        let rest = self.source[self.at..].trim_start();
        let offset = self.source.len() - rest.len();
        let token = |token, len: usize| Ok((offset, token, offset + len));
        let Some(first) = rest.chars().next() else {
            return token(Token::End, 0);
        };
        match first {
            '(' => token(Token::Open, 1),
            ')' => token(Token::Close, 1),
            ',' => token(Token::Comma, 1),
            '"' | '\'' => match rest[1..].find(first) {
                Some(len) => token(Token::Literal(&rest[1..=len]), len + 2),
                None => Err(SyntaxError::new(
                    offset,
                    "the quote that opens here is never closed",
                    format!(
                        "close it with {first}; a text that contains {first} is put in the other kind of quotes"
                    ),
                )),
            },
            '=' if rest.starts_with("==") => token(Token::Equal, 2),
            '!' if rest.starts_with("!=") => token(Token::NotEqual, 2),
            c if c.is_ascii_alphabetic() => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
                let len = end.unwrap_or(rest.len());
                token(Token::Word(&rest[..len]), len)
            }
            c if c.is_ascii_digit() || c == '-' => {
                let end = rest[1..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |end| end + 1);
                match rest[..end].parse() {
                    Ok(number) => token(Token::Number(number), end),
                    Err(_) => Err(SyntaxError::new(
                        offset,
                        "this is not a number that can be used here",
                        "put texts in quotes; positions are whole numbers such as 0 or -4",
                    )),
                }
            }
            c => Err(SyntaxError::new(offset, format!("`{c}` means nothing here"), stray(c))),
        }
    }

    /// Runs `parse` one level deeper.
    fn deeper<T>(
        &mut self,
        offset: usize,
        parse: impl FnOnce(&mut Self) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        if self.depth == MAX_DEPTH {
            return Err(SyntaxError::new(
                offset,
                format!("the expression nests deeper than {MAX_DEPTH} levels"),
                "split it into several rules, or give the people a group in the directory",
            ));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn any(&mut self) -> Result<Node, SyntaxError> {
        self.chain("or", Self::all, Condition::Or)
    }

    fn all(&mut self) -> Result<Node, SyntaxError> {
        self.chain("and", Self::not, Condition::And)
    }

    /// Operands joined by one operator word.
    fn chain(
        &mut self,
        operator: &str,
        operand: fn(&mut Self) -> Result<Node, SyntaxError>,
        build: fn(Box<[Condition]>) -> Condition,
    ) -> Result<Node, SyntaxError> {
        let first = operand(self)?;
        if !self.accept_word(operator)? {
            return Ok(first);
        }
        let offset = first.offset;
        let mut all = vec![first.condition()?, operand(self)?.condition()?];
        while self.accept_word(operator)? {
            all.push(operand(self)?.condition()?);
        }
        Ok(Node { offset, kind: Kind::Condition(build(all.into())) })
    }

    fn not(&mut self) -> Result<Node, SyntaxError> {
        let (offset, _) = self.peek()?;
        if !self.accept_word("not")? {
            return self.comparison();
        }
        let inner = self.deeper(offset, Self::not)?.condition()?;
        Ok(Node { offset, kind: Kind::Condition(Condition::Not(Box::new(inner))) })
    }

    fn comparison(&mut self) -> Result<Node, SyntaxError> {
        let left = self.value()?;
        let equal = match self.peek()?.1 {
            Token::Equal => true,
            Token::NotEqual => false,
            _ => return Ok(left),
        };
        self.next()?;
        let right = self.value()?.text()?;
        let offset = left.offset;
        let condition = Condition::Equal(left.text()?, right);
        let condition = if equal { condition } else { Condition::Not(Box::new(condition)) };
        Ok(Node { offset, kind: Kind::Condition(condition) })
    }

    fn value(&mut self) -> Result<Node, SyntaxError> {
        let (offset, token) = self.next()?;
        let kind = match token {
            Token::Literal(text) => Kind::Text(Text::Literal(text.into())),
            Token::Number(number) => Kind::Number(number),
            Token::Open => {
                let node = self.deeper(offset, Self::any)?;
                return match self.next()? {
                    (_, Token::Close) => Ok(node),
                    (offset, token) => Err(unexpected(offset, &token, "`)`")),
                };
            }
            Token::Word(word) if self.accept(Token::Open)? => {
                return self.deeper(offset, |parser| parser.call(offset, word));
            }
            Token::Word(word) if !["and", "or", "not"].iter().any(|op| word.eq_ignore_ascii_case(op)) => {
                let name = word.to_ascii_lowercase();
                self.needs.attributes.insert(name.clone());
                Kind::Text(Text::Attribute(name.into()))
            }
            token => return Err(unexpected(offset, &token, "an attribute, a text in quotes or a function")),
        };
        Ok(Node { offset, kind })
    }

    /// The arguments of a function whose `(` has been taken.
    fn call(&mut self, offset: usize, name: &str) -> Result<Node, SyntaxError> {
        let signature = function::signature(offset, name)?;
        let mut arguments = Vec::new();
        let mut close = self.peek()?.0;
        if !self.accept(Token::Close)? {
            loop {
                let start = self.peek()?.0;
                let node = self.any()?;
                arguments.push(Argument { source: self.source[start..self.at].trim(), node });
                match self.next()? {
                    (_, Token::Comma) => {}
                    (end, Token::Close) => {
                        close = end;
                        break;
                    }
                    (offset, token) => return Err(unexpected(offset, &token, "`,` or `)`")),
                }
            }
        }
        let kind = function::build(signature, offset, close, arguments, self.needs)?;
        Ok(Node { offset, kind })
    }
}

fn unexpected(offset: usize, token: &Token<'_>, wanted: &str) -> SyntaxError {
    let (found, remedy) = match token {
        Token::End => ("the expression ends".to_owned(), "complete it".to_owned()),
        Token::Word(word) => (format!("`{word}` stands"), "check for a missing comma or operator".to_owned()),
        Token::Literal(_) => ("a text stands".to_owned(), "check for a missing comma or operator".to_owned()),
        Token::Number(n) => (format!("`{n}` stands"), "check for a missing comma or operator".to_owned()),
        Token::Open => ("`(` stands".to_owned(), "check the parentheses".to_owned()),
        Token::Close => ("`)` stands".to_owned(), "check the parentheses".to_owned()),
        Token::Comma => ("`,` stands".to_owned(), "drop the comma, or complete what is before it".to_owned()),
        Token::Equal => ("`==` stands".to_owned(), "complete what is before it".to_owned()),
        Token::NotEqual => ("`!=` stands".to_owned(), "complete what is before it".to_owned()),
    };
    SyntaxError::new(offset, format!("{found} where {wanted} was expected"), remedy)
}

/// What somebody probably meant who wrote this character.
fn stray(c: char) -> &'static str {
    match c {
        '=' => "comparisons are written `==`",
        '!' => "write `not`, or `!=` to compare",
        '&' => "write `and`",
        '|' => "write `or`",
        '+' => "texts are put together with `join(\"\", a, b)`",
        '<' | '>' => {
            "order is not compared in expressions; use an LDAP filter such as `(employeeNumber>=100)`"
        }
        '*' => "use `starts_with`, `ends_with` or `contains`",
        '[' | ']' | '{' | '}' => "lists are written `one_of(attribute, \"a\", \"b\")`",
        '\u{201c}' | '\u{201d}' | '\u{2018}' | '\u{2019}' | '\u{201e}' | '`' => {
            "use straight quotes, \" or '"
        }
        _ => "attribute names consist of letters, digits, `-` and `_`; put texts in quotes",
    }
}
