//! What is noted about managers before the first effect, so that nobody is forgotten when the pass is killed.

use std::collections::BTreeSet;

use crate::model::{Field, Key, SourceId, Wanted};
use crate::pass::PassError;
use crate::pass::looked::Look;
use crate::pass::parts::CHUNK;
use crate::store::{Named, Reports, Store, StoreError, Why};

/// Notes who stands elsewhere, whom everybody names who was read anew, and who waits for a manager who
/// is about to come.
pub(in crate::pass) async fn note(
    look: &Look,
    store: &Store,
    moved: Vec<(SourceId, String)>,
) -> Result<(), PassError> {
    if !look.policy.managed.fields.contains(Field::Manager) {
        return Ok(());
    }
    // Who is as before names whom they named; of who names nobody, what was noted once may say
    // something else.
    let alike: Vec<Named> = look.reading.alike.iter().map(|(anchor, one)| (*anchor, one.manager)).collect();
    for some in alike.chunks(CHUNK) {
        store.set_managers(Reports { named: some.to_vec(), ..Reports::default() }).await?;
    }
    // After them: as with anybody whose record did not change, they follow a manager who moves.
    store.set_places(moved).await?;
    for linked in [true, false] {
        let mut after = None;
        loop {
            let page = look.people.wanted_after(linked, after, CHUNK)?;
            let Some(last) = page.last() else { break };
            after = Some(last.anchor);
            let named: Vec<Named> = page
                .iter()
                .filter_map(|staged| match &staged.wanted {
                    Wanted::Present(person) => {
                        Some((staged.anchor, person.profile.get(&Field::Manager).map(|dn| Key::dn(dn))))
                    }
                    Wanted::Leaving(_) | Wanted::Withheld(_) => None,
                })
                .collect();
            // Whoever has no account yet has no manager either, whom they would keep too long.
            let due = if linked { waiting(look, &named)? } else { Vec::new() };
            store.set_managers(Reports { named, due, ..Reports::default() }).await?;
        }
    }
    Ok(())
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
