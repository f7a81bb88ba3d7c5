//! Filters as servers understand them, and what their errors say.

use super::*;
use crate::rules::GroupSet;
use crate::rules::expr::Needs;
use crate::rules::tests::person;

#[test]
fn filters_match_as_a_server_would() {
    let mut record = person(&[
        ("objectClass", "top"),
        ("objectClass", "user"),
        ("objectCategory", "CN=Person,CN=Schema,CN=Configuration,DC=example,DC=test"),
        ("cn", "Ann (Lee)*"),
        ("title", "Chief Pilot"),
        ("sn", "MÜLLER"),
        ("userAccountControl", "66048"),
        ("groupType", "-2147483646"),
        ("employeeNumber", "9"),
        ("whenCreated", "20240131120000.0Z"),
        ("memberOf", "CN=Staff,OU=Groups,DC=example,DC=test"),
        ("objectGUID", ""),
    ]);
    record.attributes.last_mut().unwrap().values = vec![vec![0xff, 0x00, 0x2a]];
    let groups = GroupSet::new();
    for (filter, want) in [
        ("(title=chief pilot)", true),
        ("(TITLE=Chief Pilot)", true),
        ("(title=chief)", false),
        ("(title=*)", true),
        ("(mail=*)", false),
        ("(!(mail=*))", true),
        ("(mail=x)", false),
        ("(!(mail=x))", true),
        ("(title=ch*)", true),
        ("(title=*PILOT)", true),
        ("(title=*ief*pi*)", true),
        ("(title=chief*chief pilot)", false),
        ("(title=*pilot*pilot)", false),
        ("(title=c*p*t)", true),
        ("(title~=CHIEF PILOT)", true),
        ("(sn=müller)", true),
        ("(sn=m\\c3\\bcller)", true),
        ("(sn=*ü*)", true),
        (r"(cn=Ann \28Lee\29\2a)", true),
        (r"(cn=*\28*)", true),
        ("(employeeNumber>=10)", false),
        ("(employeeNumber<=10)", true),
        ("(employeeNumber>=9)", true),
        ("(employeeNumber=09)", false),
        ("(whenCreated>=20240101000000.0Z)", true),
        ("(whenCreated<=20240101000000.0Z)", false),
        ("(userAccountControl:1.2.840.113556.1.4.803:=2)", false),
        ("(userAccountControl:1.2.840.113556.1.4.803:=65536)", true),
        ("(userAccountControl:1.2.840.113556.1.4.803:=65538)", false),
        ("(userAccountControl:1.2.840.113556.1.4.804:=65538)", true),
        ("(groupType:1.2.840.113556.1.4.803:=2147483648)", true),
        ("(title:caseIgnoreMatch:=CHIEF PILOT)", true),
        ("(title:caseExactMatch:=chief pilot)", false),
        ("(title:2.5.13.5:=Chief Pilot)", true),
        ("(title:=chief pilot)", true),
        ("(memberOf=cn=staff, ou=groups, dc=example, dc=test)", true),
        ("(memberOf=cn=staff,dc=test)", false),
        ("(objectCategory=person)", true),
        ("(objectCategory=user)", true),
        ("(objectCategory=computer)", false),
        ("(objectCategory=CN=Person,CN=Schema,CN=Configuration,DC=example,DC=test)", true),
        (r"(objectGUID=\ff\00\2a)", true),
        (r"(objectGUID=\ff\00)", false),
        ("(&)", true),
        ("(|)", false),
        ("(&(objectClass=user)(|(title=x)(title=chief*))(!(cn=bob)))", true),
        ("(&(objectClass=user)(title=x))", false),
        (" ( &\n  (objectClass=user)\n  (! (cn=bob) )\n) ", true),
        ("(cn=)", false),
    ] {
        let compiled =
            parse(filter, &mut Needs::default()).unwrap_or_else(|error| panic!("{filter}: {error:?}"));
        assert_eq!(compiled.matches(&Subject::new(&record, &groups)), want, "{filter}");
    }
}

