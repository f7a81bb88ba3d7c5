//! Two directories, of which one does not answer now and then: that takes its own people out of a
//! pass, and nobody else's, whether everything is read or only what changed.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;

use dirsyncd::model::LicenseId;
use dirsyncd::rules::EntitlementSpec;
use proptest::prelude::*;
use support::fake_source::{Answers, Directory, SUFFIX};
use support::org::{Org, unlimited};
use support::random::cases;

const MESSAGES: &str = "lic:Messages";
const MEETINGS: &str = "lic:Meetings";

/// Two directories with some people each. `near` is a group of the first one, `far` of the second
/// with members from both.
fn settled(change: impl FnOnce(&mut Org)) -> Org {
    let mut org = Org::new();
    org.follows = true;
    org.limits = unlimited();
    let other = Directory::new("subsidiary");
    other.state().elsewhere = Some(org.directory().clone());
    org.directory().state().bases = ["people", "it"].map(|ou| format!("ou={ou},{SUFFIX}")).into();
    other.state().bases = vec![format!("ou=far,{SUFFIX}")];
    org.directories.push(other);
    for (group, license) in [("far", "Messages"), ("near", "Meetings")] {
        org.spec.entitlements.push(EntitlementSpec {
            groups: vec![group.into()],
            licenses: vec![license.into()],
            ..EntitlementSpec::default()
        });
        org.cloud.state().license(license, &format!("service.{group}"), None);
    }
    for i in 0..4 {
        org.directory().person(&format!("p{i}"), |_| {});
        org.directories[1].person(&format!("q{i}"), |entry| entry.ou = "far".into());
    }
    org.directory().group("near", |group| group.members.extend(["p0".into(), "p1".into(), "q0".into()]));
    org.directories[1].group("far", |group| group.members.extend(["p0".into(), "q0".into()]));
    // People of the other directory are named by their DNs.
    org.directory().state().elsewhere = None;
    change(&mut org);
    org.sync_all().unwrap();
    org.sync().unwrap();
    org
}

fn silence(org: &Org, answers: Answers) {
    org.directories[1].state().answers = answers;
}

fn is_active(org: &Org, name: &str) -> bool {
    let mail = format!("{name}@example.com");
    org.cloud.state().by_email(&mail).is_some_and(|kept| kept.account.active)
}

fn holds(org: &Org, name: &str, license: &str) -> bool {
    let mail = format!("{name}@example.com");
    org.cloud.state().by_email(&mail).is_some_and(|kept| kept.licenses.contains_key(&LicenseId::new(license)))
}

#[test]
fn a_source_that_is_down_withholds_its_people_and_nothing_else() {
    let org = settled(|_| {});
    silence(&org, Answers::Nothing);
    org.directory().state().remove("p2");
    org.directories[1].state().remove("q2");
    org.directory().group("near", |group| group.members.remove("p1"));
    let passed = org.poll().unwrap().unwrap().unwrap();
    assert_eq!(passed.look.reading.partial.len(), 1, "{:?}", passed.look.reading.partial);
    assert!(!is_active(&org, "p2"), "who is gone from the source that answers");
    assert!(!holds(&org, "p1", MEETINGS), "whom its group does not name any more");
    assert!(is_active(&org, "q2"));
    assert!(org.poll().unwrap().is_none(), "what was told is done with");
    silence(&org, Answers::Whole);
    org.poll().unwrap().unwrap().unwrap();
    assert!(!is_active(&org, "q2"), "the cursor of the silent one stayed");
    assert!(org.poll().unwrap().is_none());
}

/// A group names people by their DNs. Under the new one nobody could be asked.
#[test]
fn what_a_group_of_a_silent_source_gave_stays() {
    let org = settled(|_| {});
    assert!(holds(&org, "p0", MESSAGES) && holds(&org, "p0", MEETINGS));
    silence(&org, Answers::Nothing);
    org.directory().person("p0", |entry| entry.cn = "p0 renamed".into());
    org.poll().unwrap().unwrap().unwrap();
    assert!(holds(&org, "p0", MESSAGES));
    // Nor later, when the name is an old one already.
    org.directory().person("p0", |entry| entry.attributes.insert("title".into(), vec!["Boss".into()]));
    org.poll().unwrap().unwrap().unwrap();
    assert!(holds(&org, "p0", MESSAGES));
    for _ in 0..2 {
        org.sync().unwrap();
        org.sync_all().unwrap();
        assert!(holds(&org, "p0", MESSAGES), "in any kind of pass");
    }
    // Whoever is disabled leaves all the same.
    org.directory().person("p0", |entry| entry.disabled = true);
    org.poll().unwrap().unwrap().unwrap();
    assert!(!is_active(&org, "p0"));
    silence(&org, Answers::Whole);
    org.directory().person("p0", |entry| entry.disabled = false);
    org.sync().unwrap();
    assert!(is_active(&org, "p0") && holds(&org, "p0", MESSAGES));
}

