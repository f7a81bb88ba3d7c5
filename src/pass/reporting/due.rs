//! The second step: managers who got an account in this pass, or another.
//!
//! It only gives. Who is to have no manager any more waits for the next pass, which plans that like
//! anything else that is taken away: weighed, shown, and approved where it is too much. Nor does it write
//! where the cloud may have a value that is to be kept: the next pass asks.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::standing::standing;
use crate::apply::{Finish, Hands, carry_out};
use crate::model::{
    Action, Attr, Cause, Change, Field, Key, Kind, LinkState, Managed, Origin, SnapshotRow, SourceId,
};
use crate::pass::PassError;
use crate::pass::act::Acted;
use crate::pass::index::Index;
use crate::pass::looked::Look;
use crate::pass::observe::Extent;
use crate::pass::parts::CHUNK;
use crate::plan::Plan;
use crate::report::Event;
use crate::store::{Reader, Reports, StoreError, Waits, Why};
use tokio::task::JoinHandle;

/// Looks once more at everybody who is due, without their records. What the next page asks for is found
/// out while one is carried out.
pub(in crate::pass) async fn set_due(
    look: &Look,
    hands: &Hands,
    managed: &Arc<Managed>,
    acted: &mut Acted,
) -> Result<(), PassError> {
    let maps = managed.fields.contains(Field::Manager) || managed.once.contains(Field::Manager);
    if !maps || acted.fatal.is_some() || acted.stopped {
        return Ok(());
    }
    let reader = hands.store.reader();
    let due = Arc::new(Due {
        reader: reader.clone(),
        managed: Arc::clone(managed),
        index: Arc::clone(&look.index),
        open: open(look, acted),
        observed: matches!(look.observation.extent, Extent::All { .. }),
    });
    let mut coming = Due::page(&due, None);
    loop {
        let Some((last, step)) = joined(coming).await? else { break };
        coming = Due::page(&due, Some(last));
        if hands.stop.is_cancelled() {
            acted.stopped = true;
        }
        if acted.fatal.is_some() || acted.stopped {
            // What was read ahead for nobody cannot fail what was done.
            drop(joined(coming).await);
            break;
        }
        let Step { actions, rows, finish, late, mut done } = step;
        if !actions.is_empty() {
            let count = actions.len() as u64;
            (hands.events)(Event::Planned { people: count, actions: count });
            let wanted: BTreeMap<SourceId, Option<String>> =
                actions.iter().map(|action| (action.anchor, manager_in(&action.changes))).collect();
            let plan = Plan { id: look.plan.clone(), generation: look.generation, actions };
            let (checked, held) = look.guard.check(plan);
            let outcomes = carry_out(hands, managed, checked, rows, finish, &mut BTreeMap::new()).await?;
            for (kind, count) in outcomes.done {
                *acted.done.entry(kind).or_default() += count;
            }
            acted.held.extend(held);
            acted.failed.extend(outcomes.failed);
            acted.lost |= outcomes.lost;
            acted.stopped |= outcomes.stopped;
            acted.fatal = outcomes.fatal;
            let anchors: Vec<SourceId> = wanted.keys().copied().collect();
            // They were met already, as people for whom there is nothing to do.
            acted.revisited += count.saturating_sub(look.people.wanted(&anchors)?.len() as u64);
            // Whoever has what was wanted is done; the others stay due.
            let now = reader.rows(&anchors)?.into_iter();
            done.extend(
                now.filter(|row| {
                    wanted.get(&row.anchor) == Some(&row.applied.profile.get(&Field::Manager).cloned())
                })
                .map(|row| row.anchor),
            );
        }
        let due = late.into_iter().map(|anchor| (anchor, Why::Late)).collect();
        hands.store.set_managers(Reports { due, done, ..Reports::default() }).await?;
    }
    Ok(())
}

/// Whoever did not come to an end in this pass is left to the next. Whoever only lacks a licence or an
/// alias did.
fn open(look: &Look, acted: &Acted) -> HashSet<SourceId> {
    (acted.withheld.iter().chain(&look.reading.withheld))
        .filter(|one| !one.is_part())
        .filter_map(|one| one.anchor)
        .chain(acted.failed.iter().map(|one| one.action.anchor))
        .chain(acted.held.iter().map(|one| one.action.anchor))
        .collect()
}

