//! What an edit of the rules does, in a line: for `plan`, before anything else.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::{Action, Kind};

/// People whom the plan after an edit touches, by what happens to them, held or not.
#[derive(Debug, Default)]
pub(super) struct Effect(BTreeMap<Kind, u64>);

impl Effect {
    /// Counts one action: there is one of a kind for a person.
    pub(super) fn add(&mut self, action: &Action) {
        *self.0.entry(action.kind).or_default() += 1;
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
        let mut words: Vec<String> = Vec::new();
        for (count, what) in parts.into_iter().filter(|(count, _)| *count > 0) {
            let people = match (words.is_empty(), count) {
                (true, 1) => " person would be",
                (true, _) => " people would be",
                (false, _) => "",
            };
            words.push(format!("{}{people} {what}", grouped(count)));
        }
        match words.as_slice() {
            [] => "The rules changed: nobody would be another person by it.".into(),
            _ => format!("The rules changed: {}.", words.join(", ")),
        }
    }

    /// As JSON: people by kind of action.
    pub(super) fn document(&self) -> Value {
        json!({ "people": self.0.iter().map(|(kind, count)| (kind.name(), count)).collect::<BTreeMap<_, _>>() })
    }
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
            (vec![], "The rules changed: nobody would be another person by it."),
            (vec![(Kind::Update, 1)], "The rules changed: 1 person would be updated."),
            (
                vec![(Kind::Update, 1_204), (Kind::LicenseRemove, 3)],
                "The rules changed: 1,204 people would be updated, 3 deprived of a licence.",
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
