//! The decision table: what to do about one person, for every combination of desired,
//! snapshot and observed. One match, every cell named.

use crate::model::LinkState;

use super::case::{Case, Match, Seen, Wish};

/// The name of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    /// Should exist, is not there: create.
    Create,
    /// Should exist, an account with the anchor is there: take it back.
    TakeBack,
    /// Should exist, an unclaimed account with the address is there: take it over.
    TakeOver,
    /// Should exist, is linked: correct what differs, often nothing.
    Correct,
    /// Should exist, was linked, and somebody deleted the account: create again.
    Recreate,
    /// Should exist again, after we deactivated a leaver.
    Return,
    /// Left, and the account is still active: deactivate.
    Leave,
    /// Left, and deactivated by us: wait, or delete when the time is over.
    Rest,
    /// Left, and the account is gone too: forget the link.
    Forget,
    /// Not to be there, and nothing of ours is: nothing to do.
    Outsider,
    /// Undecided: never touched.
    Keep,
    /// Should exist and is unknown, but the cloud was not asked: the next pass will ask.
    Unlooked,
}

/// Looks a case up.
pub fn cell(case: &Case) -> Cell {
    use Seen::{Account, AsApplied, Missing, Unasked};
    use Wish::{Gone, Leaving, Present, Undecided};
    let state = case.row.as_ref().map(|row| row.state);
    match (&case.wish, state, &case.seen) {
        (Undecided, _, _) => Cell::Keep,

        (Present(_), None, Account(_)) => match case.matched {
            Some(Match::Anchor) => Cell::TakeBack,
            Some(Match::Email) => Cell::TakeOver,
            // An account that nobody can attribute is not ours to touch.
            None => Cell::Keep,
        },
        (Present(_), None, Missing) => Cell::Create,
        (Present(_), None, AsApplied | Unasked) => Cell::Unlooked,

        (Present(_), Some(LinkState::Present), Account(_) | AsApplied | Unasked) => Cell::Correct,
        (Present(_), Some(LinkState::Left { .. }), Account(_) | AsApplied | Unasked) => Cell::Return,
        (Present(_), Some(_), Missing) => Cell::Recreate,

        (Leaving(_) | Gone, None, _) => Cell::Outsider,
        (Leaving(_) | Gone, Some(_), Missing) => Cell::Forget,
        (Leaving(_) | Gone, Some(LinkState::Present), Account(_) | AsApplied | Unasked) => Cell::Leave,
        (Leaving(_) | Gone, Some(LinkState::Left { .. }), Account(_) | AsApplied | Unasked) => Cell::Rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cause;
    use crate::plan::tests_support::{account, person, row};

    #[test]
    fn every_cell() {
        let wishes = [
            ("present", Wish::Present(person("a"))),
            ("leaving", Wish::Leaving(Cause::Disabled)),
            ("gone", Wish::Gone),
            ("undecided", Wish::Undecided),
        ];
        let rows = [
            ("none", None),
            ("linked", Some(LinkState::Present)),
            ("left", Some(LinkState::Left { since: 0 })),
        ];
        let seens = [
            ("account", Seen::Account(Box::new(account("a")))),
            ("as_applied", Seen::AsApplied),
            ("missing", Seen::Missing),
            ("unasked", Seen::Unasked),
        ];
        let mut table = String::new();
        for (wish_name, wish) in &wishes {
            for (row_name, state) in &rows {
                let line: Vec<String> = seens
                    .iter()
                    .map(|(_, seen)| {
                        let case = Case {
                            anchor: crate::model::SourceId::new([1; 16]),
                            kind: Default::default(),
                            dn: None,
                            wish: wish.clone(),
                            row: state.map(|state| row("a", state)),
                            seen: seen.clone(),
                            matched: Some(Match::Email),
                            held: None,
                            protected: false,
                            proven: true,
                            standing: None,
                        };
                        format!("{:?}", cell(&case))
                    })
                    .collect();
                table.push_str(&format!("{wish_name} {row_name}: {}\n", line.join(" ")));
            }
        }
        assert_eq!(
            table,
            "present none: TakeOver Unlooked Create Unlooked\n\
             present linked: Correct Correct Recreate Correct\n\
             present left: Return Return Recreate Return\n\
             leaving none: Outsider Outsider Outsider Outsider\n\
             leaving linked: Leave Leave Forget Leave\n\
             leaving left: Rest Rest Forget Rest\n\
             gone none: Outsider Outsider Outsider Outsider\n\
             gone linked: Leave Leave Forget Leave\n\
             gone left: Rest Rest Forget Rest\n\
             undecided none: Keep Keep Keep Keep\n\
             undecided linked: Keep Keep Keep Keep\n\
             undecided left: Keep Keep Keep Keep\n"
        );
    }
}
