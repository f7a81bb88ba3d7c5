//! Just enough of Rust's grammar to see which paths a file names.
//!
//! A search in the text would meet comments, strings and tests, and would miss
//! `use crate::{a::{b, c}, d}`. A real parser would be a dependency of its own.

use std::collections::BTreeMap;

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier or keyword.
    Ident(String),
    /// The contents of a string literal.
    Text(String),
    /// `::`
    Sep,
    /// Any other character of punctuation.
    Punct(char),
    /// A number, character or lifetime: of no interest.
    Other,
}

/// A token and the line where it begins.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: Kind,
    /// Where, counted from 1.
    pub(super) line: usize,
}

impl Token {
    /// Whether this is the identifier or keyword `word`.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Ident(name) if name == word)
    }

    /// Whether this is the punctuation `c`.
    pub(super) fn punct(&self, c: char) -> bool {
        self.kind == Kind::Punct(c)
    }

    /// The identifier, when it is one.
    pub(super) fn ident(&self) -> Option<&str> {
        match &self.kind {
            Kind::Ident(name) => Some(name),
            _ => None,
        }
    }
}

/// Splits a file into tokens. Comments and white space are dropped.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut out = Vec::new();
    let mut i = 0;
    let mut line = 1;
    while i < chars.len() {
        let begin = i;
        let kind = match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
                None
            }
            '/' if at(i + 1) == '*' => {
                let mut depth = 0;
                loop {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 2),
                        ('*', '/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 || i >= chars.len() {
                        break;
                    }
                }
                None
            }
            '"' => Some(string(&chars, &mut i)),
            '\'' => {
                let literal = at(i + 1) == '\\' || at(i + 2) == '\'';
                i += 1;
                if literal {
                    while i < chars.len() && at(i) != '\'' {
                        i += if at(i) == '\\' { 2 } else { 1 };
                    }
                    i += 1;
                }
                // A lifetime's name follows as an identifier without `::`, which harms nobody.
                Some(Kind::Other)
            }
            c if c.is_ascii_digit() => {
                while at(i).is_alphanumeric() || at(i) == '_' || (at(i) == '.' && at(i + 1).is_ascii_digit())
                {
                    i += 1;
                }
                Some(Kind::Other)
            }
            c if c.is_alphabetic() || c == '_' => {
                while at(i).is_alphanumeric() || at(i) == '_' {
                    i += 1;
                }
                let word: String = chars[begin..i].iter().collect();
                match (word.as_str(), at(i)) {
                    ("b" | "c", '"') => Some(string(&chars, &mut i)),
                    ("r" | "br" | "cr", '"' | '#') if raw_string(&chars, i) => Some(raw(&chars, &mut i)),
                    // r#type: the name without its mark comes next.
                    ("r", '#') => None,
                    _ => Some(Kind::Ident(word)),
                }
            }
            ':' if at(i + 1) == ':' => {
                i += 2;
                Some(Kind::Sep)
            }
            c => {
                i += 1;
                (!c.is_whitespace()).then_some(Kind::Punct(c))
            }
        };
        if let Some(kind) = kind {
            out.push(Token { kind, line });
        }
        line += chars[begin..i.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    out
}

fn string(chars: &[char], i: &mut usize) -> Kind {
    let begin = *i + 1;
    *i += 1;
    while *i < chars.len() && chars[*i] != '"' {
        *i += if chars[*i] == '\\' { 2 } else { 1 };
    }
    let end = (*i).min(chars.len());
    *i += 1;
    Kind::Text(chars[begin.min(end)..end].iter().collect())
}

fn raw_string(chars: &[char], mut i: usize) -> bool {
    while chars.get(i) == Some(&'#') {
        i += 1;
    }
    chars.get(i) == Some(&'"')
}

fn raw(chars: &[char], i: &mut usize) -> Kind {
    let mut marks = 0;
    while chars[*i] == '#' {
        (marks, *i) = (marks + 1, *i + 1);
    }
    let begin = *i + 1;
    *i += 1;
    while *i < chars.len() {
        let closing = chars[*i] == '"' && (1..=marks).all(|n| chars.get(*i + n) == Some(&'#'));
        if closing {
            break;
        }
        *i += 1;
    }
    let end = (*i).min(chars.len());
    *i += 1 + marks;
    Kind::Text(chars[begin.min(end)..end].iter().collect())
}

