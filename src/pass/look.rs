//! The first half of a pass: everything that is found out without changing anything.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::guard::Guard;
use crate::model::{Action, Fingerprint, Role, SourceId};
use crate::plan::{Lines, Policy, Seats};
use crate::report::Event;
use crate::store::{Decision, Stage};

use super::PassError;
use super::beyond::Beyond;
use super::bounds::{Narrowed, are_settled, sights, since};
use super::broker::{Brokered, Terms, broker};
use super::census::{Sieve, read, read_heard};
use super::contacts::see_contacts;
use super::contest::{Addresses, settle};
use super::evidence::Known;
use super::groups::{Groups, GroupsSeen, chosen_print, see};
use super::index::{Faces, Index};
use super::kept;
use super::lines::Claims;
use super::looked::{Look, plan_id};
use super::managed::managed;
use super::moved::Moved;
use super::observe::{Extent, Observation, few, observe_all, observe_some, questions};
use super::parts::{CHUNK, Doubtful, Parts};
use super::queue::{Knowledge, current, forecasts};
use super::rebound::{self, Bound};
use super::rest::AtRest;
use super::rivals::Preempt;
use super::sections::Sections;
use super::strays::{Taken, in_the_way};
use super::world::{Observe, World};

/// Looks: reads everything, changes nothing.
///
/// # Errors
///
/// When the source could not be read at all, the cloud not completely, or the store failed.
pub async fn look(world: World<'_>) -> Result<Look, PassError> {
    let World {
        sources,
        cloud,
        reader,
        rules,
        leavers,
        adopt,
        preempt,
        groups,
        adopt_contacts,
        limits,
        protected,
        observe,
        keep_records,
        heard,
        recent,
        now,
        events,
    } = world;
    let meta = reader.meta()?;
    let rules = since(rules, &meta);
    let sights = sights(sources);
    let organization = cloud.organization().await.map_err(PassError::Cloud)?;
    if let Some(before) = &meta.organization
        && *before != organization.id
    {
        return Err(PassError::Refused {
            what: format!(
                "the token belongs to organization {} ({}), while the state is about organization {before}",
                organization.name, organization.id
            ),
            remedy: "use the token of the right organization, or another state directory for this one".into(),
        });
    }
    let catalogue = cloud.catalogue().await.map_err(PassError::Cloud)?;
    let roles = cloud.roles().await.map_err(PassError::Cloud)?;
    let full_admin = Role::full(&roles).cloned();
    let (mut rules, mut unbound) = rules.bind(&catalogue, &roles);
    let mut in_use = None;
    let mut placeless = Vec::new();
    if rules.needs_places() {
        in_use = cloud.lines().await.map_err(PassError::Cloud)?;
        (rules, placeless) = rules.locate(cloud.places().await.map_err(PassError::Cloud)?);
    }
    // Without a location nothing is given there; that says nothing about what may be taken.
    let may_strip = unbound.is_empty();
    unbound.append(&mut placeless);
    let named = (rules.managed_licenses().clone(), rules.managed_roles());
    let managed = managed(&rules, &meta, &catalogue)?;
    let alone = heard.as_ref().is_some_and(|heard| heard.alone);
    let observes_all = !alone && (observe == Observe::All || meta.last_observation.is_none());
    let digests = (rules.written(), rules.fingerprint());
    let rule_names = rules.entitlement_names();
    let choice = chosen_print(&rules);
    // Whether a group is chosen is told by its record alone.
    let chosen_as_before = choice == meta.groups;
    let bound = rebound::compare(&meta, digests, now);
    // Everybody is judged anew, from the kept records where these say all that the rules read.
    let is_anew = !alone && !observes_all && chosen_as_before && bound == Bound::Anew;
    let words = match &heard {
        // Of a source that cannot tell changes, the records may be old.
        Some(heard) if is_anew && heard.asked_all => {
            kept::words(&rules, &meta, keep_records, sources, reader, heard)?
        }
        _ => None,
    };
    if heard.is_some() && is_anew {
        events(match &words {
            Some(_) => Event::JudgingKept,
            None if meta.written == rules.written() => {
                Event::ReadingAll { reason: rebound::reason(&meta).into() }
            }
            None => Event::ReadingAll { reason: kept::LACKING.into() },
        });
    }
    let heard = heard
        .filter(|_| alone || !observes_all && chosen_as_before && (bound != Bound::Anew || words.is_some()));
    let (index, faces) = match &heard {
        Some(_) if words.is_some() => Index::load(reader, now, false)?,
        Some(heard) if heard.concerned.len() <= few(meta.linked) => {
            let concerned: Vec<SourceId> = heard.concerned.iter().copied().collect();
            (Index::of(reader, now, &concerned, meta.linked)?, Faces::default())
        }
        Some(heard) => {
            let (index, faces) = Index::load(reader, now, false)?;
            index.meet_all_but(&heard.concerned);
            (index, faces)
        }
        None => Index::load(reader, now, observes_all)?,
    };
    let (has_rooms, has_contacts) = (rules.has_rooms(), rules.has_contacts());
    let rest = AtRest::find(&rules, reader, &index, alone, &events)?;
    let linked = index.linked();
    let few = few(linked);
    let beyond = match &heard {
        Some(heard) if words.is_none() => Beyond::find(reader, &heard.concerned, linked, &rest)?,
        Some(_) | None => Beyond::default(),
    };
    let index = Arc::new(index);
    events(Event::PassStarted { run: None, linked, observes_all });
    let settled = are_settled(&meta, &rules, &sights);
    let sieve = Arc::new(Sieve {
        rules,
        index: Arc::clone(&index),
        reader: reader.clone(),
        settled,
        keep_records,
        now,
        compares_everybody: preempt,
        anew: !alone && bound == Bound::Anew,
        events: Arc::clone(&events),
    });
    let follows = heard.is_some();
    let asked_for = heard.as_ref().filter(|_| alone).map(|heard| heard.concerned.clone());
    let judging = Arc::clone(&sieve);
    let reading = async {
        match heard {
            Some(heard) => tokio::task::spawn_blocking(move || read_heard(*heard, &judging, words))
                .await
                .map_err(|e| PassError::fault(format!("judging records stopped: {e}")))?,
            None => read(sources, &meta, judging, Stage::new()?).await,
        }
    };
    let ((reading, mut people), observation) = if observes_all {
        let observing =
            observe_all(cloud, &managed, full_admin.as_ref(), Arc::clone(&index), faces, Arc::clone(&events));
        let (reading, observation) = tokio::try_join!(reading, observing)?;
        (reading, Some(observation))
    } else {
        drop(faces);
        (reading.await?, None)
    };
    let narrowed = Narrowed::new(&meta, &sieve.rules, &sights, &reading.sources);
    let moved = Moved::find(&sieve.rules, &mut people, reader, &index, reading.whole)?;
    let addresses = settle(&people, reader, &index, &moved, &Taken::new(), sieve.rules.collisions())?;
    let addresses = addresses.without(&reading.unfit);
    let resting = match leavers.delete_after {
        Some(keep) => reader.rows_left(now.saturating_sub(keep))?.into_iter().map(|row| row.anchor).collect(),
        None => Vec::new(),
    };
    let policy = Policy {
        managed,
        leavers,
        full_admin: full_admin.clone(),
        tenure: sieve.tenure().over(&catalogue),
        adopt,
        may_remove: reading.whole,
        may_strip,
        now,
    };
    let calling = policy.tenure.calling();
    let concerned = reading.concerned.as_ref();
    let claims =
        Claims { stage: &people, reader, moved: &moved, rules: &sieve.rules, calling: &calling, concerned };
    let in_use = Lines::open(in_use.as_deref());
    let telephones = |addresses: &Addresses| claims.settle(&addresses.contested, in_use.clone());
    let lines = telephones(&addresses)?;
    let known = Known {
        index: &index,
        reader,
        people: &people,
        alike: &reading.alike,
        moved: &moved,
        addresses: &addresses,
        narrowed: &narrowed,
        whole: reading.whole,
        doubts: &reading.doubts,
        me: organization.me.as_ref(),
        protected: &protected,
        kept: policy.managed.kept,
    };
    let mut approved_plans = Vec::new();
    let mut approved: Vec<Action> = Vec::new();
    for plan in reader.held()? {
        if plan.decision == Some(Decision::Approved) {
            approved_plans.push(plan.id);
            approved.extend(plan.actions);
        }
    }
    let waiting = current(reader, &moved)?;
    let absent = Knowledge { reader, people: &people, index: &index, moved: &moved, reading: &reading }
        .absent(&waiting)?;
    // Nobody is taken anything from whose place, or whose rival's, was not read.
    let preempts = preempt && !follows && policy.may_remove && policy.may_strip;
    let terms = |absent| Terms {
        limits: &limits,
        recent: &recent,
        linked,
        headcount: reading.headcount,
        approved: &approved,
        catalogue: &catalogue,
        waiting: &waiting,
        absent,
        lines: &lines,
        weighty: None,
        preempt: if preempts { Preempt::Ask } else { Preempt::Never },
    };
    // Without an observation yet, the sections are those of the source alone.
    let sort = |observation: &Observation| Sections::sort(&known.with(observation), &resting);
    let (observation, sections, weighty) = match observation {
        Some(observation) => {
            let sections = sort(&observation)?;
            (observation, sections, None)
        }
        None => {
            let nothing = observe_some(cloud, &policy.managed, Vec::new()).await?;
            let sections = sort(&nothing)?;
            // Nothing is taken from anybody about whom the cloud was not asked: they may have become
            // an administrator since. What they hold already is not given, and not ours to take later.
            let shown = known.with(&nothing);
            let (linked_staged, new) = people.counts();
            let (seats, rivals) = if preempts || linked_staged + new <= CHUNK as u64 {
                let brokered = broker(shown, &sections, &policy, &terms(absent.clone()))?;
                (brokered.seats, brokered.rivals)
            } else {
                Default::default()
            };
            let parts = Parts::begin(shown, &sections, &policy, seats, lines.clone(), Default::default());
            let Doubtful { people: doubtful, wonders, mut weighty } = parts.doubtful(few + 1)?;
            let mut leavers: BTreeSet<SourceId> = sections.leavers().take(few + 1).chain(doubtful).collect();
            leavers.extend(rivals);
            if let Some(asked_for) = asked_for {
                leavers.retain(|anchor| asked_for.contains(anchor));
                leavers.extend(asked_for);
            }
            // Nor is an account handed on to another record before it was looked at.
            let leavers: BTreeSet<SourceId> = leavers
                .into_iter()
                .map(|anchor| moved.old(anchor))
                .chain(moved.all().map(|(_, old)| old))
                .collect();
            let readdressed: Vec<SourceId> = addresses.rounds.iter().flatten().copied().collect();
            // Who is asked about may turn out to be another than the snapshot says.
            if let Some(weighty) = &mut weighty {
                weighty.extend(leavers.iter().map(|anchor| moved.now(*anchor)));
                weighty.extend(&readdressed);
            }
            let questions = if wonders && !alone {
                None
            } else {
                questions(&people, reader, leavers, &readdressed, few)?
            };
            match questions {
                Some(questions) => {
                    (observe_some(cloud, &policy.managed, questions).await?, sections, weighty)
                }
                None => {
                    if follows && index.len() as u64 != index.linked() {
                        // Not possible: whoever is asked about is concerned.
                        return Err(PassError::fault("more people to ask about than are concerned".into()));
                    }
                    let faces = Index::load(reader, now, true)?.1;
                    let all = observe_all(
                        cloud,
                        &policy.managed,
                        full_admin.as_ref(),
                        Arc::clone(&index),
                        faces,
                        Arc::clone(&events),
                    )
                    .await?;
                    let sections = sort(&all)?;
                    (all, sections, None)
                }
            }
        }
    };
    // Only now it shows who stands in the way.
    let taken = in_the_way(&observation, reader, &people, &addresses)?;
    let (addresses, sections, lines, weighty) = if taken.is_empty() {
        (addresses, sections, lines, weighty)
    } else {
        let addresses = settle(&people, reader, &index, &moved, &taken, sieve.rules.collisions())?;
        let addresses = addresses.without(&reading.unfit);
        let known = Known { addresses: &addresses, ..known };
        let sections = Sections::sort(&known.with(&observation), &resting)?;
        let lines = telephones(&addresses)?;
        (addresses, sections, lines, None)
    };
    observation.tell(&events);
    let beyond = beyond.with_leavers(&index, &moved, &sections);
    let seen = match &reading.memberships.chosen {
        Some(chosen) => {
            let all = matches!(observation.extent, Extent::All { .. });
            see(cloud, reader, chosen, all).await?
        }
        None => GroupsSeen::default(),
    };
    let observes = matches!(observation.extent, Extent::All { .. });
    let contacts_seen = see_contacts(cloud, reader, &reading.contacts, has_contacts, observes).await?;
    let mut look = Look {
        plan: plan_id(&organization.id, meta.generation, now),
        generation: meta.generation,
        organization,
        catalogue,
        unbound,
        guard: Guard::weigh(&limits, &Default::default(), linked, None, Vec::new()),
        reading,
        observation,
        policy,
        lines,
        linked,
        has_rooms,
        rest,
        has_contacts,
        adopts_contacts: adopt_contacts,
        contacts_seen,
        beyond,
        alone,
        named,
        rules: digests,
        anew: !alone && bound != Bound::Same && meta.written != Fingerprint::NONE,
        rule_names,
        supply: Vec::new(),
        forecasts: Default::default(),
        seats: Seats::default(),
        choice,
        approved: approved_plans,
        groups: Groups { rules: groups, seen, limits, recent, approved: approved.clone() },
        people,
        index,
        moved,
        addresses,
        narrowed,
        sections,
        reader: reader.clone(),
        protected,
    };
    let terms = Terms {
        limits: &limits,
        recent: &recent,
        linked,
        headcount: look.reading.headcount,
        approved: &approved,
        catalogue: &look.catalogue,
        waiting: &waiting,
        lines: &look.lines,
        // Who stands before whom is a matter of everybody.
        weighty: weighty.as_ref().filter(|_| !preempts),
        absent: look.knowledge(reader).absent(&waiting)?,
        preempt: if preempts { Preempt::Take } else { Preempt::Never },
    };
    let brokered = broker(look.evidence(), &look.sections, &look.policy, &terms)?;
    let Brokered { guard, seats, lines, supply, first, .. } = brokered;
    (look.guard, look.seats, look.lines, look.supply) = (guard, seats, lines, supply);
    look.sections.put_first(&first);
    look.forecasts = forecasts(reader, &look.supply, now)?;
    for one in look.supply.iter().filter(|one| one.short() > 0) {
        let (license, short) = (one.license.to_string(), one.short());
        let name = look.catalogue.label(&one.license);
        events(Event::ShortOfSeats { license, name, total: one.total, demand: one.demand(), short });
    }
    for finding in look.guard.findings() {
        events(Event::Objection(finding.clone()));
    }
    Ok(look)
}
