//! The language of the worlds: one line, one thing that happens. `README.md` has the list.

use dirsyncd::cloud::CloudErrorKind;
use dirsyncd::guard::Limit;
use dirsyncd::model::{AccountKind, Contact, Field, Kind, LicenseId, Place, RoleId};
use dirsyncd::pass::Observe;
use dirsyncd::rules::{Collisions, ContactSpec, EntitlementSpec, RoleSpec, RoomSpec, SeatsSpec, Unusables};
use dirsyncd::store::Decision;

use crate::support::fake_cloud::{Aim, Fault, Giver, Kept, State as CloudState, kind_of};
use crate::support::fake_source::{Answers, Directory, Entry};
use crate::support::org::{Org, runtime};
use crate::tell;

const DAY: i64 = 86_400;

/// Plays a script and returns what was said.
pub fn play(script: &str) -> Result<String, String> {
    let mut stage = Scene { org: Org::new(), out: String::new() };
    for (at, line) in script.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        stage.out.push_str(&format!("> {line}\n"));
        if line.starts_with('#') {
            continue;
        }
        let line = line.split_once(" # ").map_or(line, |(line, _)| line).trim();
        words(line)
            .and_then(|words| stage.line(line, &words))
            .map_err(|e| format!("line {}: {e}", at + 1))?;
    }
    let violations = stage.org.cloud.state().violations.clone();
    if violations.is_empty() { Ok(stage.out) } else { Err(format!("must never happen: {violations:?}")) }
}

/// Words, of which quoted ones may contain blanks.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut begun) = (false, false);
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                begun = true;
            }
            ' ' if !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    if quoted {
        return Err("a quote is not closed".into());
    }
    if begun {
        words.push(word);
    }
    Ok(words)
}

struct Scene {
    org: Org,
    out: String,
}

type Done = Result<(), String>;

