//! Who is in.

use crate::model::{ScopeSpec, normal_dn};

use super::error::RuleError;
use super::expr::Needs;
use super::filter::{self, Filter};
use super::groups::is_dn;
use super::subject::Subject;
use super::who::{When, group_indexes, membership, place};
use super::{Answer, expr};

/// The compiled scope. Every clause that is not empty must agree.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// Compared forms.
    bases: Box<[String]>,
    exclude_bases: Box<[String]>,
    /// As written, and compiled.
    filter: Option<(Box<str>, Filter)>,
    when: Option<(Box<str>, When)>,
    exclude_when: Option<(Box<str>, When)>,
    groups: Box<[usize]>,
    exclude_groups: Box<[usize]>,
}

impl Scope {
    /// Compiles the scope, adding what is wrong to `errors`.
    pub(super) fn compile(spec: &ScopeSpec, needs: &mut expr::Needs, errors: &mut Vec<RuleError>) -> Self {
        let ScopeSpec { bases, exclude_bases, filter, when, exclude_when, groups, exclude_groups } = spec;
        Self {
            bases: dns("people.scope.bases", bases, errors),
            exclude_bases: dns("people.scope.exclude_bases", exclude_bases, errors),
            filter: filter.as_deref().and_then(|source| scope_filter(source, needs, errors)),
            when: condition("people.scope.when", when.as_deref(), needs, errors),
            exclude_when: condition("people.scope.exclude_when", exclude_when.as_deref(), needs, errors),
            groups: group_indexes("people.scope.groups", groups, needs, errors),
            exclude_groups: group_indexes("people.scope.exclude_groups", exclude_groups, needs, errors),
        }
    }

    /// Whether the members of some groups are out.
    pub(super) fn keeps_groups_out(&self) -> bool {
        !self.exclude_groups.is_empty()
    }

    /// Whether the person is in.
    pub(super) fn contains(&self, subject: &Subject<'_>) -> bool {
        let under_any = |bases: &[String]| bases.iter().any(|base| subject.under(base));
        (self.bases.is_empty() || under_any(&self.bases))
            && !under_any(&self.exclude_bases)
            && (self.groups.is_empty() || subject.groups.contains_any(&self.groups))
            && !subject.groups.contains_any(&self.exclude_groups)
            && self.filter.as_ref().is_none_or(|(_, filter)| filter.matches(subject))
            && self.when.as_ref().is_none_or(|(_, when)| when.holds(subject))
            && !self.exclude_when.as_ref().is_some_and(|(_, when)| when.holds(subject))
    }

    /// What each written clause says about this person.
    pub(super) fn answers(&self, subject: &Subject<'_>, names: &[String]) -> Vec<Answer> {
        let mut answers = Vec::new();
        let mut say = |clause: &str, agrees: bool, reason: String| {
            answers.push(Answer { rule: format!("people.scope.{clause}"), applies: agrees, reason });
        };
        if !self.bases.is_empty() {
            let (under, reason) = place(&self.bases, subject);
            say("bases", under, reason);
        }
        if !self.exclude_bases.is_empty() {
            let (under, reason) = place(&self.exclude_bases, subject);
            say("exclude_bases", !under, reason);
        }
        if !self.groups.is_empty() {
            let (member, reason) = membership(&self.groups, subject, names);
            say("groups", member, reason);
        }
        if !self.exclude_groups.is_empty() {
            let (member, reason) = membership(&self.exclude_groups, subject, names);
            say("exclude_groups", !member, reason);
        }
        if let Some((source, filter)) = &self.filter {
            let holds = filter.matches(subject);
            say("filter", holds, format!("`{source}` {}", if holds { "matches" } else { "does not match" }));
        }
        let holds = |holds| if holds { "holds" } else { "does not hold" };
        if let Some((source, when)) = &self.when {
            say("when", when.holds(subject), format!("`{source}` {}", holds(when.holds(subject))));
        }
        if let Some((source, when)) = &self.exclude_when {
            say("exclude_when", !when.holds(subject), format!("`{source}` {}", holds(when.holds(subject))));
        }
        answers
    }
}

