//! Somebody new may be somebody known, who moved here from another domain: whoever is known by the
//! same value is looked up, too, so that the pass can tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Key, LinkState, Lookup, MANY, SourceId, Wanted};
use crate::rules::GroupSet;

use super::super::PassError;
use super::ear::Ear;

/// Looks up whom the records found so far may belong to, and whoever waits for somebody to go.
pub(super) async fn follow(ear: &mut Ear<'_>) -> Result<(), PassError> {
    if !ear.hearing.rules.joins() {
        return Ok(());
    }
    let reader = ear.hearing.reader;
    if somebody_leaves(ear)? {
        // With the same value somebody new may have been withheld, whom no change names now.
        let waiting: Vec<SourceId> =
            reader.unfinished(MANY)?.into_iter().filter(|anchor| !ear.concerned.contains(anchor)).collect();
        let linked: BTreeSet<SourceId> =
            reader.links_of(0, &waiting)?.into_iter().map(|link| link.anchor).collect();
        let new = waiting.into_iter().filter(|anchor| !linked.contains(anchor)).collect();
        ear.people_anywhere(Lookup::People(new)).await;
    }
    let found: Vec<SourceId> = ear.found.iter().copied().collect();
    let known: BTreeSet<SourceId> = reader.links_of(0, &found)?.into_iter().map(|link| link.anchor).collect();
    let keys: Vec<Key> = ear
        .people
        .iter()
        .filter(|record| !known.contains(&record.anchor))
        .filter_map(|record| ear.hearing.rules.join_key(record))
        .collect();
    let owners: BTreeMap<SourceId, Key> =
        reader.joined(&keys)?.into_iter().map(|(key, anchor)| (anchor, key)).collect();
    let owners: Vec<SourceId> = owners.into_keys().filter(|anchor| !ear.concerned.contains(anchor)).collect();
    ear.left.extend(reader.links_of(0, &owners)?.iter().filter(|link| link.left).map(|link| link.anchor));
    ear.people_anywhere(Lookup::People(owners)).await;
    Ok(())
}

/// Whether somebody who is known by a value may be about to leave. Groups are not known yet: where
/// the scope goes by them, everybody may be.
fn somebody_leaves(ear: &Ear<'_>) -> Result<bool, PassError> {
    let (rules, now) = (ear.hearing.rules, ear.hearing.now);
    let groups = GroupSet::new();
    let stay: BTreeSet<SourceId> = ear
        .people
        .iter()
        .filter(|_| !rules.keep_groups_out())
        .filter(|record| !matches!(rules.judge(record, &groups, now).wanted, Wanted::Leaving(_)))
        .map(|record| record.anchor)
        .collect();
    let others: Vec<SourceId> = ear.concerned.difference(&stay).copied().collect();
    let rows = ear.hearing.reader.rows(&others)?;
    Ok(rows.iter().any(|row| row.joined.is_some() && row.state == LinkState::Present))
}
