//! Whatever is written into rules and records: no panic, and nothing beyond the limits.

use proptest::prelude::*;

use super::*;

/// Texts that look enough like expressions and filters to get far into the parsers.
fn source() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        prop::sample::select(vec![
            "(",
            ")",
            ",",
            "==",
            "!=",
            "=",
            "'",
            "\"",
            " ",
            "and",
            "or",
            "not",
            "mail",
            "dn",
            "ü",
            "-3",
            "0",
            "9",
            "first(",
            "join(",
            "if(",
            "lower(",
            "upper(",
            "one_line(",
            "digits(",
            "ascii(",
            "language(",
            "before(",
            "after(",
            "strip(",
            "replace(",
            "substring(",
            "pick(",
            "match(",
            "replace_regex(",
            "extract(",
            "phone(",
            "country(",
            "date(",
            "pad(",
            "ou(1)",
            "title_case(",
            "matches(",
            "[a-",
            "(?",
            "present(",
            "contains(",
            "one_of(",
            "has(",
            "in_group('g')",
            "under('dc=test')",
            "'ü'",
            "\"a\"",
            "&",
            "|",
            "!",
            "*",
            ">=",
            "<=",
            "~=",
            ":",
            ":=",
            "1.2.840.113556.1.4.803",
            "\\",
            "\\2a",
            "\\c3",
            "\u{0}",
            "cn",
        ])
        .prop_map(String::from),
        "\\PC{0,3}",
    ];
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

/// A text in quotes.
fn literal() -> impl Strategy<Value = String> {
    "[^\"\\PC]{1,6}|[ @,;ßİé=*-]{1,3}".prop_map(|text| format!("\"{text}\""))
}

/// Regular expressions that compile.
fn pattern() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "",
        "x*",
        "(a|ab)(c|bcd)*",
        r"\w+\s?",
        "(?i)ß",
        "(x+x+)+y",
        "[^a-z]",
        "^.{3,40}$",
    ])
    .prop_map(|pattern| if pattern.is_empty() { "." } else { pattern }.to_owned())
}

/// Expressions that compile, of texts.
fn expression() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["mail", "cn", "nothing", "sn", "jpegPhoto"]).prop_map(String::from),
        literal(),
        literal().prop_map(|begin| format!("pick(cn, {begin})")),
        (literal(), 1..9).prop_map(|(begin, nth)| format!("pick(cn, {begin}, {nth})")),
        (1..=100).prop_map(|nth| format!("ou({nth})")),
    ];
    leaf.prop_recursive(6, 40, 3, |inner| {
        let one = prop::sample::select(vec![
            "first",
            "lower",
            "upper",
            "trim",
            "one_line",
            "digits",
            "ascii",
            "language",
            "country",
            "date",
            "capitalize",
            "title_case",
        ]);
        let cut = prop::sample::select(vec!["before", "after", "strip"]);
        prop_oneof![
            (one, inner.clone()).prop_map(|(function, a)| format!("{function}({a})")),
            (cut, inner.clone(), literal()).prop_map(|(function, a, b)| format!("{function}({a}, {b})")),
            (inner.clone(), any::<i64>(), any::<u16>())
                .prop_map(|(a, start, length)| format!("substring({a}, {start}, {length})")),
            (inner.clone(), pattern(), literal())
                .prop_map(|(a, pattern, to)| format!("replace_regex({a}, '{pattern}', {to})")),
            (inner.clone(), pattern()).prop_map(|(a, pattern)| format!("extract({a}, '{pattern}')")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("phone({a}, lower({b}))")),
            (inner.clone(), 1..=256).prop_map(|(a, length)| format!("pad({a}, {length}, 'ß')")),
            (inner.clone(), inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c, d)| format!("match({a}, {b}, {c}, {d})")),
            (inner.clone(), -9..9).prop_map(|(a, start)| format!("substring({a}, {start})")),
            (literal(), inner.clone(), inner.clone()).prop_map(|(s, a, b)| format!("join({s}, {a}, {b})")),
            (inner.clone(), literal(), literal()).prop_map(|(a, x, y)| format!("replace({a}, {x}, {y})")),
            (condition(inner.clone().boxed()), inner.clone(), inner.clone())
                .prop_map(|(test, a, b)| format!("if({test}, {a}, {b})")),
        ]
    })
    .boxed()
}

/// Conditions that compile, over texts.
fn condition(text: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    let test = prop::sample::select(vec!["contains", "starts_with", "ends_with", "one_of"]);
    let leaf = prop_oneof![
        (text.clone(), text.clone()).prop_map(|(a, b)| format!("{a} == {b}")),
        (text.clone(), text.clone()).prop_map(|(a, b)| format!("({a} != {b})")),
        (test, text.clone(), text.clone()).prop_map(|(test, a, b)| format!("{test}({a}, {b})")),
        text.clone().prop_map(|a| format!("present({a})")),
        (text.clone(), pattern()).prop_map(|(a, pattern)| format!("matches({a}, '{pattern}')")),
        text.prop_map(|a| format!("has(cn, {a})")),
        Just("in_group('g')".to_owned()),
        Just("under('cn=x,dc=test')".to_owned()),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("not ({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a} or {b})")),
        ]
    })
}

