//! What reports say about values, and what becomes of letters.

use super::*;
use crate::rules::GroupSet;
use crate::rules::tests::person;

fn map(spec: &Spec, attributes: &[(&str, &str)]) -> Result<(Email, Profile), Withheld> {
    let mut errors = Vec::new();
    let mapping = Mapping::compile(spec, &mut Needs::default(), &mut errors).unwrap();
    assert_eq!(errors, []);
    mapping.map(&Subject::new(&person(attributes), &GroupSet::new()), &mut Vec::new())
}

#[test]
fn policies_speak_of_mapped_fields_and_once() {
    let mut spec = Spec { defaults: true, ..Spec::default() };
    spec.policy.create_only = vec![Field::Title, Field::Timezone];
    spec.policy.keep_if_set_in_cloud = vec![Field::City, Field::Title];
    let mut errors = Vec::new();
    Mapping::compile(&spec, &mut Needs::default(), &mut errors);
    let said: Vec<_> = errors.iter().map(|e| (e.place.as_str(), e.message.as_str())).collect();
    assert_eq!(
        said,
        [
            ("people.policy.create_only[1]", "timezone is not mapped, and left alone anyway"),
            ("people.policy.keep_if_set_in_cloud[1]", "title is named twice"),
        ]
    );
    spec.policy.create_only = vec![Field::Title];
    spec.policy.keep_if_set_in_cloud = vec![Field::City];
    let mapping = Mapping::compile(&spec, &mut Needs::default(), &mut Vec::new()).unwrap();
    assert!(!mapping.managed().contains(Field::Title) && mapping.managed().contains(Field::City));
    assert_eq!(mapping.kept().iter().collect::<Vec<_>>(), [Field::City]);
}

#[test]
fn an_address_is_given_once() {
    let mut spec = Spec { email: Some("mail".into()), ..Spec::default() };
    for (field, source) in [
        (Field::EmailHome, "home"),
        (Field::EmailAlias1, "pick(proxyaddresses, \"smtp:\", 1)"),
        (Field::EmailAlias2, "pick(proxyaddresses, \"smtp:\", 2)"),
    ] {
        spec.mapping.insert(field, source.into());
    }
    let attributes = [
        ("mail", "ann@example.com"),
        ("home", "B@Example.com"),
        ("proxyaddresses", "smtp:ANN@example.com"),
        ("proxyaddresses", "smtp:b@example.com"),
    ];
    let (_, profile) = map(&spec, &attributes).unwrap();
    assert_eq!(profile.into_iter().collect::<Vec<_>>(), [(Field::EmailHome, "B@Example.com".into())]);
}

#[test]
fn a_value_can_be_withheld_alone_and_an_address_cannot() {
    let mut spec = Spec { defaults: true, ..Spec::default() };
    spec.policy.unusable = Unusables::WithholdValue;
    let mapping = Mapping::compile(&spec, &mut Needs::default(), &mut Vec::new()).unwrap();
    let map = |mail: &str| {
        let record = person(&[("mail", mail), ("mobile", "n/a"), ("c", "Atlantis"), ("title", "Chief")]);
        let mut unfit = Vec::new();
        let mapped = mapping.map(&Subject::new(&record, &GroupSet::new()), &mut unfit);
        (mapped, unfit)
    };
    let (mapped, unfit) = map("ann@example.com");
    let (_, profile) = mapped.unwrap();
    assert_eq!(profile.get(&Field::Title).map(String::as_str), Some("Chief"));
    assert!(!profile.contains_key(&Field::PhoneMobile) && !profile.contains_key(&Field::Country));
    let fields: Vec<Field> = unfit.iter().map(|(field, _)| *field).collect();
    assert_eq!(fields, [Field::PhoneMobile, Field::Country]);
    assert_eq!(unfit[0].1.code, VALUE_WITHHELD);
    assert_eq!(
        unfit[0].1.reason,
        "the value \"n/a\" is no phone number: it contains no digit (people.mapping.phone_mobile = mobile); \
         the person goes on without it, and what the account holds there is left as it is"
    );
    assert_eq!(map("nonsense").0.unwrap_err().code, "bad_email");
}

#[test]
fn letters_are_composed() {
    let mut spec = Spec { email: Some("mail".into()), ..Spec::default() };
    spec.mapping.insert(Field::FamilyName, "sn".into());
    let (email, profile) =
        map(&spec, &[("mail", "jo\u{308}rg@example.com"), ("sn", "Mu\u{308}ller")]).unwrap();
    assert_eq!(email.as_str(), "jörg@example.com");
    assert_eq!(profile[&Field::FamilyName], "Müller");
}

#[test]
fn values_are_shown_without_flooding_the_report() {
    assert_eq!(shown("a\tb"), r#""a\tb""#);
    let long = shown(&"ä".repeat(600));
    assert!(long.ends_with("\"… (600 characters)") && long.chars().count() < 110, "{long}");
}

#[test]
fn an_address_with_a_fixed_text_is_explained_too() {
    let spec = Spec { email: Some("'nobody'".into()), ..Spec::default() };
    let withheld = map(&spec, &[]).unwrap_err();
    assert_eq!(
        (withheld.code.as_str(), withheld.remedy.as_str()),
        ("bad_email", "correct the address in the directory")
    );
}

#[test]
fn the_other_dialect_never_takes_a_log_in_name_for_an_address() {
    let spec = Spec { dialect: crate::rules::Dialect::InetOrgPerson, defaults: true, ..Spec::default() };
    let attributes = [
        ("uid", "ann@example.com"),
        ("cn", "Ann Lee"),
        ("departmentNumber", "D7"),
        ("o", "Example"),
        ("street", "Road 1"),
    ];
    assert_eq!(map(&spec, &attributes).unwrap_err().code, "no_email");
    let mut with_mail = attributes.to_vec();
    with_mail.push(("mail", "ann@example.com"));
    let (_, profile) = map(&spec, &with_mail).unwrap();
    let values: Vec<(Field, &str)> = profile.iter().map(|(f, v)| (*f, v.as_str())).collect();
    assert_eq!(
        values,
        [
            (Field::DisplayName, "Ann Lee"),
            (Field::Department, "D7"),
            (Field::Organization, "Example"),
            (Field::Street, "Road 1"),
        ]
    );
}

#[test]
fn a_value_that_is_no_text_is_not_taken_for_blank() {
    let spec = Spec { email: Some("mail".into()), defaults: true, ..Spec::default() };
    let mapping = Mapping::compile(&spec, &mut Needs::default(), &mut Vec::new()).unwrap();
    let map = |values: &[&[u8]]| {
        let mut record = person(&[("mail", "ann@example.com"), ("title", "Chief")]);
        let title = record.attributes.iter_mut().find(|attribute| attribute.name == "title").unwrap();
        title.values = values.iter().map(|value| value.to_vec()).collect();
        mapping.map(&Subject::new(&record, &GroupSet::new()), &mut Vec::new())
    };
    let latin = b"Gesch\xe4ft".as_slice();
    let withheld = map(&[latin]).unwrap_err();
    assert_eq!(withheld.code, "unusable");
    assert!(withheld.reason.contains("title is not text in UTF-8"), "{}", withheld.reason);
    // Nothing there is blank, and one value that is text is enough.
    assert_eq!(map(&[b" "]).unwrap().1.get(&Field::Title), None);
    assert!(map(&[latin, b"Chief"]).unwrap().1.contains_key(&Field::Title));
}
