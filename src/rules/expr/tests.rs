//! The language: what expressions give, and what their errors say.

use super::*;
use crate::rules::GroupSet;
use crate::rules::subject::{MAX_TEXT, Subject};
use crate::rules::tests::{ann, person};

fn text(source: &str) -> Result<String, SyntaxError> {
    let mut needs = Needs::default();
    let text = Text::compile(source, &mut needs)?;
    Ok(text.of(&Subject::new(&ann(), &GroupSet::new())).into_owned())
}

#[test]
fn errors_say_where_and_what_to_do() {
    // Expression, byte, message, remedy.
    let golden: &[(&str, usize, &str, &str)] = &[
        (
            "",
            0,
            "the expression is empty",
            "write an attribute name such as `mail`, or a function such as `first(mail, userPrincipalName)`",
        ),
        ("lowr(mail)", 0, "there is no function `lowr`", "did you mean `lower`?"),
        ("first(mail, Concat(a, b))", 12, "there is no function `Concat`", "did you mean `join`?"),
        (
            "isMemberOf(x)",
            0,
            "there is no function `isMemberOf`",
            "the functions are first, default, join, if, match, lower, upper, capitalize, title_case, trim, one_line, digits, ascii, language, country, date, phone, before, after, strip, replace, replace_regex, extract, substring, pad, pick, ou, present, contains, starts_with, ends_with, matches, one_of, has, in_group, under",
        ),
        ("first(mail", 10, "the expression ends where `,` or `)` was expected", "complete it"),
        (
            "first(mail,)",
            11,
            "`)` stands where an attribute, a text in quotes or a function was expected",
            "check the parentheses",
        ),
        (
            "first(mail userPrincipalName)",
            11,
            "`userPrincipalName` stands where `,` or `)` was expected",
            "check for a missing comma or operator",
        ),
        (
            "mail userPrincipalName",
            5,
            "`userPrincipalName` stands where the end of the expression was expected",
            "check for a missing comma or operator",
        ),
        ("mail)", 4, "`)` stands where the end of the expression was expected", "check the parentheses"),
        ("(mail", 5, "the expression ends where `)` was expected", "complete it"),
        (
            "\"abc",
            0,
            "the quote that opens here is never closed",
            "close it with \"; a text that contains \" is put in the other kind of quotes",
        ),
        (
            "join(' , mail)",
            5,
            "the quote that opens here is never closed",
            "close it with '; a text that contains ' is put in the other kind of quotes",
        ),
        ("if(title = \"x\", mail, cn)", 9, "`=` means nothing here", "comparisons are written `==`"),
        ("givenName + sn", 10, "`+` means nothing here", "texts are put together with `join(\"\", a, b)`"),
        ("if(a == 'x' && b == 'y', a, b)", 12, "`&` means nothing here", "write `and`"),
        ("if(a == 'x' || b == 'y', a, b)", 12, "`|` means nothing here", "write `or`"),
        ("if(!present(a), a, b)", 3, "`!` means nothing here", "write `not`, or `!=` to compare"),
        (
            "if(employeeNumber > 5, a, b)",
            18,
            "`>` means nothing here",
            "order is not compared in expressions; use an LDAP filter such as `(employeeNumber>=100)`",
        ),
        ("lower(“mail”)", 6, "`“` means nothing here", "use straight quotes, \" or '"),
        (
            "vorname-ü",
            8,
            "`ü` means nothing here",
            "attribute names consist of letters, digits, `-` and `_`; put texts in quotes",
        ),
        (
            "if(title, mail, cn)",
            3,
            "a condition is needed here, and this is a text",
            "compare it (`title == \"Manager\"`), or write `present(attribute)`",
        ),
        (
            "present(mail)",
            0,
            "a text is needed here, and this is a condition",
            "write `if(condition, \"one text\", \"another\")`",
        ),
        (
            "mail == 'x' == 'y'",
            12,
            "`==` stands where the end of the expression was expected",
            "complete what is before it",
        ),
        (
            "mail ==",
            7,
            "the expression ends where an attribute, a text in quotes or a function was expected",
            "complete it",
        ),
        (
            "and",
            0,
            "`and` stands where an attribute, a text in quotes or a function was expected",
            "check for a missing comma or operator",
        ),
        ("lower()", 6, "`lower` has too few arguments", "write `lower(text)`"),
        ("lower(mail, cn)", 12, "`lower` has too many arguments", "write `lower(text)`"),
        (
            "join(mail, cn)",
            5,
            "`mail` stands where a text in quotes is needed",
            "write `join(\"separator\", text, text, …)`",
        ),
        (
            "before(mail, \"\")",
            13,
            "`\"\"` stands where a text that is not empty is needed",
            "write `before(text, \"separator\")`",
        ),
        (
            "substring(mail, \"3\")",
            16,
            "`\"3\"` stands where a whole number is needed",
            "write `substring(text, start) or substring(text, start, length)`",
        ),
        (
            "substring(mail, 0, -1)",
            19,
            "`-1` stands where a number that is not negative is needed",
            "write `substring(text, start) or substring(text, start, length)`",
        ),
        (
            "substring(mail, 99999999999999999999)",
            16,
            "this is not a number that can be used here",
            "put texts in quotes; positions are whole numbers such as 0 or -4",
        ),
        ("first(mail, 5)", 12, "a text is needed here, and this is a number", "put it in quotes"),
        (
            "if(in_group(department), mail, cn)",
            12,
            "`department` stands where a text in quotes is needed",
            "write `in_group(\"name or DN\")`",
        ),
        (
            "if(under(\"people\"), mail, cn)",
            9,
            "`people` stands where a DN such as \"ou=people,dc=example,dc=com\" is needed",
            "write `under(\"DN\")`",
        ),
        (
            "extract(cn, \"(\")",
            12,
            "`(` is no regular expression: unclosed group",
            "put a backslash before characters that stand for themselves, as in `\\.`; look-around and \
             back-references do not exist here",
        ),
        (
            "phone(mobile, \"Germany\")",
            14,
            "`\"Germany\"` stands where a country code of two letters is needed",
            "write `phone(text, \"DE\")`",
        ),
        (
            "phone(mobile, \"BT\")",
            14,
            "`\"BT\"` stands where a country whose dialling is known is needed",
            "write `phone(text, \"DE\")`",
        ),
        ("ou(0)", 3, "`0` stands where a number from 1 to 100 is needed", "write `ou(number)`"),
        (
            "pad(cn, 3, \"00\")",
            11,
            "`00` stands where a single letter or digit is needed",
            "write `pad(text, length, \"0\")`",
        ),
        ("switch(cn, 'a', 'b')", 0, "there is no function `switch`", "did you mean `match`?"),
        (
            "if(has(\"x\", cn), mail, cn)",
            7,
            "`\"x\"` stands where the name of an attribute is needed",
            "write `has(attribute, text)`",
        ),
    ];
    for (source, offset, message, remedy) in golden {
        let error = text(source).unwrap_err();
        assert_eq!(
            (error.offset, error.message.as_str(), error.remedy.as_str()),
            (*offset, *message, *remedy),
            "{source}"
        );
    }
}

