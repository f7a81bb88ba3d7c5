//! Contacts: scope and mapping of their own. A contact has no account, so that nothing else applies.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{CONTACT_FIELDS, Cause, Contact, Field, REACHED_BY, Record, RecordKind, Withheld};

use super::error::RuleError;
use super::expr::Needs;
use super::mapping::Mapping;
use super::scope::Scope;
use super::subject::Subject;
use super::{GroupSet, Rules, ScopeSpec, Spec};

/// The default mapping, the same in all dialects.
const DEFAULTS: &[(Field, &str)] = &[
    (Field::DisplayName, "first(displayName, join(\" \", givenName, sn), cn)"),
    (Field::GivenName, "givenName"),
    (Field::FamilyName, "sn"),
    (Field::Organization, "first(company, o)"),
    (Field::Title, "title"),
    (Field::PhoneWork, "telephoneNumber"),
    (Field::PhoneMobile, "mobile"),
    (Field::PhoneFax, "facsimileTelephoneNumber"),
];
/// The default expression for the address. Exchange keeps where mail to a contact goes in `targetAddress`.
const EMAIL: &str = "first(mail, strip(lower(targetAddress), \"smtp:\"))";

/// The rules for contacts, as data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ContactSpec {
    /// The expression for the e-mail address; `None` for the default.
    pub email: Option<String>,
    /// Expressions that replace or add to the default mapping; an empty one unmaps the field.
    pub mapping: BTreeMap<Field, String>,
    /// Whether the default mapping applies to fields that `mapping` does not name.
    pub defaults: bool,
    /// Which contacts are in.
    pub scope: ScopeSpec,
}

impl ContactSpec {
    /// The mapping of contacts in the form of that of people, with the defaults written out.
    fn as_people(&self, spec: &Spec) -> Spec {
        let mut mapping = self.mapping.clone();
        if self.defaults {
            for (field, source) in DEFAULTS {
                mapping.entry(*field).or_insert_with(|| (*source).to_owned());
            }
        }
        Spec {
            dialect: spec.dialect,
            email: Some(email_source(self).to_owned()),
            mapping,
            defaults: false,
            scope: self.scope.clone(),
            ..Spec::default()
        }
    }

    /// The digest of everything that can change a verdict about a contact.
    pub(super) fn digest(&self, spec: &Spec) -> crate::model::Fingerprint {
        super::fingerprint::of_spec(&self.as_people(spec))
    }
}

/// The expression for the address that is in force.
pub(super) fn email_source(spec: &ContactSpec) -> &str {
    spec.email.as_deref().unwrap_or(EMAIL)
}

/// What the address book of the cloud should hold for one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactWish {
    /// This contact.
    Present(Contact),
    /// None.
    Leaving(Cause),
    /// Cannot be decided.
    Withheld(Withheld),
}

/// The compiled rules for contacts.
#[derive(Clone, Debug)]
pub(super) struct Contacts {
    pub(super) scope: Scope,
    pub(super) mapping: Mapping,
}

impl Contacts {
    /// Compiles what `spec` says about contacts, adding what is wrong to `errors`; `None` when there
    /// are to be none, or their rules cannot be used.
    pub(super) fn compile(spec: &Spec, needs: &mut Needs, errors: &mut Vec<RuleError>) -> Option<Self> {
        let contacts = spec.contacts.as_ref()?;
        for field in contacts.mapping.keys().filter(|field| !CONTACT_FIELDS.contains(field)) {
            let known: Vec<&str> = CONTACT_FIELDS.iter().map(|field| field.name()).collect();
            errors.push(RuleError::whole(
                &format!("contacts.mapping.{field}"),
                format!("a contact has no {field}"),
                format!("leave it out; a contact has {}", known.join(", ")),
            ));
        }
        let own = contacts.as_people(spec);
        let mapping = Mapping::compile_for("contacts", &own, needs, errors);
        let scope = Scope::compile_for("contacts", &own.scope, needs, errors);
        Some(Self { scope, mapping: mapping? })
    }
}

impl Rules {
    /// Whether contacts of the directory become contacts of the cloud.
    pub fn has_contacts(&self) -> bool {
        self.contacts.is_some()
    }

    /// Judges the record of a contact; `None` for any other, and when there are to be no contacts.
    pub fn judge_contact(&self, record: &Record, groups: &GroupSet) -> Option<ContactWish> {
        let contacts = self.contacts.as_ref().filter(|_| record.kind == RecordKind::Contact)?;
        let subject = Subject::new(record, groups);
        if !contacts.scope.contains(&subject) {
            return Some(ContactWish::Leaving(Cause::OutOfScope));
        }
        Some(match contacts.mapping.map_contact(&subject) {
            Err(withheld) => ContactWish::Withheld(withheld),
            Ok((email, profile)) => {
                let contact = Contact { email, profile };
                if contact.email.is_none() && REACHED_BY.iter().all(|by| !contact.profile.contains_key(by)) {
                    ContactWish::Withheld(unreachable(record))
                } else {
                    ContactWish::Present(contact)
                }
            }
        })
    }
}

/// Webex refuses a contact that nobody can reach.
fn unreachable(record: &Record) -> Withheld {
    Withheld {
        anchor: Some(record.anchor),
        dn: record.dn.clone(),
        code: "contact_unreachable".into(),
        reason: "the contact has neither an e-mail address, nor a telephone number, nor a SIP address".into(),
        remedy: "enter one of them in the directory, or take the object out of contacts.scope".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::person;

    #[test]
    fn a_contact_is_judged_by_its_own_rules() {
        let scope = ScopeSpec { filter: Some("(company=Acme)".into()), ..ScopeSpec::default() };
        let spec = Spec {
            allowed_domains: vec!["example.com".into()],
            contacts: Some(ContactSpec { defaults: true, scope, ..ContactSpec::default() }),
            ..Spec::default()
        };
        let rules = Rules::compile(&spec).unwrap();
        let judge = |attributes: &[(&str, &str)]| {
            let record = Record { kind: RecordKind::Contact, ..person(attributes) };
            rules.judge_contact(&record, &GroupSet::default()).unwrap()
        };
        let acme = ("company", "Acme");
        let ContactWish::Present(contact) =
            judge(&[acme, ("cn", "Ann"), ("targetAddress", "SMTP:ann@other.test")])
        else {
            panic!("the domains of people are not those of contacts");
        };
        assert_eq!((contact.identity(), contact.name()), ("ann@other.test".into(), "Ann"));
        let ContactWish::Present(contact) = judge(&[acme, ("cn", "Bo"), ("mobile", "+441")]) else {
            panic!("a number is enough");
        };
        assert_eq!(contact.identity(), "bo");
        assert_eq!(judge(&[("cn", "C"), ("mobile", "+441")]), ContactWish::Leaving(Cause::OutOfScope));
        for (attributes, code) in [
            (&[acme, ("cn", "D")][..], "contact_unreachable"),
            (&[acme, ("cn", "E"), ("mail", "no address"), ("mobile", "+441")], "bad_email"),
        ] {
            let ContactWish::Withheld(withheld) = judge(attributes) else { panic!("{code}") };
            assert_eq!(withheld.code, code);
        }
        assert_eq!(rules.judge_contact(&person(&[]), &GroupSet::default()), None);
        let bad = ContactSpec { mapping: [(Field::City, "l".to_owned())].into(), ..ContactSpec::default() };
        let errors = Rules::compile(&Spec { contacts: Some(bad), ..Spec::default() }).unwrap_err();
        assert_eq!(errors[0].place, "contacts.mapping.city");
    }
}
