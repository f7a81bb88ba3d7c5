//! The order in which a plan is carried out.
//!
//! What frees comes before what takes: seats of leavers before licences of newcomers, an
//! address before its next owner. Roles come late, since a change of roles ends a person's
//! sessions; deletes come last. Only leavers lose their roles before they are deactivated.

use std::collections::BTreeMap;

use crate::model::{Action, Attr, Key, Kind, SourceId};

/// The phase of an action. Phases run one after the other; inside a phase order is free.
pub fn phase(action: &Action) -> u8 {
    match action.kind {
        Kind::LicenseRemove => 0,
        Kind::RoleChange if action.cause.is_leaving() => 1,
        Kind::Deactivate => 2,
        Kind::Reactivate => 3,
        // After the account, and after the licences that they speak of.
        Kind::Update if action.is_setting() => 9,
        Kind::Adopt | Kind::Update => 4,
        Kind::Create => 5,
        // A host who attends from now on frees a seat and needs none.
        Kind::LicenseAdd if action.removes() && needs_no_seat(action) => 6,
        Kind::LicenseAdd if !action.removes() => 7,
        // After the others of the same person, as each is a call of its own.
        Kind::LicenseAdd => 8,
        Kind::RoleChange => 10,
        Kind::Delete => 11,
        Kind::ContactCreate | Kind::ContactUpdate | Kind::ContactDelete => 11,
        // Groups follow the people: whoever is new in one has to exist.
        Kind::GroupCreate => 12,
        Kind::GroupUpdate => 13,
        Kind::GroupDelete => 14,
    }
}

/// Whether all that is given is attending a site.
fn needs_no_seat(action: &Action) -> bool {
    action
        .changes
        .iter()
        .filter(|change| change.to.is_some())
        .all(|change| matches!(&change.field, Attr::License(id) if id.attended_site().is_some()))
}

/// One linked person who changes the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readdress {
    /// Who.
    pub anchor: SourceId,
    /// The address that becomes free.
    pub from: Key,
    /// The address that is needed.
    pub to: Key,
}

/// Address changes in rounds: those of a round only need addresses that are free or were
/// freed in an earlier round. What is left over goes in circles (two people who swap).
pub fn rounds(moves: &[Readdress]) -> (Vec<Vec<SourceId>>, Vec<SourceId>) {
    let holder: BTreeMap<Key, SourceId> = moves.iter().map(|m| (m.from, m.anchor)).collect();
    // 0 means not known yet; the round of a person is one after that of who holds the address.
    let by_anchor: BTreeMap<SourceId, &Readdress> = moves.iter().map(|m| (m.anchor, m)).collect();
    let mut round: BTreeMap<SourceId, Option<usize>> = BTreeMap::new();
    for start in by_anchor.keys() {
        let mut chain = Vec::new();
        let mut at = Some(*start);
        let mut base = Some(0);
        while let Some(anchor) = at {
            if let Some(known) = round.get(&anchor) {
                base = known.map(|n| n + 1);
                break;
            }
            if chain.contains(&anchor) {
                base = None;
                break;
            }
            chain.push(anchor);
            at = by_anchor
                .get(&anchor)
                .and_then(|m| holder.get(&m.to))
                .copied()
                .filter(|next| *next != anchor);
        }
        for anchor in chain.into_iter().rev() {
            round.insert(anchor, base);
            base = base.map(|n| n + 1);
        }
    }
    let depth = round.values().flatten().max().map_or(0, |n| n + 1);
    let mut rounds = vec![Vec::new(); depth];
    let mut circles = Vec::new();
    for (anchor, n) in round {
        match n {
            Some(n) => rounds[n].push(anchor),
            None => circles.push(anchor),
        }
    }
    (rounds, circles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, Change, LicenseId};

    fn moves(list: &[(u8, &str, &str)]) -> Vec<Readdress> {
        list.iter()
            .map(|(n, from, to)| Readdress {
                anchor: SourceId::new([*n; 16]),
                from: Key::exact(from),
                to: Key::exact(to),
            })
            .collect()
    }

    fn shown(list: &[(u8, &str, &str)]) -> String {
        let (rounds, circles) = rounds(&moves(list));
        let name =
            |ids: &Vec<SourceId>| ids.iter().map(|id| id.as_bytes()[0].to_string()).collect::<String>();
        let rounds: Vec<String> = rounds.iter().map(name).collect();
        format!("{} / {}", rounds.join(" "), name(&circles))
    }

    #[test]
    fn whoever_holds_the_address_goes_first() {
        assert_eq!(shown(&[]), " / ");
        assert_eq!(shown(&[(1, "a", "b"), (2, "b", "c"), (3, "c", "d")]), "3 2 1 / ");
        assert_eq!(shown(&[(1, "a", "x"), (2, "b", "y")]), "12 / ");
    }

    #[test]
    fn a_host_who_attends_makes_room_for_the_next_host() {
        let (host, site) = (LicenseId::new("host"), LicenseId::attendee("x.webex.example"));
        let action = |changes| Action {
            kind: Kind::LicenseAdd,
            anchor: SourceId::new([1; 16]),
            who: "ann@example.com".parse().unwrap(),
            dn: None,
            cloud_id: None,
            changes,
            cause: Cause::Entitled,
        };
        let attends = action(vec![Change::take(host.clone()), Change::give(site.clone())]);
        let hosts = action(vec![Change::take(site), Change::give(host.clone())]);
        let new = action(vec![Change::give(host)]);
        assert!(phase(&attends) < phase(&new) && phase(&new) < phase(&hosts));
    }

    #[test]
    fn swaps_are_told_apart() {
        assert_eq!(shown(&[(1, "a", "b"), (2, "b", "a"), (3, "c", "d")]), "3 / 12");
        assert_eq!(shown(&[(1, "a", "b"), (2, "b", "a"), (3, "c", "a")]), " / 123");
    }
}
