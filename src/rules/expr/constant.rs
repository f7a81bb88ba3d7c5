//! The texts that an expression can give exactly as they are written in it.

use super::Text;

impl Text {
    /// Adds them. What a function still works on is not among them.
    pub(in crate::rules) fn constants<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Self::Literal(text) => found.push(text),
            Self::First(texts) => texts.iter().for_each(|text| text.constants(found)),
            Self::If(_, yes, no) => {
                yes.constants(found);
                no.constants(found);
            }
            Self::Match(_, cases, otherwise) => {
                cases.iter().for_each(|(_, then)| then.constants(found));
                otherwise.constants(found);
            }
            Self::Attribute(_)
            | Self::Join(..)
            | Self::Map(..)
            | Self::Before(..)
            | Self::After(..)
            | Self::Strip(..)
            | Self::Replace(..)
            | Self::Substring(..)
            | Self::Pick(..)
            | Self::ReplaceRegex(..)
            | Self::Extract(..)
            | Self::Phone(..)
            | Self::Pad(..)
            | Self::Unit(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::expr::Needs;

    #[test]
    fn only_what_comes_out_as_written() {
        for (source, expected) in [
            (r#""a""#, vec!["a"]),
            (r#"if(present(x), "a", first(y, "b"))"#, vec!["a", "b"]),
            (r#"match(x, "1", "one", "2", lower("TWO"), "")"#, vec!["one", ""]),
            (r#"join("-", "a", x)"#, vec![]),
            (r#"default(x, "a")"#, vec!["a"]),
        ] {
            let text = Text::compile(source, &mut Needs::default()).unwrap();
            let mut found = Vec::new();
            text.constants(&mut found);
            assert_eq!(found, expected, "{source}");
        }
    }
}
