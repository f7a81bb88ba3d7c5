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
use crate::model::{Field, Key, Kind, LicenseId, SourceId, Withheld};
use crate::plan::lines::NOT_GIVEN;
use crate::plan::{Fading, Supply};
use crate::report::Event;
use crate::store::{Followed, GroupDelta, Store};

use super::PassError;
use super::alike;
use super::contacts::act_on_contacts;
use super::groups::act_on_groups;
use super::kept;
use super::looked::Look;
use super::parts::{NoSeat, Part};
use super::remembered::{begun, conclude, look_meta};
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
    /// Of them, who lacks a telephone, and so gets no calling licence.
    pub lineless: BTreeSet<SourceId>,
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
            refaded: _,
            withheld,
            short,
            in_sync,
            revisited,
            undone,
            unmanaged,
            // Known better in the second step.
            managed_later: _,
            findings: _,
        } = part;
        let people: BTreeSet<SourceId> = checked.plan().actions.iter().map(|action| action.anchor).collect();
        let actions = checked.plan().actions.len() as u64;
        events(Event::Planned { people: people.len() as u64, actions });
        let lacks = |one: &&Withheld| one.code == NOT_GIVEN;
        acted.lineless.extend(withheld.iter().filter(lacks).filter_map(|one| one.anchor));
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
