//! From hints to records: everything that a change draws after it is looked up.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Container, Fingerprint, Hint, Hinted, Key, LicenseId, LinkState, Lookup, MANY, Method, Record,
    SnapshotRow, SourceId, Wanted, is_under, normal_dn,
};
use crate::store::{ContainerChange, Decision, GroupRow, Meta, Reader};

use super::super::membership::{Gathering, Memberships};
use super::super::{PassError, contacts};
use super::ear::Ear;
use super::join;
use super::{Answer, Heard};

/// Of each queue for seats so many are looked at in passing. Seats that become free beyond are given
/// by the next pass on schedule, and kept until then.
const FIRST: usize = 200;

/// Follows the hints to their end.
pub(super) async fn follow(
    mut ear: Ear<'_>,
    meta: &Meta,
    hints: Vec<(usize, Vec<Hint>)>,
) -> Result<Answer, PassError> {
    let reader = ear.hearing.reader;
    let with_groups = ear.ask.groups;
    let gathering = Gathering::begin(reader, ear.hearing.rules.chosen())?;
    let known: BTreeMap<SourceId, GroupRow> =
        gathering.known().values().map(|row| (row.anchor, row.clone())).collect();

    // What is hinted at, and whoever is to be looked at whatever changed.
    let mut groups: BTreeSet<SourceId> = BTreeSet::new();
    for (at, hints) in &hints {
        let mut people = Vec::new();
        let mut below = Vec::new();
        for hint in hints {
            if known.contains_key(&hint.anchor) || hint.what == Hinted::Group {
                groups.insert(hint.anchor);
                ear.told_groups.insert(hint.anchor, *at);
                continue;
            }
            match container(&mut ear, *at, hint)? {
                Place::None => people.push(hint.anchor),
                Place::Same => {}
                Place::Gone(dn) => {
                    people.extend(reader.anchors_below(&dn)?);
                    let dn = normal_dn(&dn);
                    for row in known.values().filter(|row| is_under(&normal_dn(&row.dn), &dn)) {
                        groups.insert(row.anchor);
                        ear.told_groups.insert(row.anchor, *at);
                    }
                }
                Place::New(dn) => below.push(dn),
                Place::Moved(dn) => {
                    return Ok(Answer::everything(format!(
                        "\"{dn}\", below which others stand, was moved or renamed"
                    )));
                }
            }
        }
        if people.len() > MANY {
            return Ok(Answer::everything("too many people stood below what is gone"));
        }
        ear.people(*at, Lookup::People(people)).await;
        ear.all_below(*at, below).await;
    }
    let open = open(&ear)?;
    if open.len() > MANY {
        return Ok(Answer::everything(format!(
            "{} people are unfinished: reading everything is quicker",
            open.len()
        )));
    }
    ear.people_anywhere(Lookup::People(open.clone())).await;
    join::follow(&mut ear).await?;
    // Whoever is gone from one source may have moved to another.
    let absent: Vec<SourceId> = ear.concerned.difference(&ear.found).copied().collect();
    let linked: Vec<SourceId> = reader.links_of(0, &absent)?.iter().map(|link| link.anchor).collect();
    if ear.sources.len() > 1 {
        ear.people_anywhere(Lookup::People(linked.clone())).await;
    }

    let memberships = if with_groups {
        match follow_groups(&mut ear, gathering, &known, groups, &open, &linked).await? {
            Followed::Memberships(memberships) => *memberships,
            Followed::Everything(reason) => return Ok(Answer::everything(reason)),
        }
    } else {
        Memberships::none()
    };
    if ear.is_too_much() {
        return Ok(Answer::everything("the changes concern too many people: reading everything is quicker"));
    }
    conclude(ear, meta, memberships).await
}

/// Who is looked at although nothing hints at them.
fn open(ear: &Ear<'_>) -> Result<Vec<SourceId>, PassError> {
    let reader = ear.hearing.reader;
    let mut open: BTreeSet<SourceId> = reader.due(ear.hearing.now)?.into_iter().collect();
    if ear.hearing.in_passing {
        // Whatever went wrong with them would go wrong every half minute.
        for anchor in reader.unfinished(usize::MAX)? {
            open.remove(&anchor);
        }
        open.extend(held(reader, |decision| decision == Some(Decision::Approved))?);
    } else {
        open.extend(reader.unfinished(MANY + 1)?);
        open.extend(reader.managers_due(None, MANY + 1)?.iter().map(|one| one.anchor));
        open.extend(held(reader, |_| true)?);
    }
    Ok(open.into_iter().collect())
}