/// A group that was asked for because of one member is not gone because nobody answers.
#[test]
fn a_group_of_a_silent_source_is_not_gone() {
    let org = settled(|org| {
        org.directories[1].group("inner", |group| group.members.extend(["p2".into(), "p3".into()]));
        org.directories[1].group("far", |group| group.members.insert("inner".into()));
    });
    silence(&org, Answers::Nothing);
    org.directory().person("p2", |entry| entry.cn = "p2 renamed".into());
    org.poll().unwrap().unwrap().unwrap();
    org.sync().unwrap();
    assert!(holds(&org, "p2", MESSAGES) && holds(&org, "p3", MESSAGES));
    // One that its own source tells to be gone is.
    org.directory().group("near", |group| group.members.insert("team".into()));
    org.directory().group("team", |group| group.members.insert("p3".into()));
    org.sync().unwrap();
    assert!(holds(&org, "p3", MEETINGS));
    org.directory().state().groups.remove("team");
    org.sync().unwrap();
    assert!(!holds(&org, "p3", MEETINGS) && holds(&org, "p3", MESSAGES));
}

/// Whom a group of the other source lets in stands in the silent one, and nobody remembers them.
#[test]
fn who_is_let_in_meanwhile_comes_when_the_source_answers_again() {
    let org = settled(|org| {
        org.spec.scope.groups = vec!["near".into()];
        let other = org.directories[1].clone();
        org.directory().state().elsewhere = Some(other);
        org.directories[1].state().elsewhere = None;
    });
    assert!(is_active(&org, "q0") && !is_active(&org, "q1"));
    silence(&org, Answers::Nothing);
    org.directory().group("near", |group| group.members.insert("q1".into()));
    org.directory().state().remove("p1");
    org.poll().unwrap().unwrap().unwrap();
    assert!(!is_active(&org, "p1"), "who is gone from the source that answers");
    silence(&org, Answers::Whole);
    org.poll().unwrap().unwrap().unwrap();
    assert!(is_active(&org, "q1"));
    assert!(org.poll().unwrap().is_none());
}

#[derive(Clone, Debug)]
enum Step {
    Title(bool, usize, u8),
    Rename(bool, usize, u8),
    Gone(bool, usize),
    Back(bool, usize),
    Disabled(bool, usize, bool),
    /// In which group, whose, whom.
    Member(bool, bool, usize, bool),
    Silent(Answers),
    Poll,
    Sync,
    All,
}

fn step() -> impl Strategy<Value = Step> {
    let who = || (any::<bool>(), 0..4usize);
    prop_oneof![
        1 => (who(), 0..3u8).prop_map(|((d, i), n)| Step::Title(d, i, n)),
        2 => (who(), 0..3u8).prop_map(|((d, i), n)| Step::Rename(d, i, n)),
        2 => who().prop_map(|(d, i)| Step::Gone(d, i)),
        2 => who().prop_map(|(d, i)| Step::Back(d, i)),
        1 => (who(), any::<bool>()).prop_map(|((d, i), v)| Step::Disabled(d, i, v)),
        5 => (any::<bool>(), who(), any::<bool>()).prop_map(|(g, (d, i), v)| Step::Member(g, d, i, v)),
        4 => prop_oneof![
            3 => Just(Answers::Whole),
            4 => Just(Answers::Nothing),
            1 => Just(Answers::NoLookups),
            1 => Just(Answers::Only(1)),
            1 => Just(Answers::GroupsCut),
        ]
        .prop_map(Step::Silent),
        4 => Just(Step::Poll),
        2 => Just(Step::Sync),
        1 => Just(Step::All),
    ]
}

/// Plays steps. What is silent does not change, so that it is known what must stay.
struct Play {
    org: Org,
    silent: bool,
    drawer: Vec<(bool, usize, support::fake_source::Entry)>,
}

fn name(second: bool, i: usize) -> String {
    format!("{}{i}", if second { "q" } else { "p" })
}

