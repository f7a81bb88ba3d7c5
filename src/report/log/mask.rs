//! Texts from elsewhere, an error or the words of a server, without the DNs and e-mail addresses
//! in them: they are recognised by their form.

use std::borrow::Cow;

use super::line::REDACTED;

/// The text with the values of all `attribute=value` and all addresses replaced. Rather too
/// much than too little: without a quotation mark after it, a DN ends where a value cannot go on.
pub(super) fn masked(text: &str) -> Cow<'_, str> {
    if !text.contains(['=', '@']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word = rest.find(ends_word).unwrap_or(rest.len());
        if word == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let (head, tail) = rest.split_at(word);
        match head.split_once('=') {
            Some((attribute, _)) if is_attribute(attribute) => {
                out.push_str(attribute);
                out.push('=');
                out.push_str(REDACTED);
                rest = after_value(&rest[attribute.len() + 1..]);
            }
            _ => {
                out.push_str(if head.contains('@') { REDACTED } else { head });
                rest = tail;
            }
        }
    }
    Cow::Owned(out)
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';' | '+' | '(' | ')' | '<' | '>' | '[' | ']')
}

/// A name or a number as attributes have it (RFC 4512 1.4).
fn is_attribute(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
}

/// What follows the value at the beginning of a text: values have spaces, and other things after
/// a backslash (RFC 4514 2.4).
fn after_value(text: &str) -> &str {
    let mut escaped = false;
    let end = text.find(|c: char| {
        let ends = !escaped && (matches!(c, '"' | ',' | ';' | '+' | ')' | '>') || c.is_control());
        escaped = !escaped && c == '\\';
        ends
    });
    end.map_or("", |end| &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_and_addresses_are_masked_and_the_rest_stays() {
        for (text, expected) in [
            ("nothing here", "nothing here"),
            ("set log.files = false; 1 + 1 = 2", "set log.files = false; 1 + 1 = 2"),
            ("ldaps://dc1.example.test:636: refused", "ldaps://dc1.example.test:636: refused"),
            (
                "under \"OU=Corp,DC=example\" on ldap://h: code 50",
                "under \"OU=<redacted>,DC=<redacted>\" on ldap://h: code 50",
            ),
            ("cn=Ann Lee+2.5.4.4=Lee,o=x", "cn=<redacted>+2.5.4.4=<redacted>,o=<redacted>"),
            (r#"uid=Lee\, Ann\" x" is not"#, r#"uid=<redacted>" is not"#),
            ("base dc=example, dc=test is gone", "base dc=<redacted>, dc=<redacted>"),
            ("(&(mail=a@b.test)(cn=*))", "(&(mail=<redacted>)(cn=<redacted>))"),
            ("<Ann.Lee@example.test>: taken", "<<redacted>>: taken"),
            ("as svc@example.test, refused", "as <redacted>, refused"),
            ("cn=Zoë\u{20}名,o=é", "cn=<redacted>,o=<redacted>"),
            ("a cn= b, @", "a cn=<redacted>, <redacted>"),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }
}
