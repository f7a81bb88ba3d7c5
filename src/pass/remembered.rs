//! What a pass remembers of itself: before its first effect, so that nobody is forgotten when it is killed,
//! and at its end.

use std::collections::BTreeSet;

use crate::clock;
use crate::model::{Action, Fingerprint, SourceId, Withheld};
use crate::store::{Decision, Followed, Meta, RunId, Store};

use super::PassError;
use super::act::Acted;
use super::bounds;
use super::groups::WITHHELD;
use super::held::{hold, is_about};
use super::kept::{self, Kept};
use super::looked::Look;
use super::observe::Extent;
use super::queue;

/// What must be known before anything is done.
pub(super) fn look_meta(mut meta: Meta, look: &Look) -> Meta {
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
pub(super) fn begun(look: &Look, store: &Store) -> Result<Option<Vec<SourceId>>, PassError> {
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

/// At the end of a pass: what is known now, and what it left unfinished.
pub(super) async fn conclude(
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
            let concerned: Vec<SourceId> = look.reading.concerned.iter().flatten().copied().collect();
            let now = store.reader().links_of(0, &concerned)?.len() as u64;
            meta.linked = (meta.linked + now).saturating_sub(look.beyond.spoken_of);
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
        let all: Vec<Withheld> = earlier.chain(acted.withheld.iter().cloned()).collect();
        store.set_withheld(run, all.clone()).await?;
        if !look.alone {
            acted.withheld = all;
        }
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
