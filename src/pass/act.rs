//! The second half of a pass: what the look found is carried out.
//!
//! Planning runs on its own threads, a few parts ahead of the cloud.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::apply::{Failure, Hands, carry_out};
use crate::clock;
use crate::cloud::CloudError;
use crate::guard::{Finding, HeldAction};
use crate::model::{Action, Field, Fingerprint, Key, Kind, LicenseId, SourceId, Withheld};
use crate::plan::{Fading, Supply};
use crate::report::Event;
use crate::store::{Decision, Followed, GroupDelta, Meta, RunId, Store};

use super::PassError;
use super::alike;
use super::bounds;
use super::contacts::act_on_contacts;
use super::groups::{WITHHELD, act_on_groups};
use super::held::{hold, is_about};
use super::kept::{self, Kept};
use super::looked::Look;
use super::observe::Extent;
use super::parts::{NoSeat, Part};
use super::queue;
use super::reporting;

/// Parts planned ahead of the cloud.
const AHEAD: usize = 2;

/// What a pass did.
#[derive(Debug, Default)]
pub struct Acted {
    /// Actions confirmed, by kind.
    pub done: BTreeMap<Kind, u64>,
    /// Those of them on rooms.
    pub on_rooms: u64,
    /// What went wrong, for single people.
    pub failed: Vec<Failure>,
    /// What waits for approval.
    pub held: Vec<HeldAction>,
    /// The id under which it waits.
    pub held_plan: Option<String>,
    /// Who waits for a seat.
    pub waiting: Vec<NoSeat>,
    /// Who keeps a licence for a while.
    pub fading: Vec<Fading>,
    /// Who is withheld.
    pub withheld: Vec<Withheld>,
    /// Who stays short of what should be, and why.
    pub short: Vec<(SourceId, &'static str)>,
    /// People who were looked at, and for whom nothing was to be done.
    pub in_sync: u64,
    /// See [`Part::revisited`].
    pub revisited: u64,
    /// See [`Part::undone`].
    pub undone: u64,
    /// See [`Part::unmanaged`].
    pub unmanaged: u64,
    /// What the guard objects to about groups.
    pub findings: Vec<Finding>,
    /// Groups that stay as they are although they should not, and why.
    pub kept: Vec<(SourceId, &'static str)>,
    /// Members of the groups that were compared who have no account.
    pub without_account: u64,

    /// Licences of the rules that new accounts had without our giving them, and how many people.
    pub uncalled: BTreeMap<LicenseId, u64>,
    /// Whether an account that should be there was not, so that the next pass has to observe
    /// the whole cloud.
    pub lost: bool,
    /// The trouble that ended the pass early.
    pub fatal: Option<CloudError>,
    /// Whether it was told to stop.
    pub stopped: bool,
}

/// Carries out what a look found.
///
/// # Errors
///
/// When the store fails; trouble with the cloud is in the result, together with what was done
/// before it.
pub async fn act(look: Look, hands: &Hands) -> Result<(Acted, Look), PassError> {
    let Hands { store, events, stop, .. } = hands;
    // Before the first effect: whatever is given from here on can be taken away again. And before
    // the groups: whoever comes by a change of theirs is not forgotten when the pass is killed.
    let mut meta = look_meta(store.reader().meta()?, &look);
    let maps_managers = look.policy.managed.fields.contains(Field::Manager);
    let mut moved = Vec::new();
    if maps_managers || meta.records.is_some() {
        moved = reporting::places(&look, store.reader())?;
    }
    if let Some(records) = &mut meta.records {
        records.outdated |= kept::name(&moved, store.reader(), maps_managers)?;
    }
    let unfinished = begun(&look, store)?;
    store.follow(meta.clone(), Followed { unfinished, ..Followed::default() }).await?;
    if look.reading.settled {
        commit_groups(&look, store).await?;
    }

    reporting::note(&look, store, moved).await?;
    alike::note(&look, store).await?;

    let unawares = look.made_ours_unawares()?;
    if !unawares.is_empty() {
        store.settle(clock::now().timestamp(), unawares).await?;
    }

    let managed = Arc::new(look.policy.managed.clone());
    let spare = |one: &Supply| (one.license.clone(), i64::try_from(one.spare()).unwrap_or(i64::MAX));
    let mut spare: BTreeMap<LicenseId, i64> = look.supply.iter().map(spare).collect();
    let (sender, mut parts) = mpsc::channel::<Part>(AHEAD);
    let planning = tokio::task::spawn_blocking(move || {
        let result = look.parts_of_people(|part| sender.blocking_send(part).is_ok());
        result.map(|()| look)
    });
    let mut acted = Acted::default();
    while let Some(part) = parts.recv().await {
        if stop.is_cancelled() {
            acted.stopped = true;
            break;
        }
        let Part {
            checked,
            held,
            rows,
            finish,
            notes,
            waiting,
            fading,
            withheld,
            short,
            in_sync,
            revisited,
            undone,
            unmanaged,
            findings: _,
        } = part;
        let people: BTreeSet<SourceId> = checked.plan().actions.iter().map(|action| action.anchor).collect();
        let actions = checked.plan().actions.len() as u64;
        events(Event::Planned { people: people.len() as u64, actions });
        for one in &withheld {
            events(Event::Withheld(one.clone()));
        }
        for one in &waiting {
            events(Event::NoSeat { anchor: one.anchor, license: one.license.to_string() });
        }
        if !notes.is_empty() {
            store.change_rows(notes).await?;
        }
        let outcomes = carry_out(hands, &managed, checked, rows, finish, &mut spare).await?;
        for (kind, count) in outcomes.done {
            *acted.done.entry(kind).or_default() += count;
        }
        acted.on_rooms += outcomes.on_rooms;
        acted.failed.extend(outcomes.failed);
        for (license, count) in outcomes.uncalled {
            *acted.uncalled.entry(license).or_default() += count;
        }
        acted.lost |= outcomes.lost;
        acted.waiting.extend(waiting);
        acted.waiting.extend(outcomes.unserved.into_iter().map(|(anchor, email, license, reason)| NoSeat {
            anchor,
            email,
            license,
            rank: None,
            reason,
        }));
        acted.held.extend(held);
        acted.fading.extend(fading);
        acted.withheld.extend(withheld);
        acted.short.extend(short);
        acted.in_sync += in_sync;
        acted.revisited += revisited;
        acted.undone += undone;
        acted.unmanaged += unmanaged;
        acted.stopped |= outcomes.stopped;
        acted.fatal = outcomes.fatal;
        if acted.fatal.is_some() || acted.stopped {
            break;
        }
    }
    for (license, people) in &acted.uncalled {
        events(Event::Competing { license: license.to_string(), people: *people });
    }
    drop(parts);
    let look = planning.await.map_err(|e| PassError::fault(format!("planning stopped: {e}")))??;
    reporting::set_due(&look, hands, &managed, &mut acted).await?;
    if acted.fatal.is_none() && !acted.stopped {
        act_on_contacts(&look, hands, &mut acted).await?;
    }
    let mut look = if acted.fatal.is_none() && !acted.stopped {
        act_on_groups(look, hands, &mut acted).await?
    } else {
        look
    };
    conclude(&mut look, store, hands.run, meta, &mut acted).await?;
    Ok((acted, look))
}

async fn commit_groups(look: &Look, store: &Store) -> Result<(), PassError> {
    let (changed, gone) = look.reading.memberships.changes();
    let gone: Vec<Key> = gone.collect();
    let mut delta = GroupDelta { gone, ..GroupDelta::default() };
    for row in changed {
        delta.changed.push((row.clone(), look.members(row.key)?));
    }
    if delta.changed.is_empty() && delta.gone.is_empty() {
        return Ok(());
    }
    delta.touched = look.touched()?;
    delta.open = look.regrouped()?;
    Ok(store.commit_groups(delta).await?)
}

/// What must be known before anything is done.
fn look_meta(mut meta: Meta, look: &Look) -> Meta {
    meta.organization = Some(look.organization.id.clone());
    meta.licenses.extend(look.policy.managed.licenses.iter().cloned());
    meta.roles.extend(look.policy.managed.roles.iter().cloned());
    // From the first effect on people are judged by these rules and by earlier ones, until a pass over
    // everybody comes to its end. Whoever goes back to the earlier ones meanwhile has to judge all anew.
    if look.rules != (meta.written, meta.rules) {
        meta.rules = Fingerprint::NONE;
    }
    // An observation counts only once everything that it showed was acted on.
    if matches!(look.observation.extent, Extent::All { .. }) {
        meta.last_observation = None;
    }
    for seen in &look.reading.sources {
        // Which directory answered is remembered at once: a second read may then agree.
        let known = meta.sources.entry(seen.name.clone()).or_default();
        if !seen.meta.identity.is_empty() {
            known.identity.clone_from(&seen.meta.identity);
        }
        if !seen.meta.bases.is_empty() {
            known.bases.clone_from(&seen.meta.bases);
        }
    }
    meta
}

/// Who would be forgotten if a pass that follows changes were killed: newcomers, whom no link
/// remembers. A read of everything meets them again.
fn begun(look: &Look, store: &Store) -> Result<Option<Vec<SourceId>>, PassError> {
    if look.reading.concerned.is_none() {
        return Ok(None);
    }
    let mut unfinished: BTreeSet<SourceId> = store.reader().unfinished(usize::MAX)?.into_iter().collect();
    unfinished.extend(look.newcomers()?);
    Ok(Some(unfinished.into_iter().collect()))
}

/// What this pass leaves unfinished, together with what it was not about.
fn unfinished(look: &Look, store: &Store, acted: &Acted) -> Result<Vec<SourceId>, PassError> {
    let mut unfinished: BTreeSet<SourceId> = BTreeSet::new();
    if let Some(concerned) = &look.reading.concerned {
        unfinished.extend(store.reader().unfinished(usize::MAX)?);
        if look.reading.partial.is_empty() {
            unfinished.retain(|anchor| !concerned.contains(anchor));
        } else if look.reading.whole {
            // Who is linked is marked where it is kept; of the others, all may have been missed somewhere.
            let at = |anchor: SourceId| look.index.find(anchor);
            let open = |anchor| at(anchor).is_none_or(|at| look.index.unusable.get(at));
            unfinished.extend(concerned.iter().copied().filter(|anchor| open(*anchor)));
        } else {
            // Something about any of them may not have been seen.
            unfinished.extend(concerned);
        }
    } else if !look.reading.partial.is_empty() {
        // Nor was everybody seen by a read of everything.
        unfinished.extend(store.reader().unfinished(usize::MAX)?);
    }
    // Groups remember by themselves what is open.
    let groups = |anchor: &SourceId| look.reading.memberships.has_chosen(*anchor);
    let person = |action: &&Action| !action.kind.is_group();
    unfinished.extend(acted.withheld.iter().filter_map(|one| one.anchor).filter(|one| !groups(one)));
    unfinished.extend(acted.failed.iter().map(|one| &one.action).filter(person).map(|one| one.anchor));
    unfinished.extend(acted.held.iter().map(|one| &one.action).filter(person).map(|one| one.anchor));
    unfinished.extend(acted.waiting.iter().map(|one| one.anchor));
    unfinished.extend(acted.short.iter().map(|(anchor, _)| *anchor));
    Ok(unfinished.into_iter().collect())
}

/// The containers that go with the cursors that are remembered. Beside an older cursor, a unit that
/// it tells of again would look as if it had not moved.
fn containers(look: &Look) -> Followed {
    if !look.reading.settled {
        return Followed::default();
    }
    let mut followed = look.reading.followed.clone();
    let complete =
        |name: &String| look.reading.sources.iter().any(|seen| seen.complete && seen.name == *name);
    followed.containers.retain(|(name, _)| complete(name));
    followed.container_changes.retain(|(name, _)| complete(name));
    followed
}

/// Of an earlier list, what this pass was not about.
fn keep<T>(
    concerned: Option<&BTreeSet<SourceId>>,
    old: Vec<T>,
    anchor: impl Fn(&T) -> Option<SourceId>,
) -> Vec<T> {
    let Some(concerned) = concerned else { return Vec::new() };
    old.into_iter().filter(|one| anchor(one).is_none_or(|anchor| !concerned.contains(&anchor))).collect()
}

async fn conclude(
    look: &mut Look,
    store: &Store,
    run: RunId,
    mut meta: Meta,
    acted: &mut Acted,
) -> Result<(), PassError> {
    acted.withheld.splice(0..0, look.reading.withheld.iter().cloned());
    let finished = acted.fatal.is_none() && !acted.stopped;
    if finished {
        // A census that is too short to be believed does not become the measure of the next.
        let doubted = !acted.held.is_empty() && look.guard.doubts_census();
        // What is missing for everybody leaves every cursor where it was.
        for seen in look.reading.sources.iter().filter(|seen| seen.complete && look.reading.settled) {
            let mut fresh = seen.meta.clone();
            if doubted && let Some(before) = meta.sources.get(&seen.name) {
                fresh.people = fresh.people.max(before.people);
            }
            meta.sources.insert(seen.name.clone(), fresh);
        }
        if look.reading.concerned.is_none() {
            // Only a pass over everybody leaves nobody judged by other rules.
            if look.reading.partial.is_empty() {
                (meta.written, meta.rules) = look.rules;
                meta.groups = look.choice;
                meta.tried = None;
                forget_given(look, store, &mut meta)?;
            } else {
                meta.tried = Some((look.rules.1, look.policy.now));
            }
            meta.linked = store.reader().count()?;
        } else {
            let count = |kind| acted.done.get(&kind).copied().unwrap_or(0);
            let more = count(Kind::Create) + count(Kind::Adopt);
            meta.linked = (meta.linked + more).saturating_sub(count(Kind::Delete));
        }
        if matches!(look.observation.extent, Extent::All { .. }) {
            meta.last_observation = Some(look.policy.now);
        }
        if acted.lost {
            meta.last_observation = None;
        }
        let unfinished = Some(unfinished(look, store, acted)?);
        let mut followed = Followed { unfinished, ..containers(look) };
        match std::mem::take(&mut look.reading.kept) {
            Kept::Staged(kept) => kept::store_all(look, store, &kept, &mut meta).await?,
            kept => kept.note(&mut meta, &mut followed),
        }
        store.follow(meta, followed).await?;
        let concerned = look.reading.concerned.as_ref();
        let earlier = keep(concerned, store.reader().withheld()?, |one| one.anchor);
        let earlier = earlier.into_iter().filter(|old| {
            let again = look.compared_groups() && WITHHELD.contains(&old.code.as_str());
            !again && acted.withheld.iter().all(|new| new.dn != old.dn)
        });
        acted.withheld.splice(0..0, earlier.collect::<Vec<_>>());
        store.set_withheld(run, acted.withheld.clone()).await?;
        let (waiting, days) = queue::conclude(look, store.reader(), acted)?;
        store.set_queue(waiting, days).await?;
        // While absence is not proved nothing is taken: what is approved waits for a pass that may.
        if look.policy.may_remove && look.reading.partial.is_empty() {
            let open = store.reader().held()?;
            let done = open.iter().filter(|plan| look.approved.contains(&plan.id) && is_about(look, plan));
            for plan in done.map(|plan| &plan.id) {
                store.decide_held(plan, Decision::Done, clock::now().timestamp()).await?;
            }
        }
        hold(look, store, run, acted).await?;
        bounds::remember(look, store, acted).await?;
    }
    Ok(())
}

/// Of licences and roles that only earlier rules named, those that nobody has from us any more are no
/// longer looked for.
fn forget_given(look: &Look, store: &Store, meta: &mut Meta) -> Result<(), PassError> {
    let (licenses, roles) = &look.named;
    if meta.licenses.is_subset(licenses) && meta.roles.is_subset(roles) {
        return Ok(());
    }
    let given = store.reader().given()?;
    meta.licenses.retain(|id| licenses.contains(id) || given.licenses.contains(id));
    meta.roles.retain(|id| roles.contains(id) || given.roles.contains(id));
    Ok(())
}