impl Scene {
    fn line(&mut self, line: &str, words: &[String]) -> Done {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["directory", rest @ ..] => self.directory(self.org.directory().clone(), line, rest),
            ["domain", name, rest @ ..] => {
                let domain = self.org.domain(name);
                self.directory(domain, line, rest)
            }
            ["records", "are", "kept"] => set(&mut self.org.keep_records, true),
            ["passes", "follow", "changes"] => set(&mut self.org.follows, true),
            ["cloud", rest @ ..] => self.cloud(line, rest),
            ["rules", rest @ ..] => self.rules(line, rest),
            ["licence", name, "as", service, "seats", seats] => {
                let seats = if *seats == "unlimited" { None } else { Some(number(seats)?) };
                self.org.cloud.state().license(name, service, seats);
                Ok(())
            }
            ["location", name] => {
                let place = Place { id: format!("loc:{name}"), name: (*name).into() };
                self.org.cloud.state().places.push(place);
                Ok(())
            }
            ["licence", name, "as", service, "seats", seats, "on", site] => {
                let mut state = self.org.cloud.state();
                let id = state.license(name, service, Some(number(seats)?));
                let license = state.licenses.iter_mut().find(|license| license.id == id);
                license.ok_or("it was just added")?.site = Some((*site).into());
                Ok(())
            }
            ["guard", "deactivate", count] => {
                let count = number(count)?;
                self.org.limits.deactivate = Limit { count, percent: 100, floor: count };
                Ok(())
            }
            ["guard", "scope_change", count] => {
                self.org.limits.scope_change = Limit { count: number(count)?, percent: 100, floor: 0 };
                Ok(())
            }
            ["guard", "license_remove", count] => {
                let count = number(count)?;
                self.org.limits.license_remove = Limit { count, percent: 100, floor: count };
                Ok(())
            }
            ["guard", "group_member_remove", count] => {
                let count = number(count)?;
                self.org.limits.group_member_remove = Limit { count, percent: 100, floor: count };
                Ok(())
            }
            ["guard", what @ ("contact_delete" | "contact_blank"), count] => {
                let count = number(count)?;
                let limits = &mut self.org.limits;
                let limit = if *what == "contact_delete" {
                    &mut limits.contact_delete
                } else {
                    &mut limits.contact_blank
                };
                *limit = Limit { count, percent: 100, floor: count };
                Ok(())
            }
            ["contacts", rest @ ..] => self.contacts(line, rest),
            ["guard", "group_delete", count] => {
                let count = number(count)?;
                self.org.limits.group_delete = Limit { count, percent: 100, floor: count };
                Ok(())
            }
            ["groups", rest @ ..] => self.groups(line, rest),
            ["rooms", rest @ ..] => self.rooms(line, rest),
            ["leavers", "are", "deleted", "after", days, "days"] => {
                self.org.leavers.delete_after = Some(number(days)? as i64 * DAY);
                Ok(())
            }
            ["leavers", "stay"] => {
                self.org.leavers.deactivate = false;
                Ok(())
            }
            ["adopt", "nobody"] => {
                self.org.adopt = false;
                Ok(())
            }
            ["seats", "go", "to", "the", "first"] => {
                self.org.preempt = true;
                Ok(())
            }
            ["protect", email] => {
                self.org.protected.insert(email.parse().map_err(|e| format!("{email}: {e}"))?);
                Ok(())
            }
            [count, "people", "join", "a", "day", "for", days, "days"] => {
                for _ in 0..number(days)? {
                    for one in 0..number(count)? {
                        self.org.directory().person(&format!("day{}-{one}", self.org.elapsed / DAY), |_| {});
                    }
                    self.org.sync().map_err(|e| e.to_string())?;
                    self.org.elapsed += DAY;
                }
                Ok(())
            }
            [days, "days", "pass"] => {
                self.org.elapsed += number(days)? as i64 * DAY;
                Ok(())
            }
            ["plan"] => {
                match self.org.plan() {
                    Ok(looked) => tell::looked(&self.org, &looked, &mut self.out),
                    Err(e) => self.out.push_str(&format!("  error: {e}\n")),
                }
                Ok(())
            }
            ["poll"] => {
                match self.org.poll() {
                    Ok(Some(Ok(passed))) => tell::passed(&self.org, &passed, &mut self.out),
                    Ok(Some(Err(reason))) => self.out.push_str(&format!("  everything is read: {reason}\n")),
                    Ok(None) => self.out.push_str("  nothing to do\n"),
                    Err(e) => self.out.push_str(&format!("  error: {e}\n")),
                }
                Ok(())
            }
            ["show", "queue"] => {
                tell::queue(&self.org, &mut self.out);
                Ok(())
            }
            ["sync"] => self.sync(Observe::Touched, false),
            ["sync", "all"] => self.sync(Observe::All, false),
            ["sync", "counted"] => self.sync(Observe::Touched, true),
            ["sync", "all", "counted"] => self.sync(Observe::All, true),
            ["sync", "is", "killed", when @ ("before" | "after"), "call", call] => {
                let killed = self.org.killed_at_call(number(call)?, *when == "after");
                self.out.push_str(if killed { "  killed\n" } else { "  done before that\n" });
                Ok(())
            }
            ["approve"] => self.decide(Decision::Approved),
            ["reject"] => self.decide(Decision::Rejected),
            ["show"] => {
                tell::cloud(&self.org, &mut self.out);
                Ok(())
            }
            _ => Err(format!("no such line: {line}")),
        }
    }

    fn sync(&mut self, observe: Observe, counted: bool) -> Done {
        match runtime().block_on(self.org.pass(observe)) {
            Ok(passed) => {
                tell::passed(&self.org, &passed, &mut self.out);
                if counted {
                    let in_order = passed.look.in_order(passed.acted.in_sync, passed.acted.revisited);
                    self.out.push_str(&format!("  in order: {in_order} of {}\n", passed.look.linked));
                }
            }
            Err(e) => self.out.push_str(&format!("  error: {e}\n")),
        }
        Ok(())
    }

    fn decide(&mut self, decision: Decision) -> Done {
        let held = self.org.store.reader().held().map_err(|e| e.to_string())?;
        let plan = held.iter().find(|plan| plan.decision.is_none()).ok_or("nothing waits")?;
        let done = runtime().block_on(self.org.store.decide_held(&plan.id, decision, self.org.now()));
        done.map_err(|e| e.to_string())?.then_some(()).ok_or("it is decided already".into())
    }

    fn directory(&mut self, directory: Directory, line: &str, words: &[&str]) -> Done {
        let now = self.org.now();
        match words {
            ["has", name, rest @ ..] => directory.person(name, |entry| attributes(entry, rest, now)),
            ["set", name, rest @ ..] => edit(&directory, name, |entry| attributes(entry, rest, now))?,
            ["moves", name, "to", ou] => edit(&directory, name, |entry| entry.ou = (*ou).into()),
            ["renames", name, "to", cn] => edit(&directory, name, |entry| entry.cn = (*cn).into()),
            ["disables", name] => edit(&directory, name, |entry| entry.disabled = true),
            ["makes", name, "a", kind @ ("room" | "person" | "contact")] => edit(&directory, name, |entry| {
                (entry.room, entry.contact) = (*kind == "room", *kind == "contact");
            }),
            ["enables", name] => edit(&directory, name, |entry| entry.disabled = false),
            ["is", "followed"] => {
                self.org.follows = true;
                Ok(())
            }
            ["drops", name] => {
                let mut state = directory.state();
                let entry = state.remove(name).ok_or_else(|| nobody(name))?;
                state.dropped.insert((*name).into(), entry);
                Ok(())
            }
            ["restores", name] => {
                let mut state = directory.state();
                let entry = state.dropped.remove(*name).ok_or_else(|| nobody(name))?;
                state.people.insert((*name).into(), entry);
                Ok(())
            }
            ["group", name, "has", members @ ..] => {
                directory.group(name, |group| group.members = members.iter().map(|m| (*m).into()).collect());
                Ok(())
            }
            ["group", name, "adds", member] => {
                directory.group(name, |group| group.members.insert((*member).into()));
                Ok(())
            }
            ["group", name, "drops", member] => {
                directory.group(name, |group| group.members.remove(*member));
                Ok(())
            }
            ["group", name, "is", "renamed", cn] => {
                directory.group(name, |group| group.cn = (*cn).into());
                Ok(())
            }
            ["group", name, "is", "deleted"] => directory
                .state()
                .groups
                .remove(*name)
                .map(drop)
                .ok_or(format!("there is no group \"{name}\"")),
            ["is", "searched", "below", ou] => {
                let mut state = directory.state();
                state.searched = vec![format!("ou={ou},{}", state.suffix)];
                Ok(())
            }
            ["is", "searched", "everywhere"] => {
                directory.state().searched.clear();
                Ok(())
            }
            ["filters", attribute, value] => {
                directory.state().filter = Some(((*attribute).into(), (*value).into()));
                Ok(())
            }
            ["answers", "whole"] => set(&mut directory.state().answers, Answers::Whole),
            ["answers", "only", count, "people"] => {
                let count = number(count)? as usize;
                set(&mut directory.state().answers, Answers::Only(count))
            }
            ["answers", "with", "groups", "cut"] => set(&mut directory.state().answers, Answers::GroupsCut),
            ["answers", "nothing"] => set(&mut directory.state().answers, Answers::Nothing),
            ["is", "another", name] => set(&mut directory.state().identity, (*name).into()),
            ["cannot", "show", name] => {
                directory.state().unusable.insert((*name).into());
                Ok(())
            }
            ["can", "show", name] => {
                directory.state().unusable.remove(*name);
                Ok(())
            }
            _ => Err(format!("no such line: {line}")),
        }
    }

    fn groups(&mut self, line: &str, words: &[&str]) -> Done {
        let org = &mut self.org;
        match words {
            ["sync", names @ ..] => org.spec.groups.sync = names.iter().map(|name| (*name).into()).collect(),
            ["are", "named", expression] => org.spec.groups.name = Some((*expression).into()),
            ["are", "adopted"] => org.groups.adopt = true,
            ["hold", "exactly", "whom", "the", "directory", "names"] => {
                org.groups.exact = true;
                org.cloud.state().exact = true;
            }
            ["are", "deleted", "after", days, "days"] => {
                org.groups.delete_after = Some(number(days)? as i64 * DAY);
            }
            _ => return Err(format!("no such line: {line}")),
        }
        Ok(())
    }

    fn rooms(&mut self, line: &str, words: &[&str]) -> Done {
        let rooms = &mut self.org.spec.rooms;
        match words {
            ["sync"] => *rooms = Some(RoomSpec { defaults: true, ..RoomSpec::default() }),
            ["stay"] => *rooms = None,
            ["take", "only", ou] => {
                let rooms = rooms.as_mut().ok_or("rooms are not synchronized")?;
                rooms.scope.bases = vec![format!("ou={ou},dc=example,dc=test")];
            }
            ["map", field, "from", expression] => {
                let rooms = rooms.as_mut().ok_or("rooms are not synchronized")?;
                rooms.mapping.insert(field.parse()?, (*expression).into());
            }
            _ => return Err(format!("no such line: {line}")),
        }
        Ok(())
    }

    fn contacts(&mut self, line: &str, words: &[&str]) -> Done {
        let org = &mut self.org;
        match words {
            ["sync"] => org.spec.contacts = Some(ContactSpec { defaults: true, ..ContactSpec::default() }),
            ["stay"] => org.spec.contacts = None,
            ["are", "adopted"] => org.adopt_contacts = true,
            ["take", how @ ("group" | "without"), group] => {
                let contacts = org.spec.contacts.as_mut().ok_or("contacts are not synchronized")?;
                let groups = vec![(*group).to_owned()];
                match *how {
                    "group" => contacts.scope.groups = groups,
                    _ => contacts.scope.exclude_groups = groups,
                }
            }
            ["take", "only", ou] => {
                let contacts = org.spec.contacts.as_mut().ok_or("contacts are not synchronized")?;
                contacts.scope.bases = vec![format!("ou={ou},dc=example,dc=test")];
            }
            _ => return Err(format!("no such line: {line}")),
        }
        Ok(())
    }

    fn rules(&mut self, line: &str, words: &[&str]) -> Done {
        let spec = &mut self.org.spec;
        match words {
            ["entitle", "nobody"] => spec.entitlements.clear(),
            ["entitle", license, "to", rest @ ..] => {
                let mut rule = EntitlementSpec { name: (*license).into(), ..EntitlementSpec::default() };
                match license.strip_suffix("#attendee") {
                    Some(site) => rule.attendee = Some(site.into()),
                    None => rule.licenses = license.split(" and ").map(Into::into).collect(),
                }
                entitled(&mut rule, rest)?;
                spec.entitlements.push(rule);
            }
            ["let", "collisions", "go", "to", winner] => {
                spec.collisions = match *winner {
                    "linked" => Collisions::Linked,
                    "oldest" => Collisions::LinkedThenOldest,
                    "nobody" => Collisions::Nobody,
                    _ => return Err(format!("no such line: {line}")),
                }
            }
            ["withhold", "only", "the", "value"] => spec.policy.unusable = Unusables::WithholdValue,
            ["withhold", "the", "person"] => spec.policy.unusable = Unusables::WithholdPerson,
            ["count", "only", "the", "first"] => spec.entitling.first_match = true,
            ["take", "what", "anybody", "gave"] => {
                spec.entitling.take_managed = true;
                self.org.cloud.state().all_is_claimed = true;
            }
            ["keep", "licences", days, "days"] => spec.entitling.grace = Some(number(days)? as i64 * DAY),
            ["make", "nobody", "anything"] => spec.roles.clear(),
            ["make", "group", group, role] => spec.roles.push(RoleSpec {
                groups: vec![(*group).into()],
                role: (*role).into(),
                ..RoleSpec::default()
            }),
            ["order", "seats", "by", expression, rest @ ..] if matches!(rest, [] | ["descending"]) => {
                spec.seats = SeatsSpec { order_by: Some((*expression).into()), descending: !rest.is_empty() };
            }
            ["join", expression] => spec.join = Some((*expression).into()),
            ["take", "group", group] => spec.scope.groups = vec![(*group).into()],
            ["take", "no", "group"] => spec.scope.groups.clear(),
            ["take", "everybody"] => spec.scope.bases.clear(),
            ["take", "only", ou] => spec.scope.bases = vec![format!("ou={ou},dc=example,dc=test")],
            ["map", field, "from", expression] => {
                let field: Field = field.parse()?;
                spec.mapping.insert(field, (*expression).into());
            }
            ["write", "nothing", "at", "creation"] => spec.policy.create_only.clear(),
            ["keep", "nothing"] => spec.policy.keep_if_set_in_cloud.clear(),
            ["write", field, "at", "creation"] => spec.policy.create_only.push(field.parse()?),
            ["keep", field] => spec.policy.keep_if_set_in_cloud.push(field.parse()?),
            _ => return Err(format!("no such line: {line}")),
        }
        Ok(())
    }

    fn cloud(&mut self, line: &str, words: &[&str]) -> Done {
        if let ["next", what, "answers", answer @ ..] = words {
            return self.fault(what, answer);
        }
        let mut cloud = self.org.cloud.state();
        if let ["counts", license, "with", count, "too", "few"] = words {
            cloud.uncounted.insert(LicenseId::new(format!("lic:{license}")), number(count)?);
            return Ok(());
        }
        if let ["template", "gives", license] = words {
            cloud.template.push(LicenseId::new(format!("lic:{license}")));
            return Ok(());
        }
        if let ["is", "late", count, "times"] = words {
            cloud.late = number(count)?;
            return Ok(());
        }
        if let ["contact", name, rest @ ..] = words {
            return cloud_contact(&mut cloud, line, name, rest);
        }
        if let ["group", name, rest @ ..] = words {
            return cloud_group(&mut cloud, line, name, rest);
        }
        if let ["has", email, rest @ ..] = words {
            let id = cloud.add(email);
            let mut rest = rest.iter();
            while let Some(word) = rest.next() {
                let mut next = || rest.next().copied().ok_or(format!("\"{word}\" of what?"));
                let kept = cloud.accounts.get_mut(&id).ok_or("it was just added")?;
                match *word {
                    "with" => {
                        let name = next()?;
                        cloud.give_by_hand(&id, &LicenseId::new(format!("lic:{name}")));
                    }
                    "anchored" => {
                        let name = next()?;
                        let there = self.org.directories.iter().find_map(|directory| {
                            directory.state().people.get(name).map(|entry| entry.anchor)
                        });
                        let anchor =
                            there.unwrap_or_else(|| self.org.directory().person(name, |entry| entry.anchor));
                        kept.account.external_id = Some(anchor.to_string());
                    }
                    "as" => admin(kept, next()?),
                    "room" => kept.account.kind = AccountKind::Room,
                    "inactive" => kept.account.active = false,
                    "me" => cloud.me = Some(id.clone()),
                    other => value(kept, other)?,
                }
            }
            return Ok(());
        }
        let (verb, email) = match words {
            ["gives" | "takes", _, "to" | "from", email] => (words[0], *email),
            [verb, email, ..] => (*verb, *email),
            _ => return Err(format!("no such line: {line}")),
        };
        let unknown = || format!("there is no account {email} in the cloud");
        let id = cloud.by_email(email).map(|kept| kept.account.id.clone()).ok_or_else(unknown)?;
        match words {
            ["gives", license, "to", _] => {
                cloud.give_by_hand(&id, &LicenseId::new(format!("lic:{license}")));
                return Ok(());
            }
            ["deletes", _] => {
                cloud.accounts.remove(&id);
                return Ok(());
            }
            _ => {}
        }
        let kept = cloud.accounts.get_mut(&id).ok_or_else(unknown)?;
        match (verb, words) {
            ("sets", [_, _, values @ ..]) => values.iter().try_for_each(|text| value(kept, text)),
            ("turns", [_, _, "into", "a", kind @ ("room" | "person")]) => {
                kept.account.kind = if *kind == "room" { AccountKind::Room } else { AccountKind::Person };
                Ok(())
            }
            ("blocks", _) => {
                kept.account.active = false;
                kept.blocked_by_hand = true;
                Ok(())
            }
            ("allows", _) => {
                kept.account.active = true;
                kept.blocked_by_hand = false;
                Ok(())
            }
            ("makes", [_, _, "nothing"]) => {
                kept.account.roles.clear();
                kept.roles.clear();
                Ok(())
            }
            ("makes", [_, _, role]) => {
                admin(kept, role);
                Ok(())
            }
            ("takes", [_, license, ..]) => {
                kept.licenses.retain(|id, _| {
                    id.as_str() != *license && id.as_str().strip_prefix("lic:") != Some(license)
                });
                // A telephone goes with its licence.
                kept.telephone = None;
                Ok(())
            }
            _ => Err(format!("no such line: {line}")),
        }
    }

    fn fault(&mut self, what: &str, answer: &[&str]) -> Done {
        let aim = match what {
            "call" => Aim::Any,
            "write" => Aim::Write,
            "read" => Aim::Read,
            kind => Aim::Kind(kind.parse::<Kind>()?),
        };
        let fault = match answer {
            ["nothing", "and", "did", "it"] => Fault::LostAfter,
            ["nothing", "and", "did", "nothing"] => Fault::LostBefore,
            ["a", "refusal", "and", "did", "it"] => Fault::Doubt(true),
            ["a", "refusal", "and", "did", "nothing"] => Fault::Doubt(false),
            [word] => Fault::Error(kind_of(word).ok_or(format!("no such answer: {word}"))?),
            _ => return Err(format!("no such answer: {}", answer.join(" "))),
        };
        debug_assert_ne!(fault, Fault::Error(CloudErrorKind::Ambiguous), "said as what was done");
        self.org.cloud.state().faults.push((aim, 0, fault));
        Ok(())
    }
}