/// The people of plans about which this was decided.
fn held(reader: &Reader, which: fn(Option<Decision>) -> bool) -> Result<BTreeSet<SourceId>, PassError> {
    let plans = reader.held()?.into_iter().filter(|plan| which(plan.decision));
    let actions = plans.flat_map(|plan| plan.actions).filter(|action| !action.kind.is_group());
    Ok(actions.map(|action| action.anchor).collect())
}

/// Linked people who are served first when a seat becomes free.
fn first_in_queue(reader: &Reader) -> Result<BTreeSet<SourceId>, PassError> {
    let mut counts: BTreeMap<LicenseId, usize> = BTreeMap::new();
    let mut first = Vec::new();
    for one in reader.waiting()? {
        let count = counts.entry(one.license).or_default();
        *count += 1;
        if *count <= FIRST {
            first.push(one.rank.anchor);
        }
    }
    Ok(reader.links_of(0, &first)?.into_iter().map(|link| link.anchor).collect())
}

/// What a hint says about a container.
enum Place {
    /// It is none.
    None,
    /// It stands where it stood.
    Same,
    /// It stood there. Deleted it held nobody; but it may have been moved out of sight, and then
    /// nothing is told of those below it.
    Gone(String),
    /// It was not known before.
    New(String),
    /// It stands elsewhere.
    Moved(String),
}

fn container(ear: &mut Ear<'_>, at: usize, hint: &Hint) -> Result<Place, PassError> {
    let name = ear.sources[at].source.name().to_owned();
    let before = ear.hearing.reader.container(&name, hint.anchor)?;
    Ok(match (before, hint.what, &hint.dn) {
        (Some(before), Hinted::Gone, _) => {
            ear.followed.container_changes.push((name, ContainerChange::Gone(hint.anchor)));
            Place::Gone(before)
        }
        (Some(before), _, Some(now)) if Key::dn(&before) != Key::dn(now) => Place::Moved(before),
        (Some(_), ..) => Place::Same,
        (None, Hinted::Container, Some(now)) => {
            let container = Container { anchor: hint.anchor, dn: now.clone() };
            ear.followed.container_changes.push((name, ContainerChange::There(container)));
            Place::New(now.clone())
        }
        // A container that nobody can name holds nobody who could be found.
        (None, Hinted::Container, None) => Place::Same,
        (None, ..) => Place::None,
    })
}

enum Followed {
    Memberships(Box<Memberships>),
    Everything(String),
}

