//! Who leaves because the configuration changed, and not because of the directory.
//!
//! The bounds (scopes of the rules for people and for rooms, bases and filters of the sources) under which everybody was last
//! judged are remembered until nothing that followed from a change of them is open any more. Until
//! then they are compared with those of today.

use std::collections::BTreeMap;

use crate::model::{Action, Bounds, Cause, Fingerprint, Sight, is_under, normal_dn};
use crate::rules::Rules;
use crate::source::Source;
use crate::store::{Meta, Store};

use super::PassError;
use super::act::Acted;
use super::census::SourceSeen;
use super::looked::Look;

/// The rules with the scope that is remembered beside them.
pub fn since(rules: Rules, meta: &Meta) -> Rules {
    match &meta.bounds {
        Some(bounds) => rules.since(&bounds.scope, bounds.rooms.as_ref()),
        None => rules,
    }
}

/// What every source is set to show, by its name.
pub(super) fn sights(sources: &[Box<dyn Source>]) -> BTreeMap<String, Sight> {
    sources.iter().map(|source| (source.name().to_owned(), source.sight())).collect()
}

/// Whether everybody was judged under today's rules, bases and filters: whoever was in since then
/// leaves by the directory.
pub(super) fn are_settled(meta: &Meta, rules: &Rules, sights: &BTreeMap<String, Sight>) -> bool {
    meta.written == rules.written()
        && meta.rules != Fingerprint::NONE
        && sights
            .iter()
            .all(|(name, sight)| meta.sources.get(name).is_some_and(|known| known.sight == *sight))
}

/// The bounds that are remembered, beside those of today.
#[derive(Debug, Default)]
pub struct Narrowed {
    /// Those of today.
    pub now: Bounds,
    /// Those that are remembered.
    before: Option<Bounds>,
    /// See [`are_settled`].
    pub settled: bool,
}

impl Narrowed {
    /// Compares. What was read in this pass says where the people of a source stand today.
    pub(super) fn new(
        meta: &Meta,
        rules: &Rules,
        sights: &BTreeMap<String, Sight>,
        seen: &[SourceSeen],
    ) -> Self {
        let settled = are_settled(meta, rules, sights);
        let bases = |name: &str| {
            let read = seen.iter().find(|one| one.name == name).map(|one| &one.meta.bases);
            read.or_else(|| meta.sources.get(name).map(|known| &known.bases)).map_or(&[][..], Vec::as_slice)
        };
        let sources = sights.iter().map(|(name, sight)| (name.clone(), sight.below(bases(name)))).collect();
        let before = meta.bounds.clone();
        // Rooms that rest go on from the scope under which they were looked after last.
        let rooms = rules.room_scope().cloned();
        let rooms = rooms.or_else(|| before.as_ref().and_then(|before| before.rooms.clone()));
        Self { now: Bounds { scope: rules.scope().clone(), rooms, sources }, before, settled }
    }

    /// Whether nothing differs.
    pub fn are_as_before(&self) -> bool {
        self.before.as_ref() == Some(&self.now)
    }

    /// Whether it is the change that somebody with this DN is not met any more. `record` is the
    /// fingerprint under which the person was last settled.
    pub fn explain(&self, dn: &str, record: Fingerprint) -> bool {
        let Some(before) = &self.before else { return false };
        if before.sources == self.now.sources || self.settled && record != Fingerprint::NONE {
            return false;
        }
        let dn = normal_dn(dn);
        let holds =
            |sight: &Sight| sight.bases.is_empty() || sight.bases.iter().any(|base| is_under(&dn, base));
        before.sources.iter().filter(|(_, then)| holds(then)).any(|(name, then)| {
            self.now.sources.get(name).is_none_or(|now| now.filters != then.filters || !holds(now))
        })
    }
}