/// What somebody does to a contact in the cloud by hand.
fn cloud_contact(cloud: &mut CloudState, line: &str, name: &str, words: &[&str]) -> Done {
    if let ["is", "made", email] = words {
        let email = Some(email.parse().map_err(|e| format!("{email}: {e}"))?);
        let profile = [(Field::DisplayName, name.to_owned())].into();
        cloud.add_contact(Contact { email, profile });
        return Ok(());
    }
    let there = cloud.contact_named(name).ok_or(format!("there is no contact \"{name}\" in the cloud"))?;
    match (words, there) {
        (["is", "deleted"], (id, _)) => drop(cloud.contacts.remove(&id)),
        (["sets", value], (_, contact)) => {
            let (field, value) = value.split_once('=').ok_or(format!("not a value: {value}"))?;
            contact.profile.insert(field.parse()?, value.into());
        }
        _ => return Err(format!("no such line: {line}")),
    }
    Ok(())
}

/// What somebody does to a group in the cloud by hand.
fn cloud_group(cloud: &mut CloudState, line: &str, name: &str, words: &[&str]) -> Done {
    let account = |cloud: &mut CloudState, email: &str| {
        let kept = cloud.by_email(email).ok_or(format!("there is no account \"{email}\""))?;
        Ok::<_, String>(kept.account.id.clone())
    };
    if let ["is", "made"] = words {
        cloud.add_group(name);
        return Ok(());
    }
    let who = match words {
        ["adds" | "drops" | "refuses", email] => Some(account(cloud, email)?),
        _ => None,
    };
    let kept = cloud.group_by_name(name).ok_or(format!("there is no group \"{name}\" in the cloud"))?;
    let id = kept.group.id.clone();
    match (words, who) {
        (["adds", _], Some(who)) => drop(kept.members.entry(who).or_insert(Giver::Hand)),
        (["drops", _], Some(who)) => drop(kept.members.remove(&who)),
        (["refuses", _], Some(who)) => drop(cloud.refused.insert(who)),
        (["is", "renamed", to], _) => kept.group.name = (*to).into(),
        (["is", "deleted"], _) => drop(cloud.groups.remove(&id)),
        _ => return Err(format!("no such line: {line}")),
    }
    Ok(())
}