#[test]
fn nesting_and_length_have_limits() {
    let nested = |levels: usize| format!("{}mail{}", "lower(".repeat(levels), ")".repeat(levels));
    assert_eq!(text(&nested(40)).as_deref(), Ok("ann.lee@example.com"));
    let error = text(&nested(49)).unwrap_err();
    assert_eq!((error.offset, error.message.as_str()), (288, "the expression nests deeper than 48 levels"));
    assert!(text(&nested(100_000)).is_err());
    assert!(text(&"(".repeat(8000)).is_err());
    assert!(text(&"not ".repeat(2000)).is_err());
    // A long chain is not deep.
    let chain = format!("if({} or present(mail), 'yes', 'no')", vec!["cn == 'x'"; 500].join(" or "));
    assert_eq!(text(&chain).as_deref(), Ok("yes"));
}

#[test]
fn results_stay_within_four_kilobytes() {
    let double = |inner: &str| format!("join(\"\", {inner}, {inner})");
    let mut source = "'0123456789abcdef'".to_owned();
    for _ in 0..7 {
        source = double(&source);
    }
    assert_eq!(text(&source).unwrap().len(), 2048);
    let eight = format!("replace({source}, \"0\", \"{}\")", "x".repeat(2000));
    assert_eq!(text(&eight).unwrap().len(), MAX_TEXT);
    let record = person(&[("info", &"€".repeat(5000))]);
    let text = Text::compile("upper(info)", &mut Needs::default()).unwrap();
    assert_eq!(text.of(&Subject::new(&record, &GroupSet::new())).len(), MAX_TEXT - 1);
}

#[test]
fn what_needs_no_change_is_not_copied() {
    let record = ann();
    let groups = GroupSet::new();
    for source in
        ["mail", "first(x, title)", "before(mail, '@')", "trim(l)", "join(' ', x, sn)", "upper(employeeID)"]
    {
        let text = Text::compile(source, &mut Needs::default()).unwrap();
        let subject = Subject::new(&record, &groups);
        assert!(matches!(text.of(&subject), std::borrow::Cow::Borrowed(_)), "{source}");
    }
}