/// The index after the group that opens at `open`, or the end.
pub(super) fn after_group(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Punct('(' | '[' | '{') => depth += 1,
            Kind::Punct(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        if depth <= 0 {
            return i + 1;
        }
    }
    tokens.len()
}

/// Whether `#[cfg(test)]` (or `#![cfg(test)]`) stands at `i`.
fn cfg_test(tokens: &[Token], i: usize) -> Option<usize> {
    if !tokens[i].punct('#') {
        return None;
    }
    let open = if tokens.get(i + 1)?.punct('!') { i + 2 } else { i + 1 };
    let inside = tokens.get(open + 1..open + 5)?;
    (tokens[open].punct('[')
        && inside[0].is("cfg")
        && inside[1].punct('(')
        && inside[2].is("test")
        && inside[3].punct(')'))
    .then(|| after_group(tokens, open))
}

/// The tokens of a file without what only tests see, and the names of the modules in other
/// files that only tests see.
pub(super) fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let mut kept = Vec::new();
    let mut modules = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let Some(mut end) = cfg_test(tokens, i) else {
            kept.push(tokens[i].clone());
            i += 1;
            continue;
        };
        if tokens[i + 1].punct('!') {
            return (Vec::new(), modules);
        }
        while tokens.get(end).is_some_and(|t| t.punct('#')) {
            end = after_group(tokens, end + 1);
        }
        let item = end;
        let import = tokens[item..].iter().take(5).any(|t| t.is("use"));
        while let Some(token) = tokens.get(end) {
            match token.kind {
                Kind::Punct(';') => {
                    end += 1;
                    break;
                }
                Kind::Punct('}') => break,
                Kind::Punct('{') if !import => {
                    end = after_group(tokens, end);
                    break;
                }
                Kind::Punct('(' | '[' | '{') => end = after_group(tokens, end),
                _ => end += 1,
            }
        }
        let words = &tokens[item..end];
        if let Some(at) = words.iter().position(|t| t.is("mod"))
            && words.last().is_some_and(|t| t.punct(';'))
            && let Some(name) = words.get(at + 1).and_then(Token::ident)
        {
            modules.push(name.to_owned());
        }
        i = end;
    }
    (kept, modules)
}

/// A path as a file names it, resolved as far as the file itself allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The segments; the first is `crate`, or the name of another crate or of something local.
    pub(super) path: Vec<String>,
    /// Where.
    pub(super) line: usize,
    /// Whether a `*` followed.
    pub(super) glob: bool,
}

impl Named {
    /// The path as one would write it.
    pub(super) fn text(&self) -> String {
        self.path.join("::") + if self.glob { "::*" } else { "" }
    }
}

/// The modules that a file declares, in other files or inside.
pub(super) fn declared(tokens: &[Token]) -> Vec<String> {
    tokens
        .windows(3)
        .filter(|w| w[0].is("mod") && (w[2].punct(';') || w[2].punct('{')))
        .filter_map(|w| w[1].ident().map(str::to_owned))
        .collect()
}