/// Remembers today's bounds once nothing that followed from their change is held or undone.
pub(super) async fn remember(look: &Look, store: &Store, acted: &Acted) -> Result<(), PassError> {
    let before = store.reader().meta()?;
    let mut meta = before.clone();
    let narrowed = &look.narrowed;
    if narrowed.are_as_before() {
        meta.leaving_otherwise = None;
    } else {
        let by_change = |action: &Action| action.cause == Cause::ScopeChanged;
        let failed = acted.failed.iter().filter(|one| by_change(&one.action)).count() as u64;
        let otherwise = acted.undone + failed;
        let everybody = look.reading.concerned.is_none() && look.reading.partial.is_empty();
        let held = if everybody {
            meta.leaving_otherwise = Some(otherwise);
            acted.held.iter().any(|one| by_change(&one.action))
        } else {
            let known = meta.leaving_otherwise.filter(|_| narrowed.settled);
            meta.leaving_otherwise = known.map(|known| known + otherwise);
            store.reader().held()?.iter().any(|plan| plan.actions.iter().any(by_change))
        };
        if meta.leaving_otherwise == Some(0) && !held {
            meta.bounds = Some(narrowed.now.clone());
            meta.leaving_otherwise = None;
        }
    }
    if meta != before {
        store.set_meta(meta).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(bases: &[&str], filters: u8) -> Sight {
        Sight { filters: Fingerprint([filters; 16]), ..Sight::default() }
            .below(&bases.iter().map(|base| (*base).to_owned()).collect::<Vec<_>>())
    }

    fn bounds(sources: &[(&str, Sight)]) -> Bounds {
        let sources = sources.iter().map(|(name, sight)| ((*name).to_owned(), sight.clone())).collect();
        Bounds { sources, ..Bounds::default() }
    }

    #[test]
    fn absence_is_explained_by_bases_filters_and_sources_that_changed() {
        let (open, settled) = (Fingerprint::NONE, Fingerprint([1; 16]));
        let before = bounds(&[("hq", sight(&["DC=a, DC=test"], 1)), ("lab", sight(&["dc=b,dc=test"], 1))]);
        let lab = || ("lab", sight(&["dc=b,dc=test"], 1));
        for (now, is_settled, dn, record, expected) in [
            // The base became narrower.
            (
                vec![("hq", sight(&["ou=it,dc=a,dc=test"], 1)), lab()],
                false,
                "cn=x,ou=hr,dc=a,dc=test",
                open,
                true,
            ),
            (
                vec![("hq", sight(&["ou=it,dc=a,dc=test"], 1)), lab()],
                false,
                "cn=x,ou=it,dc=a,dc=test",
                open,
                false,
            ),
            (vec![("hq", sight(&["ou=it,dc=a,dc=test"], 1)), lab()], false, "cn=x,dc=b,dc=test", open, false),
            // Once settled under it, whoever goes is gone.
            (
                vec![("hq", sight(&["ou=it,dc=a,dc=test"], 1)), lab()],
                true,
                "cn=x,ou=hr,dc=a,dc=test",
                settled,
                false,
            ),
            (
                vec![("hq", sight(&["ou=it,dc=a,dc=test"], 1)), lab()],
                true,
                "cn=x,ou=hr,dc=a,dc=test",
                open,
                true,
            ),
            // Another filter may have hidden anybody.
            (
                vec![("hq", sight(&["dc=a,dc=test"], 2)), lab()],
                false,
                "cn=x,ou=hr,dc=a,dc=test",
                settled,
                true,
            ),
            // A source was taken out.
            (vec![lab()], false, "cn=x,ou=hr,dc=a,dc=test", open, true),
            // Nothing changed.
            (vec![("hq", sight(&["dc=a,dc=test"], 1)), lab()], false, "cn=x,ou=hr,dc=a,dc=test", open, false),
        ] {
            let now = bounds(&now);
            let narrowed = Narrowed { now: now.clone(), before: Some(before.clone()), settled: is_settled };
            assert_eq!(narrowed.explain(dn, record), expected, "{dn} under {now:?}");
        }
        let fresh = Narrowed { now: bounds(&[]), before: None, settled: false };
        assert!(!fresh.explain("cn=x,dc=test", open), "nothing is remembered yet");
    }
}
