//! The scope of an earlier configuration, beside that of today: whoever is out now and was in then
//! leaves because the configuration changed, and not because of anything in the directory.

use crate::model::{Cause, ScopeSpec};

use super::Rules;
use super::expr::Needs;
use super::groups::GroupNames;
use super::scope::Scope;
use super::subject::Subject;

/// The scope as written, beside an earlier one.
#[derive(Clone, Debug)]
pub(super) struct History {
    now: ScopeSpec,
    earlier: Option<Earlier>,
    /// So many of [`Rules::groups`] are named by today's rules; those that follow, by the earlier scope.
    own_groups: usize,
}

impl History {
    /// Nothing is known of an earlier one.
    pub(super) fn new(now: &ScopeSpec, own_groups: usize) -> Self {
        Self { now: now.clone(), earlier: None, own_groups }
    }
}

/// An earlier scope.
#[derive(Clone, Debug)]
enum Earlier {
    Compiled(Box<Scope>),
    /// It means nothing any more. Anybody may have been in.
    Unknown,
}

impl Earlier {
    /// Whether the person would be in.
    fn contains(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Compiled(scope) => scope.contains(subject),
            Self::Unknown => true,
        }
    }
}

impl Rules {
    /// The scope as written.
    pub fn scope(&self) -> &ScopeSpec {
        &self.history.now
    }

    /// The same rules, which also tell whether somebody who is out was in under an earlier scope. What
    /// that scope reads is asked for, too. The digests stay: a verdict differs in its cause alone.
    #[must_use]
    pub fn since(mut self, earlier: &ScopeSpec) -> Self {
        if *earlier == self.history.now {
            return self;
        }
        let mut needs = Needs { attributes: self.attributes.clone(), groups: GroupNames::of(&self.groups) };
        let mut errors = Vec::new();
        let scope = Scope::compile(earlier, &mut needs, &mut errors);
        self.history.earlier = Some(if errors.is_empty() {
            self.attributes = needs.attributes;
            self.groups = needs.groups.into_names();
            Earlier::Compiled(Box::new(scope))
        } else {
            Earlier::Unknown
        });
        self
    }

    /// Why somebody is out. Whoever `ended` would have left without a change of the scope, too.
    pub(super) fn why_out(&self, subject: &Subject<'_>, ended: bool) -> Cause {
        match &self.history.earlier {
            Some(earlier) if earlier.contains(subject) => match ended {
                true => Cause::Disabled,
                false => Cause::ScopeChanged,
            },
            _ => Cause::OutOfScope,
        }
    }

    /// How many of [`Rules::groups`] today's rules name; those that follow are named by an earlier
    /// scope alone, and may be gone without any harm.
    pub fn own_groups(&self) -> usize {
        self.history.own_groups
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Cause, Record, ScopeSpec, Verdict, Wanted};
    use crate::rules::tests::person;
    use crate::rules::{GroupSet, Rules, Spec};

    fn rules(scope: ScopeSpec) -> Rules {
        let email = Some("mail".into());
        Rules::compile(&Spec { email, scope, ..Spec::default() }).unwrap()
    }

    fn cause(rules: &Rules, record: &Record, groups: &GroupSet) -> Option<Cause> {
        match rules.judge(record, groups, 0) {
            Verdict { wanted: Wanted::Leaving(cause), .. } => Some(cause),
            _ => None,
        }
    }

    #[test]
    fn who_was_in_before_the_edit_leaves_by_the_edit() {
        let when = |when: &str| ScopeSpec { when: Some(when.into()), ..ScopeSpec::default() };
        let group = |name: &str| ScopeSpec { groups: vec![name.into()], ..ScopeSpec::default() };
        let (none, first) = (GroupSet::new(), GroupSet::from_iter([0]));
        let sales = person(&[("mail", "a@example.com"), ("department", "Sales")]);
        let mut gone = sales.clone();
        gone.disabled = true;
        let it = "department == \"IT\"";
        for (now, before, record, groups, expected) in [
            (when(it), when(it), &sales, &none, Some(Cause::OutOfScope)),
            (when(it), ScopeSpec::default(), &sales, &none, Some(Cause::ScopeChanged)),
            (when(it), when("city == \"Leeds\""), &sales, &none, Some(Cause::OutOfScope)),
            (when(it), when("(((no filter"), &sales, &none, Some(Cause::ScopeChanged)),
            (when(it), ScopeSpec::default(), &gone, &none, Some(Cause::Disabled)),
            (when(it), group("staff"), &sales, &first, Some(Cause::ScopeChanged)),
            (when(it), group("staff"), &sales, &none, Some(Cause::OutOfScope)),
            (ScopeSpec::default(), when(it), &sales, &none, None),
        ] {
            let rules = rules(now.clone()).since(&before);
            assert_eq!(cause(&rules, record, groups), expected, "{now:?} after {before:?}");
        }
    }

    #[test]
    fn what_the_earlier_scope_reads_is_asked_for_and_the_digest_stays() {
        let before =
            ScopeSpec { groups: vec!["staff".into()], filter: Some("(x=1)".into()), ..ScopeSpec::default() };
        let now = rules(ScopeSpec::default());
        let both = now.clone().since(&before);
        assert_eq!((both.written(), both.own_groups()), (now.written(), 0));
        assert!(both.ask().attributes.contains("x") && both.ask().groups);
        assert_eq!(both.groups(), ["staff"]);
    }
}
