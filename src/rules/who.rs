//! Whom an entitlement or a role is for: members of groups, a place in the directory, a
//! condition on the record, or several of these.

use super::error::SyntaxError;
use super::expr::{Condition, Needs};
use super::filter::{self, Filter};
use super::scope::dns;
use super::subject::Subject;
use super::{Answer, RuleError};

/// The people of one rule.
#[derive(Clone, Debug)]
pub(super) struct Who {
    /// Membership in any of these is needed; empty for everybody.
    groups: Box<[usize]>,
    /// The record must stand at or below one of these, in their compared form; empty for anywhere.
    bases: Box<[String]>,
    /// What the record must fulfil besides, as written and compiled.
    when: Option<(Box<str>, When)>,
}

/// A condition, in the language in which it was written.
#[derive(Clone, Debug)]
pub(super) enum When {
    Expression(Condition),
    Filter(Filter),
}

impl Who {
    /// Compiles groups, bases and condition of the rule at `place`, adding what is wrong to `errors`.
    pub(super) fn compile(
        place: &str,
        groups: &[String],
        bases: &[String],
        when: Option<&str>,
        needs: &mut Needs,
        errors: &mut Vec<RuleError>,
    ) -> Self {
        let groups = group_indexes(&format!("{place}.groups"), groups, needs, errors);
        let bases = dns(&format!("{place}.bases"), bases, errors);
        let when = when.and_then(|source| {
            let compiled = When::compile(source, needs).map(|when| (source.trim().into(), when));
            compiled.map_err(|error| errors.push(error.at(&format!("{place}.when")))).ok()
        });
        Self { groups, bases, when }
    }

    /// Whether the rule is for this person.
    pub(super) fn includes(&self, subject: &Subject<'_>) -> bool {
        (self.groups.is_empty() || subject.groups.contains_any(&self.groups))
            && (self.bases.is_empty() || self.bases.iter().any(|base| subject.under(base)))
            && self.when.as_ref().is_none_or(|(_, when)| when.holds(subject))
    }

    /// What the rule of this name says about this person. `names` are the names of groups.
    pub(super) fn answer(&self, rule: &str, subject: &Subject<'_>, names: &[String]) -> Answer {
        Answer { rule: rule.to_owned(), applies: self.includes(subject), reason: self.reason(subject, names) }
    }

    /// Why the rule is for this person, or is not, in words.
    fn reason(&self, subject: &Subject<'_>, names: &[String]) -> String {
        let group = (!self.groups.is_empty()).then(|| membership(&self.groups, subject, names));
        let base = (!self.bases.is_empty()).then(|| place(&self.bases, subject));
        let when = self.when.as_ref().map(|(source, when)| {
            let holds = when.holds(subject);
            (holds, format!("`{source}` {}", if holds { "holds" } else { "does not hold" }))
        });
        let clauses: Vec<(bool, String)> = [group, base, when].into_iter().flatten().collect();
        // Up to the first that keeps the person out: the others make no difference any more.
        let first_no = clauses.iter().position(|(holds, _)| !holds);
        match (clauses.len(), first_no) {
            (0, _) => "for everybody".into(),
            (_, Some(0)) => clauses[0].1.clone(),
            (_, Some(no)) => {
                format!("{}, but {}", words(&clauses[..no]), clauses[no].1)
            }
            (_, None) => words(&clauses),
        }
    }
}

/// Clauses that hold, in a row.
fn words(clauses: &[(bool, String)]) -> String {
    let words: Vec<&str> = clauses.iter().map(|(_, words)| words.as_str()).collect();
    words.join(", and ")
}

/// Whether the person stands below any of the bases, with the words for it.
pub(super) fn place(bases: &[String], subject: &Subject<'_>) -> (bool, String) {
    match bases.iter().find(|base| subject.under(base)) {
        Some(base) => (true, format!("under \"{base}\"")),
        None => (false, format!("not under \"{}\"", bases.join("\" or \""))),
    }
}

/// Whether the person is a member of any of the groups, with the words for it.
pub(super) fn membership(groups: &[usize], subject: &Subject<'_>, names: &[String]) -> (bool, String) {
    let quoted = |index: usize| names.get(index).map_or_else(String::new, |name| format!("\"{name}\""));
    match groups.iter().find(|index| subject.groups.contains(**index)) {
        Some(index) => (true, format!("member of {}", quoted(*index))),
        None => {
            let all: Vec<String> = groups.iter().map(|index| quoted(*index)).collect();
            (false, format!("not a member of {}", all.join(" or ")))
        }
    }
}