fn set<T>(place: &mut T, value: T) -> Done {
    *place = value;
    Ok(())
}

fn admin(kept: &mut Kept, role: &str) {
    let id = RoleId::new(format!("id_{role}_admin"));
    kept.account.roles.insert(id.clone());
    kept.roles.insert(id, Giver::Hand);
}

/// `title=Engineer`, or `email=…`, set by hand.
fn value(kept: &mut Kept, text: &str) -> Done {
    let (name, value) = text.split_once('=').ok_or(format!("not a value: {text}"))?;
    if name == "email" {
        kept.account.email = value.parse().ok();
        return Ok(());
    }
    let field: Field = name.parse()?;
    match value {
        "" => drop(kept.account.profile.remove(&field)),
        value => drop(kept.account.profile.insert(field, value.into())),
    }
    Ok(())
}

/// `everybody`, or any of `group GROUP`, `under OU`, `keeping N days`; for calling `at LOCATION` or
/// `at-the EXPRESSION`, `phone EXPRESSION`, `extension EXPRESSION`, `pool RANGE`.
fn entitled(rule: &mut EntitlementSpec, words: &[&str]) -> Done {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut next = || words.next().copied().ok_or(format!("\"{word}\" what?"));
        match *word {
            "everybody" | "days" => {}
            "group" => rule.groups.push(next()?.into()),
            "under" => rule.bases.push(format!("ou={},dc=example,dc=test", next()?)),
            "at" => rule.calling.location = Some(next()?.into()),
            "at-the" => rule.calling.location_from = Some(next()?.into()),
            "phone" => rule.calling.phone = Some(next()?.into()),
            "extension" => rule.calling.extension = Some(next()?.into()),
            "pool" => rule.calling.extension_pool = Some(next()?.into()),
            "keeping" => rule.grace = Some(number(next()?)? as i64 * DAY),
            other => return Err(format!("to whom is \"{other}\"?")),
        }
    }
    Ok(())
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("not a number: {text}"))
}

fn nobody(name: &str) -> String {
    format!("there is no person \"{name}\" in the directory")
}

fn edit<T>(directory: &Directory, name: &str, change: impl FnOnce(&mut Entry) -> T) -> Result<T, String> {
    directory.edit(name, change).ok_or_else(|| nobody(name))
}

/// `title="Engineer"`, `in staff`, `disabled`, `expiring N`.
fn attributes(entry: &mut Entry, words: &[&str], now: i64) -> Done {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut next = || words.next().copied().ok_or(format!("\"{word}\" what?"));
        match *word {
            "in" => entry.ou = next()?.into(),
            "disabled" => entry.disabled = true,
            "room" => entry.room = true,
            "contact" => entry.contact = true,
            "primary" => entry.primary_group = Some(next()?.into()),
            "expiring" => entry.expires = Some(now + number(next()?)? as i64 * DAY),
            text => {
                let (name, value) = text.split_once('=').ok_or(format!("not a value: {text}"))?;
                let values = if value.is_empty() { Vec::new() } else { vec![value.to_owned()] };
                entry.attributes.insert(name.into(), values);
            }
        }
    }
    Ok(())
}