async fn follow_groups(
    ear: &mut Ear<'_>,
    mut gathering: Gathering,
    known: &BTreeMap<SourceId, GroupRow>,
    mut groups: BTreeSet<SourceId>,
    open: &[SourceId],
    absent: &[SourceId],
) -> Result<Followed, PassError> {
    let reader = ear.hearing.reader;
    // Who is new at a place, and who left one: groups name people by their place.
    let rows = reader.rows(&ear.concerned.iter().copied().collect::<Vec<_>>())?;
    let places: BTreeMap<SourceId, &SnapshotRow> = rows.iter().map(|row| (row.anchor, row)).collect();
    let mut arrived: BTreeSet<String> = BTreeSet::new();
    let mut keys: BTreeSet<Key> = BTreeSet::new();
    for record in &ear.people {
        let now = record.dn_key();
        let row = places.get(&record.anchor);
        let before = row.map(|row| Key::dn(&row.dn));
        // While somebody was away, groups may have lost and found the name again. And of whoever
        // is unfinished, it may be this that was not seen.
        let back = row.is_some_and(|row| row.state != LinkState::Present || row.record == Fingerprint::NONE);
        if before != Some(now) || back || open.contains(&record.anchor) {
            arrived.insert(record.dn.clone());
            keys.insert(now);
            keys.extend(before);
        }
    }
    keys.extend(absent.iter().filter_map(|anchor| places.get(anchor)).map(|row| Key::dn(&row.dn)));
    for key in keys {
        for group in reader.direct_groups(key)? {
            groups.extend(gathering.known().get(&group).map(|row| row.anchor));
        }
    }
    ear.groups_anywhere(Lookup::Groups(groups.iter().copied().collect())).await;
    ear.groups_anywhere(Lookup::GroupsHolding(arrived.into_iter().collect())).await;
    for record in ear.groups.values() {
        if let Some(row) = known.get(&record.anchor)
            && row.key != record.dn_key()
            // Under the new name it may be known already, and under the old one still, too.
            && !gathering.known().contains_key(&record.dn_key())
        {
            // Other groups, rules and primary memberships may go by the old name.
            return Ok(Followed::Everything(format!("the group \"{}\" was moved or renamed", row.dn)));
        }
        gathering.add(record, &mut ear.stage)?;
    }
    for anchor in ear.groups_asked.iter().filter(|anchor| !ear.groups.contains_key(anchor)) {
        if let Some(row) = known.get(anchor).filter(|_| ear.has_lost(*anchor)) {
            gathering.lose(row.key);
        }
    }
    let memberships = gathering.finish(false, true, ear.hearing.rules, reader, &ear.stage)?;

    // Whom the changes of groups touch.
    let touched: BTreeSet<Key> = memberships.touched().collect();
    if touched.len() > MANY {
        let count = touched.len();
        return Ok(Followed::Everything(format!(
            "changes of groups touch {count} members: reading everything is quicker"
        )));
    }
    let by_key: BTreeMap<Key, &GroupRow> = known.values().map(|row| (row.key, row)).collect();
    let matters = memberships.concern_rules(reader, &ear.stage)?;
    if matters && has_primary_groups(ear) && touched.iter().any(|key| by_key.contains_key(key)) {
        // Nobody's list of members says whose primary group it is.
        return Ok(Followed::Everything("a group in other groups that the rules name changed".into()));
    }
    let nested: Vec<SourceId> = touched
        .iter()
        .filter_map(|key| by_key.get(key))
        .map(|row| row.anchor)
        .filter(|anchor| !ear.groups.contains_key(anchor))
        .collect();
    // For the names of its members: what it says itself was known already.
    ear.groups_anywhere(Lookup::Groups(nested.clone())).await;
    let nameless = !ear.partial.is_empty() && nested.iter().any(|group| !ear.groups.contains_key(group));
    let there = reader.anchors_by_dn(&touched.iter().copied().collect::<Vec<_>>())?;
    let there = there.into_iter().chain(contacts::places(ear.hearing.rules, reader)?);
    let mut linked: BTreeMap<Key, Vec<SourceId>> = BTreeMap::new();
    there.for_each(|(key, anchor)| linked.entry(key).or_default().push(anchor));
    let met: BTreeSet<Key> = ear.people.iter().map(Record::dn_key).collect();
    let mut anchors = Vec::new();
    let mut dns = Vec::new();
    for key in touched.iter().filter(|key| !met.contains(key) && !by_key.contains_key(key)) {
        match (linked.get(key), ear.names.get(key)) {
            (Some(there), name) => {
                // A leaver, and perhaps somebody who came to stand at the same place.
                let left = reader.links_of(0, there)?.iter().all(|link| link.left);
                dns.extend(name.filter(|_| left).cloned());
                anchors.extend(there.iter().filter(|anchor| !ear.concerned.contains(*anchor)));
            }
            (None, Some(dn)) => dns.push(dn.clone()),
            // Whoever left a group that keeps people out is to come, and no group names them now.
            (None, None) if matters && ear.hearing.rules.keep_groups_out() => {
                return Ok(Followed::Everything(
                    "somebody left a group, and the rules keep the members of groups out".into(),
                ));
            }
            (None, None) => ear.lost_track |= nameless,
        }
    }
    ear.people_anywhere(Lookup::People(anchors)).await;
    ear.people_anywhere(Lookup::PeopleAt(dns.clone())).await;
    ear.follows_names(&dns);
    Ok(Followed::Memberships(Box::new(memberships)))
}

/// Whether a source may be Active Directory, where people have a primary group.
fn has_primary_groups(ear: &Ear<'_>) -> bool {
    let mut cursors = ear.seen.iter().filter_map(|seen| seen.meta.cursor.as_ref());
    cursors.any(|cursor| cursor.method != Method::Syncrepl)
}

