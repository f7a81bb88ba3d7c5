//! Names in rules against catalogues that do not make it easy.

use super::*;
use crate::model::{Catalogue, LicenseId};
use crate::rules::TemplateSpec;

fn license(id: &str, name: &str, service: &str, subscription: Option<&str>, site: Option<&str>) -> License {
    License {
        id: LicenseId::new(id),
        name: name.into(),
        service: (!service.is_empty()).then(|| service.into()),
        kind: LicenseKind::Paid,
        subscription: subscription.map(Into::into),
        site: site.map(Into::into),
        total: Some(5),
        consumed: 0,
    }
}

fn ids(rule: &Entitlement) -> Vec<&str> {
    rule.offers().iter().map(|offer| offer.id.as_str()).collect()
}

#[test]
fn names_are_bound_or_said_to_be_unclear() {
    let catalogue = Catalogue(vec![
        license("M1", "Advanced Messaging", "message.messaging", Some("Sub1"), None),
        license("M2", "Advanced Messaging", "message.messaging", Some("Sub2"), None),
        license("E1", "Webex Meetings Suite", "meeting.meeting", Some("Sub1"), Some("a.webex.example")),
        license("E2", "Webex Meetings Suite", "meeting.meeting", Some("Sub1"), Some("b.webex.example")),
        license("H", "Hybrid - Message", "hybrid_message.message", None, None),
        license("X1", "Odd One", "", None, None),
        license("X2", "Odd One", "", None, None),
        license("C1", "Calling A", "calling.basic", Some("Sub1"), None),
        license("C2", "Calling B", "calling.basic", Some("Sub1"), None),
    ]);
    // Wanted, subscription, site; the id, or message and remedy.
    for (wanted, subscription, site, want) in [
        ("message.messaging", Some("Sub2"), None, Ok("M2")),
        ("Advanced Messaging", Some("sub1"), None, Ok("M1")),
        ("M2", None, None, Ok("M2")),
        ("webex meetings suite", None, Some("B.webex.example"), Ok("E2")),
        ("hybrid_message.message", Some("Sub1"), None, Ok("H")),
        ("Hybrid - Message", None, Some("a.webex.example"), Ok("H")),
        ("Calling B", None, None, Ok("C2")),
        (
            "message.messaging",
            None,
            None,
            Err((
                "\"message.messaging\" can mean 2 licences: \"Advanced Messaging\" of subscription Sub1, \
                 \"Advanced Messaging\" of subscription Sub2",
                "add `subscription = \"…\"` to the rule",
            )),
        ),
        (
            "meeting.meeting",
            Some("Sub1"),
            None,
            Err((
                "\"meeting.meeting\" can mean 2 licences: \"Webex Meetings Suite\" of subscription Sub1 at site \
                 a.webex.example, \"Webex Meetings Suite\" of subscription Sub1 at site b.webex.example",
                "add `site = \"…\"` to the rule",
            )),
        ),
        (
            "calling.basic",
            None,
            None,
            Err((
                "\"calling.basic\" can mean 2 licences: \"Calling A\" of subscription Sub1, \"Calling B\" of \
                 subscription Sub1",
                "write the exact name of the licence",
            )),
        ),
        (
            "Odd One",
            None,
            None,
            Err((
                "\"Odd One\" can mean 2 licences: \"Odd One\", \"Odd One\"",
                "write the id of the licence instead of its name",
            )),
        ),
        (
            "message.messaging",
            Some("Sub3"),
            None,
            Err((
                "no licence \"message.messaging\" belongs to the subscription or site that the rule names",
                "correct `subscription` or `site`; `dirsyncd check` lists what the organization has",
            )),
        ),
        (
            "mesage.messaging",
            None,
            None,
            Err((
                "the organization has no licence \"mesage.messaging\"",
                "did you mean \"message.messaging\"?",
            )),
        ),
        (
            "Espresso",
            None,
            None,
            Err((
                "the organization has no licence \"Espresso\"",
                "`dirsyncd check` lists what the organization has",
            )),
        ),
    ] {
        let spec = EntitlementSpec {
            licenses: vec![wanted.into()],
            subscription: subscription.map(Into::into),
            site: site.map(Into::into),
            ..EntitlementSpec::default()
        };
        let mut errors = Vec::new();
        let mut rule = Entitlement::compile(0, &spec, &mut Needs::default(), &mut errors);
        assert_eq!(errors, []);
        let mut unbound = Vec::new();
        rule.bind(&catalogue, &mut unbound);
        match want {
            Ok(id) => assert_eq!((ids(&rule), &*unbound), (vec![id], &[][..])),
            Err((message, remedy)) => {
                assert_eq!(rule.offers(), [], "{wanted}");
                assert_eq!((unbound[0].message.as_str(), unbound[0].remedy.as_str()), (message, remedy));
            }
        }
    }
}

#[test]
fn unclear_and_free_names_do_not_stop_the_others_of_the_rule() {
    let free =
        License { kind: LicenseKind::Free, ..license("F", "Basic Messaging", "message.basic", None, None) };
    let catalogue = Catalogue(vec![license("M", "Messaging", "message.messaging", None, None), free]);
    let spec = EntitlementSpec {
        licenses: vec!["nothing".into(), "Basic Messaging".into(), "message.messaging".into()],
        ..EntitlementSpec::default()
    };
    let mut rule = Entitlement::compile(4, &spec, &mut Needs::default(), &mut Vec::new());
    let mut unbound = Vec::new();
    rule.bind(&catalogue, &mut unbound);
    assert_eq!(ids(&rule), ["M"]);
    assert_eq!((unbound.len(), unbound[0].rule.as_str()), (1, "entitlement[4]"));
}

#[test]
fn templates_and_attendees_are_given_besides() {
    let catalogue = Catalogue(vec![
        license("M", "Messaging", "message.messaging", None, None),
        license("E", "Suite", "meeting.webex_enterprise", None, Some("a.webex.example")),
        license("F", "Suite", "meeting.webex_enterprise", None, Some("b.webex.example")),
    ]);
    let template = TemplateSpec {
        name: "host".into(),
        licenses: vec!["meeting.webex_enterprise".into()],
        site: Some("b.webex.example".into()),
        ..TemplateSpec::default()
    };
    let spec = EntitlementSpec {
        licenses: vec!["message.messaging".into()],
        templates: vec![template],
        attendee: Some("A.webex.example".into()),
        ..EntitlementSpec::default()
    };
    let mut errors = Vec::new();
    let mut rule = Entitlement::compile(0, &spec, &mut Needs::default(), &mut errors);
    assert_eq!(errors, []);
    let mut unbound = Vec::new();
    rule.bind(&catalogue, &mut unbound);
    assert_eq!((ids(&rule), unbound), (vec!["M", "F", "a.webex.example#attendee"], vec![]));
}