/// Filters that compile.
fn ldap_filter() -> impl Strategy<Value = String> {
    let value = "([a-zA-ZüİÉ0-9=, -]|\\\\[0-7][0-9a-f]){0,6}";
    let operator = prop::sample::select(vec!["=", ">=", "<=", "~=", ":=", ":caseExactMatch:=", "=*", "=a*"]);
    let leaf = prop_oneof![
        (operator, value).prop_map(|(operator, value)| format!("(cn{operator}{value})")),
        (value, value).prop_map(|(a, b)| format!("(mail={a}*{b}*{a})")),
        any::<i64>().prop_map(|bits| format!("(cn:1.2.840.113556.1.4.804:={bits})")),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        let operator = prop::sample::select(vec!['&', '|']);
        prop_oneof![
            inner.clone().prop_map(|a| format!("(!{a})")),
            (operator, prop::collection::vec(inner, 0..3))
                .prop_map(|(operator, all)| format!("({operator}{})", all.concat())),
        ]
    })
}

/// What compiling must give.
fn must<T>(source: &str, compiled: Result<T, error::SyntaxError>) -> Result<T, TestCaseError> {
    compiled.map_err(|error| TestCaseError::fail(format!("{source}: {error:?}")))
}

/// A record whose `mail` are these bytes, and whose `cn` and DN are this text.
fn strange(values: Vec<Vec<u8>>, text: String) -> Record {
    let mut record = ann();
    record.attributes.retain(|a| a.name != "mail" && a.name != "cn");
    record.attributes.push(Attribute { name: "mail".into(), values });
    record.attributes.push(Attribute { name: "cn".into(), values: vec![text.clone().into_bytes()] });
    record.dn = text;
    record
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_makes_the_parsers_or_the_evaluator_panic(
        source in source(),
        values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..3),
        text in "\\PC{0,40}",
    ) {
        let record = strange(values, text);
        let groups = GroupSet::new();
        let subject = Subject::new(&record, &groups);
        let mut needs = expr::Needs::default();
        if let Ok(text) = expr::Text::compile(&source, &mut needs) {
            prop_assert!(text.of(&subject).len() <= subject::MAX_TEXT);
        }
        for error in [
            expr::Text::compile(&source, &mut needs).err(),
            expr::Condition::compile(&source, &mut needs).map(|c| c.of(&subject)).err(),
            filter::parse(&source, &mut needs).map(|f| f.matches(&subject)).err(),
        ].into_iter().flatten() {
            prop_assert!(source.is_char_boundary(error.offset), "{error:?}");
            prop_assert!(!error.message.is_empty() && !error.remedy.is_empty());
        }
    }

    #[test]
    fn every_well_formed_rule_compiles_and_can_be_judged_for_every_record(
        text in expression(),
        test in condition(expression()),
        ldap in ldap_filter(),
        values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..3),
        name in "(\\PC|\r|\n|\t|[,=\\\\ ]){0,40}",
    ) {
        let record = strange(values, name);
        let groups = GroupSet::new();
        let subject = Subject::new(&record, &groups);
        let mut needs = expr::Needs::default();
        let compiled = must(&text, expr::Text::compile(&text, &mut needs))?;
        prop_assert!(compiled.of(&subject).len() <= subject::MAX_TEXT);
        let compiled = must(&test, expr::Condition::compile(&test, &mut needs))?;
        compiled.of(&subject);
        let compiled = must(&ldap, filter::parse(&ldap, &mut needs))?;
        // Whatever it is, its opposite is the opposite.
        let opposite = must(&ldap, filter::parse(&format!("(!{ldap})"), &mut needs))?;
        prop_assert_ne!(compiled.matches(&subject), opposite.matches(&subject));
    }

    #[test]
    fn no_record_makes_the_judge_panic_and_all_that_passes_is_within_the_limits(
        attributes in prop::collection::vec(
            (prop::sample::select(vec!["mail", "sn", "c", "streetAddress", "preferredLanguage", "mobile", "ipPhone"]),
             "(\\PC|\r\n|\t){0,60}"), 0..8),
    ) {
        let mut record = ann();
        for (name, value) in &attributes {
            record.attributes.retain(|a| a.name != *name);
            record.attributes.push(Attribute { name: (*name).into(), values: vec![value.clone().into_bytes()] });
        }
        let rules = Rules::compile(&spec()).unwrap();
        if let Wanted::Present(person) = rules.judge(&record, &GroupSet::new(), 0).wanted {
            prop_assert!(person.email.as_str().parse::<Email>().is_ok());
            for (field, value) in &person.profile {
                prop_assert!(!value.trim().is_empty() && value.chars().count() <= field.max_len());
                prop_assert!(!value.chars().any(char::is_control));
            }
        }
    }
}
