//! The value that identifies a human being in all sources: by it a person is recognised who has
//! another record than before, because the domain changed.

use crate::model::{Fingerprint, Hasher, Key, Record};

use super::error::RuleError;
use super::expr::{Needs, Text};
use super::fold::folded;
use super::subject::Subject;
use super::{GroupSet, Rules, Spec};

/// Where errors are.
const PLACE: &str = "people.join";

/// The compiled expression.
#[derive(Clone, Debug)]
pub(super) struct Join {
    /// As written: keys that another expression made are those of nobody.
    source: Box<str>,
    text: Text,
}

impl Join {
    /// Compiles the expression where there is one, adding what is wrong to `errors`.
    pub(super) fn compile(spec: &Spec, needs: &mut Needs, errors: &mut Vec<RuleError>) -> Option<Self> {
        let source = spec.join.as_deref()?;
        let mut own = Needs::default();
        match Text::compile(source, &mut own) {
            Err(error) => {
                errors.push(error.at(PLACE));
                None
            }
            // Each source knows other groups, while this value has to be the same in all of them.
            Ok(_) if !own.groups.into_names().is_empty() => {
                errors.push(RuleError::whole(
                    PLACE,
                    "the value that identifies a person cannot depend on groups",
                    "name an attribute that is the same in all sources, such as employeeNumber",
                ));
                None
            }
            // A text that everybody has would make one person of all.
            Ok(_) if own.attributes.is_empty() => {
                errors.push(RuleError::whole(
                    PLACE,
                    "the value that identifies a person depends on no attribute",
                    "name an attribute that is the same in all sources, such as employeeNumber, or leave out the key",
                ));
                None
            }
            Ok(text) => {
                needs.attributes.append(&mut own.attributes);
                Some(Self { source: source.trim().into(), text })
            }
        }
    }
}

impl Rules {
    /// Whether people are recognised by a value of their record.
    pub fn joins(&self) -> bool {
        self.join.is_some()
    }

    /// The key of the value that identifies this person in all sources, compared without regard to
    /// letter case, composition and surrounding blanks; `None` when it is blank or no text, or when
    /// the rules name none.
    pub fn join_key(&self, record: &Record) -> Option<Key> {
        self.join_value(record).map(|(key, _)| key)
    }

    /// The same, with the value as it was read.
    pub fn join_value(&self, record: &Record) -> Option<(Key, String)> {
        let Join { source, text } = self.join.as_ref()?;
        let groups = GroupSet::new();
        let subject = Subject::new(record, &groups);
        let value = subject.reading(|| text.of(&subject)).ok()?;
        let value = value.trim();
        (!value.is_empty()).then(|| {
            let mut hasher = Hasher::seeded(Fingerprint::NONE);
            hasher.part(source.as_bytes());
            hasher.part(folded(value).as_bytes());
            (Key(hasher.finish().0), value.to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::person;

    fn rules(join: Option<&str>) -> Result<Rules, Vec<RuleError>> {
        Rules::compile(&Spec { email: Some("mail".into()), join: join.map(Into::into), ..Spec::default() })
    }

    #[test]
    fn one_value_has_one_key() {
        let rules = rules(Some("first(employeeNumber, uid)")).unwrap();
        let key = |attributes: &[(&str, &str)]| rules.join_key(&person(attributes));
        let one = key(&[("employeeNumber", "J\u{f6}rg-7")]);
        assert!(one.is_some());
        for (same, value) in [
            (true, "j\u{f6}RG-7"),
            (true, "  J\u{f6}rg-7 "),
            (true, "jo\u{308}rg-7"),
            (false, "jorg-7"),
            (false, "j\u{f6}rg-07"),
        ] {
            assert_eq!(key(&[("EMPLOYEENUMBER", value)]) == one, same, "{value:?}");
        }
        assert_eq!(key(&[("uid", "J\u{d6}RG-7")]), one, "the value counts, not where it stands");
        for nothing in [&[][..], &[("employeeNumber", " \t")], &[("mail", "a@example.com")]] {
            assert_eq!(key(nothing), None, "{nothing:?}");
        }
        let mut broken = person(&[("employeeNumber", "x")]);
        for attribute in &mut broken.attributes {
            attribute.values = vec![vec![0xff, 0xfe]];
        }
        assert_eq!(rules.join_key(&broken), None, "no text");
    }

    #[test]
    fn it_is_asked_for_and_part_of_the_rules() {
        let off = rules(None).unwrap();
        assert!(!off.joins());
        assert_eq!(off.join_key(&person(&[("employeeNumber", "7")])), None);
        let on = rules(Some("employeeNumber")).unwrap();
        assert!(on.joins() && on.ask().attributes.contains("employeenumber"));
        assert!(!off.ask().attributes.contains("employeenumber"));
        let other = rules(Some("employeeID")).unwrap();
        assert_ne!(on.fingerprint(), off.fingerprint());
        assert_ne!(on.fingerprint(), other.fingerprint());
        // Who is known by the number of one kind is not mistaken for who has another kind of it.
        let both = person(&[("employeeNumber", "7"), ("employeeID", "7")]);
        assert_ne!(on.join_key(&both), other.join_key(&both));
    }

    #[test]
    fn what_cannot_identify_anybody_is_refused() {
        for (source, message) in [
            ("'staff'", "no attribute"),
            ("", ""),
            ("if(in_group('x'), uid, mail)", "groups"),
            ("in_group(", ""),
        ] {
            let errors = rules(Some(source)).unwrap_err();
            assert_eq!(errors[0].place, "people.join", "{source}");
            assert!(errors[0].message.contains(message), "{errors:?}");
        }
    }
}
