//! What is noted about managers before the first effect, so that nobody is forgotten when the pass is killed.

use std::collections::{BTreeSet, HashSet};

use crate::model::{Field, Key, SourceId, Wanted};
use crate::pass::PassError;
use crate::pass::looked::Look;
use crate::pass::parts::CHUNK;
use crate::store::{Moves, Named, Reader, Reports, StagedWanted, Store, StoreError, Why};

/// Where those stand who are somewhere else than when they were last read.
pub(in crate::pass) fn places(look: &Look, reader: &Reader) -> Result<Vec<(SourceId, String)>, PassError> {
    let mut places = Vec::new();
    let mut after = None;
    loop {
        let mut page = look.people.wanted_after(true, after, CHUNK)?;
        let Some(last) = page.last() else { return Ok(places) };
        after = Some(last.anchor);
        let keys: Vec<Key> = page.iter().map(|staged| Key::dn(&staged.dn)).collect();
        let there: HashSet<(Key, SourceId)> = reader.anchors_by_dn(&keys)?.into_iter().collect();
        let mut keys = keys.into_iter();
        page.retain(|staged| {
            let moved = keys.next().is_some_and(|key| !there.contains(&(key, staged.anchor)));
            // Of two entries with one anchor nobody knows which is the person.
            moved && !matches!(staged.wanted, Wanted::Withheld(_))
        });
        places.extend(page.into_iter().map(|staged| (staged.anchor, staged.dn)));
    }
}

/// Notes who stands elsewhere, whom everybody names who was read anew, and who waits for a manager who
/// is about to come.
pub(in crate::pass) async fn note(
    look: &Look,
    store: &Store,
    moved: Vec<(SourceId, String)>,
) -> Result<(), PassError> {
    let managed = &look.policy.managed;
    if managed.once.contains(Field::Manager) {
        return note_new(look, store).await;
    }
    if !managed.fields.contains(Field::Manager) {
        return Ok(());
    }
    // Who is as before names whom they named; of who names nobody, what was noted once may say
    // something else.
    let alike: Vec<Named> = look.reading.alike.iter().map(|(anchor, one)| (*anchor, one.manager)).collect();
    for some in alike.chunks(CHUNK) {
        store.set_managers(Reports { named: some.to_vec(), ..Reports::default() }).await?;
    }
    // After them: as with anybody whose record did not change, they follow a manager who moves.
    let staying = staying(look, store.reader(), &moved)?;
    store.set_places(Moves { places: moved, staying }).await?;
    for linked in [true, false] {
        let mut after = None;
        loop {
            let page = look.people.wanted_after(linked, after, CHUNK)?;
            let Some(last) = page.last() else { break };
            after = Some(last.anchor);
            let named: Vec<Named> = page.iter().filter_map(named).collect();
            // Whoever has no account yet has no manager either, whom they would keep too long.
            let due = if linked { waiting(look, &named)? } else { Vec::new() };
            store.set_managers(Reports { named, due, ..Reports::default() }).await?;
        }
    }
    Ok(())
}

/// Where a manager is written once, the newcomers alone, each until the manager was looked for.
async fn note_new(look: &Look, store: &Store) -> Result<(), PassError> {
    let mut after = None;
    loop {
        let page = look.people.wanted_after(false, after, CHUNK)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.anchor);
        let named: Vec<Named> = page.iter().filter_map(named).filter(|(_, place)| place.is_some()).collect();
        let due = named.iter().map(|(anchor, _)| (*anchor, Why::New)).collect();
        store.set_managers(Reports { named, due, ..Reports::default() }).await?;
    }
}

/// Whom somebody names who is to be there.
fn named(staged: &StagedWanted) -> Option<Named> {
    let Wanted::Present(person) = &staged.wanted else { return None };
    Some((staged.anchor, person.profile.get(&Field::Manager).map(|dn| Key::dn(dn))))
}

/// Who names a place that somebody left for another, and means whoever stands there now: this pass read
/// the record, and the directory did not rewrite it. Where nobody else stands, the manager is followed.
fn staying(
    look: &Look,
    reader: &Reader,
    moved: &[(SourceId, String)],
) -> Result<BTreeSet<SourceId>, StoreError> {
    if moved.is_empty() || look.reading.from_records {
        return Ok(BTreeSet::new());
    }
    let anchors: Vec<SourceId> = moved.iter().map(|(anchor, _)| *anchor).collect();
    let left: Vec<Key> = reader.rows(&anchors)?.iter().map(|row| Key::dn(&row.dn)).collect();
    let taken = look.people.standing_at(&left)?.into_iter().map(|(place, ..)| place).collect();
    let (index, concerned) = (&look.index, look.reading.concerned.as_ref());
    let was_read = |anchor: &SourceId| {
        concerned.is_none_or(|concerned| concerned.contains(anchor))
            && index.find(*anchor).is_some_and(|at| index.met.get(at) && !index.unusable.get(at))
    };
    Ok(reader.reporters(&taken)?.into_iter().filter(was_read).collect())
}

/// Who names somebody who is about to come, and keeps the manager of before until then.
fn waiting(look: &Look, named: &[Named]) -> Result<Vec<(SourceId, Why)>, StoreError> {
    if look.people.counts().1 == 0 {
        return Ok(Vec::new());
    }
    let places: BTreeSet<Key> = named.iter().filter_map(|(_, place)| *place).collect();
    let there = look.people.standing_at(&places.into_iter().collect::<Vec<_>>())?;
    let coming: BTreeSet<Key> =
        there.into_iter().filter(|(_, _, is_linked)| !is_linked).map(|(place, ..)| place).collect();
    let waits = named.iter().filter(|(_, place)| place.is_some_and(|place| coming.contains(&place)));
    Ok(waits.map(|(anchor, _)| (*anchor, Why::Changed)).collect())
}
