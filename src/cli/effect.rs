//! What an edit of the rules does, in a line: for `plan`, before anything else.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::Kind;

/// People, groups and contacts that the plan after an edit touches, by what happens to them, held or not.
#[derive(Debug, Default)]
pub(super) struct Effect(BTreeMap<Kind, u64>);

impl Effect {
    /// Counts one kind of action on one object.
    pub(super) fn add(&mut self, kind: Kind) {
        *self.0.entry(kind).or_default() += 1;
    }

    /// A sentence.
    pub(super) fn words(&self) -> String {
        let of = |kind| self.0.get(&kind).copied().unwrap_or(0);
        let parts = [
            (of(Kind::Update), "updated"),
            (of(Kind::Create), "created"),
            (of(Kind::Adopt), "taken over"),
            (of(Kind::Reactivate), "reactivated"),
            (of(Kind::LicenseAdd), "given a licence"),
            (of(Kind::LicenseRemove), "deprived of a licence"),
            (of(Kind::RoleChange), "given other roles"),
            (of(Kind::Deactivate), "deactivated"),
            (of(Kind::Delete), "deleted"),
        ];
        let people = sentence(&parts, ["person", "people"]);
        let parts = [
            (of(Kind::GroupCreate), "created"),
            (of(Kind::GroupUpdate), "changed"),
            (of(Kind::GroupDelete), "deleted"),
        ];
        let groups = sentence(&parts, ["group", "groups"]);
        let parts = [
            (of(Kind::ContactUpdate), "changed"),
            (of(Kind::ContactCreate), "created"),
            (of(Kind::ContactDelete), "deleted"),
        ];
        let contacts = sentence(&parts, ["contact", "contacts"]);
        let words: Vec<String> = people.into_iter().chain(groups).chain(contacts).collect();
        match words.as_slice() {
            [] => "The rules changed: nothing would change by it.".into(),
            _ => format!("The rules changed: {}.", words.join("; ")),
        }
    }

    /// As JSON: people, groups and contacts by kind of action.
    pub(super) fn document(&self) -> Value {
        let of = |which: fn(Kind) -> bool| -> BTreeMap<&str, u64> {
            let chosen = self.0.iter().filter(|(kind, _)| which(**kind));
            chosen.map(|(kind, count)| (kind.name(), *count)).collect()
        };
        json!({
            "people": of(|kind| !kind.is_group() && !kind.is_contact()),
            "groups": of(Kind::is_group),
            "contacts": of(Kind::is_contact),
        })
    }
}

/// What would be done to how many, where it is anything.
fn sentence(parts: &[(u64, &str)], noun: [&str; 2]) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    for (count, what) in parts.iter().filter(|(count, _)| *count > 0) {
        let subject = match words.is_empty() {
            true => format!(" {} would be", noun[usize::from(*count != 1)]),
            false => String::new(),
        };
        words.push(format!("{}{subject} {what}", grouped(*count)));
    }
    (!words.is_empty()).then(|| words.join(", "))
}

/// A number with commas between the thousands.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_said_in_a_line() {
        for (counts, line) in [
            (vec![], "The rules changed: nothing would change by it."),
            (vec![(Kind::Update, 1)], "The rules changed: 1 person would be updated."),
            (
                vec![(Kind::Update, 1_204), (Kind::LicenseRemove, 3)],
                "The rules changed: 1,204 people would be updated, 3 deprived of a licence.",
            ),
            (
                vec![(Kind::Update, 1), (Kind::GroupUpdate, 2), (Kind::GroupCreate, 1)],
                "The rules changed: 1 person would be updated; 1 group would be created, 2 changed.",
            ),
            (
                vec![(Kind::LicenseAdd, 2), (Kind::ContactDelete, 3)],
                "The rules changed: 2 people would be given a licence; 3 contacts would be deleted.",
            ),
            (
                vec![(Kind::Deactivate, 1_000_000)],
                "The rules changed: 1,000,000 people would be deactivated.",
            ),
        ] {
            assert_eq!(Effect(counts.into_iter().collect()).words(), line);
        }
    }
}