fn scope_filter(source: &str, needs: &mut Needs, errors: &mut Vec<RuleError>) -> Option<(Box<str>, Filter)> {
    match filter::parse(source, needs) {
        Ok(filter) => Some((source.trim().into(), filter)),
        Err(error) => {
            errors.push(error.at("people.scope.filter"));
            None
        }
    }
}

fn condition(
    place: &str,
    source: Option<&str>,
    needs: &mut Needs,
    errors: &mut Vec<RuleError>,
) -> Option<(Box<str>, When)> {
    let source = source?;
    match When::compile(source, needs) {
        Ok(when) => Some((source.trim().into(), when)),
        Err(error) => {
            errors.push(error.at(place));
            None
        }
    }
}

/// The compared forms of DNs, adding what is none to `errors`.
pub(super) fn dns(place: &str, dns: &[String], errors: &mut Vec<RuleError>) -> Box<[String]> {
    for (i, dn) in dns.iter().enumerate() {
        if !is_dn(dn) {
            errors.push(RuleError::whole(
                &format!("{place}[{i}]"),
                format!("\"{dn}\" is not a DN"),
                "write it like \"ou=people,dc=example,dc=com\"",
            ));
        }
    }
    dns.iter().map(|dn| normal_dn(dn.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::GroupSet;
    use crate::rules::tests::person;

    #[test]
    fn every_clause_can_keep_a_person_out() {
        let list = |items: &[&str]| -> Vec<String> { items.iter().map(|item| (*item).into()).collect() };
        let none = ScopeSpec::default;
        // Groups are numbered in the order in which the scope names them.
        for (spec, member, want) in [
            (none(), vec![], true),
            (ScopeSpec { bases: list(&["OU=People, DC=example,DC=test"]), ..none() }, vec![], true),
            (ScopeSpec { bases: list(&["ou=it,dc=test", "dc=example"]), ..none() }, vec![], false),
            (ScopeSpec { exclude_bases: list(&["dc=example,dc=test"]), ..none() }, vec![], false),
            (ScopeSpec { filter: Some("(title=chief*)".into()), ..none() }, vec![], true),
            (ScopeSpec { filter: Some("(title=*clerk)".into()), ..none() }, vec![], false),
            (ScopeSpec { when: Some("starts_with(title, 'Chief')".into()), ..none() }, vec![], true),
            (ScopeSpec { when: Some("(title=*clerk)".into()), ..none() }, vec![], false),
            (ScopeSpec { exclude_when: Some("present(title)".into()), ..none() }, vec![], false),
            (ScopeSpec { exclude_when: Some("(title=*clerk)".into()), ..none() }, vec![], true),
            (ScopeSpec { groups: list(&["a", "b"]), ..none() }, vec![1], true),
            (ScopeSpec { groups: list(&["a", "b"]), ..none() }, vec![], false),
            (ScopeSpec { exclude_groups: list(&["a"]), ..none() }, vec![0], false),
            (ScopeSpec { groups: list(&["a"]), exclude_groups: list(&["b"]), ..none() }, vec![0, 1], false),
        ] {
            let mut errors = Vec::new();
            let scope = Scope::compile(&spec, &mut Needs::default(), &mut errors);
            assert_eq!(errors, []);
            let record = person(&[("title", "Chief Pilot")]);
            let member: GroupSet = member.into_iter().collect();
            assert_eq!(scope.contains(&Subject::new(&record, &member)), want, "{spec:?}");
        }
    }

    #[test]
    fn what_does_not_compile_is_named() {
        let spec = ScopeSpec {
            bases: vec!["dc=test".into(), "people".into()],
            exclude_bases: vec![String::new()],
            filter: Some("(title=x".into()),
            when: Some("title ==".into()),
            exclude_when: Some("(&".into()),
            groups: vec![String::new()],
            exclude_groups: vec![],
        };
        let mut errors = Vec::new();
        Scope::compile(&spec, &mut Needs::default(), &mut errors);
        let places: Vec<&str> = errors.iter().map(|error| error.place.as_str()).collect();
        assert_eq!(
            places,
            [
                "people.scope.bases[1]",
                "people.scope.exclude_bases[0]",
                "people.scope.filter",
                "people.scope.when",
                "people.scope.exclude_when",
                "people.scope.groups[0]"
            ]
        );
    }
}
