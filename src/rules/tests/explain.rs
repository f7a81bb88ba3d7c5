//! Why, and why not, as an administrator reads it.

use super::*;

#[test]
fn the_whole_way_is_told_and_agrees_with_the_verdict() {
    let mut spec = Spec { email: Some("mail".into()), ..Spec::default() };
    spec.mapping.insert(Field::Title, "title".into());
    spec.mapping.insert(Field::NickName, "nick".into());
    spec.mapping.insert(Field::PhoneWork, "'none'".into());
    spec.scope = ScopeSpec {
        bases: vec!["OU=People,DC=example,DC=test".into()],
        exclude_bases: vec!["ou=a,dc=test".into(), "ou=b,dc=test".into()],
        filter: Some("(objectClass=computer)".into()),
        groups: vec!["staff".into(), "guests".into()],
        exclude_groups: vec!["locked".into()],
        ..ScopeSpec::default()
    };
    let rule = |groups: &[&str], when: Option<&str>| EntitlementSpec {
        name: "rule".into(),
        groups: groups.iter().map(|group| (*group).into()).collect(),
        when: when.map(Into::into),
        licenses: vec!["message.messaging".into()],
        ..EntitlementSpec::default()
    };
    spec.entitlements = vec![
        rule(&[], None),
        rule(&["staff"], None),
        rule(&["pilots"], None),
        rule(&["staff"], Some("present(mail)")),
        rule(&["staff"], Some("(title=clerk)")),
        rule(&["pilots", "locked"], Some("(title=clerk)")),
        rule(&[], Some("present(nick)")),
    ];
    spec.roles = vec![RoleSpec { role: "full".into(), groups: vec!["pilots".into()], ..RoleSpec::default() }];
    let (rules, _) = Rules::compile(&spec).unwrap().bind(&catalogue(), &[]);
    let staff: GroupSet = rules.groups().iter().position(|group| group == "staff").into_iter().collect();
    let told = rules.explain(&ann(), &staff, 0);

    assert_eq!(told.verdict, rules.judge(&ann(), &staff, 0));
    let lines = |answers: &[Answer]| -> Vec<String> {
        answers
            .iter()
            .map(|Answer { rule, applies, reason }| {
                format!("{} {rule}: {reason}", if *applies { "yes" } else { "no" })
            })
            .collect()
    };
    assert_eq!(
        lines(&told.scope),
        [
            r#"yes people.scope.bases: under "ou=people,dc=example,dc=test""#,
            r#"yes people.scope.exclude_bases: not under "ou=a,dc=test" or "ou=b,dc=test""#,
            r#"yes people.scope.groups: member of "staff""#,
            r#"yes people.scope.exclude_groups: not a member of "locked""#,
            "no people.scope.filter: `(objectClass=computer)` does not match",
        ]
    );
    let entitlements: Vec<Answer> = told.entitlements.iter().map(|(answer, _)| answer.clone()).collect();
    assert_eq!(
        lines(&entitlements),
        [
            "yes rule: for everybody",
            r#"yes rule: member of "staff""#,
            r#"no rule: not a member of "pilots""#,
            r#"yes rule: member of "staff", and `present(mail)` holds"#,
            r#"no rule: member of "staff", but `(title=clerk)` does not hold"#,
            r#"no rule: not a member of "pilots" or "locked""#,
            "no rule: `present(nick)` does not hold",
        ]
    );
    assert!(told.entitlements.iter().all(|(_, gives)| gives == &[LicenseId::new("L-msg")]));
    assert_eq!((told.roles[0].0.applies, &told.roles[0].1), (false, &None));
    let values: Vec<_> = told
        .mapping
        .iter()
        .map(|m| {
            let value = m.value.as_ref().map(Option::as_deref).map_err(|withheld| withheld.code.as_str());
            (m.field, m.source.as_str(), value)
        })
        .collect();
    assert_eq!(
        values,
        [
            (None, "mail", Ok(Some("Ann.Lee@Example.com"))),
            (Some(Field::NickName), "nick", Ok(None)),
            (Some(Field::Title), "title", Ok(Some("Chief Pilot"))),
            (Some(Field::PhoneWork), "'none'", Err("unusable")),
        ]
    );
}