impl When {
    /// Whether it holds for this person.
    pub(super) fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Expression(condition) => condition.of(subject),
            Self::Filter(filter) => filter.matches(subject),
        }
    }

    /// No text is both an expression and a filter: a filter compares with a single `=`,
    /// which means nothing in an expression. What is neither is taken for the language in
    /// which more of it makes sense.
    pub(super) fn compile(source: &str, needs: &mut Needs) -> Result<Self, SyntaxError> {
        let before = needs.clone();
        let error = match Condition::compile(source, needs) {
            Ok(condition) => return Ok(Self::Expression(condition)),
            Err(error) => error,
        };
        if !source.trim_start().starts_with('(') {
            return Err(error);
        }
        // The failed attempt may have noted attributes and groups.
        *needs = before;
        match filter::parse(source, needs) {
            Ok(filter) => Ok(Self::Filter(filter)),
            Err(other) if other.offset > error.offset => Err(other),
            Err(_) => Err(error),
        }
    }
}

/// The indexes of groups named in a list, adding what is wrong to `errors`.
pub(super) fn group_indexes(
    place: &str,
    names: &[String],
    needs: &mut Needs,
    errors: &mut Vec<RuleError>,
) -> Box<[usize]> {
    let mut indexes = Vec::with_capacity(names.len());
    for (i, name) in names.iter().enumerate() {
        if name.trim().is_empty() {
            errors.push(RuleError::whole(
                &format!("{place}[{i}]"),
                "the name of a group is empty",
                "write the group's DN or its plain name, or drop the entry",
            ));
        } else {
            indexes.push(needs.groups.index(name));
        }
    }
    indexes.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::GroupSet;
    use crate::rules::tests::person;

    fn who(groups: &[&str], when: Option<&str>) -> Result<Who, Vec<RuleError>> {
        let names: Vec<String> = groups.iter().map(|name| (*name).into()).collect();
        let mut errors = Vec::new();
        let who = Who::compile("role[0]", &names, &[], when, &mut Needs::default(), &mut errors);
        if errors.is_empty() { Ok(who) } else { Err(errors) }
    }

    #[test]
    fn groups_and_condition_must_both_agree() {
        let record = person(&[("department", "Sales"), ("employeeNumber", "17")]);
        let member: GroupSet = [1].into_iter().collect();
        for (groups, when, want) in [
            (&[][..], None, true),
            (&["a", "b"], None, true),
            (&["a"], None, false),
            (&["a", "b"], Some("department == \"sales\""), true),
            (&["a", "b"], Some("department == \"IT\""), false),
            (&[], Some("(department=sales)"), true),
            (&[], Some(" (&(department=sales)(!(employeeNumber>=20)))"), true),
            (&[], Some("(department == 'x' or present(employeeNumber)) and not department == 'IT'"), true),
            (&["a"], Some("department == \"sales\""), false),
        ] {
            let who = who(groups, when).unwrap();
            assert_eq!(who.includes(&Subject::new(&record, &member)), want, "{groups:?} {when:?}");
        }
    }

    #[test]
    fn a_place_in_the_directory_counts_like_a_group() {
        let record = person(&[("department", "Sales")]);
        for (base, when, includes, reason) in [
            ("OU=People, DC=example,DC=test", None, true, "under \"ou=people,dc=example,dc=test\""),
            ("ou=guests,dc=test", None, false, "not under \"ou=guests,dc=test\""),
            (
                "dc=example,dc=test",
                Some("department == 'IT'"),
                false,
                "under \"dc=example,dc=test\", but `department == 'IT'` does not hold",
            ),
        ] {
            let mut errors = Vec::new();
            let bases = [base.to_owned()];
            let who = Who::compile("role[0]", &[], &bases, when, &mut Needs::default(), &mut errors);
            assert_eq!(errors, []);
            let none = GroupSet::new();
            let answer = who.answer("r", &Subject::new(&record, &none), &[]);
            assert_eq!((answer.applies, answer.reason.as_str()), (includes, reason));
        }
        let mut errors = Vec::new();
        Who::compile("role[0]", &[], &["people".into()], None, &mut Needs::default(), &mut errors);
        assert_eq!(errors[0].place, "role[0].bases[0]");
    }

    #[test]
    fn errors_name_the_rule_and_speak_of_the_language_that_was_meant() {
        for (when, place, offset, message) in [
            ("department = 'x'", "role[0].when", 11, "`=` means nothing here"),
            ("(&(department=x)", "role[0].when", 16, "the filter ends where `)` was expected"),
            ("(department == 'x'", "role[0].when", 18, "the expression ends where `)` was expected"),
        ] {
            let errors = who(&[], Some(when)).unwrap_err();
            assert_eq!(
                (errors[0].place.as_str(), errors[0].offset, errors[0].message.as_str()),
                (place, Some(offset), message)
            );
        }
        let errors = who(&["a", " "], None).unwrap_err();
        assert_eq!(errors[0].place, "role[0].groups[1]");
    }
}