/// Whether any of it concerns anybody.
async fn conclude(mut ear: Ear<'_>, meta: &Meta, memberships: Memberships) -> Result<Answer, PassError> {
    let hearing = ear.hearing;
    let reader = hearing.reader;
    if hearing.in_passing {
        if !is_something(&ear, meta, &memberships)? {
            return Ok(nothing(ear, meta));
        }
        // What waits for approval is planned again in every pass, so that it stays one plan. It
        // is no reason for a pass.
        let held = held(reader, |_| true)?;
        if held.len() > MANY {
            return Ok(Answer::Nothing(None));
        }
        // Nor is the queue for seats, but what becomes free is for those who stand first in it.
        let queue = first_in_queue(reader)?;
        let too: Vec<SourceId> =
            held.union(&queue).filter(|one| !ear.concerned.contains(one)).copied().collect();
        ear.people_anywhere(Lookup::People(too)).await;
        join::follow(&mut ear).await?;
        if !ear.all_asked {
            // They may stand in a source that was not asked. With such a source every pass on
            // schedule reads everything.
            ear.concerned = std::mem::take(&mut ear.found);
            // Whoever left before is proved to have.
            ear.concerned.extend(std::mem::take(&mut ear.left));
        }
    } else {
        join::follow(&mut ear).await?;
        if let Some(keep) = hearing.delete_after {
            let rows = reader.rows_left(hearing.now.saturating_sub(keep))?;
            ear.concerned.extend(rows.into_iter().map(|row| row.anchor));
        }
    }
    let (doubts, settled) = (ear.doubts(), !ear.lost_track);
    for seen in &mut ear.seen {
        seen.complete = ear.sources.iter().all(|one| one.whole || one.source.name() != seen.name);
    }
    // Who may be missing only because a source did not answer keeps the record.
    let kept = std::mem::take(&mut ear.hearsay).end(&ear.concerned, ear.all_asked && ear.partial.is_empty());
    Ok(Answer::Something(Box::new(Heard {
        stage: ear.stage,
        memberships,
        groups: ear.groups.len() as u64,
        people: ear.people,
        unusable: ear.unusable,
        concerned: ear.concerned,
        partial: ear.partial,
        doubts,
        settled,
        sources: ear.seen,
        followed: ear.followed,
        asked_all: ear.all_asked,
        kept,
        alone: false,
    })))
}

/// Whether there is anything to do.
fn is_something(ear: &Ear<'_>, meta: &Meta, memberships: &Memberships) -> Result<bool, PassError> {
    let (hearing, reader) = (ear.hearing, ear.hearing.reader);
    if !memberships.are_as_stored() || !ear.unusable.is_empty() {
        return Ok(true);
    }
    let ends = ear.partial.is_empty() || ear.comes_to_an_end(memberships);
    let concerned: Vec<SourceId> = ear.concerned.iter().copied().collect();
    let links: BTreeMap<SourceId, _> =
        reader.links_of(hearing.now, &concerned)?.into_iter().map(|link| (link.anchor, link)).collect();
    let groups = |record: &Record| memberships.of(record, reader, &ear.stage);
    let heard = (ear.people.as_slice(), &ear.concerned, &ear.found);
    if contacts::concerns(hearing.rules, reader, meta.rules, groups, heard)? {
        return Ok(true);
    }
    for record in &ear.people {
        let something = match links.get(&record.anchor) {
            // What is not answered by the source that tells is told again and again, and nothing comes
            // to an end with anybody.
            Some(link) if link.record == Fingerprint::NONE && !ends => false,
            Some(link) => {
                link.record != record.fingerprint(meta.rules)
                    || memberships.touches(record)
                    || memberships.touches_primary(record)
            }
            None => {
                let groups = memberships.of(record, reader, &ear.stage)?;
                !matches!(hearing.rules.judge(record, &groups, hearing.now).wanted, Wanted::Leaving(_))
            }
        };
        if something {
            return Ok(true);
        }
    }
    let absent = links.values().filter(|link| !link.left && !ear.found.contains(&link.anchor));
    ear.misses_somebody(memberships, &absent.map(|link| link.anchor).collect::<Vec<_>>())
}

/// Nothing to do; the facts to remember when they changed and everything was answered.
fn nothing(mut ear: Ear<'_>, meta: &Meta) -> Answer {
    if !ear.partial.is_empty() {
        return Answer::Nothing(None);
    }
    let mut fresh = meta.clone();
    for seen in ear.seen {
        fresh.sources.insert(seen.name, seen.meta);
    }
    ear.hearsay.end(&ear.concerned, ear.all_asked).note(&mut fresh, &mut ear.followed);
    let moved = fresh != *meta || ear.followed != crate::store::Followed::default();
    Answer::Nothing(moved.then(|| Box::new((fresh, ear.followed))))
}