#[test]
fn errors_say_where_and_what_to_do() {
    let golden: &[(&str, usize, &str, &str)] = &[
        (
            "",
            0,
            "the filter ends where `(` was expected",
            "every condition of an LDAP filter stands in parentheses, as in `(department=Sales)`",
        ),
        (
            "cn=x",
            0,
            "`c` stands where `(` was expected",
            "every condition of an LDAP filter stands in parentheses, as in `(department=Sales)`",
        ),
        ("(cn=x", 5, "the filter ends where `)` was expected", "close the `(` at byte 0"),
        ("(&(cn=x)(sn=y)", 14, "the filter ends where `)` was expected", "close the `(` at byte 0"),
        (
            "(cn=x))",
            6,
            "the filter goes on after its closing parenthesis",
            "put several conditions into `(&(…)(…))` for all or `(|(…)(…))` for any",
        ),
        (
            "(cn=x)(sn=y)",
            6,
            "the filter goes on after its closing parenthesis",
            "put several conditions into `(&(…)(…))` for all or `(|(…)(…))` for any",
        ),
        ("(&cn=x)", 2, "`c` stands where `)` was expected", "check the parentheses"),
        (
            "(!cn=x)",
            2,
            "`c` stands where `(` was expected",
            "every condition of an LDAP filter stands in parentheses, as in `(department=Sales)`",
        ),
        ("(cn=a(b)", 5, "`(` stands where `)` was expected", "check the parentheses"),
        (
            "()",
            1,
            "the name of an attribute was expected",
            "write `(attribute=value)`; parentheses inside a value are written `\\28` and `\\29`",
        ),
        (
            "(cn)",
            3,
            "after `cn`, one of `=`, `>=`, `<=`, `~=`, `:rule:=` was expected",
            "write `(attribute=value)`, `(attribute=*)` or `(attribute=begin*end)`",
        ),
        (
            "(cn = x)",
            3,
            "after `cn`, one of `=`, `>=`, `<=`, `~=`, `:rule:=` was expected",
            "leave out the blank before the operator",
        ),
        (
            "(uid>5)",
            4,
            "after `uid`, one of `=`, `>=`, `<=`, `~=`, `:rule:=` was expected",
            "order is written `>=` or `<=`; for strictly more, write `(!(attribute<=…))`",
        ),
        (
            "(cn;lang-de=x)",
            3,
            "after `cn`, one of `=`, `>=`, `<=`, `~=`, `:rule:=` was expected",
            "leave the option out: records are read without options",
        ),
        (
            r"(cn=a\b)",
            5,
            "`\\` is not followed by two hexadecimal digits",
            "a backslash is written `\\5c`, a star `\\2a`, parentheses `\\28` and `\\29`",
        ),
        (
            "(ou:dn:=x)",
            4,
            "the matching rule `dn` is not known",
            "known are 1.2.840.113556.1.4.803 (all bits), 1.2.840.113556.1.4.804 (any bit), caseIgnoreMatch and caseExactMatch",
        ),
        (
            "(memberOf:1.2.840.113556.1.4.1941:=cn=x)",
            10,
            "membership in a chain of groups is not a matter of this filter",
            "name the group in `groups`, or write the expression `in_group(\"…\")`: nested groups count there",
        ),
        (
            "(a:1.2.840.113556.1.4.803:=x)",
            27,
            "a whole number was expected",
            "write the bits as a decimal number, as in `:=2`",
        ),
        (
            r"(a=\ff*)",
            7,
            "the parts between stars are not text",
            "bytes can be compared as a whole: `(attribute=\\xx\\xx)`",
        ),
    ];
    for (filter, offset, message, remedy) in golden {
        let error = parse(filter, &mut Needs::default()).unwrap_err();
        assert_eq!(
            (error.offset, error.message.as_str(), error.remedy.as_str()),
            (*offset, *message, *remedy),
            "{filter}"
        );
    }
    let deep = format!("{}(a=b){}", "(!".repeat(60), ")".repeat(60));
    assert_eq!(
        parse(&deep, &mut Needs::default()).unwrap_err().message,
        "the filter nests deeper than 48 levels"
    );
    assert!(parse(&"(!".repeat(8000), &mut Needs::default()).is_err());
}