/// All paths with at least two segments, and all imports, that the tokens of the module
/// `module` (its path from the crate's root) name.
pub(super) fn paths(tokens: &[Token], module: &[String]) -> Vec<Named> {
    let mut aliases = BTreeMap::new();
    let mut found = Vec::new();
    let mut inline: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    let mut i = 0;
    while i < tokens.len() {
        let token = &tokens[i];
        let before = i.checked_sub(1).map(|b| &tokens[b]);
        let next = tokens.get(i + 1);
        let here = || module.iter().cloned().chain(inline.iter().map(|(name, _)| name.clone()));
        match &token.kind {
            Kind::Punct('{') => depth += 1,
            Kind::Punct('}') => {
                depth -= 1;
                inline.retain(|(_, opened)| *opened <= depth);
            }
            Kind::Ident(word) if word == "mod" && tokens.get(i + 2).is_some_and(|t| t.punct('{')) => {
                if let Some(name) = next.and_then(Token::ident) {
                    inline.push((name.to_owned(), depth + 1));
                }
            }
            Kind::Ident(word) if word == "use" && !next.is_some_and(|t| t.punct('<')) => {
                let mut tree = Vec::new();
                i = use_tree(tokens, i + 1, &mut Vec::new(), &mut tree);
                for (named, alias) in tree {
                    let named = Named { path: resolve(named.path, here().collect()), ..named };
                    if let Some(alias) = alias {
                        aliases.insert(alias, named.path.clone());
                    }
                    found.push(named);
                }
                continue;
            }
            Kind::Ident(word)
                if next.is_some_and(|t| t.kind == Kind::Sep)
                    && !before.is_some_and(|t| t.kind == Kind::Sep && follows_name(tokens, i - 1)) =>
            {
                let mut path = vec![word.clone()];
                let line = token.line;
                while let (Some(sep), Some(name)) =
                    (tokens.get(i + 1), tokens.get(i + 2).and_then(Token::ident))
                    && sep.kind == Kind::Sep
                {
                    path.push(name.to_owned());
                    i += 2;
                }
                found.push(Named { path: resolve(path, here().collect()), line, glob: false });
            }
            _ => {}
        }
        i += 1;
    }
    for named in &mut found {
        if let Some(full) = aliases.get(&named.path[0])
            && full[0] != named.path[0]
        {
            named.path.splice(0..1, full.iter().cloned());
        }
    }
    found
}

/// Whether the `::` at `sep` continues a path, rather than beginning one.
fn follows_name(tokens: &[Token], sep: usize) -> bool {
    sep.checked_sub(1).is_some_and(|i| tokens[i].ident().is_some() || tokens[i].punct('>'))
}

/// Reads one tree of a `use` and returns the index after it.
fn use_tree(
    tokens: &[Token],
    mut i: usize,
    prefix: &mut Vec<String>,
    out: &mut Vec<(Named, Option<String>)>,
) -> usize {
    let depth = prefix.len();
    let begin = i;
    while let Some(token) = tokens.get(i) {
        let line = token.line;
        match &token.kind {
            Kind::Sep => i += 1,
            Kind::Punct('{') => {
                let end = after_group(tokens, i);
                i += 1;
                while i + 1 < end {
                    i = use_tree(tokens, i, prefix, out);
                }
                i = end;
                break;
            }
            Kind::Punct('*') if !prefix.is_empty() => {
                out.push((Named { path: prefix.clone(), line, glob: true }, None));
                i += 1;
                break;
            }
            Kind::Ident(name) => {
                if name != "self" || prefix.is_empty() {
                    prefix.push(name.clone());
                }
                i += 1;
                if tokens.get(i).is_some_and(|t| t.kind == Kind::Sep) {
                    continue;
                }
                let mut alias = prefix.last().cloned();
                if tokens.get(i).is_some_and(|t| t.is("as")) {
                    alias = tokens.get(i + 1).and_then(Token::ident).map(str::to_owned);
                    i += 2;
                }
                out.push((Named { path: prefix.clone(), line, glob: false }, alias));
                break;
            }
            _ => break,
        }
    }
    prefix.truncate(depth);
    // The comma between trees, the semicolon at the end. Always a step, even through nonsense.
    let closed = tokens.get(i).is_some_and(|t| t.punct(',') || t.punct(';'));
    if closed || i == begin { i + 1 } else { i }
}

/// Makes `self`, `super` and the library's own name into `crate`.
fn resolve(path: Vec<String>, mut module: Vec<String>) -> Vec<String> {
    let mut rest = path.as_slice();
    match rest[0].as_str() {
        "dirsyncd" => return [vec!["crate".to_owned()], rest[1..].to_vec()].concat(),
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|s| s == "super") {
                module.pop();
                rest = &rest[1..];
            }
        }
        _ => return path,
    }
    [vec!["crate".to_owned()], module, rest.to_vec()].concat()
}
