//! The scopes of an earlier configuration, beside those of today: whoever is out now and was in then
//! leaves because the configuration changed, and not because of anything in the directory.

use crate::model::{Cause, ScopeSpec};

use super::Rules;
use super::expr::Needs;
use super::groups::GroupNames;
use super::scope::Scope;
use super::subject::Subject;

/// The scopes as written, of people and of rooms, beside earlier ones.
#[derive(Clone, Debug)]
pub(super) struct History {
    people: Past,
    /// `None` while rooms are not looked after.
    rooms: Option<Past>,
    /// So many of [`Rules::groups`] are named by today's rules; those that follow, by the earlier scope.
    own_groups: usize,
}

impl History {
    /// Nothing is known of an earlier one.
    pub(super) fn new(people: &ScopeSpec, rooms: Option<&ScopeSpec>, own_groups: usize) -> Self {
        let past = |now: &ScopeSpec| Past { now: now.clone(), earlier: None };
        Self { people: past(people), rooms: rooms.map(past), own_groups }
    }
}

/// One scope as written, beside an earlier one.
#[derive(Clone, Debug)]
struct Past {
    now: ScopeSpec,
    earlier: Option<Earlier>,
}

impl Past {
    /// Puts an earlier one of this section beside it, where there is one and it is another.
    fn compile(&mut self, section: &'static str, earlier: Option<&ScopeSpec>, needs: &mut Needs) {
        let Some(earlier) = earlier.filter(|earlier| **earlier != self.now) else { return };
        let mut more = Needs { attributes: needs.attributes.clone(), groups: needs.groups.clone() };
        let mut errors = Vec::new();
        let scope = Scope::compile_for(section, earlier, &mut more, &mut errors);
        self.earlier = Some(if errors.is_empty() {
            *needs = more;
            Earlier::Compiled(Box::new(scope))
        } else {
            Earlier::Unknown
        });
    }

    /// Whether somebody who is out now was in.
    fn held(&self, subject: &Subject<'_>) -> bool {
        self.earlier.as_ref().is_some_and(|earlier| earlier.contains(subject))
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
        &self.history.people.now
    }

    /// That of rooms, while they are looked after.
    pub fn room_scope(&self) -> Option<&ScopeSpec> {
        self.history.rooms.as_ref().map(|rooms| &rooms.now)
    }

    /// The same rules, which also tell whether somebody who is out was in under an earlier scope, of people and of
    /// rooms. What that scope reads is asked for, too. The digests stay: a verdict differs in its cause alone.
    #[must_use]
    pub fn since(mut self, earlier: &ScopeSpec, of_rooms: Option<&ScopeSpec>) -> Self {
        let mut needs = Needs { attributes: self.attributes.clone(), groups: GroupNames::of(&self.groups) };
        self.history.people.compile("people", Some(earlier), &mut needs);
        if let Some(rooms) = &mut self.history.rooms {
            rooms.compile("rooms", of_rooms, &mut needs);
        }
        self.attributes = needs.attributes;
        self.groups = needs.groups.into_names();
        self
    }

    /// Why somebody is out. Whoever `ended` would have left without a change of the scope, too.
    pub(super) fn why_out(&self, subject: &Subject<'_>, ended: bool) -> Cause {
        match self.history.people.held(subject) {
            true if ended => Cause::Disabled,
            true => Cause::ScopeChanged,
            false => Cause::OutOfScope,
        }
    }

    /// Why a room is out.
    pub(super) fn why_room_is_out(&self, subject: &Subject<'_>) -> Cause {
        let held = self.history.rooms.as_ref().is_some_and(|rooms| rooms.held(subject));
        if held { Cause::ScopeChanged } else { Cause::OutOfScope }
    }

    /// How many of [`Rules::groups`] today's rules name; those that follow are named by an earlier
    /// scope alone, and may be gone without any harm.
    pub fn own_groups(&self) -> usize {
        self.history.own_groups
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Cause, Record, RecordKind, ScopeSpec, Verdict, Wanted};
    use crate::rules::tests::person;
    use crate::rules::{GroupSet, RoomSpec, Rules, Spec};

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
            let rules = rules(now.clone()).since(&before, None);
            assert_eq!(cause(&rules, record, groups), expected, "{now:?} after {before:?}");
        }
    }

    #[test]
    fn rooms_have_a_history_of_their_own() {
        let filter = |filter: &str| ScopeSpec { filter: Some(filter.into()), ..ScopeSpec::default() };
        let rooms = |scope: &ScopeSpec| RoomSpec { scope: scope.clone(), ..RoomSpec::default() };
        let record = person(&[("mail", "a@example.com"), ("l", "York"), ("floor", "2")]);
        let record = Record { kind: RecordKind::Room, disabled: true, ..record };
        let (york, leeds) = (filter("(l=York)"), filter("(l=Leeds)"));
        for (of_people, before, expected) in [
            (&york, Some(&leeds), Cause::OutOfScope),
            (&york, None, Cause::OutOfScope),
            (&leeds, Some(&york), Cause::ScopeChanged),
            (&leeds, Some(&filter("(floor=2)")), Cause::ScopeChanged),
            (&leeds, Some(&filter("(((no filter")), Cause::ScopeChanged),
        ] {
            let spec = Spec { rooms: Some(rooms(&leeds)), ..Spec::default() };
            let rules = Rules::compile(&spec).unwrap().since(of_people, before);
            assert_eq!(cause(&rules, &record, &GroupSet::new()), Some(expected), "after {before:?}");
            let asks = before.is_some_and(|before| before.filter.as_deref() == Some("(floor=2)"));
            assert_eq!(rules.ask().attributes.contains("floor"), asks);
        }
    }

    #[test]
    fn what_the_earlier_scope_reads_is_asked_for_and_the_digest_stays() {
        let before =
            ScopeSpec { groups: vec!["staff".into()], filter: Some("(x=1)".into()), ..ScopeSpec::default() };
        let now = rules(ScopeSpec::default());
        let both = now.clone().since(&before, None);
        assert_eq!((both.written(), both.own_groups()), (now.written(), 0));
        assert!(both.ask().attributes.contains("x") && both.ask().groups);
        assert_eq!(both.groups(), ["staff"]);
    }
}