fn manager_in(changes: &[Change]) -> Option<String> {
    changes.iter().find(|change| change.field == Attr::Field(Field::Manager))?.to.clone()
}

/// What is to be done for a page of those who are due.
#[derive(Default)]
struct Step {
    actions: Vec<Action>,
    rows: BTreeMap<SourceId, SnapshotRow>,
    finish: BTreeMap<SourceId, Finish>,
    /// Whose manager is not there.
    late: Vec<SourceId>,
    /// For whom nothing is to be done.
    done: Vec<SourceId>,
}

type Page = Result<Option<(SourceId, Step)>, StoreError>;

async fn joined(page: JoinHandle<Page>) -> Result<Option<(SourceId, Step)>, PassError> {
    Ok(page.await.map_err(|e| PassError::fault(format!("looking for managers stopped: {e}")))??)
}

/// What it takes to find out what is to be done.
struct Due {
    reader: Reader,
    managed: Arc<Managed>,
    index: Arc<Index>,
    open: HashSet<SourceId>,
    /// Whether the snapshot says of everybody what the cloud has.
    observed: bool,
}

impl Due {
    /// Begins to find out what is to be done for those who follow an anchor; the last of them comes
    /// with it, and `None` after all of them.
    fn page(this: &Arc<Self>, after: Option<SourceId>) -> JoinHandle<Page> {
        let this = Arc::clone(this);
        tokio::task::spawn_blocking(move || {
            let due = this.reader.managers_due(after, CHUNK)?;
            let Some(last) = due.last().map(|one| one.anchor) else { return Ok(None) };
            Ok(Some((last, this.step(due)?)))
        })
    }

    fn step(&self, due: Vec<Waits>) -> Result<Step, StoreError> {
        let Self { reader, managed, index, open, observed } = self;
        let places: BTreeSet<Key> = due.iter().filter_map(|one| one.place).collect();
        // By now the store knows everybody's place and account.
        let found = standing(reader, index, None, &places, |_| true)?;
        let unread = |anchor| index.find(anchor).is_some_and(|at| !index.met.get(at));
        let anchors: Vec<SourceId> = due.iter().map(|one| one.anchor).collect();
        let mut linked: HashMap<SourceId, SnapshotRow> =
            reader.rows(&anchors)?.into_iter().map(|row| (row.anchor, row)).collect();
        let mut out = Step::default();
        let keeps = managed.kept.contains(Field::Manager);
        let once = managed.once.contains(Field::Manager);
        for Waits { anchor, place, why } in due {
            let Some(row) = linked.remove(&anchor).filter(|row| row.state == LinkState::Present) else {
                // Whoever comes, or comes back, is read anew.
                out.done.push(anchor);
                continue;
            };
            if open.contains(&anchor) || unread(anchor) {
                continue;
            }
            let standing = place.and_then(|place| found.get(&place));
            let to =
                standing.and_then(|standing| standing.account_for(anchor)).map(|id| id.as_str().to_owned());
            let from = row.applied.profile.get(&Field::Manager).cloned();
            if from == to || (from.is_some() && keeps) {
                out.done.push(anchor);
                continue;
            }
            // Of an account that was created, and of no other, nobody has seen to the manager yet.
            let is_new = why == Why::New && row.origin == Origin::Created && to.is_some() && from.is_none();
            if once && !is_new {
                out.done.push(anchor);
                continue;
            }
            if to.is_none() {
                out.late.push(anchor);
                continue;
            }
            // Of whoever is new the cloud was asked.
            if keeps && !observed && index.find(anchor).is_some() {
                continue;
            }
            out.actions.push(Action {
                kind: Kind::Update,
                anchor,
                who: row.applied.email.clone().into(),
                dn: Some(row.dn.clone()),
                cloud_id: Some(row.cloud_id.clone()),
                changes: vec![Change::new(Attr::Field(Field::Manager), from, to)],
                cause: Cause::Desired,
            });
            let finish =
                Finish { dn: row.dn.clone(), record: row.record, recheck: row.recheck, joined: row.joined };
            out.finish.insert(anchor, finish);
            out.rows.insert(anchor, row);
        }
        Ok(out)
    }
}