impl Play {
    fn directory(&self, second: bool) -> &Directory {
        &self.org.directories[usize::from(second)]
    }

    fn step(&mut self, step: &Step) {
        let about = match step {
            Step::Title(d, ..)
            | Step::Rename(d, ..)
            | Step::Gone(d, _)
            | Step::Back(d, _)
            | Step::Disabled(d, ..) => *d,
            Step::Member(far, ..) => *far,
            _ => false,
        };
        if about && self.silent {
            return;
        }
        let edit = |d: bool, i: usize, change: &dyn Fn(&mut support::fake_source::Entry)| {
            self.directory(d).edit(&name(d, i), change);
        };
        match step {
            Step::Title(d, i, n) => edit(*d, *i, &|entry| {
                entry.attributes.insert("title".into(), vec![format!("title {n}")]);
            }),
            Step::Rename(d, i, n) => edit(*d, *i, &|entry| entry.cn = format!("{} {n}", name(*d, *i))),
            Step::Disabled(d, i, v) => edit(*d, *i, &|entry| entry.disabled = *v),
            Step::Gone(d, i) => {
                let entry = self.directory(*d).state().remove(&name(*d, *i));
                self.drawer.extend(entry.map(|entry| (*d, *i, entry)));
            }
            Step::Back(d, i) => {
                if let Some(at) = self.drawer.iter().position(|(d2, i2, _)| (d2, i2) == (d, i)) {
                    let (_, _, entry) = self.drawer.remove(at);
                    self.directory(*d).state().people.insert(name(*d, *i), entry);
                }
            }
            Step::Member(far, d, i, v) => {
                // The first directory names nobody of the second.
                if *far || !*d {
                    self.directory(*far).group(if *far { "far" } else { "near" }, |group| {
                        let _ = if *v {
                            group.members.insert(name(*d, *i))
                        } else {
                            group.members.remove(&name(*d, *i))
                        };
                    });
                }
            }
            Step::Silent(how) => {
                self.silent = *how != Answers::Whole;
                silence(&self.org, *how);
            }
            Step::Poll | Step::Sync | Step::All => self.pass(step),
        }
    }

    fn pass(&self, step: &Step) {
        let stays = self.stays();
        match step {
            Step::Poll => drop(self.org.poll().expect("one answers")),
            Step::Sync => drop(self.org.sync().expect("one answers")),
            _ => drop(self.org.sync_all().expect("one answers")),
        }
        if self.silent {
            let now = self.stays();
            assert!(stays.is_subset(&now), "taken away: {:?}", stays.difference(&now).collect::<Vec<_>>());
        }
    }

    /// What must not be taken away by a pass while the second directory is silent: its people, and
    /// what its group gives to those who are there.
    fn stays(&self) -> BTreeSet<String> {
        let mut stays = BTreeSet::new();
        let members = self.directory(true).state().groups["far"].members.clone();
        let mails = |d: bool| -> Vec<(String, bool)> {
            let state = self.directory(d).state();
            let there = |name: &String| state.people.get(name).is_some_and(|entry| !entry.disabled);
            (0..4).map(|i| name(d, i)).map(|name| (name.clone(), there(&name))).collect()
        };
        for (name, there) in mails(true) {
            if there && is_active(&self.org, &name) {
                stays.insert(format!("{name} is active"));
            }
        }
        for (name, _) in mails(false).into_iter().chain(mails(true)).filter(|(_, there)| *there) {
            if members.contains(&name) && holds(&self.org, &name, MESSAGES) {
                stays.insert(format!("{name} has messages"));
            }
        }
        stays
    }
}

proptest! {
    #![proptest_config(cases(100))]

    /// Nothing is taken over silence, and when everybody answers again nothing is left for a pass over
    /// everything to do.
    #[test]
    fn silence_takes_nothing_and_loses_nothing(steps in proptest::collection::vec(step(), 1..30)) {
        let mut play = Play { org: settled(|_| {}), silent: false, drawer: Vec::new() };
        for step in &steps {
            play.step(step);
        }
        silence(&play.org, Answers::Whole);
        for _ in 0..3 {
            play.org.sync().expect("everybody answers");
        }
        let all = play.org.sync_all().expect("everybody answers");
        prop_assert_eq!((all.writes, &all.done), (0, &vec![]), "left for a pass over everything");
        let violations = play.org.cloud.state().violations.clone();
        prop_assert_eq!(violations, Vec::<String>::new());
    }
}
